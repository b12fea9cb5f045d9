//! What one test did in each run.

use serde::Serialize;

use super::{History, HistoryError, Loaded, file_of};
use crate::test_suite::Verdict;

/// One test in one run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Occurrence {
    /// Id of the test.
    pub id: String,
    /// Number of the run.
    pub run: u32,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Seconds.
    pub duration: f64,
    /// How often it was run.
    pub attempts: u32,
    /// Commit of its repo; empty before the first.
    pub commit: String,
    /// Whether files of its repo were not committed.
    pub dirty: bool,
    /// Reference of the image; empty where there was none.
    pub image: String,
}

/// What the tests that `id` names did, the last run first: a test, one with all its parameters, a class or a file.
/// Also says whether a part of the history could not be read.
///
/// # Errors
/// When the history cannot be read.
pub fn occurrences(history: &History, id: &str) -> Result<(Vec<Occurrence>, bool), HistoryError> {
    let Loaded { runs, damaged } = history.read_of(&|name| names(id, name))?;
    let mut found = Vec::new();
    for run in runs.into_iter().rev() {
        let started = jiff::Timestamp::from_second(run.started).map(|time| time.to_string()).unwrap_or_default();
        for dir in run.dirs {
            found.extend(dir.tests.into_iter().map(|test| Occurrence {
                id: test.id.to_string(),
                run: run.run,
                started: started.clone(),
                verdict: test.verdict,
                duration: test.duration,
                attempts: test.attempts,
                commit: dir.commit.clone(),
                dirty: dir.dirty,
                image: dir.image.clone(),
            }));
        }
    }
    Ok((found, damaged))
}

/// Whether what a user wrote, from the root, names this test: a folder, a file, a class, a test with or without parameters.
#[must_use]
pub fn names(wanted: &str, id: &str) -> bool {
    let rest = |rest: &str| rest.is_empty() || rest.starts_with("::") || rest.starts_with('[');
    id.strip_prefix(wanted)
        .is_some_and(|end| rest(end) || !wanted.contains("::") && file_of(id).starts_with(&format!("{wanted}/")))
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_file_a_class_and_a_test_without_parameters_name_what_is_in_them() {
        let id = "infra/tests/test_a.py::TestX::test_y[1]";
        for wanted in [
            "infra",
            "infra/tests",
            "infra/tests/test_a.py",
            "infra/tests/test_a.py::TestX",
            "infra/tests/test_a.py::TestX::test_y",
            id,
        ] {
            assert!(names(wanted, id), "{wanted}");
        }
        for other in
            ["inf", "infra/tests/test_a", "infra/tests/test_a.py::TestX::test", "infra/tests/test_a.py::test_y"]
        {
            assert!(!names(other, id), "{other}");
        }
    }
}
