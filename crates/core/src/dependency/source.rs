//! The bytes of a Python file as text: byte-order mark, coding cookie (PEP 263), and what is left of files in neither.

use std::borrow::Cow;

use super::imports::Fault;

/// Text of a file, and what Python would not take in its bytes.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub text: Cow<'a, str>,
    pub fault: Option<Fault<String>>,
}

/// Reads `bytes` as Python would. What is in no encoding known here is read as Latin-1: that leaves ASCII as it is in each
/// encoding that Python allows for source, and the names of modules are nearly always ASCII.
pub(super) fn decode(bytes: &[u8]) -> Source<'_> {
    let marked = bytes.strip_prefix(b"\xef\xbb\xbf");
    let bytes = marked.unwrap_or(bytes);
    let is_utf8 = marked.is_some() || cookie(bytes).is_none_or(|name| is_name_of_utf8(&name));
    let (text, mut fault) = match std::str::from_utf8(bytes) {
        // An ASCII file is the same in each.
        Ok(text) if is_utf8 || text.is_ascii() => (Cow::Borrowed(text), None),
        Err(error) if is_utf8 => {
            let line = line_at(bytes, error.valid_up_to());
            (
                Cow::Owned(latin_1(bytes)),
                Some(Fault { line, message: "it is not UTF-8 and names no other encoding".into() }),
            )
        }
        _ => (Cow::Owned(latin_1(bytes)), None),
    };
    if !text.contains('\0') {
        return Source { text, fault };
    }
    if fault.is_none() {
        let at = text.find('\0').unwrap_or_default();
        fault = Some(Fault { line: line_at(text.as_bytes(), at), message: "it contains null bytes".into() });
    }
    Source { text: Cow::Owned(text.replace('\0', " ")), fault }
}

fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The encoding that one of the first two lines names: `^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)`.
fn cookie(bytes: &[u8]) -> Option<String> {
    for (index, line) in bytes.split(|byte| *byte == b'\n').take(2).enumerate() {
        let start = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\x0c' | b'\r'));
        let Some(start) = start else { continue };
        if line[start] != b'#' {
            return None;
        }
        if let Some(name) = named_in(&line[start..]) {
            return Some(name);
        }
        if index == 1 {
            return None;
        }
    }
    None
}

fn named_in(comment: &[u8]) -> Option<String> {
    const WORD: &[u8] = b"coding";
    let mut from = 0;
    while let Some(at) = comment[from..].windows(WORD.len()).position(|window| window == WORD) {
        let rest = &comment[from + at + WORD.len()..];
        from += at + 1;
        let Some(rest) = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"=")) else { continue };
        let name = rest.iter().skip_while(|byte| matches!(byte, b' ' | b'\t'));
        let name: Vec<u8> = name.copied().take_while(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b)).collect();
        if !name.is_empty() {
            return String::from_utf8(name).ok();
        }
    }
    None
}

fn is_name_of_utf8(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    matches!(name.as_str(), "utf-8" | "utf8" | "u8" | "utf" | "utf-8-sig" | "cp65001" | "ascii" | "us-ascii")
        || name.starts_with("utf-8-")
}

/// The line of a place, from 1, ends of lines as Python knows them.
pub(super) fn line_at(text: &[u8], place: usize) -> u32 {
    let mut lines = Lines::new(text);
    lines.at(place)
}

/// Turns places of a text into lines; quickest where they come in order.
pub(super) struct Lines<'a> {
    text: &'a [u8],
    place: usize,
    line: u32,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, place: 0, line: 1 }
    }

    pub(super) fn at(&mut self, place: usize) -> u32 {
        if place < self.place {
            *self = Self::new(self.text);
        }
        let end = place.min(self.text.len());
        for index in self.place..end {
            let ends = match self.text[index] {
                b'\n' => true,
                b'\r' => self.text.get(index + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u32::from(ends);
        }
        self.place = end;
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_found_as_python_finds_them() {
        for (bytes, name) in [
            (&b"# -*- coding: latin-1 -*-\n"[..], Some("latin-1")),
            (b"#!/usr/bin/python\n# vim: set fileencoding=cp1252 :\n", Some("cp1252")),
            (b"\n\t# coding:utf8\n", Some("utf8")),
            (b"import a\n# coding: latin-1\n", None),
            (b"\n\n# coding: latin-1\n", None),
            (b"# encoding is latin-1\n", None),
        ] {
            assert_eq!(cookie(bytes).as_deref(), name, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn odd_bytes_become_text() {
        assert_eq!(decode(b"\xef\xbb\xbfimport a").text, "import a");
        assert_eq!(decode(b"# coding: latin-1\nx = '\xe9'").text, "# coding: latin-1\nx = 'é'");
        let faulty = decode(b"a = 1\nx = '\xe9'\n");
        assert_eq!((faulty.text.as_ref(), faulty.fault.map(|fault| fault.line)), ("a = 1\nx = 'é'\n", Some(2)));
        let nulls = decode(b"import a\r\n\0import b");
        assert_eq!((nulls.text.as_ref(), nulls.fault.map(|fault| fault.line)), ("import a\r\n import b", Some(2)));
    }

    #[test]
    fn lines_end_as_in_python() {
        let mut lines = Lines::new(b"a\r\nb\rc\nd");
        assert_eq!([lines.at(0), lines.at(3), lines.at(5), lines.at(7), lines.at(3)], [1, 2, 3, 4, 2]);
    }
}
