//! The live view: a frame that is redrawn in place, with failures printed above it as they happen.
//!
//! Owns the clock and the terminal. What a frame looks like is in `frame`, what is known in `state`. The frame is one
//! progress bar of indicatif whose message has many lines, so that it is always redrawn as a whole.

use std::fmt;
use std::io::Stderr;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use wharf_core::test_suite::TestEvent;
use wharf_core::test_suite::event::TestListener;

use super::frame::{self, View};
use super::keys::QuietKeys;
use super::news::{self, Detail};
use super::state::RunState;
use super::style::Style;
use super::width::cut_end;

/// Nothing is redrawn more often than this.
const REDRAW: Duration = Duration::from_millis(60);

type Size = Box<dyn Fn() -> (usize, usize) + Send>;

/// Shows a run live on a terminal.
pub struct Live {
    bar: ProgressBar,
    size: Size,
    style: Style,
    slow: Duration,
    state: RunState,
    names: Vec<String>,
    start: Instant,
    drawn: Option<Instant>,
    keys: Option<QuietKeys<Stderr>>,
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Live {
    /// A live view on `term`, which is that of standard error; running tests are marked from `slow` on.
    #[must_use]
    pub fn new(term: Term, style: Style, slow: Duration) -> Self {
        let target = ProgressDrawTarget::term(term.clone(), 20);
        let size = Box::new(move || {
            let (rows, columns) = term.size();
            (usize::from(columns), usize::from(rows))
        });
        let mut live = Self::on_target(target, size, style, slow);
        live.keys = Some(QuietKeys::on(std::io::stderr()));
        live
    }

    fn on_target(target: ProgressDrawTarget, size: Size, style: Style, slow: Duration) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(template) = ProgressStyle::with_template("{msg}") {
            bar.set_style(template);
        }
        Self {
            bar,
            size,
            style,
            slow,
            state: RunState::default(),
            names: Vec::new(),
            start: Instant::now(),
            drawn: None,
            keys: None,
        }
    }

    fn draw(&mut self) {
        let now = Instant::now();
        if self.state.dirs.is_empty() || self.drawn.is_some_and(|drawn| now - drawn < REDRAW) {
            return;
        }
        self.drawn = Some(now);
        let (columns, rows) = (self.size)();
        let view = View { columns, rows, now: now - self.start, slow: self.slow, style: self.style };
        self.bar.set_message(frame::lines(&self.state, &view).join("\n"));
    }
}

impl TestListener for Live {
    fn on(&mut self, event: &TestEvent) {
        if let TestEvent::RunStarted { dirs, .. } = event {
            self.names.clone_from(dirs);
        }
        if let Some((paint, line)) = news::line(event, &self.names, Detail::Exceptions) {
            let columns = (self.size)().0;
            let line = cut_end(&line, columns.saturating_sub(1), self.style);
            self.bar.println(self.style.paint(paint, &line));
        }
        self.state.apply(event, self.start.elapsed());
        if matches!(event, TestEvent::RunFinished(_)) {
            self.bar.finish_and_clear();
        } else {
            self.draw();
        }
    }

    fn tick(&mut self) {
        if !self.bar.is_finished() {
            self.draw();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.keys = None;
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;
    use wharf_core::test_suite::Verdict;

    use super::super::sample;
    use super::*;

    /// Keeps all that is written; cursor moves are left out.
    #[derive(Debug, Clone, Default)]
    struct Recorder(Arc<Mutex<String>>);

    impl TermLike for Recorder {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(&format!("{text}\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.0.lock().unwrap().push_str(text);
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn failures_are_printed_above_the_frame_and_the_frame_is_drawn() {
        let recorder = Recorder::default();
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(recorder.clone()), 255);
        let size = Box::new(|| (80, 24));
        let mut live = Live::on_target(target, size, Style::PLAIN, Duration::from_secs(1));
        live.on(&sample::run_started(&["infra"]));
        for event in sample::dir_started(0, 2) {
            live.on(&event);
        }
        let test = sample::test("infra/test_a.py::test_x", Verdict::Failed);
        live.on(&TestEvent::TestFinished { dir: 0, test });
        live.drawn = None;
        live.tick();
        live.on(&TestEvent::RunFinished(Box::new(sample::report(Vec::new()))));
        let text = recorder.0.lock().unwrap().clone();
        assert!(text.contains("FAILED infra/test_a.py::test_x (0.12s): AssertionError: assert 1 == 2"), "{text}");
        assert!(text.contains("> infra  ######------  1/2  1 failed"), "{text}");
        assert!(live.bar.is_finished());
    }
}
