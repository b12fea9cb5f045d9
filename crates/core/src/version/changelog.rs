//! A changelog as a list of entries that together are the file, byte for byte.
//!
//! An entry begins at its heading and ends where the next one begins. What stands before the first (a byte-order mark, a
//! title) is kept too. Nothing is ever rewritten: line ends, blanks and bytes that are no UTF-8 stay as they are.

use semver::Version;

use super::heading;

/// What some editors put at the start of a file.
pub(super) const MARK: &[u8] = b"\xef\xbb\xbf";

/// A changelog, newest entry first as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changelog {
    head: Vec<u8>,
    entries: Vec<Entry>,
}

/// One version's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its line in the file, from 1.
    pub line: usize,
    /// What its heading says before the version.
    pub name: String,
    /// Its version, or the text that stands in its place.
    pub version: Result<Version, String>,
    /// Its date as `YYYY-MM-DD`, where its first line says one.
    pub date: Option<String>,
    raw: Vec<u8>,
}

impl Changelog {
    /// Reads a file. Headings of one level are entries: that of the first heading with a version.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let start = if bytes.starts_with(MARK) { MARK.len() } else { 0 };
        let mut changelog = Self { head: bytes[..start].to_vec(), entries: Vec::new() };
        let mut level = None;
        for (index, line) in bytes[start..].split_inclusive(|byte| *byte == b'\n').enumerate() {
            let text = String::from_utf8_lossy(line);
            let found = heading::read(text.trim_end());
            if let Some(heading) = found.filter(|heading| level.is_none_or(|level| level == heading.level)) {
                level = Some(heading.level);
                changelog.entries.push(Entry {
                    line: index + 1,
                    name: heading.name,
                    version: heading.version,
                    date: None,
                    raw: line.to_vec(),
                });
                continue;
            }
            match changelog.entries.last_mut() {
                Some(entry) => {
                    if entry.line == index {
                        entry.date = date(text.trim());
                    }
                    entry.raw.extend_from_slice(line);
                }
                None => changelog.head.extend_from_slice(line),
            }
        }
        changelog
    }

    /// The file again.
    #[must_use]
    pub fn render(&self) -> Vec<u8> {
        let mut bytes = self.head.clone();
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.raw);
        }
        bytes
    }

    /// Its entries, as they stand.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Whether it says nothing at all.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.entries.is_empty() && self.after_mark().iter().all(u8::is_ascii_whitespace)
    }

    /// Where a new entry goes: before the others; in a file without any, at its start.
    pub(super) fn place_of_new(&self) -> usize {
        let mark = self.head.len() - self.after_mark().len();
        if self.entries.is_empty() { mark } else { self.head.len() }
    }

    fn after_mark(&self) -> &[u8] {
        self.head.strip_prefix(MARK).unwrap_or(&self.head)
    }
}

/// `- YYYY-MM-DD`.
fn date(line: &str) -> Option<String> {
    let text = line.strip_prefix('-')?.trim();
    let is_date = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    is_date.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn versions(text: &str) -> Vec<(usize, String)> {
        let changelog = Changelog::parse(text.as_bytes());
        let shown = |entry: &Entry| entry.version.clone().map_or_else(|bad| bad, |version| version.to_string());
        changelog.entries().iter().map(|entry| (entry.line, shown(entry))).collect()
    }

    #[test]
    fn entries_know_their_line_and_date() {
        let text = "\u{feff}# Changelog\r\n\r\n# Infra-1.1.0\r\n- 2024-01-02\r\n- x\r\n\r\n# infra-1.0.0\r\n- x\r\n- 2024-01-01\r\n";
        assert_eq!(versions(text), [(3, "1.1.0".into()), (7, "1.0.0".into())]);
        let dates: Vec<_> = Changelog::parse(text.as_bytes()).entries.into_iter().map(|entry| entry.date).collect();
        assert_eq!(dates, [Some("2024-01-02".into()), None]);
    }

    #[test]
    fn lower_headings_belong_to_their_entry() {
        assert_eq!(
            versions("# infra-1.1.0\n## Python 3.12\n- x\n# infra-1.0.0\n"),
            [(1, "1.1.0".into()), (4, "1.0.0".into())]
        );
    }

    proptest! {
        #[test]
        fn nothing_is_lost(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(Changelog::parse(&bytes).render(), bytes);
        }

        #[test]
        fn nothing_is_lost_of_what_looks_like_a_changelog(
            text in "(\u{feff})?([#\\- ]{0,3}[iI]?[-v ]?[0-9.]{0,6}\r?\n){0,12}"
        ) {
            prop_assert_eq!(Changelog::parse(text.as_bytes()).render(), text.as_bytes());
        }
    }
}
