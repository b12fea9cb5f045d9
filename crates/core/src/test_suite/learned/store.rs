//! The newest reads of each test file, in `.wharf/learned`.
//!
//! One line with the version and the hash of what follows, then JSON in which each string stands once. A file of another version, or
//! one that is damaged, counts as none: what it said is learned again. Writers take a lock, read what others wrote meanwhile, add
//! theirs and rename.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Learned;
use crate::test_suite::reads::Reads;
use crate::workspace::{Lock, LockError, Patience, StateDir};

const FILE: &str = "learned";
const LOCK: &str = "learned.lock";
/// Changed whenever what is written, or what it means, changes.
const HEAD: &str = "wharf-learned 1 ";

/// What test files of a workspace were seen to depend on in earlier runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Store {
    path: PathBuf,
    files: BTreeMap<String, Reads>,
}

/// As it is written: lists hold places in `strings`.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    strings: Vec<String>,
    files: BTreeMap<String, WrittenReads>,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrittenReads {
    lists: [Vec<u32>; 6],
    network: bool,
    everything: bool,
}

impl Store {
    /// What is stored; nothing where there is nothing, or nothing that can be trusted.
    #[must_use]
    pub fn open(state: &StateDir) -> Self {
        let path = state.path().join(FILE);
        let files = read(&path).unwrap_or_default();
        Self { path, files }
    }

    /// What a test file, by its workspace-relative path, was seen to depend on.
    #[must_use]
    pub fn of(&self, file: &str) -> Option<&Reads> {
        self.files.get(file)
    }

    /// All test files of which something is known, in order, with what they depend on.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Reads)> {
        self.files.iter().map(|(file, reads)| (file.as_str(), reads))
    }

    /// Keeps what a run learned: complete reads replace what is stored, others add to it. Reads of files that `is_there` denies go.
    /// What other runs stored meanwhile stays.
    ///
    /// # Errors
    /// When the store cannot be locked or written.
    pub fn update(
        &mut self,
        learned: &BTreeMap<String, Learned>,
        is_there: impl Fn(&str) -> bool,
    ) -> Result<(), std::io::Error> {
        let lock = self.path.with_file_name(LOCK);
        let _lock = Lock::take(&lock, "wharf test", Patience::Wait).map_err(|error| match error {
            LockError::Io { source, .. } => source,
            held @ LockError::Held { .. } => std::io::Error::other(held.to_string()),
        })?;
        let before = read(&self.path);
        self.files = before.clone().unwrap_or_default();
        for (file, new) in learned {
            match self.files.get_mut(file) {
                Some(reads) if !new.complete => reads.merge(new.reads.clone()),
                _ => {
                    self.files.insert(file.clone(), new.reads.clone());
                }
            }
        }
        self.files.retain(|file, _| is_there(file));
        if before.as_ref() == Some(&self.files) {
            return Ok(());
        }
        self.write()
    }

    fn write(&self) -> std::io::Result<()> {
        let json = serde_json::to_vec(&Written::of(&self.files))?;
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        writeln!(file, "{HEAD}{}", blake3::hash(&json).to_hex())?;
        file.write_all(&json)?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn read(path: &Path) -> Option<BTreeMap<String, Reads>> {
    let bytes = std::fs::read(path).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let hash = bytes[..end].strip_prefix(HEAD.as_bytes())?;
    let json = &bytes[end + 1..];
    if hash != blake3::hash(json).to_hex().as_bytes() {
        return None;
    }
    serde_json::from_slice::<Written>(json).ok()?.reads()
}

impl Written {
    fn of(files: &BTreeMap<String, Reads>) -> Self {
        let mut table = Table::default();
        let files = files.iter().map(|(file, reads)| {
            let lists = [
                table.places(&reads.opened),
                table.places(&reads.listed),
                table.places(&reads.absent),
                table.places(&reads.modules),
                table.places(&reads.roots),
                table.places(&reads.programs),
            ];
            (file.clone(), WrittenReads { lists, network: reads.network, everything: reads.everything })
        });
        let files = files.collect();
        Self { strings: table.strings.into_iter().cloned().collect(), files }
    }

    /// `None` where a list names a string that is not there.
    fn reads(&self) -> Option<BTreeMap<String, Reads>> {
        let texts = |list: &Vec<u32>| -> Option<Vec<String>> {
            list.iter().map(|place| self.strings.get(usize::try_from(*place).ok()?).cloned()).collect()
        };
        let files = self.files.iter().map(|(file, written)| {
            let [opened, listed, absent, modules, roots, programs] = &written.lists;
            let reads = Reads {
                opened: texts(opened)?.into_iter().collect(),
                listed: texts(listed)?.into_iter().collect(),
                absent: texts(absent)?.into_iter().collect(),
                modules: texts(modules)?.into_iter().collect(),
                roots: texts(roots)?,
                programs: texts(programs)?.into_iter().collect(),
                network: written.network,
                everything: written.everything,
            };
            Some((file.clone(), reads))
        });
        files.collect()
    }
}

/// Each string once.
#[derive(Default)]
struct Table<'a> {
    strings: Vec<&'a String>,
    places: HashMap<&'a str, u32>,
}

