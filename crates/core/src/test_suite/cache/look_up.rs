//! Before a dir's container: which of its test files need none.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::entry::{CachedTest, Collected, DirEntry, FileEntry};
use super::{Cache, Dir, Facts, Hit, Key, Purpose, Recalled, Whole};
use crate::test_suite::event::DirIndex;

impl Cache {
    /// What is known of a dir whose tests run under `key`. Where the cache is only to be verified, nothing is given out.
    pub fn look_up(&mut self, index: DirIndex, facts: Facts, key: Key) -> Recalled {
        let collections = self.entry::<DirEntry>(&key).map(|entry| entry.known).unwrap_or_default();
        let Some(scene) = self.scene() else { return Recalled::default() };
        let mut files: BTreeSet<String> = facts.test_files(scene).into_iter().collect();
        files.extend(collections.iter().flat_map(|known| known.files.iter().cloned()));
        let mut hits = BTreeMap::new();
        for file in files {
            if let Some(hit) = self.find(&key, &file) {
                hits.insert(file, hit);
            }
        }
        let whole = self.whole(&facts, &collections, &hits);
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

    fn find(&mut self, key: &Key, file: &str) -> Option<Hit> {
        let entry: FileEntry = self.entry(&key.of_file(file))?;
        let scene = self.scene()?;
        entry.known.into_iter().find_map(|known| {
            let digest = scene.digest(&known.reads);
            let outcome = known.outcomes.into_iter().find(|outcome| outcome.digest == digest)?;
            Some(Hit { reads: known.reads, tests: outcome.tests })
        })
    }

    /// Whether a container would find nothing but known test files.
    fn whole(&mut self, facts: &Facts, collections: &[Collected], hits: &BTreeMap<String, Hit>) -> Option<Whole> {
        let scene = self.scene()?;
        let known = collections.iter().find(|known| {
            known.files.iter().all(|file| hits.contains_key(file))
                && known.digest == facts.digest(scene, known.everything)
        })?;
        Some(Whole {
            deselected: known.deselected,
            python: known.python.clone(),
            pytest: known.pytest.clone(),
        })
    }
}
