//! Versions of runnable dirs, as `changelog.txt` states them.
//!
//! Owns the rule "the version is the first `X.Y.Z` in the dir's own file, newest first" and the order of
//! versions (semantic, so 1.10.0 comes after 1.9.0). Refuses to guess: a changelog that has entries but no version
//! is reported.

use std::path::Path;

use semver::Version;

/// Name of the file.
pub const FILE: &str = "changelog.txt";

/// The version of a dir that has no changelog yet.
#[must_use]
pub fn first() -> Version {
    Version::new(0, 1, 0)
}

/// What a dir's changelog says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stated {
    /// There is none, or it is empty: [`first`] counts.
    Nothing,
    /// Its newest version.
    Version(Version),
    /// It has text but no version in it, or cannot be read; the reason.
    Unclear(String),
}

impl Stated {
    /// The version that counts.
    #[must_use]
    pub fn version(&self) -> Version {
        match self {
            Self::Version(version) => version.clone(),
            Self::Nothing | Self::Unclear(_) => first(),
        }
    }
}

/// Reads the changelog of a runnable dir.
#[must_use]
pub fn read(dir: &Path) -> Stated {
    match std::fs::read(dir.join(FILE)) {
        Ok(bytes) => parse(&String::from_utf8_lossy(&bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Stated::Nothing,
        Err(error) => Stated::Unclear(error.to_string()),
    }
}

/// The newest version in the text of a changelog.
#[must_use]
pub fn parse(text: &str) -> Stated {
    if text.trim().is_empty() {
        return Stated::Nothing;
    }
    let found = text.lines().flat_map(|line| line.split(|character: char| !is_part(character))).find_map(plain);
    found.map_or_else(|| Stated::Unclear("it has no version X.Y.Z".into()), Stated::Version)
}

fn is_part(character: char) -> bool {
    character.is_ascii_digit() || character == '.'
}

fn plain(word: &str) -> Option<Version> {
    Version::parse(word.trim_matches('.')).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_counts_whatever_its_heading() {
        assert_eq!(
            parse("# infra-1.10.0\n- 2026-01-02\n- x\n\n# infra-1.9.0\n"),
            Stated::Version(Version::new(1, 10, 0))
        );
        assert_eq!(parse("\u{feff}# Infra 2.0.1.\r\n"), Stated::Version(Version::new(2, 0, 1)));
    }

    #[test]
    fn nothing_is_not_unclear() {
        assert_eq!(parse(" \n"), Stated::Nothing);
        assert!(matches!(parse("# infra-1.2\n- 2026-01-02\n"), Stated::Unclear(_)));
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(Version::new(1, 10, 0) > Version::new(1, 9, 0));
    }
}
