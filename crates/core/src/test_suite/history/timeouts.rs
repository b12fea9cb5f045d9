//! Time limits that the history suggests.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::{Loaded, quantile, ran};
use crate::test_suite::Verdict;

/// Runs of a dir below which nothing is proposed.
const FEWEST_RUNS: usize = 3;

/// A limit for the tests of a dir.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proposal {
    /// Address of the dir.
    pub dir: String,
    /// Seconds that are proposed: ten times what 99 % of all tests took, three times the longest, and one at least.
    pub timeout: u64,
    /// Seconds below which 99 % of its tests were.
    pub p99: f64,
    /// Seconds of the longest.
    pub longest: f64,
    /// Id of the longest.
    pub longest_test: String,
    /// Runs that it is made of.
    pub runs: usize,
}

impl Proposal {
    /// The limit.
    #[must_use]
    pub fn limit(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }
}

/// A limit for each dir of which enough is known.
#[must_use]
pub fn proposals(loaded: &Loaded) -> Vec<Proposal> {
    let mut dirs: BTreeMap<&str, (Vec<f64>, f64, &str, usize)> = BTreeMap::new();
    for dir in loaded.runs.iter().flat_map(|run| &run.dirs) {
        let known = dirs.entry(&dir.path).or_default();
        known.3 += 1;
        // How long one would have taken that was ended for taking too long, nobody knows.
        for test in dir.tests.iter().filter(|test| ran(test.verdict) && test.verdict != Verdict::TimedOut) {
            known.0.push(test.duration);
            if test.duration >= known.1 {
                (known.1, known.2) = (test.duration, &test.id);
            }
        }
    }
    let enough = dirs.into_iter().filter(|(_, known)| known.3 >= FEWEST_RUNS && !known.0.is_empty());
    enough
        .map(|(dir, (mut durations, longest, test, runs))| {
            durations.sort_by(f64::total_cmp);
            let p99 = quantile(&durations, 0.99);
            Proposal {
                dir: dir.to_owned(),
                timeout: rounded((p99 * 10.0).max(longest * 3.0)),
                p99,
                longest,
                longest_test: test.to_owned(),
                runs,
            }
        })
        .collect()
}

/// Up to a number that people would write.
fn rounded(seconds: f64) -> u64 {
    let step = match seconds {
        s if s <= 10.0 => 1.0,
        s if s <= 60.0 => 5.0,
        s if s <= 600.0 => 30.0,
        _ => 300.0,
    };
    ((seconds / step).ceil() * step).max(1.0) as u64
}
