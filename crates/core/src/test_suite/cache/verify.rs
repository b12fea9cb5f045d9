//! `--verify-cache`: known verdicts beside those of a full run.

use std::collections::{BTreeMap, BTreeSet};

use super::keep::{Ran, file_of};
use super::{Cache, Hit, LearnedFiles, Purpose};
use crate::test_suite::reads::Reads;
use crate::test_suite::report::model::TestReport;
use crate::test_suite::verdict::Verdict;

/// Dependencies that are named for one test file.
const NAMED: usize = 5;

impl Cache {
    /// Where that was asked for, compares what was known with what came of it; gives a line for each verdict that differs, and forgets the entries that were
    /// wrong.
    pub fn verify(&mut self, ran: &BTreeMap<usize, Ran<'_>>, learned: &LearnedFiles) -> Vec<String> {
        let (mut lines, mut wrong) = (Vec::new(), Vec::new());
        if self.caching.purpose != Purpose::Verify {
            return lines;
        }
        for (index, dir) in &self.dirs {
            let Some(ran) = ran.get(index).filter(|ran| ran.is_complete) else { continue };
            let mut now: BTreeMap<&str, Vec<&TestReport>> = BTreeMap::new();
            for test in &ran.report.tests {
                now.entry(file_of(test)).or_default().push(test);
            }
            for (file, hit) in &dir.hits {
                let tests = now.get(file.as_str()).map(Vec::as_slice).unwrap_or_default();
                let different = differences(hit, tests);
                if !different.is_empty() {
                    let why = missed(&hit.reads, learned.get(file).map(|seen| &seen.reads));
                    lines.extend(different.into_iter().map(|line| format!("the test cache is wrong: {line}; {why}")));
                    wrong.push(dir.key.of_file(file));
                }
            }
        }
        let _ = self.caching.store.forget(&wrong);
        lines
    }
}

/// `a.py::test_x was passed and is failed`, for each test of one file.
fn differences(hit: &Hit, tests: &[&TestReport]) -> Vec<String> {
    let known: BTreeMap<&str, Verdict> = hit.tests.iter().map(|test| (test.id.as_str(), test.verdict)).collect();
    let now: BTreeMap<&str, Verdict> = tests.iter().map(|test| (test.id.as_str(), test.verdict)).collect();
    let mut lines = Vec::new();
    for (id, verdict) in &known {
        match now.get(id) {
            Some(other) if other == verdict => {}
            Some(other) => lines.push(format!("`{id}` is known as {} and is {}", verdict.word(), other.word())),
            None => lines.push(format!("`{id}` is known as {} and is not there", verdict.word())),
        }
    }
    let new = now.iter().filter(|(id, _)| !known.contains_key(*id));
    lines.extend(new.map(|(id, verdict)| format!("`{id}` is not known and is {}", verdict.word())));
    lines
}

/// What the entry did not name, and the run did read.
fn missed(then: &Reads, now: Option<&Reads>) -> String {
    let Some(now) = now else { return "what it read now is not known".into() };
    let of = |now: &BTreeSet<String>, then: &BTreeSet<String>, what: &str| {
        now.difference(then).map(|path| format!("{what} `{path}`")).collect::<Vec<_>>()
    };
    let mut all = of(&now.opened, &then.opened, "file");
    all.extend(of(&now.listed, &then.listed, "folder"));
    all.extend(of(&now.absent, &then.absent, "missing file"));
    all.extend(of(&now.modules, &then.modules, "module"));
    all.extend(of(&now.programs, &then.programs, "program"));
    if now.network && !then.network {
        all.push("the network".into());
    }
    if all.is_empty() {
        return "no file tells why, so it depends on something else: time, chance, the network, the machine, or tests before it"
            .into();
    }
    let more = all.len().saturating_sub(NAMED);
    all.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("it depends on what was not known: {}{more}", all.join(", "))
}
