//! The course of a run as plain lines, for pipes and logs: nothing is ever redrawn.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use wharf_core::test_suite::TestEvent;
use wharf_core::test_suite::event::TestListener;
use wharf_core::test_suite::report::text::one_line;

use super::news::{self, Detail};
use super::state::{DirState, Phase, RunState};
use super::style::Style;
use super::words::{seconds, within};

/// A dir that runs gets a line this often.
const PROGRESS: Duration = Duration::from_secs(10);

type Clock = Box<dyn Fn() -> Duration + Send>;

/// Writes a line for each thing that happens, and every ten seconds one for each dir that runs.
pub struct Plain<W> {
    out: W,
    style: Style,
    clock: Clock,
    told: Duration,
    state: RunState,
    names: Vec<String>,
}

impl<W> fmt::Debug for Plain<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<W: Write> Plain<W> {
    /// A reporter that writes to `out`.
    pub fn new(out: W, style: Style) -> Self {
        let start = Instant::now();
        Self::with_clock(out, style, Box::new(move || start.elapsed()))
    }

    fn with_clock(out: W, style: Style, clock: Clock) -> Self {
        Self { out, style, clock, told: Duration::ZERO, state: RunState::default(), names: Vec::new() }
    }

    fn progress(&mut self, now: Duration) {
        if now.saturating_sub(self.told) < PROGRESS {
            return;
        }
        self.told = now;
        for dir in self.state.dirs.iter().filter(|dir| dir.is_active()) {
            // Nobody to tell if the pipe is closed; the run goes on.
            let _ = writeln!(self.out, "{}", progress_of(dir, now));
        }
        let _ = self.out.flush();
    }
}

fn progress_of(dir: &DirState, now: Duration) -> String {
    let doing = match &dir.phase {
        Phase::Building(step) => format!("building image: {}", one_line(step)),
        Phase::Pulling(image) => format!("pulling image {image}"),
        Phase::Running => {
            let bad = match dir.summary.bad() {
                0 => String::new(),
                bad => format!(", {bad} failed"),
            };
            let test = dir.running.first().map_or(String::new(), |(id, since)| {
                let time = seconds(now.saturating_sub(*since).as_secs_f64());
                format!(", {time} in {}", one_line(within(id, &dir.path)))
            });
            format!("{} of {} done{bad}{test}", dir.summary.total(), dir.expected)
        }
        Phase::Services(line) => one_line(line),
        Phase::Starting => "starting".into(),
        Phase::Waiting | Phase::Done { .. } => String::new(),
    };
    format!("{}: {doing}", dir.path)
}

impl<W: Write> TestListener for Plain<W> {
    fn on(&mut self, event: &TestEvent) {
        if let TestEvent::RunStarted { dirs, .. } = event {
            self.names.clone_from(dirs);
        }
        if let Some((paint, line)) = news::line(event, &self.names, Detail::Course) {
            let _ = writeln!(self.out, "{}", self.style.paint(paint, &line));
            let _ = self.out.flush();
        }
        let now = (self.clock)();
        self.state.apply(event, now);
        self.progress(now);
    }

    fn tick(&mut self) {
        let now = (self.clock)();
        self.progress(now);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use wharf_core::event::{Event, ImageState};
    use wharf_core::test_suite::{DirStatus, Verdict};

    use super::super::sample;
    use super::*;

    #[test]
    fn each_thing_that_happens_is_one_line() {
        let time = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&time);
        let clock: Clock = Box::new(move || Duration::from_secs(clock.load(Ordering::Relaxed)));
        let mut out = Vec::new();
        let mut plain = Plain::with_clock(&mut out, Style::PLAIN, clock);
        let image = |dir: &str, state| TestEvent::Progress(Event::Image { dir: dir.into(), state });
        plain.on(&sample::run_started(&["infra", "ml"]));
        plain.on(&TestEvent::Progress(Event::Note("engine: docker 28.0, the first that works".into())));
        plain.on(&image(
            "infra",
            ImageState::Found { image: "infra:local-me-0.1.0".into(), why: "inputs unchanged".into() },
        ));
        plain.on(&image("ml", ImageState::Building { image: "ml:local-me-0.1.0".into(), step: String::new() }));
        plain.on(&image("ml", ImageState::Building { image: "ml".into(), step: "[2/4] RUN apt-get".into() }));
        for event in sample::dir_started(0, 212) {
            plain.on(&event);
        }
        let mut failed = sample::test("infra/tests/test_a.py::test_x", Verdict::Failed);
        failed.message = Some("AssertionError: assert 1\n == 2".into());
        plain.on(&TestEvent::TestFinished { dir: 0, test: failed });
        plain.on(&TestEvent::TestStarted { dir: 0, id: "infra/tests/test_a.py::test_y".into() });
        time.store(9, Ordering::Relaxed);
        plain.tick();
        time.store(11, Ordering::Relaxed);
        plain.tick();
        plain.tick();
        plain.on(&sample::dir_finished(0, "infra", 209));
        let TestEvent::DirFinished { mut report, .. } = sample::dir_finished(1, "ml", 0) else { unreachable!() };
        report.status = DirStatus::NotRun;
        report.cause = Some("the build failed".into());
        plain.on(&TestEvent::DirFinished { dir: 1, report });
        plain.on(&TestEvent::Stopping { again: false, grace: Duration::from_secs(10) });
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\
engine: docker 28.0, the first that works
infra: image infra:local-me-0.1.0 found (inputs unchanged)
ml: building image ml:local-me-0.1.0
infra: 212 tests collected (3 deselected)
FAILED infra/tests/test_a.py::test_x (0.12s): AssertionError: assert 1 == 2
infra: 1 of 212 done, 1 failed, 11.0s in tests/test_a.py::test_y
ml: building image: [2/4] RUN apt-get
infra: 209 passed in 3.5s
ml: not run: the build failed
stopping: containers have 10s to end; once more stops at once
"
        );
    }
}
