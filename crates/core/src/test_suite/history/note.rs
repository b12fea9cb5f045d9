//! What of a report goes into the history.

use std::collections::BTreeMap;

use super::code::{Code, RepoState};
use super::{DirEntry, RunEntry, TestEntry};
use crate::test_suite::Verdict;
use crate::test_suite::report::model::{DirReport, Report, TestReport};

/// The entry of a run; `None` where no test had a turn. `images` has the ids of images by address.
pub(in crate::test_suite) fn entry_of(
    report: &Report,
    code: &Code,
    images: &BTreeMap<String, String>,
) -> Option<RunEntry> {
    let dirs: Vec<DirEntry> = report.dirs.iter().filter_map(|dir| dir_entry(dir, &code.repos, images)).collect();
    let started = report.started.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_second).unwrap_or_default();
    (!dirs.is_empty()).then_some(RunEntry { run: report.run, started, code: code.hash, dirs })
}

/// Whether the history is to know of it: what had no turn, was cut short by hand, or is known from an
/// earlier run, says nothing new of the test.
pub(in crate::test_suite) fn counts(test: &TestReport) -> bool {
    test.verdict != Verdict::NotRun && !test.cached
}

fn dir_entry(
    dir: &DirReport,
    repos: &BTreeMap<String, RepoState>,
    images: &BTreeMap<String, String>,
) -> Option<DirEntry> {
    let tests: Vec<TestEntry> = dir
        .tests
        .iter()
        .filter(|test| counts(test))
        .map(|test| TestEntry {
            id: test.id.as_str().into(),
            verdict: test.verdict,
            attempts: test.attempts,
            duration: test.duration,
        })
        .collect();
    if tests.is_empty() {
        return None;
    }
    let repo = repos.get(if dir.repo == "." { "" } else { &dir.repo });
    Some(DirEntry {
        path: dir.path.clone(),
        image: dir.image.clone().unwrap_or_default(),
        image_id: images.get(dir.path.as_str()).cloned().unwrap_or_default(),
        commit: repo.map(|repo| repo.commit.clone()).unwrap_or_default(),
        dirty: repo.is_some_and(|repo| repo.dirty),
        tests,
    })
}
