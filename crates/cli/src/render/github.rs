//! Annotations for GitHub Actions: workflow commands that put failures beside the lines of a pull request.
//!
//! The syntax and its escapes are those of GitHub's "Workflow commands" page and of `@actions/core`'s `command.ts`.

use std::io::{self, Write};

use wharf_core::test_suite::event::TestListener;
use wharf_core::test_suite::report::text::{clean, shorten};
use wharf_core::test_suite::{DirStatus, Report, TestEvent, TestReport};

use super::news;

/// More than this GitHub does not show for one run.
const MOST: usize = 50;
/// Bytes of a message; longer ones GitHub cuts anyway.
const MESSAGE_LIMIT: usize = 4000;

/// Writes annotations once the run is over.
#[derive(Debug)]
pub struct GitHub<W> {
    out: W,
}

impl<W: Write> GitHub<W> {
    /// A reporter that writes to `out`, which must be the step's standard output or error.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write> TestListener for GitHub<W> {
    fn on(&mut self, event: &TestEvent) {
        if let TestEvent::RunFinished(report) = event {
            // Nobody to tell if the pipe is closed.
            let _ = annotate(report, &mut self.out);
        }
    }
}

/// Writes at most fifty annotations: dirs that went wrong as a whole first, then tests.
///
/// # Errors
/// What `out` says.
pub fn annotate(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let dirs = report.dirs.iter().filter(|dir| matches!(dir.status, DirStatus::NotRun | DirStatus::Crashed));
    let dirs = dirs.map(|dir| {
        let cause = dir.cause.as_deref().unwrap_or("its container did not end as it should");
        format!("::error title={}::{}", property(&dir.path), data(cause))
    });
    let tests = report.dirs.iter().flat_map(|dir| &dir.tests);
    let tests = tests.filter(|test| test.verdict.is_bad() && test.verdict != wharf_core::test_suite::Verdict::NotRun);
    for line in dirs.chain(tests.map(of_test)).take(MOST) {
        writeln!(out, "{line}")?;
    }
    out.flush()
}

/// The annotation of an error in `file`, by its path from the repo's root.
#[must_use]
pub fn error(file: &str, line: Option<usize>, message: &str) -> String {
    let line = line.map_or_else(String::new, |line| format!(",line={line}"));
    format!("::error file={}{line}::{}", property(file), data(message))
}

fn of_test(test: &TestReport) -> String {
    let mut properties = Vec::new();
    if let Some(file) = &test.file {
        properties.push(format!("file={}", property(file)));
    }
    if let Some(line) = test.line {
        properties.push(format!("line={line}"));
    }
    properties.push(format!("title={}", property(&news::title(test))));
    let message = test.longrepr.as_deref().or(test.message.as_deref());
    let message = message.unwrap_or(test.verdict.word());
    format!("::error {}::{}", properties.join(","), data(message))
}

fn data(text: &str) -> String {
    clean(&shorten(text, MESSAGE_LIMIT)).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use wharf_core::test_suite::Verdict;

    use super::super::sample;
    use super::*;

    #[test]
    fn special_characters_are_escaped() {
        let mut test = sample::test("infra/test_a.py::test_x[50%,a]", Verdict::Failed);
        test.longrepr = Some("100%\r\nE: x, y".into());
        let passed = sample::test("infra/test_a.py::test_y", Verdict::Passed);
        let report = sample::report(vec![sample::dir("infra", vec![test, passed]), sample::not_run("ml", "no: image")]);
        let mut out = Vec::new();
        annotate(&report, &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error title=ml::no: image\n\
             ::error file=infra/test_a.py,line=14,title=FAILED infra/test_a.py%3A%3Atest_x[50%25%2Ca]::100%25%0D%0AE: x, y\n"
        );
    }

    #[test]
    fn there_are_at_most_fifty() {
        let tests = (0..80).map(|n| sample::test(&format!("a.py::t{n}"), Verdict::Failed)).collect();
        let mut out = Vec::new();
        annotate(&sample::report(vec![sample::dir("a", tests)]), &mut out).unwrap();
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 50);
    }
}
