//! The last lines of a run: what came of it, why, and what to type next.

use wharf_core::test_suite::report::text::one_line;
use wharf_core::test_suite::{DirReport, DirStatus, Report};

use super::style::{Paint, Style};
use super::width::{pad_end, width};
use super::words::{count, counts, seconds};

/// The verdict, a line for each dir that went wrong, and hints; lines end in a newline. `place` is the report's
/// folder as people should see it.
pub fn text(report: &Report, place: &str, style: Style) -> String {
    let bad: Vec<_> = report.dirs.iter().filter(|dir| went_wrong(dir)).collect();
    let verdict = verdict(report, &bad);
    let mut out = if bad.is_empty() && report.exit_code == 0 && !report.interrupted {
        format!("{} {verdict}\n", style.paint(Paint::BoldGreen, "ok:"))
    } else {
        format!("{} {verdict}\n", style.paint(Paint::BoldRed, "error:"))
    };
    out.push_str(&dirs(&bad, place));
    let hints = hints(&bad, report.interrupted);
    if !hints.is_empty() {
        out.push('\n');
    }
    for hint in hints {
        out.push_str(&format!("{} {hint}\n", style.paint(Paint::Cyan, "hint:")));
    }
    out
}

fn went_wrong(dir: &DirReport) -> bool {
    !matches!(dir.status, DirStatus::Passed | DirStatus::NoTests)
}

fn verdict(report: &Report, bad: &[&DirReport]) -> String {
    let dirs = count(report.dirs.len(), "runnable dir");
    let time = seconds(report.duration);
    if report.interrupted {
        return format!("interrupted after {time}: {} in {dirs}", counts(&report.summary));
    }
    if bad.is_empty() {
        return match report.summary.total() {
            _ if report.exit_code != 0 => {
                format!("{} in {dirs}, but not all went well ({time})", counts(&report.summary))
            }
            0 if report.summary.deselected > 0 => {
                format!("no tests run in {dirs}, {} deselected ({time})", report.summary.deselected)
            }
            0 => format!("no tests collected in {dirs} ({time})"),
            _ => format!("{} in {dirs} ({time})", counts(&report.summary)),
        };
    }
    let number = |status| bad.iter().filter(|dir| dir.status == status).count();
    let clauses = [
        (number(DirStatus::Failed), "tests failed in", ""),
        (number(DirStatus::NotRun), "", "could not start"),
        (number(DirStatus::Crashed), "", "crashed"),
        (number(DirStatus::Interrupted), "", "did not finish"),
    ];
    let mut parts = Vec::new();
    for (number, before, after) in clauses.into_iter().filter(|(number, ..)| *number > 0) {
        parts.push(match (parts.is_empty(), before) {
            (true, "") => format!("{number} of {dirs} {after}"),
            (true, before) => format!("{before} {number} of {dirs}"),
            (false, _) => format!("{number} {after}"),
        });
    }
    let last = parts.pop().unwrap_or_default();
    if parts.is_empty() {
        return last;
    }
    format!("{}, and {last}", parts.join(", "))
}

/// A line for each of `bad`: what, and the cause or where to read on, in columns.
fn dirs(bad: &[&DirReport], place: &str) -> String {
    let rows: Vec<_> = bad.iter().map(|dir| (one_line(&dir.path), what(dir), why(dir, place))).collect();
    let first = rows.iter().map(|row| width(&row.0)).max().unwrap_or(0);
    let second = rows.iter().map(|row| width(&row.1)).max().unwrap_or(0);
    rows.iter()
        .map(|(path, what, why)| {
            let line = format!("  {}   {}   {why}", pad_end(path, first), pad_end(what, second));
            format!("{}\n", line.trim_end())
        })
        .collect()
}

fn what(dir: &DirReport) -> String {
    let (bad, total) = (dir.summary.bad(), dir.summary.total());
    match dir.status {
        DirStatus::NotRun if total == 0 => "container never ran".into(),
        DirStatus::Crashed if bad == 0 => "container crashed".into(),
        DirStatus::Interrupted if bad == 0 => "did not finish".into(),
        _ if bad == dir.summary.not_run => format!("{bad} of {total} not run"),
        _ => format!("{bad} of {total} failed"),
    }
}

