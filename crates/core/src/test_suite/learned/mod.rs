//! What test files were seen to depend on: put together from what the plugin recorded, and kept for later runs.
//!
//! Owns the closure over units and the store. Refuses to say what a change reaches ([`super::reads`]) or what is done with that.
//!
//! # Theory of operation
//! The plugin records by *unit*: a module, a `conftest.py`, a wider fixture, a test file, a child process. Each unit has reads of its
//! own and uses others. Units are sent once, and a test file names those that it uses; [`units::Units`] follows them to the whole of
//! what the file depends on. Only a session that came to its end counts: until then units may still be missing.

use std::collections::BTreeMap;

pub mod store;
pub mod units;

pub use store::Store;

use super::reads::Reads;
use units::{FileReads, Unit, Units};

/// What a run learned of a test file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// What it was seen to depend on.
    pub reads: Reads,
    /// Whether all of its tests ran to a verdict, so that there is nothing more to see.
    pub complete: bool,
}

impl Learned {
    /// Adds what another session of the same run saw of the same file.
    pub fn merge(&mut self, other: Self) {
        self.reads.merge(other.reads);
        self.complete |= other.complete;
    }
}

/// Collects what one dir's containers tell, one after the other.
#[derive(Debug, Default)]
pub struct Collector {
    units: Units,
    files: Vec<FileReads>,
    learned: BTreeMap<String, Learned>,
}

impl Collector {
    /// A container starts: what an earlier one left unfinished is of no use.
    pub fn begin(&mut self) {
        self.units = Units::default();
        self.files.clear();
    }

    /// Takes units of a process.
    pub fn units(&mut self, process: String, units: Vec<Unit>) {
        self.units.add(process, units);
    }

    /// Takes what one process saw of a test file.
    pub fn reads(&mut self, file: FileReads) {
        self.files.push(file);
    }

    /// The session is over: nothing is missing.
    pub fn end(&mut self) {
        let files = std::mem::take(&mut self.files);
        for (file, learned) in std::mem::take(&mut self.units).learned(files) {
            match self.learned.entry(file) {
                std::collections::btree_map::Entry::Vacant(entry) => {
                    entry.insert(learned);
                }
                std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().merge(learned),
            }
        }
    }

    /// All that was learned, by test file.
    pub fn take(&mut self) -> BTreeMap<String, Learned> {
        std::mem::take(&mut self.learned)
    }
}
