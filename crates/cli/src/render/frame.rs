//! The live view as text: a pure function of what is known, the time and the size of the terminal.
//!
//! One line a runnable dir and one for the whole. Where the terminal is too low for all, what happens now is shown
//! first, then what went wrong, and one line counts the rest.

use std::time::Duration;

use wharf_core::test_suite::report::text::one_line;

use super::state::{DirState, Phase, RunState};
use super::style::{Paint, Style};
use super::width::{cut_end, cut_start, pad_end, pad_start, width};
use super::words::{count, counts, seconds, whole_seconds, within};

/// What a frame depends on besides the run itself.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Columns of the terminal.
    pub columns: usize,
    /// Rows of the terminal.
    pub rows: usize,
    /// Time since the start.
    pub now: Duration,
    /// A running test is marked from this time on.
    pub slow: Duration,
    /// Colours and signs.
    pub style: Style,
}

/// The lines of the live view, each at most `columns` wide and at most `rows` of them.
pub fn lines(state: &RunState, view: &View) -> Vec<String> {
    let room = view.rows.saturating_sub(2).max(1);
    let shown = choose(&state.dirs, room);
    let name = name_width(shown.iter().map(|index| &state.dirs[*index]), view.columns);
    let mut lines: Vec<_> = shown.iter().map(|index| line(&state.dirs[*index], name, view)).collect();
    if shown.len() < state.dirs.len() {
        lines.push(rest(&state.dirs, &shown, view));
    }
    lines.push(total(state, view));
    lines
}

/// Which dirs get a line, in their own order.
fn choose(dirs: &[DirState], room: usize) -> Vec<usize> {
    let mut order: Vec<_> = (0..dirs.len()).collect();
    if order.len() > room {
        order.sort_by_key(|index| match &dirs[*index].phase {
            Phase::Running | Phase::Starting => 0,
            Phase::Building(_) | Phase::Pulling(_) | Phase::Services(_) => 1,
            Phase::Done { fine: false, .. } => 2,
            Phase::Waiting => 3,
            Phase::Done { .. } => 4,
        });
        // One row less: the line that counts the rest.
        order.truncate(room.saturating_sub(1));
        order.sort_unstable();
    }
    order
}

fn name_width<'a>(dirs: impl Iterator<Item = &'a DirState>, columns: usize) -> usize {
    let widest = dirs.map(|dir| width(&one_line(&dir.path))).max().unwrap_or(0);
    widest.min((columns / 3).max(8))
}

/// One runnable dir.
fn line(dir: &DirState, name_width: usize, view: &View) -> String {
    let style = view.style;
    let (sign, paint) = match &dir.phase {
        Phase::Waiting => (style.sign("·", "."), Paint::Dim),
        Phase::Done { fine: true, .. } => (style.sign("✓", "+"), Paint::Green),
        Phase::Done { fine: false, .. } => (style.sign("✗", "x"), Paint::Red),
        _ => (style.sign("▸", ">"), Paint::Cyan),
    };
    let name = pad_end(&cut_start(&one_line(&dir.path), name_width, style), name_width);
    let mut line = Line::new(view);
    line.push(paint, sign);
    line.push(if dir.phase == Phase::Waiting { Paint::Dim } else { Paint::Plain }, &format!(" {name}  "));
    match &dir.phase {
        Phase::Waiting => line.push(Paint::Dim, "waiting"),
        Phase::Pulling(image) => {
            line.push(Paint::Plain, "pulling image  ");
            line.push(Paint::Dim, &one_line(image));
        }
        Phase::Building(step) => {
            line.push(Paint::Plain, "building image  ");
            line.push(Paint::Dim, &one_line(step));
        }
        Phase::Services(last) => line.push(Paint::Plain, last),
        Phase::Starting => line.push(Paint::Plain, "starting"),
        Phase::Running => running(dir, &mut line, view),
        Phase::Done { fine, seconds: time, cause } => {
            let total = dir.summary.total();
            match (total, cause) {
                (0, Some(cause)) => line.push(Paint::Red, &one_line(cause)),
                (0, None) => line.push(Paint::Dim, "no tests"),
                _ => line.push(if *fine { Paint::Plain } else { Paint::Red }, &counts(&dir.summary)),
            }
            if *time > 0.0 {
                line.push(Paint::Dim, &format!("  {}", seconds(*time)));
            }
        }
    }
    line.text
}

