//! What is known of one runnable dir's tests while they run. Pure: messages and an exit go in, events and a report
//! come out.
//!
//! A dir may need several attempts: failed tests are tried again (`--retries`), and when a process dies in a test, the
//! tests after it still get their turn, in a fresh container, [`RESTARTS`] times.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use wharf_process::Exit;

use super::cache::Recalled;
use super::cause;
use super::coverage::Gathered;
use super::coverage::gathered::Missing;
use super::event::{DirIndex, Runs, TestEvent};
use super::found::Found;
use super::learned::{Collector, Learned};
use super::message::{Finished, Message, Outcome};
use super::report::model::{DirReport, DirStatus, Summary, TestReport};
use super::verdict::Verdict;

/// How often a dir whose process died is started again for the tests that had no turn.
const RESTARTS: u32 = 3;

/// What is said of a test that had begun when the run was stopped.
const CUT_SHORT: &str = "the run was stopped while it ran";

/// Why a dir's container was ended from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was not.
    ByItself,
    /// A test took longer than its limit and did not let itself be stopped.
    OverTime,
    /// A signal or `--fail-fast` stopped the run.
    Stopped,
}

/// The state of one dir.
#[derive(Debug)]
pub struct Session {
    index: DirIndex,
    /// The report as far as it is known.
    pub report: DirReport,
    retries: u32,
    attempt: u32,
    restarts: u32,
    runs: Runs,
    selection: Option<Vec<String>>,
    place: HashMap<String, usize>,
    pending: HashSet<String>,
    order: Vec<String>,
    running: BTreeMap<String, Running>,
    live: bool,
    done: Option<i32>,
    problems: Vec<String>,
    recalled: BTreeSet<String>,
    is_known: bool,
    learned: Collector,
    /// What it tells beside the verdicts.
    pub(super) found: Found,
    /// What its containers told of coverage.
    pub coverage: Gathered,
}

#[derive(Debug, Clone, PartialEq)]
struct Running {
    offset: f64,
    file: Option<String>,
    line: Option<u32>,
}

impl Session {
    /// A dir that has not started; `report` holds what is known before.
    #[must_use]
    pub fn new(index: DirIndex, report: DirReport, retries: u32, selection: Option<Vec<String>>) -> Self {
        Self {
            index,
            report,
            retries,
            attempt: 0,
            restarts: 0,
            runs: Runs::Planned,
            selection,
            place: HashMap::new(),
            pending: HashSet::new(),
            order: Vec::new(),
            running: BTreeMap::new(),
            live: false,
            done: None,
            problems: Vec::new(),
            recalled: BTreeSet::new(),
            is_known: false,
            learned: Collector::default(),
            found: Found::default(),
            coverage: Gathered::default(),
        }
    }

    /// Takes in what is known without a run; gives whether that is all.
    pub fn recall(&mut self, known: Recalled) -> bool {
        self.report.summary.cached = known.tests.len();
        self.report.tests = known.tests;
        self.recalled = known.files;
        let Some(whole) = known.whole else { return false };
        self.is_known = true;
        self.report.summary.deselected = whole.deselected;
        self.report.python = whole.python;
        self.report.pytest = whole.pytest;
        if self.report.tests.is_empty() {
            self.report.status = DirStatus::NoTests;
            self.report.cause = Some("no tests were collected".into());
        } else {
            self.report.status = DirStatus::Passed;
        }
        true
    }

    /// Test files whose verdicts are known.
    #[must_use]
    pub fn recalled(&self) -> &BTreeSet<String> {
        &self.recalled
    }

