//! The heading of an entry: `# <name>-X.Y.Z`.
//!
//! Read with some patience (any number of `#`, a blank instead of `-`, odd capitals, brackets and full stops around the
//! version), because older files were written by hand. The version itself is strict: `1.2`, `v1.2.3` and `01.2.3` are
//! none (Semantic Versioning 2.0.0, items 2 and 9 to 11).

use semver::Version;

/// A heading that states a version, or tries to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heading {
    /// How many `#` it has.
    pub level: usize,
    /// What stands before the version.
    pub name: String,
    /// The version, or the text that stands in its place.
    pub version: Result<Version, String>,
}

/// Reads a line without its end; `None` where it is no heading, or one that has nothing like a version.
pub(super) fn read(line: &str) -> Option<Heading> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    if level == 0 {
        return None;
    }
    let mut bad: Option<(usize, &str)> = None;
    for (start, word) in words(text) {
        for (at, candidate) in candidates(word) {
            match Version::parse(candidate) {
                Ok(version) => return Some(Heading { level, name: name(&text[..start + at]), version: Ok(version) }),
                Err(_) => bad = bad.or(Some((start + at, candidate))),
            }
        }
    }
    bad.map(|(at, candidate)| Heading { level, name: name(&text[..at]), version: Err(candidate.to_owned()) })
}

/// Words without the marks around them, each with its place.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(|word| {
        let marks = |character: char| "()[]{}:,;.`*\"'".contains(character);
        let plain = word.trim_matches(marks);
        // Both are slices of `text`.
        (plain.as_ptr() as usize - text.as_ptr() as usize, plain)
    })
}

/// Ends of a word that look like a version: digits and a full stop, perhaps with a `v` before them.
fn candidates(word: &str) -> impl Iterator<Item = (usize, &str)> {
    let separators = word.match_indices(['-', '@', '/', '=']).map(|(at, mark)| at + mark.len());
    std::iter::once(0).chain(separators).map(|at| (at, &word[at..])).filter(|(_, rest)| is_like_a_version(rest))
}

fn is_like_a_version(text: &str) -> bool {
    let digits = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let rest = digits.trim_start_matches(|character: char| character.is_ascii_digit());
    rest.len() < digits.len() && rest.starts_with('.')
}

fn name(before: &str) -> String {
    before.trim_matches(|character: char| character.is_whitespace() || "-@/=([:,`*\"'".contains(character)).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> (String, String) {
        let heading = read(line).unwrap_or_else(|| panic!("{line} is a heading"));
        (heading.name, heading.version.map_or_else(|text| format!("bad {text}"), |version| version.to_string()))
    }

    #[test]
    fn headings_as_people_write_them() {
        let cases = [
            ("# infra-1.2.3", "infra", "1.2.3"),
            ("#Infra 1.2.3.", "Infra", "1.2.3"),
            ("## [1.2.3] - 2024-01-02", "", "1.2.3"),
            ("# infra-2-1.2.3", "infra-2", "1.2.3"),
            ("# py3.11-tools-1.2.3", "py3.11-tools", "1.2.3"),
            ("# a-3.4-b-1.2.3", "a-3.4-b", "1.2.3"),
            ("# acme/infra-1.2.3-rc.1", "acme/infra", "1.2.3-rc.1"),
            ("# infra-1.2.3-1.4", "infra", "1.2.3-1.4"),
            ("# infra-1.2", "infra", "bad 1.2"),
            ("# infra-v1.2.3", "infra", "bad v1.2.3"),
            ("# v1.2.3", "", "bad v1.2.3"),
            ("# infra-01.2.3", "infra", "bad 01.2.3"),
            ("# infra-1.2.3.4", "infra", "bad 1.2.3.4"),
        ];
        for (line, name, version) in cases {
            assert_eq!(found(line), (name.to_owned(), version.to_owned()), "{line}");
        }
    }

    #[test]
    fn a_title_is_no_entry() {
        for line in ["# Changelog", "# infra", "#", "", "- 1.2.3", "infra-1.2.3", "# infra-2024-01-02", "# a..b"] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
