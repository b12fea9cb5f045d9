//! Verdicts that need no run: a test file whose image, command, variables and reads are all as they were is not run again.
//!
//! Owns what is kept of a run, how it is found again, and the check of it (`--verify-cache`). Refuses to know how tests are run or
//! how a test file's [`Reads`] come to be known. The rules are told in `docs/design/test-cache.md`.
//!
//! # Theory of operation
//! [`Cache::start`] begins to read the work tree while images are got. When a dir's image is there, [`Cache::look_up`] asks the
//! [`Store`] for the dir and each of its test files by a [`Key`] of all that does not lie in the work tree; the entry says what
//! the file read, a digest over what is there now decides. After the run [`Cache::keep`] looks at the work tree again and keeps
//! the verdicts of files that passed and read nothing that changed meanwhile.

mod contents;
mod entry;
mod facts;
mod forced;
mod keep;
mod key;
mod look_up;
mod scene;
mod shared;
mod store;
#[cfg(test)]
mod tests;
mod tree;
mod verify;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use contents::Contents;
use entry::{CachedTest, Entry, Fault, decode, encode};
use scene::Scene;
use tree::Tree;

use super::event::DirIndex;
use super::learned::Learned;
use super::reads::Reads;
use super::report::model::TestReport;

pub(super) use contents::{State, state_of};
pub use facts::Facts;
pub(super) use forced::ask as tracked_though_ignored;
pub use keep::Ran;
pub use key::Key;
pub use shared::{Limits, Mode, Shared};
pub use store::{Folder, Store, Trimmed};

/// How a run uses the cache.
#[derive(Debug, Clone)]
pub struct Caching {
    /// Where entries are.
    pub store: Arc<dyn Store>,
    /// What for.
    pub purpose: Purpose,
}

/// What the cache is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Known verdicts are taken.
    Take,
    /// All runs, and known verdicts are compared with what comes of it.
    Verify,
}

/// What test files were seen to depend on in this run.
pub type LearnedFiles = BTreeMap<String, Learned>;

/// What is known of a dir without running it.
#[derive(Debug, Default)]
pub struct Recalled {
    /// Test files that need not be collected.
    pub files: BTreeSet<String>,
    /// Their verdicts.
    pub tests: Vec<TestReport>,
    /// Whether that is all that the dir has.
    pub whole: Option<Whole>,
}

/// What a dir's report holds beside verdicts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whole {
    /// Tests left out by the selection.
    pub deselected: usize,
    /// Version of Python.
    pub python: Option<String>,
    /// Version of pytest.
    pub pytest: Option<String>,
}

/// The cache during one run.
#[derive(Debug)]
pub struct Cache {
    caching: Caching,
    place: Place,
    dirs: BTreeMap<DirIndex, Dir>,
    faults: Faults,
}

#[derive(Debug)]
enum Place {
    Coming(JoinHandle<Scene>),
    Here(Box<Scene>),
    Gone,
}

/// What was found for one dir.
#[derive(Debug)]
struct Dir {
    key: Key,
    facts: Facts,
    hits: BTreeMap<String, Hit>,
}

/// The known verdicts of one test file.
#[derive(Debug)]
struct Hit {
    reads: Reads,
    tests: Vec<CachedTest>,
}

/// What was not right with entries.
#[derive(Debug, Default)]
struct Faults {
    damaged: usize,
    newer: usize,
    /// What the store said first.
    refused: Option<String>,
}

impl Cache {
    /// Begins to read the work tree at `root`; hashes of contents are kept in `folder`.
    #[must_use]
    pub fn start(caching: Caching, root: &Path, folder: &Path) -> Self {
        let (root, folder): (PathBuf, PathBuf) = (root.into(), folder.into());
        let coming = thread::spawn(move || {
            let contents = Contents::load(&root, &folder);
            Scene::new(&root, Tree::read(&root, &folder), contents)
        });
        Self { caching, place: Place::Coming(coming), dirs: BTreeMap::new(), faults: Faults::default() }
    }

    /// The work tree, once it is read; `None` where that failed.
    fn scene(&mut self) -> Option<&mut Scene> {
        self.place = match std::mem::replace(&mut self.place, Place::Gone) {
            Place::Coming(coming) => coming.join().map_or(Place::Gone, |scene| Place::Here(Box::new(scene))),
            known => known,
        };
        match &mut self.place {
            Place::Here(scene) => Some(scene),
            Place::Coming(_) | Place::Gone => None,
        }
    }

    /// What another place knows of these keys, put together with what is known here and kept.
    fn fetch<E: Entry>(&mut self, keys: &[Key]) -> Vec<(Key, E)> {
        let mut found = Vec::new();
        for (key, bytes) in self.caching.store.fetch(keys) {
            match decode::<E>(&key, &bytes) {
                Ok(other) => {
                    let entry = match self.entry::<E>(&key) {
                        Some(mut own) => {
                            own.merge(other);
                            own
                        }
                        None => other,
                    };
                    if let Err(error) = self.caching.store.keep_near(&key, &encode(&entry)) {
                        self.faults.refuse(&*self.caching.store, &error);
                    }
                    found.push((key, entry));
                }
                Err(Fault::Newer) => self.faults.newer += 1,
                Err(Fault::Damaged) => self.faults.damaged += 1,
            }
        }
        found
    }

    /// The entry of `key`, where there is one that can be used. What is damaged is taken away.
    fn entry<E: Entry>(&mut self, key: &Key) -> Option<E> {
        let bytes = match self.caching.store.get(key) {
            Ok(bytes) => bytes?,
            Err(error) => {
                self.faults.refuse(&*self.caching.store, &error);
                return None;
            }
        };
        match decode(key, &bytes) {
            Ok(entry) => Some(entry),
            Err(Fault::Newer) => {
                self.faults.newer += 1;
                None
            }
            Err(Fault::Damaged) => {
                self.faults.damaged += 1;
                let _ = self.caching.store.remove(key);
                None
            }
        }
    }

    /// What was not right with the cache, a line each.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let Faults { damaged, newer, refused } = &self.faults;
        let entries = |count: usize| if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") };
        let mut notes = Vec::new();
        if *damaged > 0 {
            notes.push(format!("{} of the test cache could not be read and will be made anew", entries(*damaged)));
        }
        if *newer > 0 {
            notes.push(format!("{} of the test cache were left alone: a newer wharf wrote them", entries(*newer)));
        }
        notes.extend(refused.clone());
        notes.extend(self.caching.store.notes());
        notes
    }
}

impl Faults {
    fn refuse(&mut self, store: &dyn Store, error: &std::io::Error) {
        self.refused.get_or_insert_with(|| format!("the test cache in `{}` cannot be used: {error}", store.name()));
    }
}