fn running(dir: &DirState, line: &mut Line<'_>, view: &View) {
    let done = dir.summary.total();
    let bad = dir.summary.bad();
    let cells = match view.columns {
        0..60 => 0,
        60..100 => 12,
        _ => 24,
    };
    if cells > 0 {
        let filled = (done * cells).checked_div(dir.expected).unwrap_or(0).min(cells);
        line.push(if bad > 0 { Paint::Red } else { Paint::Green }, &view.style.sign("━", "#").repeat(filled));
        line.push(Paint::Dim, &view.style.sign("─", "-").repeat(cells - filled));
        line.push(Paint::Plain, "  ");
    }
    let expected = dir.expected.to_string();
    line.push(Paint::Plain, &format!("{}/{expected}", pad_start(&done.to_string(), expected.len())));
    if bad > 0 {
        line.push(Paint::Red, &format!("  {bad} failed"));
    }
    let Some((id, since)) = dir.running.first() else {
        return;
    };
    let time = view.now.saturating_sub(*since);
    let more = match dir.running.len() {
        1 => String::new(),
        number => format!(" (+{})", number - 1),
    };
    let tail = format!(" {}{more}", seconds(time.as_secs_f64()));
    let room = line.room.saturating_sub(width(&tail) + 2);
    if room >= 8 {
        let test = cut_start(&one_line(within(id, &dir.path)), room, view.style);
        let paint = if time >= view.slow { Paint::Yellow } else { Paint::Dim };
        line.push(paint, &format!("  {test}{tail}"));
    }
}

/// The line for the dirs that got none.
fn rest(dirs: &[DirState], shown: &[usize], view: &View) -> String {
    let mut numbers = [0; 4];
    for (_, dir) in dirs.iter().enumerate().filter(|(index, _)| !shown.contains(index)) {
        numbers[match &dir.phase {
            Phase::Waiting => 1,
            Phase::Done { fine: true, .. } => 2,
            Phase::Done { fine: false, .. } => 3,
            _ => 0,
        }] += 1;
    }
    let words = ["under way", "waiting", "done", "failed"];
    let parts: Vec<_> = numbers
        .iter()
        .zip(words)
        .filter(|(number, _)| **number > 0)
        .map(|(number, word)| format!("{number} {word}"))
        .collect();
    let mut line = Line::new(view);
    let dots = view.style.sign("…", "...");
    line.push(Paint::Dim, &format!("{dots} and {}", parts.join(", ")));
    line.text
}

/// The last line: time and counts of the whole run.
fn total(state: &RunState, view: &View) -> String {
    let summary = state.summary();
    let done = state.dirs.iter().filter(|dir| matches!(dir.phase, Phase::Done { .. })).count();
    let mut line = Line::new(view);
    line.push(Paint::Bold, &whole_seconds(view.now));
    if state.stopping {
        line.push(Paint::Yellow, "  stopping");
    }
    line.push(Paint::Dim, &format!("  {done}/{} done", count(state.dirs.len(), "dir")));
    if summary.total() > 0 {
        line.push(Paint::Plain, &format!("  {}", counts(&summary)));
    }
    line.text
}

/// A line that is never wider than the terminal; what does not fit is cut.
struct Line<'a> {
    text: String,
    room: usize,
    view: &'a View,
}

impl<'a> Line<'a> {
    fn new(view: &'a View) -> Self {
        Self {
            text: String::new(),
            // Terminals differ in what they do after the last column.
            room: view.columns.saturating_sub(1),
            view,
        }
    }

    fn push(&mut self, paint: Paint, text: &str) {
        let text = cut_end(text, self.room, self.view.style);
        self.room -= width(&text);
        self.text.push_str(&self.view.style.paint(paint, &text));
    }
}

#[cfg(test)]
mod tests {
    use wharf_core::event::{Event, ImageState};
    use wharf_core::test_suite::{TestEvent, Verdict};

