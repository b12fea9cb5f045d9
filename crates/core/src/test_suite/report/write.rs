//! The report's files on disk: each whole or not there, never half, and never that of an earlier run.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use thiserror::Error;

use super::model::Report;
use super::{HTML_FILE, JSON_FILE, JUNIT_FILE, html, json, junit};
use crate::test_suite::coverage::{FOLDER, INDEX_FILE};

/// Some of the report's files could not be written; the others are there.
#[derive(Debug, Error)]
#[error("cannot write {}", list(failures))]
pub struct WriteError {
    /// One entry a file, at least one.
    pub failures: Vec<WriteFailure>,
}

/// One file that could not be written.
#[derive(Debug, Error)]
#[error("cannot write `{}`", file.display())]
pub struct WriteFailure {
    /// The file.
    pub file: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl WriteError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let full = self
            .failures
            .iter()
            .any(|failure| matches!(failure.source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded));
        Some(if full {
            "free some space, or choose another place with `--report-dir`".into()
        } else {
            "choose another place with `--report-dir`".into()
        })
    }
}

// Several causes have no place in one chain, so here they stand in the text.
fn list(failures: &[WriteFailure]) -> String {
    let mut text = String::new();
    for failure in failures {
        let separator = if text.is_empty() { "" } else { "; " };
        let _ = write!(text, "{separator}`{}` ({})", failure.file.display(), failure.source);
    }
    text
}

/// Removes the files of an earlier report from `dir`, so that none is taken for that of a run which begins now.
///
/// # Errors
/// Names the first file that is there and cannot be removed.
pub fn clear(dir: &Path) -> Result<(), WriteFailure> {
    for name in [JSON_FILE, JUNIT_FILE, HTML_FILE] {
        let file = dir.join(name);
        if let Err(source) = remove(&file) {
            return Err(WriteFailure { file, source });
        }
    }
    Ok(())
}

/// Writes `report.json`, `junit.xml` and `report.html` into `dir`, which is made where it is missing. Each goes to
/// a temporary file first. One that fails does not keep the others from being written, and leaves no older file.
///
/// # Errors
/// [`WriteError`] with each file that could not be written.
pub fn write_all(report: &Report, dir: &Path) -> Result<(), WriteError> {
    if let Err(source) = std::fs::create_dir_all(dir) {
        let failure = WriteFailure { file: dir.to_owned(), source };
        return Err(WriteError { failures: vec![failure] });
    }
    let beside = html::Beside { coverage: dir.join(FOLDER).join(INDEX_FILE).is_file() };
    let results = thread::scope(|scope| {
        let junit = || put(dir, JUNIT_FILE, |out| junit::write(report, out));
        let aside = (report.summary.total() <= AT_ONCE).then(|| scope.spawn(junit));
        let json = put(dir, JSON_FILE, |out| json::write(report, out));
        let html = put(dir, HTML_FILE, |out| html::write(report, beside, out));
        let junit = aside.map_or_else(junit, |aside| aside.join().unwrap_or_else(|panic| resume_unwind(panic)));
        [json, junit, html]
    });
    let failures: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    if failures.is_empty() { Ok(()) } else { Err(WriteError { failures }) }
}

/// How many tests a report may have so that its files are written at the same time. Each is a tree in memory while it is
/// written: of a larger report one at a time.
const AT_ONCE: usize = 20_000;

/// Writes the file `name` in `dir` by way of a temporary one; what cannot be written whole is not there.
///
/// # Errors
/// Names the file.
pub(in crate::test_suite) fn put(
    dir: &Path,
    name: &str,
    write: impl FnOnce(&mut BufWriter<&std::fs::File>) -> io::Result<()>,
) -> Result<(), WriteFailure> {
    let file = dir.join(name);
    let result = put_atomically(dir, &file, write);
    result.map_err(|source| {
        // The failure that is reported is the one to write; a stale file that also cannot be removed stays.
        let _ = remove(&file);
        WriteFailure { file, source }
    })
}

fn put_atomically(
    dir: &Path,
    file: &Path,
    write: impl FnOnce(&mut BufWriter<&std::fs::File>) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary(dir)?;
    let mut out = BufWriter::new(temporary.as_file());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    temporary.persist(file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(unix)]
fn temporary(dir: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    // As any other new file: the caller's umask decides. Temporary files are private by default.
    tempfile::Builder::new().prefix(".report-").permissions(Permissions::from_mode(0o666)).tempfile_in(dir)
}

pub(super) fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn all_three_are_written_and_readable_by_others() {
        use std::os::unix::fs::PermissionsExt;
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("runs/17");
        write_all(&sample::report(), &dir).unwrap();
        assert_eq!(names(&dir), ["junit.xml", "report.html", "report.json"]);
        let plain = dir.join("plain");
        std::fs::write(&plain, "").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.join("junit.xml")), mode(&plain));
        clear(&dir).unwrap();
        assert_eq!(names(&dir), ["plain"]);
    }

    #[test]
    fn one_that_fails_is_named_and_the_others_are_there() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::create_dir(temp.path().join("junit.xml")).unwrap();
        let error = write_all(&sample::report(), temp.path()).unwrap_err();
        assert_eq!(error.failures.len(), 1);
        assert!(error.to_string().contains("junit.xml` (Is a directory"), "{error}");
        assert_eq!(names(temp.path()), ["junit.xml", "report.html", "report.json"]);
    }

    #[test]
    fn a_full_disk_leaves_neither_half_a_file_nor_a_stale_one() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join(JSON_FILE), "of an earlier run").unwrap();
        let failure = put(temp.path(), JSON_FILE, |out| {
            out.write_all(b"{")?;
            // What writing to a full disk gives.
            std::fs::OpenOptions::new().write(true).open("/dev/full")?.write_all(b"x")
        })
        .unwrap_err();
        assert!(names(temp.path()).is_empty());
        let error = WriteError { failures: vec![failure] };
        assert!(error.to_string().contains("report.json` (No space left on device"), "{error}");
        assert!(error.hint().unwrap().starts_with("free some space"));
    }

    #[test]
    fn a_place_that_cannot_be_made_is_an_error() {
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("file"), "").unwrap();
        let error = write_all(&sample::report(), &temp.path().join("file/17")).unwrap_err();
        assert_eq!(error.failures[0].file, temp.path().join("file/17"));
    }
}
