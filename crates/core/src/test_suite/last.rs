//! What was bad in the last run, kept apart from reports so that `--last-failed` works wherever these were written.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::plan::TestError;
use super::report::json::ReadError;
use super::report::model::{DirStatus, Report};
use crate::workspace::StateDir;

const FILE: &str = "last-failed.json";

/// What was bad in the last run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFailed {
    /// Number of that run.
    pub run: u32,
    /// Ids of tests.
    pub tests: BTreeSet<String>,
    /// Addresses of dirs that could not run at all.
    pub dirs: BTreeSet<String>,
}

impl LastFailed {
    /// What is bad in a report.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let mut last = Self { run: report.run, ..Self::default() };
        for dir in &report.dirs {
            let bad = dir.tests.iter().filter(|test| test.verdict.is_bad());
            let before = last.tests.len();
            last.tests.extend(bad.map(|test| test.id.clone()));
            let all_fine = matches!(dir.status, DirStatus::Passed | DirStatus::NoTests);
            if !all_fine && last.tests.len() == before {
                last.dirs.insert(dir.path.clone());
            }
        }
        last
    }

    /// The same with what the record of the run before says of test files that this run left out: they are as bad as they were.
    #[must_use]
    pub fn keeping(mut self, state: &StateDir, left_out: impl Fn(&str) -> bool) -> Self {
        if let Ok(before) = Self::read(state) {
            let file = |id: &str| id.split("::").next().unwrap_or(id).to_owned();
            self.tests.extend(before.tests.into_iter().filter(|id| left_out(&file(id))));
        }
        self
    }

    /// Reads the record of the last run.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub fn read(state: &StateDir) -> Result<Self, TestError> {
        let path = state.path().join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(TestError::NoLastRun),
            Err(error) => return Err(error.into()),
        };
        serde_json::from_slice(&bytes).map_err(|source| ReadError::Malformed { path, source }.into())
    }

    /// Writes the record.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, state: &StateDir) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(state.path())?;
        serde_json::to_writer(&mut file, self)?;
        file.persist(state.path().join(FILE)).map_err(|error| error.error)?;
        Ok(())
    }
}
