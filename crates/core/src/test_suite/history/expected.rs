//! How long tests will take, by what they took in the last runs.

use std::collections::{BTreeMap, HashMap};

use super::{History, Loaded, file_of, median, ran};
use crate::test_suite::DirPlan;

/// Runs that are looked at.
const RUNS: usize = 7;

/// Seconds by test file and by test: the middle of the last runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expected {
    files: BTreeMap<String, f64>,
    tests: HashMap<String, f64>,
    dirs: BTreeMap<String, Vec<String>>,
}

impl Expected {
    /// From the last runs of a history; a history that cannot be read says nothing.
    #[must_use]
    pub fn read(history: &History) -> Self {
        Self::of(&history.read_last(RUNS).unwrap_or_default())
    }

    /// From runs. A file takes what its tests take together, each by the middle of its own durations: a run of one test of a
    /// file says nothing of the others.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        let mut all: HashMap<&str, (Vec<f64>, &str)> = HashMap::new();
        for dir in loaded.runs.iter().flat_map(|run| &run.dirs) {
            for test in dir.tests.iter().filter(|test| ran(test.verdict)) {
                let entry = all.entry(&test.id).or_default();
                entry.0.push(test.duration);
                entry.1 = &dir.path;
            }
        }
        let mut expected = Self::default();
        for (id, (mut durations, dir)) in all {
            let seconds = median(&mut durations);
            let file = file_of(id);
            if !expected.files.contains_key(file) {
                expected.dirs.entry(dir.to_owned()).or_default().push(file.to_owned());
            }
            *expected.files.entry(file.to_owned()).or_default() += seconds;
            expected.tests.insert(id.to_owned(), seconds);
        }
        expected
    }

    /// Seconds by test file.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, f64> {
        &self.files
    }

    /// Seconds that a file takes where nothing is known of it: the middle of the others, 1 where there are none.
    #[must_use]
    pub fn unknown_file(&self) -> f64 {
        let mut known: Vec<f64> = self.files.values().copied().collect();
        if known.is_empty() { 1.0 } else { median(&mut known) }
    }

    /// Seconds that what a plan says will take: by its tests or files where these are known, else by their number.
    #[must_use]
    pub fn of_dir(&self, plan: &DirPlan) -> f64 {
        if let Some(only) = &plan.only {
            let seconds = |id: &String| self.tests.get(id).copied().unwrap_or_else(|| self.unknown_file() / 10.0);
            return only.iter().map(seconds).sum();
        }
        let unknown = self.unknown_file();
        let shard = plan.shard.as_ref();
        if let Some(shard) = shard {
            let mine = shard.mine().filter(|file| !plan.leave_out.contains(*file));
            return mine.map(|file| self.files.get(file).copied().unwrap_or(unknown)).sum();
        }
        let known = self.dirs.get(&plan.path).map(Vec::as_slice).unwrap_or_default();
        let runs = known.iter().filter(|file| !plan.leave_out.contains(*file));
        let seconds: f64 = runs.clone().filter_map(|file| self.files.get(file)).sum();
        let rest = plan.test_files.saturating_sub(plan.leave_out.len()).saturating_sub(runs.count());
        seconds + rest as f64 * unknown
    }
}
