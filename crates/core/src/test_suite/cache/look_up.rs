//! Before a dir's container: which of its test files need none.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{CachedTest, Collected, DirEntry, FileEntry};
use super::{Cache, Dir, Facts, Hit, Key, Purpose, Recalled, Whole};
use crate::test_suite::event::DirIndex;

impl Cache {
    /// What is known of a dir whose tests run under `key`, less the files that are left out anyhow. Where the cache is only to be
    /// verified, nothing is given out.
    pub fn look_up(&mut self, index: DirIndex, facts: Facts, key: Key, is_mine: &dyn Fn(&str) -> bool) -> Recalled {
        let collections = match self.entry::<DirEntry>(&key) {
            Some(entry) => entry.known,
            None => self.fetch::<DirEntry>(&[key]).pop().map(|(_, entry)| entry.known).unwrap_or_default(),
        };
        let Some(scene) = self.scene() else { return Recalled::default() };
        let mut files: BTreeSet<String> = facts.test_files(scene).into_iter().collect();
        files.extend(collections.iter().flat_map(|known| known.files.iter().cloned()));
        files.retain(|file| is_mine(file));
        let mut hits = BTreeMap::new();
        let mut missed = BTreeMap::new();
        for file in files {
            let file_key = key.of_file(&file);
            let entry = self.entry(&file_key);
            match entry.and_then(|entry| self.find(entry)) {
                Some(hit) => {
                    hits.insert(file, hit);
                }
                None => {
                    missed.insert(file_key, file);
                }
            }
        }
        let keys: Vec<Key> = missed.keys().copied().collect();
        for (key, entry) in self.fetch(&keys) {
            if let Some((file, hit)) = missed.remove(&key).zip(self.find(entry)) {
                hits.insert(file, hit);
            }
        }
        let whole = self.whole(&facts, &collections, |file| hits.contains_key(file) || !is_mine(file));
        let recalled = match self.caching.purpose {
            Purpose::Verify => Recalled::default(),
            Purpose::Take => Recalled {
                files: hits.keys().cloned().collect(),
                tests: hits.values().flat_map(|hit| &hit.tests).map(CachedTest::report).collect(),
                whole,
            },
        };
        self.dirs.insert(index, Dir { key, facts, hits });
        recalled
    }

    fn find(&mut self, entry: FileEntry) -> Option<Hit> {
        let scene = self.scene()?;
        entry.known.into_iter().find_map(|known| {
            let digest = scene.digest(&known.reads);
            let outcome = known.outcomes.into_iter().find(|outcome| outcome.digest == digest)?;
            Some(Hit { reads: known.reads, tests: outcome.tests })
        })
    }

    /// Whether a container would find nothing but known test files.
    fn whole(&mut self, facts: &Facts, collections: &[Collected], is_known: impl Fn(&str) -> bool) -> Option<Whole> {
        let scene = self.scene()?;
        let known = collections.iter().find(|known| {
            known.files.iter().all(|file| is_known(file)) && known.digest == facts.digest(scene, known.everything)
        })?;
        Some(Whole { deselected: known.deselected, python: known.python.clone(), pytest: known.pytest.clone() })
    }
}
