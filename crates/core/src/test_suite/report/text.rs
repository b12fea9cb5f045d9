//! Text that came out of a test, made fit to be shown: no terminal sequences, no bytes that a format forbids.

use std::borrow::Cow;

/// `text` without terminal escape sequences, and with `U+FFFD` for each character that XML 1.0 does not allow
/// (section 2.2, `Char`): control characters other than tab, newline and carriage return, `U+FFFE`, `U+FFFF`.
#[must_use]
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_allowed) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}' {
            let length = escape_length(rest);
            if length > 0 {
                rest = &rest[length..];
                continue;
            }
        }
        out.push(if is_allowed(c) { c } else { '\u{fffd}' });
        rest = &rest[c.len_utf8()..];
    }
    Cow::Owned(out)
}

/// `text` on one line: as [`clean`], each run of white space one blank, none at the ends.
#[must_use]
pub fn one_line(text: &str) -> String {
    let clean = clean(text);
    let mut out = String::with_capacity(clean.len());
    for word in clean.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// `text` cut to about `limit` bytes: its first third and its end, and how much is missing between.
#[must_use]
pub fn shorten(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let head = floor_boundary(text, limit / 3);
    let tail = floor_boundary(text, text.len() - (limit - limit / 3));
    Cow::Owned(format!("{}\n… {} bytes left out …\n{}", &text[..head], tail - head, &text[tail..]))
}

fn floor_boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{7e}' | '\u{80}'..='\u{fffd}' | '\u{10000}'..)
}

/// Bytes of the escape sequence that `text` starts with (ECMA-48: CSI, OSC, two-character ones), or 0.
fn escape_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(1) {
        Some(b'[') => bytes[2..]
            .iter()
            .position(|byte| (0x40..=0x7e).contains(byte))
            .filter(|end| bytes[2..2 + end].iter().all(|byte| (0x20..0x40).contains(byte)))
            .map_or(0, |end| end + 3),
        Some(b']') => bytes[2..].iter().take(4096).position(|byte| *byte == 0x07 || *byte == 0x1b).map_or(0, |end| {
            let terminator = usize::from(bytes.get(2 + end + 1) == Some(&b'\\'));
            2 + end + 1 + if bytes[2 + end] == 0x1b { terminator } else { 0 }
        }),
        Some(0x30..=0x7e) => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_is_borrowed() {
        assert!(matches!(clean("a\tb\r\nü 漢 🦀"), Cow::Borrowed(_)));
    }

    #[test]
    fn terminal_sequences_go_and_forbidden_characters_are_replaced() {
        assert_eq!(clean("\u{1b}[31;1mred\u{1b}[0m"), "red");
        assert_eq!(clean("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\!"), "link!");
        assert_eq!(clean("a\u{1e}b\0c\u{fffe}\u{7f}"), "a\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}");
        assert_eq!(clean("end\u{1b}"), "end\u{fffd}");
        assert_eq!(clean("\u{1b}[31é"), "\u{fffd}[31é");
    }

    #[test]
    fn one_line_joins_lines() {
        assert_eq!(one_line("  assert 1\n   == 2 \u{1b}[0m\n"), "assert 1 == 2");
    }

    #[test]
    fn shorten_keeps_both_ends_and_never_splits_a_character() {
        let text = "é".repeat(1000);
        let short = shorten(&text, 301);
        assert!(short.contains("bytes left out"), "{short}");
        assert!(short.len() < 400);
        assert_eq!(shorten("abc", 3), "abc");
    }
}
