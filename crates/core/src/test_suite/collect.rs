//! Tests are collected and not run: their ids by dir.

use std::sync::Arc;

use serde::Serialize;

use super::explain::Question;
use super::plan::{TestError, TestPlan};
use super::report::model::{DirReport, DirStatus};
use super::run::{Around, Options, Performed, perform, share};
use crate::image::place::Place;
use crate::workspace::Workspace;

/// What containers are started for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Purpose {
    /// To run tests.
    #[default]
    Run,
    /// To say which there are.
    Collect,
    /// To say what selects some of them.
    Explain(Question),
}

/// The tests that there are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Collection {
    /// Version of this schema.
    pub schema: u32,
    /// One entry a runnable dir, in order of address.
    pub dirs: Vec<CollectedDir>,
    /// Things that are not right but stopped nothing.
    pub problems: Vec<String>,
    /// The exit code: as that of a run, 1 where a file cannot be collected.
    #[serde(skip)]
    pub exit_code: u8,
    /// Whether a signal ended it early.
    #[serde(skip)]
    pub interrupted: bool,
}

/// The tests of one runnable dir.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CollectedDir {
    /// Its address.
    pub path: String,
    /// `passed` where all could be collected, else as in a report.
    pub status: DirStatus,
    /// Why it is not simply `passed`.
    pub cause: Option<String>,
    /// The next command to type, where there is a good one.
    pub hint: Option<String>,
    /// Ids of its tests, in pytest's order.
    pub tests: Vec<String>,
    /// How many more there are that the selection leaves out.
    pub deselected: usize,
    /// Files that could not be collected, each with what pytest says.
    pub errors: Vec<CollectError>,
}

/// A file that could not be collected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CollectError {
    /// Its id.
    pub id: String,
    /// The traceback.
    pub longrepr: String,
}

/// Collects what a plan would run.
///
/// # Errors
/// When it cannot even begin.
pub fn collect(
    workspace: &Arc<Workspace>,
    place: &Arc<Place>,
    mut plan: TestPlan,
    options: Options,
    around: Around<'_>,
) -> Result<Collection, TestError> {
    only_collect(&mut plan);
    let strict = options.strict;
    let options = Options { purpose: Purpose::Collect, whole: false, fail_fast: false, retries: Some(0), ..options };
    let clock = around.clock;
    let shared = share(workspace, place, plan, options, clock)?;
    let mut done = perform(&shared, around);
    let lost = if done.interrupted { Vec::new() } else { super::finish::unmatched(&shared.plan, &done.sessions) };
    let refused = done.refused || (strict && !lost.is_empty());
    done.problems.extend(lost);
    Ok(collection(done, refused))
}

/// Has pytest collect and nothing more.
pub(super) fn only_collect(plan: &mut TestPlan) {
    for dir in &mut plan.dirs {
        dir.arguments.extend(["--collect-only", "-q"].map(str::to_owned));
    }
}

fn collection(done: Performed, refused: bool) -> Collection {
    let dirs: Vec<CollectedDir> =
        done.sessions.into_iter().map(|session| collected(session.report, session.found.ids)).collect();
    let any = |wanted: &[DirStatus]| dirs.iter().any(|dir| wanted.contains(&dir.status));
    let exit_code = if done.interrupted {
        130
    } else if refused {
        5
    } else if any(&[DirStatus::Failed, DirStatus::Crashed]) {
        1
    } else if any(&[DirStatus::NotRun, DirStatus::Interrupted]) {
        4
    } else {
        0
    };
    Collection { schema: 1, dirs, problems: done.problems, exit_code, interrupted: done.interrupted }
}

fn collected(report: DirReport, tests: Vec<String>) -> CollectedDir {
    let status = match report.status {
        // No test came to a verdict, which is not to say that there is none.
        DirStatus::NoTests if !tests.is_empty() => DirStatus::Passed,
        status => status,
    };
    let bad = report.tests.into_iter().filter(|test| test.verdict.is_bad());
    CollectedDir {
        path: report.path,
        status,
        cause: report.cause.filter(|_| status != DirStatus::Passed),
        hint: report.hint,
        tests,
        deselected: report.summary.deselected,
        errors: bad.map(|test| CollectError { id: test.id, longrepr: test.longrepr.unwrap_or_default() }).collect(),
    }
}
