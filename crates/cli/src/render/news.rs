//! Single events as lines that stay on the screen or in the log.

use wharf_core::event::{Event, ImageState};
use wharf_core::test_suite::event::Runs;
use wharf_core::test_suite::report::text::one_line;
use wharf_core::test_suite::{DirReport, DirStatus, TestEvent, TestReport, Verdict};

use super::style::Paint;
use super::words::{count, counts, seconds, whole_seconds};

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What the live view does not show by itself: failures, warnings, notes.
    Exceptions,
    /// The course of the run too, for where there is no live view.
    Course,
}

/// The line for `event`, without newline, and how it is set off; `None` where there is nothing to tell.
pub fn line(event: &TestEvent, dirs: &[String], detail: Detail) -> Option<(Paint, String)> {
    let name = |index: &usize| dirs.get(*index).map_or("?", String::as_str);
    let course = detail == Detail::Course;
    match event {
        TestEvent::Progress(Event::Note(text)) => Some((Paint::Plain, one_line(text))),
        TestEvent::Progress(Event::Warning(text)) => Some((Paint::Yellow, format!("warning: {}", one_line(text)))),
        TestEvent::Progress(Event::Image { dir, state }) => image(dir, state, detail),
        TestEvent::DirStarted { dir, runs: Runs::Rest, .. } => {
            Some((Paint::Plain, format!("{}: goes on with the tests that had no turn", name(dir))))
        }
        TestEvent::DirStarted { dir, attempt, runs: Runs::Failed } => {
            Some((Paint::Plain, format!("{}: tries its failed tests again, attempt {attempt}", name(dir))))
        }
        TestEvent::Recalled { dir, count: tests, all: false } if course => {
            Some((Paint::Plain, format!("{}: {} cached", name(dir), count(*tests, "test"))))
        }
        TestEvent::Collected { dir, count: tests, deselected } if course => {
            let deselected = match deselected {
                0 => String::new(),
                number => format!(" ({number} deselected)"),
            };
            Some((Paint::Plain, format!("{}: {} collected{deselected}", name(dir), count(*tests, "test"))))
        }
        TestEvent::TestFinished { test, .. } => of_test(test),
        TestEvent::DirFinished { dir, report } => {
            let wrong = !matches!(report.status, DirStatus::Passed | DirStatus::Failed | DirStatus::NoTests);
            (course || wrong).then(|| of_dir(name(dir), report))
        }
        TestEvent::Stopping { again: false, grace } => Some((
            Paint::Yellow,
            format!("stopping: containers have {} to end; once more stops at once", whole_seconds(*grace)),
        )),
        TestEvent::Stopping { again: true, .. } => Some((Paint::Yellow, "stopping at once".into())),
        _ => None,
    }
}

fn image(dir: &str, state: &ImageState, detail: Detail) -> Option<(Paint, String)> {
    let text = match state {
        ImageState::Failed { cause, log } => {
            let log = log.as_ref().map_or(String::new(), |path| format!("; log: `{}`", path.display()));
            return Some((Paint::Red, format!("{dir}: no image: {}{log}", one_line(cause))));
        }
        _ if detail == Detail::Exceptions => return None,
        ImageState::Found { image, why } => format!("image {image} found{}", reason(why)),
        ImageState::Pulling { image } => format!("pulling image {image}"),
        ImageState::Building { image, step } if step.is_empty() => {
            format!("building image {image}")
        }
        // Each step of a build would be too much; the log has them.
        ImageState::Building { .. } => return None,
        ImageState::Ready { image, why } => format!("image {image} ready{}", reason(why)),
    };
    Some((Paint::Plain, format!("{dir}: {text}")))
}

fn reason(why: &str) -> String {
    if why.is_empty() { String::new() } else { format!(" ({})", one_line(why)) }
}

fn of_test(test: &TestReport) -> Option<(Paint, String)> {
    let paint = match test.verdict {
        Verdict::Failed | Verdict::Error | Verdict::TimedOut | Verdict::Crashed => Paint::Red,
        Verdict::Flaky => Paint::Yellow,
        // Tests that never ran come in hundreds, all with the cause that their dir's line tells.
        _ => return None,
    };
    Some((paint, format!("{} {}", title(test), tail(test)).trim_end().to_owned()))
}

/// `FAILED infra/tests/test_a.py::test_x`.
pub fn title(test: &TestReport) -> String {
    format!("{} {}", test.verdict.word().to_uppercase(), one_line(&test.id))
}

fn tail(test: &TestReport) -> String {
    let message = test.message.as_deref().map(one_line).filter(|text| !text.is_empty());
    let message = message.map_or(String::new(), |text| format!(": {text}"));
    format!("({}){message}", seconds(test.duration))
}

fn of_dir(name: &str, report: &DirReport) -> (Paint, String) {
    let cause = report.cause.as_deref().map(one_line);
    let cause = cause.map_or(String::new(), |text| format!(": {text}"));
    let time = seconds(report.duration);
    match report.status {
        // Known, all of it.
        DirStatus::Passed if report.summary.cached == report.summary.total() => {
            (Paint::Green, format!("{name}: {}", counts(&report.summary)))
        }
        DirStatus::Passed => (Paint::Green, format!("{name}: {} in {time}", counts(&report.summary))),
        DirStatus::Failed => (Paint::Red, format!("{name}: {} in {time}", counts(&report.summary))),
        DirStatus::NoTests => (Paint::Plain, format!("{name}: no tests in {time}")),
        DirStatus::NotRun => (Paint::Red, format!("{name}: not run{cause}")),
        DirStatus::Crashed => (Paint::Red, format!("{name}: crashed after {time}{cause}")),
        DirStatus::Interrupted => (Paint::Yellow, format!("{name}: interrupted after {time}{cause}")),
    }
}
