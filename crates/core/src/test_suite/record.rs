//! Notes down on which image a dir's whole suite passed: see [`tested`].

use std::collections::BTreeMap;

use super::event::DirIndex;
use super::history::RepoState;
use super::report::model::{DirReport, DirStatus};
use super::run::Shared;
use crate::image::tested::{self, Code, Counts, Tested};

/// Writes the records of the dirs that passed and takes away those of dirs that did not; nothing where only a part of their
/// suites ran, which says nothing of an image. `images` holds the image ids, `repos` the state of the code that was tested.
/// Gives what went wrong, a line each.
pub(super) fn note<'r>(
    shared: &Shared,
    started: &str,
    reports: impl Iterator<Item = &'r DirReport>,
    images: &BTreeMap<DirIndex, String>,
    repos: &BTreeMap<String, RepoState>,
) -> Vec<String> {
    let mut problems = Vec::new();
    if !shared.options.whole || shared.place.client().is_none() {
        return problems;
    }
    for (index, report) in reports.enumerate() {
        let dir = shared.workspace.dirs.iter().find(|dir| dir.address.as_str() == report.path);
        let (Some(image), Some(dir)) = (images.get(&index), dir) else { continue };
        let written = match report.status {
            DirStatus::Passed | DirStatus::NoTests => {
                let tested = Tested {
                    dir: report.path.clone(),
                    image: image.clone(),
                    run: shared.run,
                    time: started.to_owned(),
                    code: repos.get(&dir.repo).and_then(code),
                    counts: counts(report),
                };
                tested::write(&shared.state, dir, &tested)
            }
            DirStatus::Failed | DirStatus::Crashed => tested::forget(&shared.state, dir, image),
            DirStatus::NotRun | DirStatus::Interrupted => Ok(()),
        };
        if let Err(error) = written {
            let path = &report.path;
            problems.push(format!("the record of the image that `{path}` was tested on could not be written: {error}"));
        }
    }
    problems
}

/// Known verdicts count as well: they were found on exactly this image.
fn counts(report: &DirReport) -> Counts {
    let mut summary = report.summary;
    for test in report.tests.iter().filter(|test| test.cached) {
        summary.add(test.verdict);
    }
    Counts {
        passed: summary.passed + summary.flaky,
        skipped: summary.skipped + summary.xfailed + summary.xpassed,
        deselected: summary.deselected,
    }
}

fn code(state: &RepoState) -> Option<Code> {
    (!state.commit.is_empty()).then(|| Code { commit: state.commit.clone(), dirty: state.dirty })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_suite::Verdict;
    use crate::test_suite::report::model::{Summary, TestReport};
    use crate::test_suite::report::sample;

    #[test]
    fn flaky_tests_passed_and_expected_failures_did_not_count() {
        let summary = Summary { passed: 3, flaky: 1, xfailed: 2, skipped: 4, deselected: 5, ..Summary::default() };
        let mut report = DirReport { summary, tests: Vec::new(), ..sample::dir("infra") };
        assert_eq!(counts(&report), Counts { passed: 4, skipped: 6, deselected: 5 });
        report.tests = vec![TestReport { cached: true, ..sample::test("infra/a.py::test_a", Verdict::Passed) }];
        assert_eq!(counts(&report), Counts { passed: 5, skipped: 6, deselected: 5 });
    }
}
