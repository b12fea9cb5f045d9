//! What is printed once a run is over: failures in full, slow tests, the table of dirs, problems, the verdict.

use std::io::{self, Write};
use std::time::Duration;

use wharf_core::test_suite::event::TestListener;
use wharf_core::test_suite::report::HTML_FILE;
use wharf_core::test_suite::report::text::{clean, one_line};
use wharf_core::test_suite::{DirReport, DirStatus, Report, TestEvent, TestReport, Verdict};

use super::closing;
use super::news;
use super::style::{Paint, Style};
use super::table::{Cell, Table};
use super::width::width;
use super::words::{plural, seconds};

/// Failures that are shown in full; the others are listed.
const IN_FULL: usize = 20;
/// Lines of one failure that are shown.
const LINES: usize = 60;
/// Slow tests that are listed.
const SLOWEST: usize = 5;
/// Failures beyond those in full that are listed.
const LISTED: usize = 200;
/// Verdicts that always have a column.
const COLUMNS: [Verdict; 4] = [Verdict::Passed, Verdict::Failed, Verdict::Error, Verdict::Skipped];

/// What the summary depends on besides the report.
#[derive(Debug, Clone)]
pub struct SummaryOptions {
    /// Colours and signs.
    pub style: Style,
    /// Columns of the terminal; `None` where the output is not one.
    pub columns: Option<usize>,
    /// Tests are called slow from this time on.
    pub slow: Duration,
    /// The report's folder as people should see it, such as `.wharf/runs/17`.
    pub place: String,
    /// Whether the page for people is there, so that it can be named.
    pub has_page: bool,
}

/// Writes the summary when the run is over.
#[derive(Debug)]
pub struct Summary<W> {
    out: W,
    options: SummaryOptions,
}

impl<W: Write> Summary<W> {
    /// A reporter that writes to `out`.
    pub fn new(out: W, options: SummaryOptions) -> Self {
        Self { out, options }
    }
}

impl<W: Write> TestListener for Summary<W> {
    fn on(&mut self, event: &TestEvent) {
        if let TestEvent::RunFinished(report) = event {
            // Nobody to tell if the pipe is closed; the exit code and the report say it too.
            let _ = write_summary(report, &mut self.out, &self.options);
        }
    }
}

/// Writes the summary of `report`.
///
/// # Errors
/// What `out` says.
pub fn write_summary(report: &Report, out: &mut impl Write, options: &SummaryOptions) -> io::Result<()> {
    let style = options.style;
    failures(report, out, options)?;
    slow(report, out, options)?;
    writeln!(out)?;
    let mut dirs = table(report, Images::Shown);
    if options.columns.is_some_and(|columns| dirs.narrowest() > columns) {
        dirs = table(report, Images::LeftOut);
    }
    out.write_all(dirs.render(options.columns, style).as_bytes())?;
    writeln!(out)?;
    for problem in &report.problems {
        writeln!(out, "{} {}", style.paint(Paint::Yellow, "warning:"), one_line(problem))?;
    }
    out.write_all(closing::text(report, &options.place, style).as_bytes())?;
    if options.has_page {
        writeln!(out, "report: {}", closing::join(&options.place, HTML_FILE))?;
    }
    out.flush()
}

/// Writes the failures of `report` and what was not right, with nothing around.
///
/// # Errors
/// What `out` says.
pub fn write_failures(report: &Report, out: &mut impl Write, options: &SummaryOptions) -> io::Result<()> {
    failures(report, out, options)?;
    for dir in report.dirs.iter().filter(|dir| dir.summary.bad() == 0) {
        for cause in dir.cause.iter().filter(|_| !matches!(dir.status, DirStatus::Passed | DirStatus::NoTests)) {
            writeln!(out, "{} {}: {}", options.style.paint(Paint::Red, "error:"), dir.path, one_line(cause))?;
        }
    }
    for problem in &report.problems {
        writeln!(out, "{} {}", options.style.paint(Paint::Yellow, "warning:"), one_line(problem))?;
    }
    Ok(())
}

fn failures(report: &Report, out: &mut impl Write, options: &SummaryOptions) -> io::Result<()> {
    let bad: Vec<(&DirReport, &TestReport)> = report
        .dirs
        .iter()
        .flat_map(|dir| dir.tests.iter().map(move |test| (dir, test)))
        .filter(|(_, test)| test.verdict.is_bad() && test.verdict != Verdict::NotRun)
        .collect();
    for (dir, test) in bad.iter().take(IN_FULL) {
        failure(dir, test, out, options)?;
    }
    let rest = bad.get(IN_FULL..).unwrap_or_default();
    if !rest.is_empty() {
        writeln!(out, "\n{}", options.style.paint(Paint::Bold, &format!("{} more failures", rest.len())))?;
    }
    for (_, test) in rest.iter().take(LISTED) {
        let message = test.message.as_deref().map(one_line).unwrap_or_default();
        let line = format!("{}  {message}", news::title(test));
        writeln!(out, "{}", line.trim_end())?;
    }
    if rest.len() > LISTED {
        writeln!(out, "and {} more, in the report", rest.len() - LISTED)?;
    }
    Ok(())
}

