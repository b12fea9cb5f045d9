//! The report of a test run as a value: `report.json` is exactly this.
//!
//! Field order is the order in the file. The schema is `docs/reference/report.schema.json`; `schema` goes up
//! when a field is removed or changes its meaning, not when one is added.

use serde::{Deserialize, Serialize};

use crate::test_suite::Verdict;
use crate::test_suite::coverage::Counts;

/// Version of the schema of `report.json`.
pub const SCHEMA: u32 = 1;

/// A whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this schema.
    pub schema: u32,
    /// Version of Wharf that wrote it.
    pub wharf: String,
    /// Number of the run in its workspace.
    pub run: u32,
    /// Name of the workspace.
    pub workspace: String,
    /// The command line, as one could paste it.
    pub command: String,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// Seconds from start to end.
    pub duration: f64,
    /// `docker`, `podman` or `host`.
    pub engine: String,
    /// The exit code of the command.
    pub exit_code: u8,
    /// Whether a signal ended it early.
    pub interrupted: bool,
    /// Counts over all dirs.
    pub summary: Summary,
    /// Coverage of all code together, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Counts>,
    /// Things that are not right but stopped nothing.
    pub problems: Vec<String>,
    /// One entry a runnable dir, in order of address.
    pub dirs: Vec<DirReport>,
}

/// Counts of verdicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Tests that passed at once.
    pub passed: usize,
    /// Tests that failed in their body.
    pub failed: usize,
    /// Tests whose set-up, tear-down or collection failed.
    pub errors: usize,
    /// Tests that were skipped.
    pub skipped: usize,
    /// Tests expected to fail that did.
    pub xfailed: usize,
    /// Tests expected to fail that passed.
    pub xpassed: usize,
    /// Tests that passed only when tried again.
    pub flaky: usize,
    /// Tests that took longer than their limit.
    pub timed_out: usize,
    /// Tests in which the process ended.
    pub crashed: usize,
    /// Tests that were collected but never ran.
    pub not_run: usize,
    /// Tests that were not run because their verdict is known from the cache. None of the counts above has them.
    #[serde(default)]
    pub cached: usize,
    /// Tests left out by the user's own selection.
    pub deselected: usize,
}

/// What came of one runnable dir.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DirReport {
    /// Address from the super-repo's root; `.` for the root itself.
    pub path: String,
    /// Name of the dir's image.
    pub name: String,
    /// Address of the repo it is in; `.` for the super-repo.
    pub repo: String,
    /// Reference of the image its tests ran in, if it came to that.
    pub image: Option<String>,
    /// What came of it as a whole.
    pub status: DirStatus,
    /// Why it is not simply `passed` or `failed`, in one line.
    pub cause: Option<String>,
    /// The next command to type, where there is a good one.
    pub hint: Option<String>,
    /// Log of everything its container printed, relative to the report's folder.
    pub log: Option<String>,
    /// Version of Python in the container.
    pub python: Option<String>,
    /// Version of pytest in the container.
    pub pytest: Option<String>,
    /// Seconds from the start of the run until its container started.
    pub waited: f64,
    /// Seconds its container ran.
    pub duration: f64,
    /// Exit code of its container.
    pub exit_code: Option<i32>,
    /// Counts of its tests.
    pub summary: Summary,
    /// Coverage of the code in it, by the tests of all dirs, where it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Counts>,
    /// Seconds from the start of the run until its image was there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_ready: Option<f64>,
    /// Seconds from the start of the run until pytest had started in its first container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_started: Option<f64>,
    /// Id of the image that its tests ran in, where an engine has ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// Its tests, in the order in which they ended.
    pub tests: Vec<TestReport>,
}

/// What came of a runnable dir as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DirStatus {
    /// All its tests are fine.
    Passed,
    /// Some are not.
    Failed,
    /// There was nothing to run.
    NoTests,
    /// Its container could not start, or pytest could not; `cause` says why.
    NotRun,
    /// Its container ended before it had said all.
    Crashed,
    /// A signal, `--fail-fast` or a stopped engine ended it early.
    Interrupted,
}

/// What came of one test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// Workspace-relative id, such as `infra/tests/test_a.py::test_one[x]`.
    pub id: String,
    /// What came of it.
    pub verdict: Verdict,
    /// Whether the verdict comes from the cache, and the test was not run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cached: bool,
    /// Seconds of set-up, call and tear-down together.
    pub duration: f64,
    /// Seconds from the start of the run until this test started.
    pub offset: f64,
    /// How often it was run.
    pub attempts: u32,
    /// File of the test, workspace-relative.
    pub file: Option<String>,
    /// Line of the test in its file, from 1.
    pub line: Option<u32>,
    /// `setup`, `call` or `teardown`, for tests that did not pass.
    pub phase: Option<String>,
    /// One line: the crash message or the reason of a skip.
    pub message: Option<String>,
    /// The traceback as pytest shows it.
    pub longrepr: Option<String>,
    /// What pytest captured, for tests that did not pass: (title, text).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<(String, String)>,
}

impl DirReport {
    /// The same without its tests, which may be many.
    #[must_use]
    pub fn clone_without_tests(&self) -> Self {
        Self {
            path: self.path.clone(),
            name: self.name.clone(),
            repo: self.repo.clone(),
            image: self.image.clone(),
            status: self.status,
            cause: self.cause.clone(),
            hint: self.hint.clone(),
            log: self.log.clone(),
            python: self.python.clone(),
            pytest: self.pytest.clone(),
            waited: self.waited,
            duration: self.duration,
            exit_code: self.exit_code,
            summary: self.summary,
            coverage: self.coverage,
            image_ready: self.image_ready,
            session_started: self.session_started,
            image_id: self.image_id.clone(),
            tests: Vec::new(),
        }
    }
}

impl Summary {
    /// Adds one test of a report.
    pub fn count_in(&mut self, test: &TestReport) {
        if test.cached {
            self.cached += 1;
        } else {
            self.add(test.verdict);
        }
    }

    /// Adds one test that ran.
    pub fn add(&mut self, verdict: Verdict) {
        *self.slot(verdict) += 1;
    }

    /// Adds the counts of another summary.
    pub fn merge(&mut self, other: &Self) {
        let mut other = *other;
        for verdict in Verdict::ALL {
            *self.slot(verdict) += *other.slot(verdict);
        }
        self.cached += other.cached;
        self.deselected += other.deselected;
    }

    /// Tests with this verdict.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        let mut copy = *self;
        *copy.slot(verdict)
    }

    /// All tests that have a verdict.
    #[must_use]
    pub fn total(&self) -> usize {
        self.cached + Verdict::ALL.iter().map(|verdict| self.count(*verdict)).sum::<usize>()
    }

    /// Tests whose verdict makes the run a failure.
    #[must_use]
    pub fn bad(&self) -> usize {
        Verdict::ALL.iter().filter(|verdict| verdict.is_bad()).map(|verdict| self.count(*verdict)).sum()
    }

    fn slot(&mut self, verdict: Verdict) -> &mut usize {
        match verdict {
            Verdict::Passed => &mut self.passed,
            Verdict::Flaky => &mut self.flaky,
            Verdict::Skipped => &mut self.skipped,
            Verdict::Xfailed => &mut self.xfailed,
            Verdict::Xpassed => &mut self.xpassed,
            Verdict::Failed => &mut self.failed,
            Verdict::Error => &mut self.errors,
            Verdict::TimedOut => &mut self.timed_out,
            Verdict::Crashed => &mut self.crashed,
            Verdict::NotRun => &mut self.not_run,
        }
    }
}
