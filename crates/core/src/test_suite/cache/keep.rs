//! After a run: what of it is worth keeping.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{CachedTest, Collected, DirEntry, Entry, FileEntry, Outcome, encode};
use super::scene::Scene;
use super::tree::Tree;
use super::{Cache, Dir, Key, LearnedFiles, Place};
use crate::test_suite::learned::Learned;
use crate::test_suite::pytest_files::is_named_like_a_test;
use crate::test_suite::reads::Reads;
use crate::test_suite::report::model::{DirReport, TestReport};
use crate::test_suite::spread::DirShard;
use crate::test_suite::verdict::Verdict;

/// What came of one dir.
#[derive(Debug)]
pub struct Ran<'a> {
    /// Its report.
    pub report: &'a DirReport,
    /// Whether pytest came to its own end, in one container.
    pub is_complete: bool,
    /// Whether it was to collect all that the dir has under its key, but for what was known.
    pub is_whole: bool,
    /// Which of the dir's test files were its own, where they were shared out.
    pub shard: Option<&'a DirShard>,
}

/// The work tree after the run, and as it was before.
struct After {
    scene: Scene,
    before: Tree,
}

impl Cache {
    /// Keeps what is worth it; `ran` holds the dirs that had a container.
    pub fn keep(&mut self, ran: &BTreeMap<usize, Ran<'_>>, learned: &LearnedFiles) {
        let _ = self.scene();
        let Place::Here(scene) = std::mem::replace(&mut self.place, Place::Gone) else { return };
        let mut scene = *scene;
        let dirs = std::mem::take(&mut self.dirs);
        if ran.values().any(|ran| ran.is_complete) {
            let (later, before) = scene.again();
            let mut after = After { scene: later, before };
            for (index, ran) in ran.iter().filter(|(_, ran)| ran.is_complete) {
                if let Some(dir) = dirs.get(index) {
                    self.keep_dir(&mut after, dir, ran, learned);
                }
            }
            scene = after.scene;
            if let Err(error) = self.caching.store.finish() {
                self.faults.refuse(&*self.caching.store, &error);
            }
        }
        self.dirs = dirs;
        let Scene { tree, contents, .. } = scene;
        contents.finish(|path| tree.stamp(path).is_some());
    }

    fn keep_dir(&mut self, after: &mut After, dir: &Dir, ran: &Ran<'_>, learned: &LearnedFiles) {
        let report = ran.report;
        let mut files: BTreeMap<&str, Vec<&TestReport>> = BTreeMap::new();
        for test in &report.tests {
            files.entry(file_of(test)).or_default().push(test);
        }
        // Files that were collected and have no test in them, which they may have when they change.
        let quiet = dir.facts.test_files(&after.scene);
        let is_its_own = |file: &&str| ran.shard.is_none_or(|shard| shard.holds(file));
        let quiet = quiet.iter().map(String::as_str).filter(|file| !files.contains_key(file)).filter(is_its_own);
        let quiet: Vec<&str> = quiet.collect();
        let unknown = quiet.iter().any(|file| !learned.contains_key(*file) && !dir.hits.contains_key(*file));
        for file in quiet {
            files.entry(file).or_default();
        }
        for (file, tests) in &files {
            let seen = learned.get(*file).filter(|_| tests.iter().all(|test| is_kept(test)));
            if let Some(Learned { reads, .. }) = seen {
                self.keep_file(after, &dir.key, file, (reads, tests));
            }
        }
        if !ran.is_whole || report.tests.iter().any(|test| test.phase.as_deref() == Some("collect")) {
            return;
        }
        let more = files.keys().any(|file| !is_named_like_a_test(file)) || dir.facts.may_collect_more(&after.scene);
        let everything = unknown || more;
        let settled = !everything || after.before.is_same(&after.scene.tree);
        if settled && dir.facts.are_settled(&after.before, &after.scene.tree) {
            let collected = Collected {
                digest: dir.facts.digest(&mut after.scene, everything),
                everything,
                files: collected_files(&files, dir, learned),
                deselected: report.summary.deselected,
                python: report.python.clone(),
                pytest: report.pytest.clone(),
            };
            let mut entry = self.entry(&dir.key).unwrap_or_else(|| DirEntry::new(&dir.key));
            entry.add(collected);
            self.put(&dir.key, &entry);
        }
    }

