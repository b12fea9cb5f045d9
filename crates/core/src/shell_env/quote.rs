//! Any bytes as one word of a shell, and as plain ASCII in the state.

use super::shell::Shell;

/// `bytes` as one word of `shell`, taken literally. A variable cannot hold NUL, so there is none.
pub(super) fn quoted(shell: Shell, bytes: &[u8]) -> Vec<u8> {
    match shell {
        Shell::Fish => in_fish(bytes),
        Shell::Bash | Shell::Zsh | Shell::Sh => in_posix(bytes),
    }
}

/// Within single quotes nothing is special but the closing quote (POSIX, "Quoting").
fn in_posix(bytes: &[u8]) -> Vec<u8> {
    let mut word = vec![b'\''];
    for byte in bytes {
        match byte {
            b'\'' => word.extend(b"'\\''"),
            other => word.push(*other),
        }
    }
    word.push(b'\'');
    word
}

/// Within single quotes `\\` and `\'` are special (fish, "Quotes"). What is no UTF-8 is written as bytes, outside of them.
fn in_fish(bytes: &[u8]) -> Vec<u8> {
    let mut word = vec![b'\''];
    for chunk in bytes.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            if matches!(byte, b'\'' | b'\\') {
                word.push(b'\\');
            }
            word.push(byte);
        }
        if !chunk.invalid().is_empty() {
            word.push(b'\'');
            for byte in chunk.invalid() {
                word.extend(format!("\\X{byte:02x}").bytes());
            }
            word.push(b'\'');
        }
    }
    word.push(b'\'');
    word
}

/// `bytes` as letters, digits, `/`, `.`, `-` and `%xx`.
pub(super) fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_') {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02x}"));
        }
    }
    text
}

/// What [`encoded`] was given; `None` for what it does not give.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(bytes)
}
