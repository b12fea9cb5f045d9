//! On which images a dir's whole suite has passed.
//!
//! One small file an image and a dir, `tested/<dir>-<image>.json` in the workspace's state folder, written whole or not at
//! all. It says that the last run of the whole suite on exactly that image passed: a later one that fails takes it away.
//! Refuses to know how tests are run.

use std::io::Write;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::runnable_dir::RunnableDir;
use crate::workspace::StateDir;

const FOLDER: &str = "tested";

/// A whole suite that passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// Address of the dir whose tests ran.
    pub dir: String,
    /// Id of the image that they ran in.
    pub image: String,
    /// Number of the run in its workspace.
    pub run: u32,
    /// When the run began, RFC 3339 in UTC.
    pub time: String,
    /// The code that was tested; `None` where there is no commit yet.
    pub code: Option<Code>,
    /// Counts of its tests.
    pub counts: Counts,
}

/// A state of the repo that holds a dir.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The commit that is checked out.
    pub commit: String,
    /// Whether files differ from it, new ones too.
    pub dirty: bool,
}

/// What came of the tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Tests that passed, also those that did only when tried again.
    pub passed: usize,
    /// Tests that were skipped or failed as they are expected to.
    pub skipped: usize,
    /// Tests that the dir's own settings leave out.
    pub deselected: usize,
}

impl Tested {
    /// In words: `run 3 passed 12 tests at commit abc (with changes), 2026-01-02T03:04:05Z`.
    #[must_use]
    pub fn describe(&self) -> String {
        let tests = match self.counts.passed {
            0 if self.counts.skipped == 0 => "it has no tests".to_owned(),
            1 => "1 test passed".to_owned(),
            count => format!("{count} tests passed"),
        };
        let code = self.code.as_ref().map_or_else(String::new, |code| {
            let changes = if code.dirty { " with changes" } else { "" };
            format!(" at commit {}{changes}", &code.commit[..code.commit.len().min(10)])
        });
        format!("{tests} in run {}{code}, {}", self.run, self.time)
    }
}

/// The record of `image` for `dir`, where there is one that can be read.
#[must_use]
pub fn read(state: &StateDir, dir: &RunnableDir, image: &str) -> Option<Tested> {
    let bytes = std::fs::read(file(state, dir, image)).ok()?;
    // The name holds only the start of the id.
    serde_json::from_slice::<Tested>(&bytes).ok().filter(|tested| tested.image == image)
}

/// Writes the record of `dir`.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(state: &StateDir, dir: &RunnableDir, tested: &Tested) -> std::io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(state.folder(FOLDER)?)?;
    serde_json::to_writer(&mut file, tested)?;
    file.flush()?;
    file.persist(self::file(state, dir, &tested.image)).map_err(|error| error.error)?;
    Ok(())
}

/// Takes the record of `image` for `dir` away, where there is one.
///
/// # Errors
/// When it cannot be removed.
pub fn forget(state: &StateDir, dir: &RunnableDir, image: &str) -> std::io::Result<()> {
    match std::fs::remove_file(file(state, dir, image)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn file(state: &StateDir, dir: &RunnableDir, image: &str) -> PathBuf {
    let id: String = image.trim_start_matches("sha256:").chars().filter(char::is_ascii_alphanumeric).take(24).collect();
    state.path().join(FOLDER).join(format!("{}-{id}.json", dir.slug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tested() -> Tested {
        Tested {
            dir: "infra".into(),
            image: "sha256:0123".into(),
            run: 3,
            time: "2026-01-02T03:04:05Z".into(),
            code: Some(Code { commit: "abcdef0123456789".into(), dirty: true }),
            counts: Counts { passed: 12, skipped: 1, deselected: 0 },
        }
    }

    #[test]
    fn a_record_is_said_in_words() {
        let mut record = tested();
        assert_eq!(
            record.describe(),
            "12 tests passed in run 3 at commit abcdef0123 with changes, 2026-01-02T03:04:05Z"
        );
        record.code = None;
        record.counts = Counts { passed: 1, ..Counts::default() };
        assert_eq!(record.describe(), "1 test passed in run 3, 2026-01-02T03:04:05Z");
        record.counts.passed = 0;
        assert_eq!(record.describe(), "it has no tests in run 3, 2026-01-02T03:04:05Z");
    }
}
