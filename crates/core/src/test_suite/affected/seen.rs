//! Which of the learned reads still hold: `.wharf/affected`.
//!
//! Reads were recorded with the files as they were then. Where one of these is another now, the test may read quite other files,
//! and a change to one of those would be missed. So with the reads of each test file goes a hash of all that it opened, listed and looked for. As long
//! as it is the same now, the reads are those of now, and every file outside of them can change without a difference. Content
//! counts, not times: a checkout elsewhere, or there and back, changes nothing.
//!
//! Contents are hashed once: a file whose stamp is as recorded is not read again, unless it was changed in the moment of recording.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use super::reach::Seen;
use crate::test_suite::learned::{Learned, Store};
use crate::test_suite::reads::Reads;
use crate::workspace::StateDir;

const FILE: &str = "affected";
/// Changed whenever what is written, or what it means, changes.
const HEAD: &str = "wharf-affected 1 ";

/// A hash of content: of a file, or of all that a test file opened.
type Hash = [u8; 16];

/// What tells that a file was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    /// Nanoseconds since 1970.
    modified: i64,
    changed: i64,
    inode: u64,
    mode: u32,
}

/// As it is written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Written {
    /// When it was written, by the clock of the file system, nanoseconds since 1970.
    at: i64,
    /// By test file: a hash of all that it opened.
    digests: BTreeMap<String, Hash>,
    /// By file: its stamp and the hash of its content.
    contents: BTreeMap<String, (Stamp, Hash)>,
}

/// What earlier runs of a workspace have shown, and whether it still holds.
#[derive(Debug)]
pub struct Remembered {
    root: PathBuf,
    store: Store,
    written: Written,
    now: Mutex<Answers>,
}

impl Remembered {
    /// What is kept of `root`'s earlier runs; nothing where nothing is, or nothing that can be trusted.
    #[must_use]
    pub fn open(root: &Path, state: &StateDir) -> Self {
        let written = read(&state.path().join(FILE)).unwrap_or_default();
        Self { root: root.to_owned(), store: Store::open(state), written, now: Mutex::default() }
    }

    /// Keeps that the reads that a run learned hold for the files as they are: those that are complete, and whose files have not changed
    /// since the run `began` (nanoseconds since 1970, by the clock of the file system). Of files of which less was seen,
    /// nothing holds.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(root: &Path, state: &StateDir, learned: &BTreeMap<String, Learned>, began: i64) -> std::io::Result<()> {
        let path = state.path().join(FILE);
        let mut draft = tempfile::NamedTempFile::new_in(state.path())?;
        let at = Stamp::of(&draft.as_file().metadata()?).changed;
        let known = read(&path).unwrap_or_default();
        let store = Store::open(state);
        let mut written = Written { at, ..Written::default() };
        let mut answers = Answers::default();
        for (file, reads) in store.files() {
            let Some(learned) = learned.get(file) else {
                written.digests.extend(known.digests.get_key_value(file).map(|(file, digest)| (file.clone(), *digest)));
                continue;
            };
            if learned.complete && reads.opened.iter().all(|path| is_older(&root.join(path), began)) {
                let digest = digest(reads, |question, path| answers.find(root, &known, question, path));
                written.digests.insert(file.to_owned(), digest);
            }
        }
        let holding = store.files().filter(|(file, _)| written.digests.contains_key(*file));
        for path in holding.flat_map(|(_, reads)| &reads.opened) {
            if written.contents.contains_key(path) {
                continue;
            }
            let content = match answers.0.get(&(Question::Content, path.clone())) {
                Some(hash) => {
                    let stamp = std::fs::metadata(root.join(path)).ok().map(|metadata| Stamp::of(&metadata));
                    stamp.zip(*hash)
                }
                None => known.contents.get(path).copied(),
            };
            written.contents.extend(content.map(|content| (path.clone(), content)));
        }
        let json = serde_json::to_vec(&written)?;
        writeln!(draft, "{HEAD}{}", blake3::hash(&json).to_hex())?;
        draft.write_all(&json)?;
        draft.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Remembered {
    /// The files that `file` opened when its reads were recorded and that are others now, or gone.
    #[must_use]
    pub fn changed(&self, file: &str) -> Vec<String> {
        let (Some(reads), Ok(mut now)) = (self.store.of(file), self.now.lock()) else { return Vec::new() };
        let mut differs = |path: &&String| {
            let then = self.written.contents.get(*path).map(|(_, hash)| *hash);
            then.is_some() && now.find(&self.root, &self.written, Question::Content, path) != then
        };
        reads.opened.iter().filter(|path| differs(path)).cloned().collect()
    }
}

impl Seen for Remembered {
    fn reads(&self, file: &str) -> Option<&Reads> {
        self.store.of(file)
    }

    fn is_current(&self, file: &str) -> bool {
        let (Some(then), Some(reads)) = (self.written.digests.get(file), self.store.of(file)) else { return false };
        let Ok(mut now) = self.now.lock() else { return false };
        digest(reads, |question, path| now.find(&self.root, &self.written, question, path)) == *then
    }

    fn files(&self) -> Vec<&str> {
        self.store.files().map(|(file, _)| file).collect()
    }
}

impl Written {
    /// The hash of a file's content, where its stamp tells that it is as recorded.
    fn content(&self, root: &Path, path: &str) -> Option<Hash> {
        let (stamp, hash) = self.contents.get(path)?;
        let now = Stamp::of(&std::fs::metadata(root.join(path)).ok()?);
        (now == *stamp && now.changed.max(now.modified) < self.at).then_some(*hash)
    }
}

impl Stamp {
    fn of(metadata: &std::fs::Metadata) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            size: metadata.len(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            mode: metadata.mode(),
        }
    }
}

