//! From units, which use each other, to what each test file depends on.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::Learned;
use crate::test_suite::reads::Reads;

/// A module, a `conftest.py`, a wider fixture, a child process: what has reads of its own and is used by others.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Unit {
    /// Its number in its process.
    #[serde(rename = "n")]
    pub number: u32,
    /// Numbers of the units that it uses.
    #[serde(rename = "u")]
    pub uses: Vec<u32>,
    /// What it read itself.
    #[serde(flatten)]
    pub reads: Reads,
}

/// What one process saw of a test file.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct FileReads {
    /// The process, where there are several: a worker of pytest-xdist.
    #[serde(default, rename = "of")]
    pub process: String,
    /// The test file, workspace-relative.
    pub file: String,
    /// How many of its tests were collected, before any of them was left out.
    #[serde(default)]
    pub collected: usize,
    /// How many of those came to a verdict in this process.
    #[serde(default)]
    pub ran: usize,
    /// Whether something else kept tests of it from being collected.
    #[serde(default)]
    pub partial: bool,
    /// Numbers of the units that it uses.
    #[serde(default)]
    pub uses: Vec<u32>,
    /// What it read itself.
    #[serde(default)]
    pub reads: Reads,
}

/// All units of one session.
#[derive(Debug, Default)]
pub struct Units {
    by_process: BTreeMap<String, HashMap<u32, Unit>>,
}

impl Units {
    /// Adds units of a process.
    pub fn add(&mut self, process: String, units: Vec<Unit>) {
        self.by_process.entry(process).or_default().extend(units.into_iter().map(|unit| (unit.number, unit)));
    }

    /// What each test file depends on. A file whose tests were spread over several processes is complete when these ran all of them
    /// together.
    #[must_use]
    pub fn learned(&self, files: Vec<FileReads>) -> BTreeMap<String, Learned> {
        #[derive(Default)]
        struct Sum {
            reads: Reads,
            collected: usize,
            ran: usize,
            partial: bool,
        }
        let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
        for file in files {
            let whole = self.closure(&file);
            let sum = sums.entry(file.file).or_default();
            sum.reads.merge(file.reads);
            sum.reads.merge(whole);
            sum.collected = sum.collected.max(file.collected);
            sum.ran += file.ran;
            sum.partial |= file.partial;
        }
        let learned = |sum: Sum| Learned { complete: !sum.partial && sum.ran >= sum.collected, reads: sum.reads };
        sums.into_iter().map(|(file, sum)| (file, learned(sum))).collect()
    }

    fn closure(&self, file: &FileReads) -> Reads {
        let mut sum = Gathered::default();
        let Some(units) = self.by_process.get(&file.process) else { return Reads::default() };
        let mut seen = std::collections::HashSet::new();
        let mut open: Vec<u32> = file.uses.clone();
        while let Some(number) = open.pop() {
            if !seen.insert(number) {
                continue;
            }
            match units.get(&number) {
                Some(unit) => {
                    open.extend(&unit.uses);
                    sum.add(&unit.reads);
                }
                // What is not known may be anything.
                None => sum.everything = true,
            }
        }
        sum.reads()
    }
}

/// References first and copies once at the end: most units say the same as others.
#[derive(Default)]
struct Gathered<'a> {
    opened: Vec<&'a String>,
    listed: Vec<&'a String>,
    absent: Vec<&'a String>,
    modules: Vec<&'a String>,
    programs: Vec<&'a String>,
    roots: Vec<String>,
    network: bool,
    everything: bool,
}

impl<'a> Gathered<'a> {
    fn add(&mut self, reads: &'a Reads) {
        self.opened.extend(&reads.opened);
        self.listed.extend(&reads.listed);
        self.absent.extend(&reads.absent);
        self.modules.extend(&reads.modules);
        self.programs.extend(&reads.programs);
        for root in &reads.roots {
            if !self.roots.contains(root) {
                self.roots.push(root.clone());
            }
        }
        self.network |= reads.network;
        self.everything |= reads.everything;
    }

    fn reads(self) -> Reads {
        let set = |mut items: Vec<&String>| {
            items.sort_unstable();
            items.dedup();
            items.into_iter().cloned().collect()
        };
        Reads {
            opened: set(self.opened),
            listed: set(self.listed),
            absent: set(self.absent),
            modules: set(self.modules),
            roots: self.roots,
            programs: set(self.programs),
            network: self.network,
            everything: self.everything,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units() -> Units {
        let mut units = Units::default();
        let text = r#"[
            {"n": 0, "opened": ["pytest.ini"], "modules": ["json"], "roots": ["."]},
            {"n": 1, "u": [2], "opened": ["lib/a.py"], "modules": ["lib.a"]},
            {"n": 2, "u": [1, 3], "opened": ["lib/b.py"], "absent": ["lib/b.toml"]},
            {"n": 3, "opened": ["lib/c.py"], "programs": ["git"], "everything": true},
            {"n": 4, "opened": ["lib/d.py"], "network": true}
        ]"#;
        units.add(String::new(), serde_json::from_str(text).unwrap());
        units
    }

    fn file(text: &str) -> FileReads {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_units_use_at_any_remove_counts() {
        let files = vec![
            file(r#"{"file": "t/a.py", "collected": 2, "ran": 2, "uses": [0, 1], "reads": {"opened": ["t/a.py"]}}"#),
            file(r#"{"file": "t/d.py", "collected": 2, "ran": 1, "uses": [0, 4], "reads": {"opened": ["t/d.py"]}}"#),
        ];
        let learned = units().learned(files);
        let a = &learned["t/a.py"];
        assert!(a.complete && a.reads.everything && !a.reads.network);
        let opened: Vec<&str> = a.reads.opened.iter().map(String::as_str).collect();
        assert_eq!(opened, ["lib/a.py", "lib/b.py", "lib/c.py", "pytest.ini", "t/a.py"]);
        assert!(a.reads.absent.contains("lib/b.toml") && a.reads.programs.contains("git"));
        assert_eq!(a.reads.roots, ["."]);
        let d = &learned["t/d.py"];
        assert!(!d.complete && d.reads.network && !d.reads.everything && !d.reads.opened.contains("lib/a.py"));
    }

    #[test]
    fn workers_add_up_to_a_whole_file() {
        let mut units = units();
        let other = r#"[{"n": 1, "opened": ["lib/other.py"]}]"#;
        units.add("gw1".into(), serde_json::from_str(other).unwrap());
        let half = r#"{"file": "t/a.py", "collected": 2, "ran": 1, "uses": [0]}"#;
        let rest = r#"{"of": "gw1", "file": "t/a.py", "collected": 2, "ran": 1, "uses": [1]}"#;
        let learned = units.learned(vec![file(half), file(rest)]);
        assert!(learned["t/a.py"].complete);
        assert!(learned["t/a.py"].reads.opened.contains("lib/other.py"));
        assert!(learned["t/a.py"].reads.opened.contains("pytest.ini"));
        assert!(!units.learned(vec![file(half)])["t/a.py"].complete);
        let partial = r#"{"file": "t/a.py", "collected": 1, "ran": 1, "partial": true}"#;
        assert!(!units.learned(vec![file(partial)])["t/a.py"].complete);
    }

    #[test]
    fn a_unit_that_is_missing_may_be_anything() {
        let learned = units().learned(vec![file(r#"{"file": "t/a.py", "uses": [99]}"#)]);
        assert!(learned["t/a.py"].reads.everything);
    }
}