fn failure(dir: &DirReport, test: &TestReport, out: &mut impl Write, options: &SummaryOptions) -> io::Result<()> {
    let style = options.style;
    let title = news::title(test);
    let dash = style.sign("─", "-");
    let room = options.columns.unwrap_or(80).min(100);
    let rule = dash.repeat(room.saturating_sub(width(&title) + 4).max(3));
    writeln!(
        out,
        "\n{} {} {}",
        style.paint(Paint::Red, &dash.repeat(2)),
        style.paint(Paint::BoldRed, &title),
        style.paint(Paint::Red, &rule)
    )?;
    let lines = lines(test, style);
    let left_out = lines.len().saturating_sub(LINES);
    // The end of a traceback says most, so more of it is kept.
    let head = if left_out > 0 { LINES / 3 } else { lines.len() };
    for line in &lines[..head] {
        writeln!(out, "{line}")?;
    }
    if left_out > 0 {
        let log = dir
            .log
            .as_deref()
            .map_or(String::new(), |log| format!("; full text in log `{}`", closing::join(&options.place, log)));
        let dots = style.sign("…", "...");
        writeln!(out, "{}", style.paint(Paint::Dim, &format!("{dots} {left_out} lines left out{log}")))?;
        for line in &lines[head + left_out..] {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// Traceback and captured text, painted.
fn lines(test: &TestReport, style: Style) -> Vec<String> {
    let mut lines = Vec::new();
    match (&test.longrepr, &test.message) {
        (Some(longrepr), _) => {
            for line in clean(longrepr).trim_end().lines() {
                let paint = match line.as_bytes() {
                    [b'E', b' ', ..] => Paint::Red,
                    [b'>', ..] => Paint::Bold,
                    _ => Paint::Plain,
                };
                lines.push(style.paint(paint, line));
            }
        }
        (None, Some(message)) => lines.push(clean(message).into_owned()),
        (None, None) => {}
    }
    for (title, text) in &test.sections {
        lines.push(style.paint(Paint::Dim, &format!("--- {} ---", one_line(title))));
        lines.extend(clean(text).trim_end().lines().map(ToOwned::to_owned));
    }
    lines
}

fn slow(report: &Report, out: &mut impl Write, options: &SummaryOptions) -> io::Result<()> {
    let threshold = options.slow.as_secs_f64();
    let mut slow: Vec<_> =
        report.dirs.iter().flat_map(|dir| &dir.tests).filter(|test| test.duration >= threshold).collect();
    if slow.is_empty() {
        return Ok(());
    }
    slow.sort_by(|a, b| b.duration.total_cmp(&a.duration).then_with(|| a.id.cmp(&b.id)));
    let title = format!("slow tests (over {})", seconds(threshold));
    writeln!(out, "\n{}", options.style.paint(Paint::Bold, &title))?;
    for test in slow.iter().take(SLOWEST) {
        let time = options.style.paint(Paint::Yellow, &format!("{:>7}", seconds(test.duration)));
        writeln!(out, "{time}  {}", one_line(&test.id))?;
    }
    if slow.len() > SLOWEST {
        writeln!(out, "         and {} more", slow.len() - SLOWEST)?;
    }
    Ok(())
}

/// Whether the table of dirs names their images; on a narrow terminal counts matter more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Images {
    Shown,
    LeftOut,
}

fn table(report: &Report, images: Images) -> Table {
    let others =
        Verdict::ALL.into_iter().filter(|verdict| !COLUMNS.contains(verdict) && report.summary.count(*verdict) > 0);
    let columns: Vec<_> = COLUMNS.into_iter().chain(others).collect();
    let mut headers = vec!["dir"];
    if images == Images::Shown {
        headers.push("image");
    }
    headers.extend(columns.iter().map(|verdict| plural(*verdict, 0)));
    if report.summary.cached > 0 {
        headers.push("cached");
    }
    headers.push("seconds");
    let mut table = Table::new(&headers);
    for dir in &report.dirs {
        let mut row: Vec<Cell> = vec![one_line(&dir.path).into()];
        if images == Images::Shown {
            row.push(dir.image.as_deref().map_or("-".into(), one_line).into());
        }
        row.extend(columns.iter().map(|verdict| number(*verdict, dir.summary.count(*verdict))));
        if report.summary.cached > 0 {
            row.push(number(Verdict::Passed, dir.summary.cached));
        }
        row.push(format!("{:.1}", dir.duration).into());
        table.row(row);
    }
    table
}

fn number(verdict: Verdict, count: usize) -> Cell {
    let paint = match verdict {
        _ if count == 0 => Paint::Dim,
        verdict if verdict.is_bad() => Paint::Red,
        Verdict::Passed => Paint::Green,
        _ => Paint::Yellow,
    };
    Cell::painted(count.to_string(), paint)
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn options() -> SummaryOptions {
        SummaryOptions {
            style: Style { color: false, unicode: true },
            columns: None,
            slow: Duration::from_secs(1),
            place: ".wharf/runs/17".into(),
            has_page: true,
        }
    }

    fn summary(report: &Report) -> String {
        let mut out = Vec::new();
        let mut listener = Summary::new(&mut out, options());
        listener.on(&TestEvent::RunFinished(Box::new(report.clone())));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_failed_run_in_full() {
        let mut slow = sample::test("infra/test_a.py::test_z", Verdict::Passed);
        slow.duration = 2.5;
        let tests = vec![
            sample::test("infra/test_a.py::test_x", Verdict::Failed),
            sample::test("infra/test_a.py::test_y", Verdict::TimedOut),
            slow,
        ];
        let mut report = sample::report(vec![sample::dir("infra", tests), sample::not_run("ml", "no such base image")]);
        report.problems.push("sub-repo `vault` is not readable".into());
        assert_eq!(
            summary(&report),
            "
── FAILED infra/test_a.py::test_x ──────────────────────────────────────────────
    def test_x():
>       assert 1 == 2
E       assert 1 == 2
--- Captured stdout call ---
hello

── TIMED OUT infra/test_a.py::test_y ───────────────────────────────────────────
    def test_x():
>       assert 1 == 2
E       assert 1 == 2
--- Captured stdout call ---
hello

slow tests (over 1.0s)
   2.5s  infra/test_a.py::test_z

dir    image                 passed  failed  errors  skipped  timed out  seconds
infra  infra:local-me-0.1.0       1       1       0        0          1      3.5
ml     -                          0       0       0        0          0      0.0

warning: sub-repo `vault` is not readable
error: tests failed in 1 of 2 runnable dirs, and 1 could not start
  infra   2 of 3 failed         log: `.wharf/runs/17/infra.log`
  ml      container never ran   cause: no such base image

hint: rerun only these with `wharf test --last-failed`
report: .wharf/runs/17/report.html
"
        );
    }

    #[test]
    fn success_is_a_table_and_a_line() {
        let test = sample::test("infra/test_a.py::test_x", Verdict::Passed);
        assert_eq!(
            summary(&sample::report(vec![sample::dir("infra", vec![test])])),
            "
dir    image                 passed  failed  errors  skipped  seconds
infra  infra:local-me-0.1.0       1       0       0        0      3.5

ok: 1 passed in 1 runnable dir (12.4s)
report: .wharf/runs/17/report.html
"
        );
    }

    #[test]
    fn known_verdicts_have_a_column() {
        let mut known = sample::dir("infra", Vec::new());
        known.summary.cached = 3;
        let ran = sample::dir("ml", vec![sample::test("ml/test_a.py::test_x", Verdict::Passed)]);
        let text = summary(&sample::report(vec![known, ran]));
        assert!(
            text.starts_with(
                "
dir    image                 passed  failed  errors  skipped  cached  seconds
infra  infra:local-me-0.1.0       0       0       0        0       3      3.5
ml     ml:local-me-0.1.0          1       0       0        0       0      3.5

ok: 1 passed, 3 cached in 2 runnable dirs"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_narrow_terminal_gets_the_counts_without_the_images() {
        let tests = vec![sample::test("infra/test_a.py::test_x", Verdict::Passed)];
        let mut out = Vec::new();
        let options = SummaryOptions { columns: Some(50), ..options() };
        write_summary(&sample::report(vec![sample::dir("infra", tests)]), &mut out, &options).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("\ndir    passed  failed  errors  skipped  seconds\n"), "{text}");
    }

    #[test]
    fn long_failures_are_cut_and_many_are_listed() {
        let mut tests: Vec<_> = (0..25).map(|n| sample::test(&format!("a/t.py::test_{n}"), Verdict::Failed)).collect();
        let text: Vec<_> = (0..200).map(|n| format!("line {n}")).collect();
        tests[0].longrepr = Some(text.join("\n"));
        let text = summary(&sample::report(vec![sample::dir("a", tests)]));
        assert!(
            text.contains("line 19\n… 142 lines left out; full text in log `.wharf/runs/17/a.log`\nline 162\n"),
            "{text}"
        );
        assert_eq!(text.matches("── FAILED").count(), 20);
        assert!(text.contains("5 more failures\nFAILED a/t.py::test_20  AssertionError: assert 1 == 2\n"));
    }
}
