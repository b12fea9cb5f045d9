//! What a test run says while it goes. Reporters consume these and nothing else.

use std::time::Duration;

use super::report::model::{DirReport, Report, TestReport};
use crate::event::Event;

/// Index of a runnable dir in [`TestEvent::RunStarted`]'s list.
pub type DirIndex = usize;

/// What a container is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Runs {
    /// All that the plan says.
    #[default]
    Planned,
    /// Tests that had no turn because the process before died.
    Rest,
    /// Tests that failed, once more.
    Failed,
}

/// One thing that happened in a test run, in the order in which it happened.
#[derive(Debug, Clone)]
pub enum TestEvent {
    /// The plan is made; nothing has started yet.
    RunStarted {
        /// Number of this run in the workspace.
        run: u32,
        /// Addresses of the runnable dirs whose tests will run.
        dirs: Vec<String>,
        /// How many containers may run at once.
        jobs: usize,
    },
    /// Something outside of any one dir's tests: images, notes, warnings.
    Progress(Event),
    /// The dir's container was asked for.
    DirStarted {
        /// Which dir.
        dir: DirIndex,
        /// 1 for the first container, higher for those after it.
        attempt: u32,
        /// What it is to run.
        runs: Runs,
    },
    /// Verdicts of the dir's tests are known without a run.
    Recalled {
        /// Which dir.
        dir: DirIndex,
        /// How many.
        count: usize,
        /// Whether these are all, so that no container starts.
        all: bool,
    },
    /// Pytest has collected the dir's tests.
    Collected {
        /// Which dir.
        dir: DirIndex,
        /// Tests that will run.
        count: usize,
        /// Tests left out by `-k`, `-m` or the project's own options.
        deselected: usize,
    },
    /// A test is about to be set up.
    TestStarted {
        /// Which dir.
        dir: DirIndex,
        /// Workspace-relative id of the test.
        id: String,
    },
    /// A test has ended.
    TestFinished {
        /// Which dir.
        dir: DirIndex,
        /// What came of it.
        test: TestReport,
    },
    /// The dir's container has ended and all that it said has been read.
    DirFinished {
        /// Which dir.
        dir: DirIndex,
        /// What came of it; `tests` is empty here, to save memory.
        report: Box<DirReport>,
    },
    /// A signal asked the run to end; `again` when it was the second one.
    Stopping {
        /// The second signal ends everything at once.
        again: bool,
        /// How long running containers are given.
        grace: Duration,
    },
    /// All is over and the report is on disk (or `report.problems` says why not).
    RunFinished(Box<Report>),
}

/// Receives what a test run says, always from one thread and in order.
pub trait TestListener {
    /// Takes one event.
    fn on(&mut self, event: &TestEvent);
    /// Called about ten times a second while nothing happens, so that clocks on a screen move.
    fn tick(&mut self) {}
}
