//! Which tests and files take longest.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::{Loaded, file_of, median, quantile, ran};

/// Something slow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slow {
    /// Id of a test, or path of a test file.
    pub id: String,
    /// Seconds, the middle of its runs.
    pub median: f64,
    /// Seconds below which 95 % of its runs were.
    pub p95: f64,
    /// Seconds, of all runs the most.
    pub longest: f64,
    /// Runs that are counted.
    pub runs: usize,
}

/// What is slow.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Slowest {
    /// Test files; a file's time is that of its tests together, in each run that had most of them.
    pub files: Vec<Slow>,
    /// Tests.
    pub tests: Vec<Slow>,
}

/// The slowest tests and files, at most `most` of each.
#[must_use]
pub fn slowest(loaded: &Loaded, most: usize) -> Slowest {
    let mut tests: HashMap<&str, Vec<f64>> = HashMap::new();
    let mut files: HashMap<&str, Vec<(f64, usize)>> = HashMap::new();
    for run in &loaded.runs {
        let mut sums: BTreeMap<&str, (f64, usize)> = BTreeMap::new();
        for test in run.dirs.iter().flat_map(|dir| &dir.tests).filter(|test| ran(test.verdict)) {
            tests.entry(&test.id).or_default().push(test.duration);
            let sum = sums.entry(file_of(&test.id)).or_default();
            *sum = (sum.0 + test.duration, sum.1 + 1);
        }
        for (file, sum) in sums {
            files.entry(file).or_default().push(sum);
        }
    }
    let files = files.into_iter().map(|(file, sums)| {
        // Runs of one test of a file are not runs of the file.
        let whole = sums.iter().map(|(_, tests)| *tests).max().unwrap_or_default();
        (file, sums.into_iter().filter(|(_, tests)| tests * 2 >= whole).map(|(seconds, _)| seconds).collect())
    });
    Slowest { files: first(files, most), tests: first(tests.into_iter(), most) }
}

fn first<'a>(all: impl Iterator<Item = (&'a str, Vec<f64>)>, most: usize) -> Vec<Slow> {
    let mut slow: Vec<Slow> = all
        .map(|(id, mut durations)| {
            let median = median(&mut durations);
            Slow {
                id: id.to_owned(),
                median,
                p95: quantile(&durations, 0.95),
                longest: durations.last().copied().unwrap_or_default(),
                runs: durations.len(),
            }
        })
        .collect();
    slow.sort_by(|a, b| b.median.total_cmp(&a.median).then_with(|| a.id.cmp(&b.id)));
    slow.truncate(most);
    slow
}
