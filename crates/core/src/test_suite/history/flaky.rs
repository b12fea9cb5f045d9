//! Which tests do not know what they want.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::{Loaded, ran, went_wrong};
use crate::test_suite::Verdict;

/// A test that both passed and failed though nothing had changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlakyTest {
    /// Its id.
    pub id: String,
    /// Runs in which it had a turn.
    pub runs: usize,
    /// Runs in which it passed only when tried again.
    pub retried: usize,
    /// States of the code, in one image, with which it passed in one run and failed in another.
    pub both: usize,
    /// Share of its runs that were flaky: passed when tried again, or failed with code with which it also passed.
    pub rate: f64,
    /// Number of the last run in which that happened.
    pub last: u32,
}

#[derive(Default)]
struct Seen<'l> {
    runs: usize,
    retried: usize,
    last: u32,
    /// Passed, and the runs in which it failed, by code and image.
    states: HashMap<(u64, &'l str), (bool, Vec<u32>)>,
}

/// The tests that are flaky, the worst first.
#[must_use]
pub fn flaky(loaded: &Loaded) -> Vec<FlakyTest> {
    let mut seen: HashMap<&str, Seen<'_>> = HashMap::new();
    let suspects = suspects(loaded);
    for run in &loaded.runs {
        for dir in &run.dirs {
            for test in dir.tests.iter().filter(|test| ran(test.verdict) && suspects.contains(&*test.id)) {
                let entry = seen.entry(&test.id).or_default();
                entry.runs += 1;
                if test.verdict == Verdict::Flaky {
                    entry.retried += 1;
                    entry.last = run.run;
                }
                let Some(code) = run.code else { continue };
                let state = entry.states.entry((code, dir.image_key())).or_default();
                if went_wrong(test.verdict) {
                    state.1.push(run.run);
                } else {
                    state.0 = true;
                }
            }
        }
    }
    let mut found: Vec<FlakyTest> = seen.into_iter().filter_map(|(id, seen)| judged(id, &seen)).collect();
    found.sort_by(|a, b| b.rate.total_cmp(&a.rate).then_with(|| b.runs.cmp(&a.runs)).then_with(|| a.id.cmp(&b.id)));
    found
}

/// Tests that ever were flaky or failed: few, so that the others cost next to nothing.
fn suspects(loaded: &Loaded) -> HashSet<&str> {
    let tests = loaded.runs.iter().flat_map(|run| &run.dirs).flat_map(|dir| &dir.tests);
    let suspects = tests.filter(|test| test.verdict == Verdict::Flaky || went_wrong(test.verdict));
    suspects.map(|test| &*test.id).collect()
}

fn judged(id: &str, seen: &Seen<'_>) -> Option<FlakyTest> {
    let both: Vec<&Vec<u32>> = seen
        .states
        .values()
        .filter(|(passed, failed)| *passed && !failed.is_empty())
        .map(|(_, failed)| failed)
        .collect();
    let failed: usize = both.iter().map(|failed| failed.len()).sum();
    let last = both.iter().flat_map(|failed| failed.iter()).copied().max().unwrap_or_default().max(seen.last);
    (seen.retried + failed > 0).then(|| FlakyTest {
        id: id.to_owned(),
        runs: seen.runs,
        retried: seen.retried,
        both: both.len(),
        rate: (seen.retried + failed) as f64 / seen.runs as f64,
        last,
    })
}