    fn keep_file(&mut self, after: &mut After, dir: &Key, file: &str, (reads, tests): (&Reads, &[&TestReport])) {
        let key = &dir.of_file(file);
        let mut reads = reads.clone();
        reads.opened.insert(file.to_owned());
        if !is_settled(&mut after.scene, &after.before, &reads) {
            return;
        }
        let tests = tests.iter().map(|test| CachedTest::of(test)).collect();
        let outcome = Outcome { digest: after.scene.digest(&reads), tests };
        let mut entry = self.entry(key).unwrap_or_else(|| FileEntry::new(key));
        entry.add(reads, outcome);
        self.put(key, &entry);
    }

    fn put(&mut self, key: &Key, entry: &impl Entry) {
        if self.faults.refused.is_some() {
            return;
        }
        if let Err(error) = self.caching.store.put(key, &encode(entry)) {
            self.faults.refuse(&*self.caching.store, &error);
        }
    }
}

/// The file that a test was collected from: a test that a class inherits stands in another one.
pub(super) fn file_of(test: &TestReport) -> &str {
    test.id.split("::").next().unwrap_or(&test.id)
}

/// What stands in the reason of a skip for something that the place lacks (`lacking` in the plugin).
const LACKING: &str = ", which is not here: ";

/// Only what was fine at the first attempt is kept.
fn is_kept(test: &TestReport) -> bool {
    let fine = matches!(test.verdict, Verdict::Passed | Verdict::Skipped | Verdict::Xfailed | Verdict::Xpassed);
    // What the place lacked it may have another time, and another place now.
    let lacked = test.message.as_deref().is_some_and(|message| message.contains(LACKING));
    fine && test.attempts == 1 && !test.cached && !lacked
}

/// Those without tests count where it is known what they depend on; the others are the reason to look at everything.
fn collected_files(files: &BTreeMap<&str, Vec<&TestReport>>, dir: &Dir, learned: &LearnedFiles) -> BTreeSet<String> {
    let is_known = |file: &str| learned.contains_key(file) || dir.hits.contains_key(file);
    let counts = |(file, tests): &(&&str, &Vec<&TestReport>)| !tests.is_empty() || is_known(file);
    files.iter().filter(counts).map(|(file, _)| (*file).to_owned()).collect()
}

/// Whether all that was read is as it was when the run began: what changed meanwhile may have been read before or after.
fn is_settled(scene: &mut Scene, before: &Tree, reads: &Reads) -> bool {
    if (reads.everything || reads.network) && !before.is_same(&scene.tree) {
        return false;
    }
    let started = scene.contents.started;
    let mut paths: Vec<String> = reads.opened.iter().cloned().collect();
    scene.each_provider(reads, &mut |path| paths.push(path.to_owned()));
    let is_old = |scene: &mut Scene, path: &str| {
        let is_file = !path.ends_with('/');
        let Some(now) = scene.stamp(path.trim_end_matches('/')) else { return false };
        match before.stamp(path) {
            Some(then) => then == now,
            // One that Git ignores, unless it is new. What comes and goes in a folder of modules is seen by its files.
            None => scene.tree.stamp(path).is_none() && (!is_file || now.changed < started),
        }
    };
    paths.iter().all(|path| is_old(scene, path))
        && reads.listed.iter().all(|folder| {
            let is_seen = before.has_folder(folder) && scene.tree.has_folder(folder);
            if is_seen {
                before.same_names(&scene.tree, folder)
            } else {
                scene.stamp(folder).is_some_and(|now| now.changed < started)
            }
        })
        && !reads.absent.iter().any(|path| scene.exists(path))
}