    use super::super::sample;
    use super::*;

    const RICH: Style = Style { color: false, unicode: true };

    fn view(columns: usize, rows: usize) -> View {
        View { columns, rows, now: Duration::from_millis(14_200), slow: Duration::from_secs(10), style: RICH }
    }

    fn image(dir: &str, state: ImageState) -> TestEvent {
        TestEvent::Progress(Event::Image { dir: dir.into(), state })
    }

    fn state() -> RunState {
        let mut state = RunState::default();
        let names = ["infra", "ml/train", "web", "docs", "漢字", "ops", "bad"];
        let mut events = vec![sample::run_started(&names)];
        events.extend(sample::dir_started(0, 4));
        for (n, verdict) in [Verdict::Passed, Verdict::Passed, Verdict::Failed].into_iter().enumerate() {
            let test = sample::test(&format!("infra/tests/test_x.py::test_{n}"), verdict);
            events.push(TestEvent::TestFinished { dir: 0, test });
        }
        let step = "[4/7] RUN --mount=type=cache,target=/root/.cache uv sync --locked --no-install-project\n";
        events.push(image("ml/train", ImageState::Building { image: "ml".into(), step: step.into() }));
        events.push(image("web", ImageState::Pulling { image: "ghcr.io/acme/web:dev-1.0.0".into() }));
        events.push(TestEvent::DirStarted { dir: 4, attempt: 1, runs: wharf_core::test_suite::event::Runs::Planned });
        events.push(sample::dir_finished(5, "ops", 12));
        events.push(image("bad", ImageState::Failed { cause: "no such base image".into(), log: None }));
        for event in &events {
            state.apply(event, Duration::ZERO);
        }
        let id = "infra/tests/test_x.py::test_3".to_owned();
        state.apply(&TestEvent::TestStarted { dir: 0, id }, Duration::from_secs(10));
        state
    }

    #[test]
    fn each_state_has_its_line() {
        let lines = lines(&state(), &view(80, 24));
        assert_eq!(
            lines.join("\n"),
            "\
▸ infra     ━━━━━━━━━───  3/4  1 failed  tests/test_x.py::test_3 4.2s
▸ ml/train  building image  [4/7] RUN --mount=type=cache,target=/root/.cache u…
▸ web       pulling image  ghcr.io/acme/web:dev-1.0.0
· docs      waiting
▸ 漢字      starting
✓ ops       12 passed  3.5s
✗ bad       no such base image
14s  2/7 dirs done  14 passed, 1 failed, 3 deselected"
        );
    }

    #[test]
    fn no_line_is_wider_than_any_terminal() {
        let state = state();
        for columns in 1..130 {
            for line in lines(&state, &view(columns, 24)) {
                assert!(width(&line) <= columns, "{columns}: {line}");
            }
        }
    }

    #[test]
    fn a_low_terminal_shows_what_happens_and_counts_the_rest() {
        let lines = lines(&state(), &view(60, 6));
        assert_eq!(
            lines.join("\n"),
            "\
▸ infra     ━━━━━━━━━───  3/4  1 failed  …x.py::test_3 4.2s
▸ ml/train  building image  [4/7] RUN --mount=type=cache,t…
▸ 漢字      starting
… and 1 under way, 1 waiting, 1 done, 1 failed
14s  2/7 dirs done  14 passed, 1 failed, 3 deselected"
        );
        for rows in 1..24 {
            assert!(super::lines(&state(), &view(60, rows)).len() <= rows.max(3));
        }
    }

    #[test]
    fn a_slow_test_is_yellow_and_several_at_once_are_counted() {
        let mut state = state();
        let id = "infra/tests/test_x.py::test_4".to_owned();
        state.apply(&TestEvent::TestStarted { dir: 0, id }, Duration::from_secs(12));
        let mut view = view(100, 24);
        view.style.color = true;
        view.now = Duration::from_secs(125);
        let line = &lines(&state, &view)[0];
        assert!(line.ends_with("\u{1b}[33m  tests/test_x.py::test_3 1m55s (+1)\u{1b}[0m"), "{line:?}");
    }
}