fn why(dir: &DirReport, place: &str) -> String {
    let cause = dir.cause.as_deref().map(|cause| format!("cause: {}", one_line(cause)));
    let log = dir.log.as_deref().map(|log| format!("log: `{}`", join(place, log)));
    [cause, log].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A run that was interrupted leaves no record of what was bad, so nothing can be rerun from it.
fn hints(bad: &[&DirReport], interrupted: bool) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    for hint in bad.iter().filter_map(|dir| dir.hint.as_deref()).map(one_line) {
        if hints.len() < 3 && !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    if !bad.is_empty() && !interrupted {
        hints.push("rerun only these with `wharf test --last-failed`".into());
    }
    hints
}

/// `name` in `place`, as a path.
pub fn join(place: &str, name: &str) -> String {
    format!("{}/{name}", place.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use wharf_core::test_suite::Verdict;

    use super::super::sample;
    use super::*;

    const PLACE: &str = ".wharf/runs/17";

    fn failed(path: &str, bad: usize, all: usize) -> DirReport {
        let tests = (0..all).map(|n| {
            let verdict = if n < bad { Verdict::Failed } else { Verdict::Passed };
            sample::test(&format!("{path}/test_a.py::test_{n}"), verdict)
        });
        sample::dir(path, tests.collect())
    }

    #[test]
    fn failures_are_told_as_the_style_page_shows() {
        let report = sample::report(vec![
            failed("optimizer", 3, 212),
            sample::not_run("infra", "engine refused the mount `data`"),
            failed("ml", 0, 2),
            failed("web", 0, 2),
        ]);
        assert_eq!(
            text(&report, PLACE, Style::PLAIN),
            "\
error: tests failed in 1 of 4 runnable dirs, and 1 could not start
  optimizer   3 of 212 failed       log: `.wharf/runs/17/optimizer.log`
  infra       container never ran   cause: engine refused the mount `data`

hint: rerun only these with `wharf test --last-failed`
"
        );
    }

    #[test]
    fn success_is_one_line() {
        let mut dir = failed("infra", 0, 12);
        dir.summary.skipped = 3;
        let report = sample::report(vec![dir, failed("ml", 0, 1)]);
        assert_eq!(text(&report, PLACE, Style::PLAIN), "ok: 13 passed, 3 skipped in 2 runnable dirs (12.4s)\n");
        let report = sample::report(vec![failed("ml", 0, 0)]);
        assert_eq!(text(&report, PLACE, Style::PLAIN), "ok: no tests collected in 1 runnable dir (12.4s)\n");
    }

    #[test]
    fn several_kinds_of_trouble_make_one_sentence() {
        let mut crashed = failed("b", 0, 3);
        crashed.status = DirStatus::Crashed;
        crashed.cause = Some("killed: out of memory".into());
        let mut not_run = sample::not_run("a", "no image");
        not_run.hint = Some("build it with `wharf image build a`".into());
        let report = sample::report(vec![failed("c", 1, 2), not_run, crashed]);
        assert_eq!(
            text(&report, PLACE, Style::PLAIN),
            "\
error: tests failed in 1 of 3 runnable dirs, 1 could not start, and 1 crashed
  c   1 of 2 failed         log: `.wharf/runs/17/c.log`
  a   container never ran   cause: no image
  b   container crashed     cause: killed: out of memory, log: `.wharf/runs/17/b.log`

hint: build it with `wharf image build a`
hint: rerun only these with `wharf test --last-failed`
"
        );
    }

    #[test]
    fn an_interrupted_run_says_what_is_known() {
        let mut dir = failed("a", 0, 5);
        dir.status = DirStatus::Interrupted;
        let mut report = sample::report(vec![dir]);
        report.interrupted = true;
        let text = text(&report, PLACE, Style::PLAIN);
        assert!(text.starts_with("error: interrupted after 12.4s: 5 passed in 1 runnable dir\n"), "{text}");
    }
}
