//! What earlier runs say of a test: when it last ran, and whether anything that it depends on has changed since.

use super::Line;
use crate::test_suite::affected::Remembered;
use crate::test_suite::affected::Seen;
use crate::test_suite::history::{History, Occurrence, occurrences};
use crate::workspace::{StateDir, Workspace};

/// Paths that a line names; the rest is a number.
const NAMED: usize = 3;

/// What is remembered of the tests of one file.
pub(super) struct Past {
    /// What its tests did, the last run first.
    runs: Vec<Occurrence>,
    /// Why the runs cannot be told.
    unreadable: Option<String>,
    state: State,
    /// Whether known verdicts are taken.
    is_cached: bool,
}

/// How a test file's dependencies stand to what they were when it last ran.
enum State {
    /// Nobody has seen what it depends on.
    Unknown,
    /// It may have read anything.
    Everything,
    /// Nothing has changed; how many files it opened.
    Same(usize),
    /// Files that it opened have changed; where there are none, folders that it listed or what it looked for in vain.
    Changed(Vec<String>),
}

impl Past {
    /// What is remembered of the tests that `id` names.
    pub(super) fn of(workspace: &Workspace, id: &str, is_cached: bool) -> Self {
        let state = StateDir::peek(workspace);
        let (runs, unreadable) = match occurrences(&History::new(&state), id) {
            Ok((runs, _)) => (runs, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let file = id.split("::").next().unwrap_or(id);
        let remembered = Remembered::open(&workspace.root, &state);
        let state = match remembered.reads(file) {
            None => State::Unknown,
            Some(reads) if reads.everything || reads.network => State::Everything,
            Some(reads) if remembered.is_current(file) => State::Same(reads.opened.len()),
            Some(_) => State::Changed(remembered.changed(file)),
        };
        Self { runs, unreadable, state, is_cached }
    }

    /// Lines for one test.
    pub(super) fn lines(&self, id: &str) -> Vec<Line> {
        let last = self.runs.iter().find(|run| run.id == id);
        let ran = match (last, &self.unreadable) {
            (_, Some(why)) => format!("its earlier runs cannot be read: {why}"),
            (None, None) => "no earlier run of it is remembered".to_owned(),
            (Some(run), None) => told(run),
        };
        let mut lines = vec![Line { selects: None, text: ran }];
        lines.extend(last.and_then(|last| self.since(last)).map(|text| Line { selects: None, text }));
        lines
    }

    fn since(&self, last: &Occurrence) -> Option<String> {
        let runs = if self.is_cached { ", so it runs" } else { "" };
        Some(match &self.state {
            State::Unknown => return None,
            State::Everything => {
                "it may have read anything: it used the network, or a program that can read the repo".into()
            }
            State::Same(_) if last.verdict.is_bad() => {
                "nothing that its file depends on has changed since; failures are not kept, so it runs".into()
            }
            State::Same(count) => {
                let known =
                    if self.is_cached { ", so its verdict is known where image and command are the same" } else { "" };
                let files = if *count == 1 { "file" } else { "files" };
                format!("none of the {count} {files} that its file depends on has changed since{known}")
            }
            State::Changed(paths) if paths.is_empty() => {
                format!("a folder that its file lists, or something that it looks for, has changed since{runs}")
            }
            State::Changed(paths) => {
                let named: Vec<String> = paths.iter().take(NAMED).map(|path| format!("`{path}`")).collect();
                let more = paths.len().saturating_sub(NAMED);
                let more = if more == 0 { String::new() } else { format!(" and {more} more") };
                format!("changed since, and read by its file: {}{more}{runs}", named.join(", "))
            }
        })
    }
}

fn told(run: &Occurrence) -> String {
    let Occurrence { run: number, verdict, duration, commit, dirty, image, .. } = run;
    let commit = match (commit.get(..9), dirty) {
        (Some(commit), true) => format!(", at {commit} with edits"),
        (Some(commit), false) => format!(", at {commit}"),
        (None, _) => String::new(),
    };
    let image = if image.is_empty() { String::new() } else { format!(", in {image}") };
    format!("it last ran in run {number}: {} after {duration:.2} s{commit}{image}", verdict.word())
}