impl<'a> Table<'a> {
    fn places(&mut self, strings: impl IntoIterator<Item = &'a String>) -> Vec<u32> {
        strings.into_iter().map(|string| self.place(string)).collect()
    }

    fn place(&mut self, string: &'a String) -> u32 {
        *self.places.entry(string).or_insert_with(|| {
            self.strings.push(string);
            u32::try_from(self.strings.len() - 1).unwrap_or(u32::MAX)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(opened: &[&str], complete: bool) -> Learned {
        let reads = Reads {
            opened: opened.iter().map(|file| (*file).to_owned()).collect(),
            modules: ["json".to_owned()].into(),
            roots: vec!["infra".into(), ".".into()],
            network: true,
            ..Reads::default()
        };
        Learned { reads, complete }
    }

    fn state(folder: &Path) -> StateDir {
        StateDir::of_root(folder, folder).unwrap()
    }

    fn opened(store: &Store, file: &str) -> Vec<String> {
        store.of(file).map(|reads| reads.opened.iter().cloned().collect()).unwrap_or_default()
    }

    #[test]
    fn complete_reads_replace_and_others_add() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        let mut store = Store::open(&state);
        let first = BTreeMap::from([("t/a.py".to_owned(), learned(&["x", "y"], true))]);
        store.update(&first, |_| true).unwrap();
        assert_eq!(Store::open(&state).of("t/a.py"), Some(&first["t/a.py"].reads));
        store.update(&BTreeMap::from([("t/a.py".to_owned(), learned(&["z"], false))]), |_| true).unwrap();
        assert_eq!(opened(&Store::open(&state), "t/a.py"), ["x", "y", "z"]);
        store.update(&BTreeMap::from([("t/a.py".to_owned(), learned(&["z"], true))]), |_| true).unwrap();
        assert_eq!(opened(&Store::open(&state), "t/a.py"), ["z"]);
        assert_eq!(Store::open(&state), store);
    }

    #[test]
    fn runs_at_once_lose_nothing_and_gone_files_go() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        std::thread::scope(|scope| {
            for number in 0..8 {
                let mut store = Store::open(&state);
                scope.spawn(move || {
                    let new = BTreeMap::from([(format!("t/{number}.py"), learned(&["x"], true))]);
                    store.update(&new, |_| true).unwrap();
                });
            }
        });
        assert_eq!(Store::open(&state).files().count(), 8);
        Store::open(&state).update(&BTreeMap::new(), |file| file != "t/3.py").unwrap();
        let store = Store::open(&state);
        assert_eq!((store.files().count(), store.of("t/3.py")), (7, None));
    }

    #[test]
    fn what_is_damaged_or_of_another_version_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = state(folder.path());
        let new = BTreeMap::from([("t/a.py".to_owned(), learned(&["x"], true))]);
        Store::open(&state).update(&new, |_| true).unwrap();
        let path = state.path().join(FILE);
        let good = std::fs::read(&path).unwrap();
        let mut flipped = good.clone();
        *flipped.last_mut().unwrap() ^= 4;
        let text = String::from_utf8(good.clone()).unwrap();
        let newer = text.replace(HEAD, "wharf-learned 999 ").into_bytes();
        for bad in [&good[..good.len() / 2], &flipped, &newer, b"", b"\n\0"] {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(Store::open(&state).files().count(), 0);
            Store::open(&state).update(&new, |_| true).unwrap();
            assert_eq!(opened(&Store::open(&state), "t/a.py"), ["x"]);
        }
    }
}
