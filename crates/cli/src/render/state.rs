//! What is known of a run from the events so far; the live view and the plain one both draw from it.

use std::collections::HashMap;
use std::time::Duration;

use wharf_core::event::{Event, ImageState};
use wharf_core::test_suite::{DirReport, Summary, TestEvent, TestReport, Verdict};

/// The run as far as it is known.
#[derive(Debug, Default)]
pub struct RunState {
    /// One entry a runnable dir, as in [`TestEvent::RunStarted`].
    pub dirs: Vec<DirState>,
    /// Whether a signal asked for the end.
    pub stopping: bool,
}

/// One runnable dir.
#[derive(Debug)]
pub struct DirState {
    /// Address from the super-repo's root.
    pub path: String,
    /// How far it is.
    pub phase: Phase,
    /// Tests that will run, once that is known.
    pub expected: usize,
    /// Verdicts so far, each test once even if it was retried.
    pub summary: Summary,
    /// Tests that run now, oldest first, and since when.
    pub running: Vec<(String, Duration)>,
    /// When its container was asked for first.
    pub started: Option<Duration>,
    /// Tests that did not pass, to correct the counts when a retry does.
    bad: HashMap<String, Verdict>,
}

/// How far a runnable dir is.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Nothing has happened yet, or it waits for room.
    Waiting,
    /// Its image is being fetched.
    Pulling(String),
    /// Its image is being built; the builder's latest line.
    Building(String),
    /// Its services are started; what happened last.
    Services(String),
    /// Its container was asked for; pytest has not collected yet.
    Starting,
    /// Tests run.
    Running,
    /// All is over, or the image cannot be had.
    Done {
        /// Whether it counts as a success.
        fine: bool,
        /// Seconds its container ran.
        seconds: f64,
        /// Why it went wrong as a whole, if it did.
        cause: Option<String>,
    },
}

impl RunState {
    /// Takes one event that arrived `now` after the start.
    pub fn apply(&mut self, event: &TestEvent, now: Duration) {
        match event {
            TestEvent::RunStarted { dirs, .. } => {
                self.dirs = dirs.iter().map(|path| DirState::new(path)).collect();
            }
            TestEvent::Progress(Event::Image { dir, state }) => {
                if let Some(dir) = self.dirs.iter_mut().find(|known| known.path == *dir) {
                    dir.image(state);
                }
            }
            TestEvent::Progress(Event::Services { dir, line }) => {
                let waits = |known: &&mut DirState| known.path == *dir && known.started.is_none();
                if let Some(dir) = self.dirs.iter_mut().find(waits) {
                    dir.phase = Phase::Services(line.clone());
                }
            }
            TestEvent::Stopping { .. } => self.stopping = true,
            TestEvent::Recalled { dir, count, .. } => self.with(*dir, |dir| dir.summary.cached = *count),
            TestEvent::DirStarted { dir, .. } => self.with(*dir, |dir| {
                dir.started.get_or_insert(now);
                dir.phase = Phase::Starting;
            }),
            TestEvent::Collected { dir, count, deselected } => self.with(*dir, |dir| {
                if dir.phase == Phase::Starting && dir.expected == 0 {
                    dir.expected = *count + dir.summary.cached;
                    dir.summary.deselected = *deselected;
                }
                dir.phase = Phase::Running;
            }),
            TestEvent::TestStarted { dir, id } => {
                self.with(*dir, |dir| dir.running.push((id.clone(), now)));
            }
            TestEvent::TestFinished { dir, test } => self.with(*dir, |dir| dir.test(test)),
            TestEvent::DirFinished { dir, report } => self.with(*dir, |dir| dir.finish(report)),
            TestEvent::Progress(_) | TestEvent::RunFinished(_) => {}
        }
    }

    /// Verdicts over all dirs.
    pub fn summary(&self) -> Summary {
        let mut sum = Summary::default();
        for dir in &self.dirs {
            sum.merge(&dir.summary);
        }
        sum
    }

    fn with(&mut self, index: usize, change: impl FnOnce(&mut DirState)) {
        if let Some(dir) = self.dirs.get_mut(index) {
            change(dir);
        }
    }
}

impl DirState {
    fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            phase: Phase::Waiting,
            expected: 0,
            summary: Summary::default(),
            running: Vec::new(),
            started: None,
            bad: HashMap::new(),
        }
    }

    /// Whether something happens in it right now.
    pub fn is_active(&self) -> bool {
        !matches!(self.phase, Phase::Waiting | Phase::Done { .. })
    }

    fn image(&mut self, state: &ImageState) {
        // A dir that shares another's image may already run while that one's events still come in.
        if self.started.is_some() {
            return;
        }
        self.phase = match state {
            ImageState::Pulling { image } => Phase::Pulling(image.clone()),
            ImageState::Building { image, step } if step.is_empty() => Phase::Building(image.clone()),
            ImageState::Building { step, .. } => Phase::Building(step.clone()),
            ImageState::Found { .. } | ImageState::Ready { .. } => Phase::Waiting,
            ImageState::Failed { cause, .. } => Phase::Done { fine: false, seconds: 0.0, cause: Some(cause.clone()) },
        };
    }

    fn test(&mut self, test: &TestReport) {
        if let Some(at) = self.running.iter().position(|(id, _)| *id == test.id) {
            self.running.remove(at);
        }
        self.summary.add(test.verdict);
        let before = if test.verdict.is_bad() {
            self.bad.insert(test.id.clone(), test.verdict)
        } else {
            self.bad.remove(&test.id)
        };
        if let Some(verdict) = before {
            self.summary = without(self.summary, verdict);
        }
    }

    fn finish(&mut self, report: &DirReport) {
        use wharf_core::test_suite::DirStatus::{NoTests, Passed};
        self.summary = report.summary;
        self.running.clear();
        self.bad = HashMap::new();
        self.phase = Phase::Done {
            fine: matches!(report.status, Passed | NoTests),
            seconds: report.duration,
            cause: report.cause.clone(),
        };
    }
}

/// `summary` with one test of this verdict less.
fn without(mut summary: Summary, verdict: Verdict) -> Summary {
    let slot = match verdict {
        Verdict::Passed => &mut summary.passed,
        Verdict::Flaky => &mut summary.flaky,
        Verdict::Skipped => &mut summary.skipped,
        Verdict::Xfailed => &mut summary.xfailed,
        Verdict::Xpassed => &mut summary.xpassed,
        Verdict::Failed => &mut summary.failed,
        Verdict::Error => &mut summary.errors,
        Verdict::TimedOut => &mut summary.timed_out,
        Verdict::Crashed => &mut summary.crashed,
        Verdict::NotRun => &mut summary.not_run,
    };
    *slot = slot.saturating_sub(1);
    summary
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_retry_that_passes_corrects_the_counts() {
        let mut state = RunState::default();
        for event in sample::started(&["infra"]) {
            state.apply(&event, Duration::ZERO);
        }
        for verdict in [Verdict::Failed, Verdict::Failed, Verdict::Flaky] {
            let test = sample::test("infra/test_a.py::test_x", verdict);
            state.apply(&TestEvent::TestFinished { dir: 0, test }, Duration::ZERO);
        }
        let summary = state.summary();
        assert_eq!((summary.total(), summary.flaky), (1, 1));
    }

    #[test]
    fn events_of_unknown_dirs_are_ignored() {
        let mut state = RunState::default();
        let test = sample::test("a", Verdict::Passed);
        state.apply(&TestEvent::TestFinished { dir: 7, test }, Duration::ZERO);
        assert!(state.dirs.is_empty());
    }
}