    /// Whether all of it is known without a run.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.is_known
    }

    /// Whether pytest came to its own end and no process died, so that what is known of its tests is all there is.
    #[must_use]
    pub fn ended_well(&self) -> bool {
        self.is_done()
            && self.restarts == 0
            && !matches!(self.report.status, DirStatus::Interrupted | DirStatus::Crashed)
    }

    /// Which tests the next container shall run alone; `None`: all.
    #[must_use]
    pub fn selection(&self) -> Option<&[String]> {
        self.selection.as_deref()
    }

    /// The next attempt starts; gives its number, from 1.
    pub fn start(&mut self) -> u32 {
        self.attempt += 1;
        self.coverage.begin();
        self.live = false;
        self.done = None;
        self.running.clear();
        self.learned.begin();
        self.attempt
    }

    /// Whether pytest came to its own end: passed, failed (also at the first failure) or nothing to do. Interrupted, it ends
    /// with another status (pytest, "Exit codes").
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.done, Some(0 | 1 | 5))
    }

    /// What the next container is to run.
    #[must_use]
    pub fn runs(&self) -> Runs {
        self.runs
    }

    /// What its test files were seen to depend on, in the sessions that came to their end.
    pub fn take_learned(&mut self) -> BTreeMap<String, Learned> {
        self.learned.take()
    }

    /// Lines for the list of problems.
    pub fn take_problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.problems)
    }

    /// The test that has been running longest, with the second of the run in which it started.
    #[must_use]
    pub fn oldest_running(&self) -> Option<(&str, f64)> {
        let oldest = self.running.iter().min_by(|a, b| a.1.offset.total_cmp(&b.1.offset));
        oldest.map(|(id, running)| (id.as_str(), running.offset))
    }

    /// Takes one message at `now` seconds of the run; `stopped`: the run is being stopped.
    pub fn take(&mut self, message: Message, now: f64, stopped: bool) -> Option<TestEvent> {
        let dir = self.index;
        match message {
            Message::Session { python, pytest } => {
                self.live = true;
                self.report.python = Some(python);
                self.report.pytest = Some(pytest);
                self.report.session_started.get_or_insert(now);
                None
            }
            Message::Collected { count, deselected } => {
                self.found.is_over = true;
                if self.attempt > 1 {
                    return None;
                }
                self.report.summary.deselected = deselected;
                // Growing by doubling would hold twice as much.
                self.report.tests.reserve_exact(count);
                Some(TestEvent::Collected { dir, count, deselected })
            }
            Message::Items { ids } if self.found.collects => {
                self.found.ids.extend(ids);
                None
            }
            Message::Listed { .. } | Message::Explained(_) => {
                self.found.take(message);
                None
            }
            Message::Items { ids } => {
                self.order.extend(ids.iter().cloned());
                self.pending.extend(ids);
                None
            }
            Message::CollectError { id, longrepr } => {
                let mut test = blank(id, Verdict::Error, now);
                test.phase = Some("collect".into());
                test.message = longrepr.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
                test.longrepr = Some(longrepr);
                Some(self.add(test))
            }
            Message::CollectSkip { id, reason } => {
                let mut test = blank(id, Verdict::Skipped, now);
                test.message = Some(reason);
                Some(self.add(test))
            }
            Message::Started { id, file, line } => {
                self.running.insert(id.clone(), Running { offset: now, file, line });
                Some(TestEvent::TestStarted { dir, id })
            }
            Message::Finished(finished) if stopped && is_cut_short(&finished) => {
                let mut test = blank(finished.id, Verdict::NotRun, now - finished.duration);
                if let Some(running) = self.running.remove(&test.id) {
                    (test.offset, test.file, test.line) = (running.offset, running.file, running.line);
                }
                self.pending.remove(&test.id);
                test.duration = finished.duration;
                test.message = Some(CUT_SHORT.into());
                Some(self.add(test))
            }
            Message::Finished(finished) => Some(self.finished(*finished, now)),
            Message::Problem { message, kind, ids } => {
                let path = &self.report.path;
                let line = if kind.as_deref() == Some("unmatched") && !ids.is_empty() {
                    format!("{path}: no test matches {}", ids.join(", "))
                } else {
                    format!("{path}: {message}")
                };
                self.problems.push(line);
                None
            }
            Message::Done { exitstatus, deselected } => {
                self.done = Some(exitstatus);
                self.learned.end();
                if self.attempt == 1 {
                    self.report.summary.deselected = self.report.summary.deselected.max(deselected);
                }
                None
            }
            Message::Units { of, units } => {
                self.learned.units(of, units);
                None
            }
            Message::Reads(reads) => {
                self.learned.reads(*reads);
                None
            }
            Message::Covered { path, hit, missed, branches } => {
                self.coverage.file(path, &hit, &missed, branches);
                None
            }
            Message::Coverage { tool, missing, install } => {
                self.coverage.end(tool, missing.map(|why| Missing { why, install }));
                None
            }
            Message::Part { .. } | Message::Unknown => None,
        }
    }

    fn finished(&mut self, finished: Finished, now: f64) -> TestEvent {
        let started = self.running.remove(&finished.id);
        self.pending.remove(&finished.id);
        let verdict = match finished.outcome {
            Outcome::Passed if finished.flaky => Verdict::Flaky,
            Outcome::Passed => Verdict::Passed,
            Outcome::Failed => Verdict::Failed,
            Outcome::Error => Verdict::Error,
            Outcome::Skipped => Verdict::Skipped,
            Outcome::Xfailed => Verdict::Xfailed,
            Outcome::Xpassed => Verdict::Xpassed,
            Outcome::TimedOut => Verdict::TimedOut,
            Outcome::Crashed => Verdict::Crashed,
        };
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let offset = started.as_ref().map_or(now - finished.duration, |running| running.offset);
        self.add(TestReport {
            id: finished.id,
            verdict,
            duration: finished.duration,
            offset: offset.max(0.0),
            attempts: 1 + finished.reruns,
            file: finished.file,
            line: finished.line,
            phase: filled(finished.phase),
            message: filled(finished.message),
            longrepr: filled(finished.longrepr),
            cached: false,
            sections: finished.sections,
        })
    }

    /// Adds a test, or, in a later attempt, corrects what is known of it.
    fn add(&mut self, mut test: TestReport) -> TestEvent {
        let earlier = if self.attempt > 1 { self.place.get(&test.id).copied() } else { None };
        if let Some(place) = earlier {
            let known = &mut self.report.tests[place];
            known.attempts += test.attempts;
            known.duration = test.duration;
            if test.verdict == Verdict::Passed {
                // The first failure stays to be read.
                known.verdict = Verdict::Flaky;
            } else {
                test.attempts = known.attempts;
                *known = test;
            }
            return TestEvent::TestFinished { dir: self.index, test: known.clone() };
        }
        if test.verdict.is_bad() {
            self.place.insert(test.id.clone(), self.report.tests.len());
        }
        self.report.tests.push(test.clone());
        TestEvent::TestFinished { dir: self.index, test }
    }

    /// The container has ended. Gives the events of tests that it took with it.
    pub fn ended(&mut self, exit: Exit, tail: &[String], how: Ended) -> Vec<TestEvent> {
        self.report.exit_code = Some(exit.shell_code());
        let mut events = Vec::new();
        for (id, running) in std::mem::take(&mut self.running) {
            self.pending.remove(&id);
            let (verdict, message) = match how {
                Ended::OverTime => (Verdict::TimedOut, "it took longer than its limit and was killed".to_owned()),
                Ended::Stopped => (Verdict::NotRun, CUT_SHORT.to_owned()),
                Ended::ByItself => (Verdict::Crashed, cause::ended_early(exit, tail)),
            };
            let mut test = blank(id, verdict, running.offset);
            test.file = running.file;
            test.line = running.line;
            test.message = Some(message);
            if how == Ended::ByItself && !tail.is_empty() {
                test.longrepr = Some(format!("The last lines of its output:\n{}", tail.join("\n")));
            }
            events.push(self.add(test));
        }
        events
    }

    /// What to run in another container: tests that had no turn because the process died, else tests to try again.
    /// The caller asks only while the run is not being stopped.
    pub fn again(&mut self, how: Ended) -> bool {
        let died = self.live && self.done.is_none() && how != Ended::Stopped;
        if died && self.restarts < RESTARTS && !self.pending.is_empty() {
            self.restarts += 1;
            self.runs = Runs::Rest;
            let pending = std::mem::take(&mut self.pending);
            self.selection =
                Some(std::mem::take(&mut self.order).into_iter().filter(|id| pending.contains(id)).collect());
            return true;
        }
        if self.retries == 0 || how == Ended::Stopped {
            return false;
        }
        let tries = |test: &&TestReport| {
            matches!(test.verdict, Verdict::Failed | Verdict::Error | Verdict::TimedOut | Verdict::Crashed)
                && test.phase.as_deref() != Some("collect")
        };
        let again: Vec<String> = self.report.tests.iter().filter(tries).map(|test| test.id.clone()).collect();
        if again.is_empty() {
            return false;
        }
        self.retries -= 1;
        self.runs = Runs::Failed;
        self.pending.clear();
        self.order.clear();
        self.selection = Some(again);
        true
    }

    /// Closes the report; `None` for a dir whose container never started.
    pub fn close(&mut self, exit: Option<Exit>, tail: &[String], how: Ended) {
        let left = std::mem::take(&mut self.pending);
        let why = match how {
            Ended::Stopped => "the run was stopped before its turn",
            Ended::ByItself if self.done.is_some() => "pytest ended before its turn",
            Ended::OverTime | Ended::ByItself => "its process ended before its turn",
        };
        for id in std::mem::take(&mut self.order) {
            if left.contains(&id) {
                let mut test = blank(id, Verdict::NotRun, 0.0);
                test.message = Some(why.into());
                self.report.tests.push(test);
            }
        }
        let mut summary = Summary { deselected: self.report.summary.deselected, ..Summary::default() };
        for test in &self.report.tests {
            summary.count_in(test);
        }
        self.report.summary = summary;
        self.judge(exit, tail, how);
    }

    fn judge(&mut self, exit: Option<Exit>, tail: &[String], how: Ended) {
        let crashed = self.report.summary.crashed > 0;
        let bad = self.report.summary.bad() > 0;
        let none = self.report.tests.is_empty();
        let none_ran = self.report.tests.iter().all(|test| test.cached);
        let mut set = |status, cause: Option<String>, hint: Option<String>| {
            self.report.status = status;
            self.report.cause = cause;
            self.report.hint = hint;
        };
        let Some(exit) = exit else {
            if how == Ended::Stopped {
                set(DirStatus::Interrupted, Some("the run was stopped before its container started".into()), None);
            }
            return;
        };
        if how == Ended::Stopped {
            return set(DirStatus::Interrupted, Some("the run was stopped while its tests ran".into()), None);
        }
        match (self.live, self.done) {
            (false, _) if none_ran => {
                let cause = cause::not_started(&self.report.path.clone(), exit, tail);
                set(DirStatus::NotRun, Some(cause.text), cause.hint);
            }
            (true, None) => {
                let text = if how == Ended::OverTime {
                    "a test did not let itself be stopped".into()
                } else {
                    cause::ended_early(exit, tail)
                };
                set(DirStatus::Crashed, Some(text), None);
            }
            _ if crashed => set(DirStatus::Crashed, Some("a test took its process with it".into()), None),
            _ if bad => set(DirStatus::Failed, None, None),
            (_, Some(0 | 1 | 5)) if none => set(DirStatus::NoTests, Some("no tests were collected".into()), None),
            (_, Some(0 | 5)) => set(DirStatus::Passed, None, None),
            // Of tests that are all known, none is left to run.
            (_, Some(1)) if none_ran => set(DirStatus::Passed, None, None),
            // Failed once, and passed when tried again.
            (_, Some(1)) if self.report.summary.flaky > 0 => set(DirStatus::Passed, None, None),
            (_, Some(1)) => {
                let line = tail.iter().rev().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or_default();
                set(DirStatus::Failed, Some(format!("pytest failed though no test did: {line}")), None);
            }
            (_, status) => {
                let cause = cause::pytest_refused(status.unwrap_or(2), tail);
                set(DirStatus::NotRun, Some(cause.text), cause.hint);
            }
        }
    }
}

/// Whether a test ended because its session was interrupted: the plugin gives such an error no phase.
fn is_cut_short(finished: &Finished) -> bool {
    finished.outcome == Outcome::Error && finished.phase.as_deref().is_none_or(str::is_empty)
}

fn blank(id: String, verdict: Verdict, offset: f64) -> TestReport {
    let file = id.split("::").next().map(str::to_owned);
    TestReport {
        id,
        verdict,
        duration: 0.0,
        offset,
        attempts: 1,
        file,
        line: None,
        phase: None,
        message: None,
        longrepr: None,
        cached: false,
        sections: Vec::new(),
    }
}
