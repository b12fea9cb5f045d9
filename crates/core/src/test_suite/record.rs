//! Notes down on which image a dir's whole suite passed: see [`tested`].
//!
//! The state of the repos is asked for while images are got, so that it is that of the code which is tested and nobody
//! waits for it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use wharf_git::Git;

use super::event::DirIndex;
use super::report::model::{DirReport, DirStatus};
use super::run::Shared;
use crate::image::tested::{self, Code, Counts, Tested};

/// Records to be, while the tests run.
pub(super) struct Recorder {
    codes: JoinHandle<BTreeMap<String, Code>>,
}

impl Recorder {
    /// Begins to ask for the state of the repos whose dirs are tested; `None` where only a part of their suites runs, which
    /// says nothing of an image.
    pub fn start(shared: &Shared) -> Option<Self> {
        if !shared.options.whole || shared.place.client().is_none() {
            return None;
        }
        let planned = |path: &str| shared.plan.dirs.iter().any(|plan| plan.runs && plan.path == path);
        let dirs = shared.workspace.dirs.iter().filter(|dir| planned(dir.address.as_str()));
        let repos: BTreeSet<String> = dirs.map(|dir| dir.repo.clone()).collect();
        let roots = shared.workspace.repos.iter().filter(|repo| repos.contains(&repo.path));
        let roots: Vec<(String, PathBuf)> = roots.map(|repo| (repo.path.clone(), repo.root.clone())).collect();
        let codes =
            thread::spawn(move || roots.into_iter().filter_map(|(path, root)| Some((path, code(root)?))).collect());
        Some(Self { codes })
    }

    /// Writes the records of the dirs that passed and takes away those of dirs that did not. `images` holds the image ids.
    /// Gives what went wrong, a line each.
    pub fn finish<'r>(
        self,
        shared: &Shared,
        started: &str,
        reports: impl Iterator<Item = &'r DirReport>,
        images: &BTreeMap<DirIndex, String>,
    ) -> Vec<String> {
        let codes = self.codes.join().unwrap_or_default();
        let mut problems = Vec::new();
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
                        code: codes.get(&dir.repo).cloned(),
                        counts: counts(report),
                    };
                    tested::write(&shared.state, dir, &tested)
                }
                DirStatus::Failed | DirStatus::Crashed => tested::forget(&shared.state, dir, image),
                DirStatus::NotRun | DirStatus::Interrupted => Ok(()),
            };
            if let Err(error) = written {
                let path = &report.path;
                problems
                    .push(format!("the record of the image that `{path}` was tested on could not be written: {error}"));
            }
        }
        problems
    }
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

fn code(root: PathBuf) -> Option<Code> {
    let git = Git::new(root);
    let commit = git.head()?;
    // What cannot be asked is not called clean.
    let dirty = git.changed().map_or(true, |changed| !changed.is_empty());
    Some(Code { commit, dirty })
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
