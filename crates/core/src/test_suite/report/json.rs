//! `report.json`: the report exactly as [`model`](super::model) has it.
//!
//! Owns writing and reading it. Refuses to read one that a later Wharf wrote with another meaning.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use super::model::{Report, SCHEMA};

/// Why a `report.json` could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file is not there or not readable.
    #[error("cannot read the report `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not JSON, or not a report.
    #[error("`{}` is not a report of wharf", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A later Wharf wrote it.
    #[error(
        "the report `{}` has schema {found}, but this wharf knows only up to {SCHEMA}",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema that it names.
        found: u32,
    },
}

impl ReadError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => Some("make a report with `wharf test`".into()),
            Self::Malformed { .. } => Some("make a new report with `wharf test`".into()),
            Self::Newer { .. } => Some("update wharf, or make a new report with `wharf test`".into()),
        }
    }
}

/// Writes `report` as indented JSON with a newline at the end.
///
/// # Errors
/// What `out` says.
pub fn write(report: &Report, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, report)?;
    out.write_all(b"\n")
}

/// Reads a report that [`write`] wrote, by this Wharf or an earlier one.
///
/// # Errors
/// [`ReadError`], where it is missing, malformed or of a newer schema.
pub fn read(path: &Path) -> Result<Report, ReadError> {
    #[derive(Deserialize)]
    struct Head {
        schema: u32,
    }
    let text = std::fs::read(path).map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
    let malformed = |source| ReadError::Malformed { path: path.to_owned(), source };
    let head: Head = serde_json::from_slice(&text).map_err(malformed)?;
    if head.schema > SCHEMA {
        return Err(ReadError::Newer { path: path.to_owned(), found: head.schema });
    }
    serde_json::from_slice(&text).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_report_survives_writing_and_reading() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        let report = sample::report();
        write(&report, std::fs::File::create(&path).unwrap()).unwrap();
        assert_eq!(read(&path).unwrap(), report);
    }

    #[test]
    fn a_newer_schema_is_refused_even_where_its_shape_is_unknown() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        std::fs::write(&path, r#"{"schema": 99, "groups": []}"#).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().ends_with("has schema 99, but this wharf knows only up to 1"), "{error}");
        assert!(error.hint().unwrap().contains("update wharf"));
    }

    #[test]
    fn what_is_not_a_report_says_where_it_goes_wrong() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        for text in ["", "{", "[]", r#"{"schema": 1}"#] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(read(&path), Err(ReadError::Malformed { .. })), "{text}");
        }
        assert!(matches!(read(&dir.path().join("absent.json")), Err(ReadError::Io { .. })));
    }
}