/// A moment by the clock of the file system that holds `state`, nanoseconds since 1970.
///
/// # Errors
/// When nothing can be written there.
pub fn moment(state: &StateDir) -> std::io::Result<i64> {
    let file = tempfile::NamedTempFile::new_in(state.path())?;
    Ok(Stamp::of(&file.as_file().metadata()?).changed)
}

fn is_older(path: &Path, moment: i64) -> bool {
    match std::fs::metadata(path) {
        Ok(metadata) => {
            let stamp = Stamp::of(&metadata);
            stamp.changed.max(stamp.modified) < moment
        }
        Err(_) => false,
    }
}

fn hash(path: &Path) -> Option<Hash> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    let mode = metadata.mode();
    let bytes = std::fs::read(path).ok()?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(mode & 0o111).to_le_bytes());
    hasher.update(&bytes);
    Some(short(&hasher))
}

/// A hash of all that a test file depends on: contents of what it opened, names in what it listed, and whether what it looked for in
/// vain is still not there. `ask` answers each question once.
fn digest(reads: &Reads, mut ask: impl FnMut(Question, &str) -> Option<Hash>) -> Hash {
    let mut hasher = blake3::Hasher::new();
    let kinds =
        [(Question::Content, &reads.opened), (Question::Names, &reads.listed), (Question::Presence, &reads.absent)];
    for (question, paths) in kinds {
        hasher.update(&[question as u8]);
        for path in paths {
            hasher.update(&(path.len() as u64).to_le_bytes());
            hasher.update(path.as_bytes());
            hasher.update(&ask(question, path).unwrap_or_default());
        }
    }
    short(&hasher)
}

/// What is asked about a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Question {
    /// Its content and mode.
    Content,
    /// The names in it.
    Names,
    /// Whether it is there.
    Presence,
}

/// Answers, each found once.
#[derive(Debug, Default)]
struct Answers(HashMap<(Question, String), Option<Hash>>);

impl Answers {
    /// `written` knows contents from before.
    fn find(&mut self, root: &Path, written: &Written, question: Question, path: &str) -> Option<Hash> {
        let key = (question, path.to_owned());
        if let Some(known) = self.0.get(&key) {
            return *known;
        }
        let at = root.join(path);
        let found = match question {
            Question::Content => written.content(root, path).or_else(|| hash(&at)),
            Question::Names => names(&at),
            Question::Presence => at.symlink_metadata().is_ok().then_some([1; 16]),
        };
        self.0.insert(key, found);
        found
    }
}

fn names(folder: &Path) -> Option<Hash> {
    // What running tests leaves behind.
    const LEFT: [&str; 4] = ["__pycache__", ".pytest_cache", ".wharf", ".git"];
    let entries = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = entries.filter(|name| LEFT.iter().all(|left| name != left)).collect();
    names.sort_unstable();
    let mut hasher = blake3::Hasher::new();
    for name in names {
        hasher.update(name.as_encoded_bytes());
        hasher.update(&[0]);
    }
    Some(short(&hasher))
}

fn short(hasher: &blake3::Hasher) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    hash
}

fn read(path: &Path) -> Option<Written> {
    let bytes = std::fs::read(path).ok()?;
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let hash = bytes[..end].strip_prefix(HEAD.as_bytes())?;
    let json = &bytes[end + 1..];
    (hash == blake3::hash(json).to_hex().as_bytes()).then(|| serde_json::from_slice(json).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(opened: &[&str], complete: bool) -> BTreeMap<String, Learned> {
        let opened = opened.iter().map(|path| (*path).to_owned()).collect();
        BTreeMap::from([("t.py".to_owned(), Learned { reads: Reads { opened, ..Reads::default() }, complete })])
    }

    struct Case {
        _folder: tempfile::TempDir,
        root: PathBuf,
        state: StateDir,
    }

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().to_owned();
            for name in ["t.py", "a.py", "b.py"] {
                std::fs::write(root.join(name), name).unwrap();
            }
            let state = StateDir::of_root(&root, &root.join("cache")).unwrap();
            Self { _folder: folder, root, state }
        }

        fn run(&self, learned: &BTreeMap<String, Learned>, began: i64) {
            Store::open(&self.state).update(learned, |_| true).unwrap();
            Remembered::keep(&self.root, &self.state, learned, began).unwrap();
        }

        fn is_current(&self) -> bool {
            Remembered::open(&self.root, &self.state).is_current("t.py")
        }
    }

    #[test]
    fn reads_hold_as_long_as_contents_are_the_same() {
        let case = Case::new();
        assert!(!case.is_current());
        case.run(&learned(&["a.py", "t.py"], true), i64::MAX);
        assert!(case.is_current());
        std::fs::write(case.root.join("b.py"), "other").unwrap();
        assert!(case.is_current(), "it was not read");
        std::fs::write(case.root.join("a.py"), "x.py").unwrap();
        assert!(!case.is_current());
        std::fs::write(case.root.join("a.py"), "a.py").unwrap();
        assert!(case.is_current(), "there and back");
        std::fs::remove_file(case.root.join("a.py")).unwrap();
        assert!(!case.is_current());
    }

    #[test]
    fn only_what_was_seen_in_full_and_in_peace_holds() {
        let case = Case::new();
        case.run(&learned(&["a.py"], false), i64::MAX);
        assert!(!case.is_current(), "a part of it");
        case.run(&learned(&["a.py"], true), 0);
        assert!(!case.is_current(), "a file changed while it ran");
        case.run(&learned(&["a.py"], true), i64::MAX);
        assert!(case.is_current());
        case.run(&BTreeMap::new(), 0);
        assert!(case.is_current(), "what did not run stays");
        let file = case.state.path().join(FILE);
        let mut bytes = std::fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert!(!case.is_current(), "damaged");
    }
}
