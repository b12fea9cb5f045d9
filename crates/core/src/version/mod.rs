//! Versions of runnable dirs, as `changelog.txt` states them.
//!
//! Owns the form of that file ([`Changelog`], which keeps every byte), the rule "the version is that of the top entry",
//! what makes a changelog wrong ([`check`]) and how an entry is added ([`bump`]). Versions are semantic, so 1.10.0 comes
//! after 1.9.0. Refuses to guess: a top entry whose version is not `X.Y.Z` is reported, not skipped. Refuses to know Git
//! and images too: what is compared with a release is handed in.

pub mod apply;
pub mod bump;
mod changelog;
pub mod check;
mod heading;

use std::io::Read;
use std::path::Path;

use semver::Version;

pub use bump::{BumpError, Part};
pub use changelog::{Changelog, Entry};
pub use check::{Base, Finding, Severity};

/// More of a changelog is not needed to see its newest entry.
pub const MOST: usize = 1 << 20;

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

/// The first bytes of a regular file, one more than `most` at most: so that a larger one shows.
///
/// # Errors
/// When it cannot be read, or is a device, a pipe or a folder.
pub fn beginning(file: &Path, most: usize) -> std::io::Result<Vec<u8>> {
    if std::fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(file)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads the changelog of a runnable dir.
#[must_use]
pub fn read(dir: &Path) -> Stated {
    match beginning(&dir.join(FILE), MOST) {
        Ok(bytes) => parse(&bytes),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Stated::Nothing,
        Err(error) => Stated::Unclear(error.to_string()),
    }
}

/// The newest version in a changelog: that of its top entry. Text that has no entry in our form states the first
/// `X.Y.Z` in it.
#[must_use]
pub fn parse(bytes: &[u8]) -> Stated {
    let changelog = Changelog::parse(bytes);
    if changelog.is_blank() {
        return Stated::Nothing;
    }
    match changelog.entries().first() {
        Some(Entry { version: Ok(version), .. }) => Stated::Version(version.clone()),
        Some(Entry { version: Err(text), line, .. }) => {
            Stated::Unclear(format!("line {line}: `{text}` is no version X.Y.Z"))
        }
        None => {
            let text = String::from_utf8_lossy(bytes);
            let mut words = text.lines().flat_map(|line| line.split(|character: char| !is_part(character)));
            let found = words.find_map(plain);
            found.map_or_else(|| Stated::Unclear("it has no version X.Y.Z".into()), Stated::Version)
        }
    }
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
            parse(b"# infra-1.10.0\n- 2026-01-02\n- x\n\n# infra-1.9.0\n"),
            Stated::Version(Version::new(1, 10, 0))
        );
        assert_eq!(parse("\u{feff}# Infra 2.0.1.\r\n".as_bytes()), Stated::Version(Version::new(2, 0, 1)));
        assert_eq!(parse(b"Infra, now at 1.4.0\n"), Stated::Version(Version::new(1, 4, 0)));
    }

    #[test]
    fn nothing_is_not_unclear() {
        assert_eq!(parse(b" \n"), Stated::Nothing);
        assert_eq!(parse("\u{feff}\r\n".as_bytes()), Stated::Nothing);
        assert!(matches!(parse(b"# infra\n- 2026-01-02\n"), Stated::Unclear(_)));
    }

    #[test]
    fn a_bad_version_is_not_skipped_for_an_older_one() {
        for bad in ["1.2", "v1.2.3", "01.2.3"] {
            let text = format!("# infra-{bad}\n- x\n\n# infra-1.0.0\n");
            let expected = Stated::Unclear(format!("line 1: `{bad}` is no version X.Y.Z"));
            assert_eq!(parse(text.as_bytes()), expected);
        }
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(Version::new(1, 10, 0) > Version::new(1, 9, 0));
    }
}
