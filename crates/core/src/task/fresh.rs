//! Whether a task is up to date, by the content of its inputs and outputs.
//!
//! Two small files in `.wharf/tasks` remember: `done` has, for each task, what its last success was made of and what it
//! made; `files` has the hash of each file by size and time, so that a file is read again only after a change. A file
//! that changed just before it was looked at is not remembered: a second change within one tick of the file system's
//! clock would go unseen.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use blake3::{Hash, Hasher};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::error::TaskError;

/// Folder below the state folder.
const FOLDER: &str = "tasks";
/// No file system that matters has a coarser clock than this that it also hides.
const TICK: Duration = Duration::from_millis(50);
/// So many files are remembered before those that were not seen this time are forgotten.
const MOST_FILES: usize = 200_000;
const NEVER_ENTERED: [&str; 2] = [".git", ".wharf"];

/// What decides whether a task is up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What the task is remembered by.
    pub key: String,
    /// Hash of its commands, variables, arguments and place.
    pub definition: Hash,
    /// Folder that globs start from.
    pub folder: PathBuf,
    /// Globs of inputs; one with `!` in front excludes.
    pub inputs: Vec<String>,
    /// Globs of outputs.
    pub outputs: Vec<String>,
}

/// A file as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// When it was changed, in nanoseconds since 1970.
    pub changed: u64,
}

#[derive(Debug, Clone)]
struct Known {
    size: u64,
    changed: u64,
    hash: Hash,
    /// The generation in which it was hashed; `None` for one from disk.
    generation: Option<u64>,
}

/// What is remembered of earlier runs.
#[derive(Debug)]
pub struct Fresh {
    folder: PathBuf,
    /// Nanoseconds since 1970; files changed later than this are not remembered.
    started: u64,
    files: Mutex<HashMap<PathBuf, Known>>,
    done: Mutex<HashMap<String, String>>,
    /// What this process added to `done`.
    added: Mutex<HashMap<String, String>>,
    listings: Mutex<HashMap<PathBuf, Arc<Vec<Seen>>>>,
    generation: AtomicU64,
    has_new_files: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

impl Fresh {
    /// What is remembered in the state folder; nothing where there is none. `started` is the time now.
    #[must_use]
    pub fn load(state: &Path, started: SystemTime) -> Self {
        let folder = state.join(FOLDER);
        let tick = u64::try_from(TICK.as_nanos()).unwrap_or_default();
        Self {
            files: Mutex::new(read_files(&folder.join("files"))),
            done: Mutex::new(read_done(&folder.join("done"))),
            started: nanos(started).saturating_sub(tick),
            folder,
            added: Mutex::default(),
            listings: Mutex::default(),
            generation: AtomicU64::new(0),
            has_new_files: AtomicBool::new(false),
        }
    }

    /// Something ran: what was seen of the work tree may no longer hold.
    pub fn has_changed(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        lock(&self.listings).clear();
    }

    /// The state of a task's inputs, its own definition among them.
    ///
    /// # Errors
    /// When an input cannot be read.
    pub fn inputs(&self, check: &Check) -> Result<Hash, TaskError> {
        let mut hasher = Hasher::new();
        hasher.update(check.definition.as_bytes());
        self.content(&mut hasher, &check.folder, &check.inputs)?;
        Ok(hasher.finalize())
    }

    /// Whether the last success had these inputs and its outputs are still there and the same.
    ///
    /// # Errors
    /// When an output cannot be read.
    pub fn is_current(&self, check: &Check, inputs: Hash) -> Result<bool, TaskError> {
        let Some(recorded) = lock(&self.done).get(&check.key).cloned() else { return Ok(false) };
        if !recorded.starts_with(inputs.to_hex().as_str()) {
            return Ok(false);
        }
        for glob in check.outputs.iter().filter(|glob| !glob.starts_with('!')) {
            if self.files(&check.folder, std::slice::from_ref(glob))?.is_empty() {
                return Ok(false);
            }
        }
        Ok(recorded == self.record_of(check, inputs)?)
    }

    /// Remembers a success; `inputs` is their state before it ran.
    ///
    /// # Errors
    /// When an output cannot be read.
    pub fn record(&self, check: &Check, inputs: Hash) -> Result<(), TaskError> {
        let record = self.record_of(check, inputs)?;
        lock(&self.done).insert(check.key.clone(), record.clone());
        lock(&self.added).insert(check.key.clone(), record);
        Ok(())
    }

    fn record_of(&self, check: &Check, inputs: Hash) -> Result<String, TaskError> {
        let mut hasher = Hasher::new();
        self.content(&mut hasher, &check.folder, &check.outputs)?;
        Ok(format!("{} {}", inputs.to_hex(), hasher.finalize().to_hex()))
    }

    fn content(&self, hasher: &mut Hasher, folder: &Path, globs: &[String]) -> Result<(), TaskError> {
        for file in self.files(folder, globs)? {
            let name = file.path.strip_prefix(folder).unwrap_or(&file.path);
            hasher.update(name.as_os_str().as_encoded_bytes());
            hasher.update(&[0]);
            hasher.update(self.hash(&file)?.as_bytes());
        }
        Ok(())
    }

    /// The files that globs mean, in the order of their paths.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn files(&self, folder: &Path, globs: &[String]) -> Result<Vec<Seen>, TaskError> {
        let excluded = set(globs.iter().filter_map(|glob| glob.strip_prefix('!')));
        let mut found: Vec<Seen> = Vec::new();
        for glob in globs.iter().filter(|glob| !glob.starts_with('!')) {
            let (base_text, is_literal) = base(glob);
            let base: PathBuf = folder.join(base_text).components().collect();
            let listing = self.listing(&base).map_err(|source| TaskError::Io { file: base.clone(), source })?;
            let rest = glob.strip_prefix(base_text).unwrap_or(glob).trim_start_matches('/');
            let simple = simple(rest);
            let wanted = if is_literal || simple.is_some() { GlobSet::empty() } else { set([glob.as_str()]) };
            let matches = |seen: &&Seen| {
                let name = seen.path.strip_prefix(folder).unwrap_or(&seen.path);
                let is_wanted = match simple {
                    _ if is_literal => true,
                    Some((depth, ending)) => {
                        let is_near = depth == Depth::Any || seen.path.parent() == Some(base.as_path());
                        is_near && seen.path.as_os_str().as_encoded_bytes().ends_with(ending.as_bytes())
                    }
                    None => wanted.is_match(name),
                };
                is_wanted && (excluded.is_empty() || !excluded.is_match(name))
            };
            found.extend(listing.iter().filter(matches).cloned());
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found.dedup();
        Ok(found)
    }

    /// All files at or below `base`.
    fn listing(&self, base: &Path) -> io::Result<Arc<Vec<Seen>>> {
        if let Some(known) = lock(&self.listings).get(base) {
            return Ok(Arc::clone(known));
        }
        let mut found = Vec::new();
        list(base, &mut found)?;
        let found = Arc::new(found);
        lock(&self.listings).insert(base.to_path_buf(), Arc::clone(&found));
        Ok(found)
    }

    fn hash(&self, file: &Seen) -> Result<Hash, TaskError> {
        let generation = self.generation.load(Ordering::Relaxed);
        if let Some(known) = lock(&self.files).get(&file.path) {
            let is_same = known.size == file.size && known.changed == file.changed;
            // What was hashed in this process is trusted until something runs, unless it is old enough anyway.
            let is_sure = known.generation.is_none_or(|at| at == generation) || known.changed < self.started;
            if is_same && is_sure {
                return Ok(known.hash);
            }
        }
        let bytes = std::fs::read(&file.path).map_err(|source| TaskError::Io { file: file.path.clone(), source })?;
        let hash = blake3::hash(&bytes);
        let known = Known { size: file.size, changed: file.changed, hash, generation: Some(generation) };
        self.has_new_files.store(true, Ordering::Relaxed);
        lock(&self.files).insert(file.path.clone(), known);
        Ok(hash)
    }

    /// Writes down what is new. Two at once lose nothing but time: each adds to what the other wrote.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn save(&self) -> Result<(), TaskError> {
        let failed = |source| TaskError::Io { file: self.folder.clone(), source };
        let added = std::mem::take(&mut *lock(&self.added));
        if !added.is_empty() {
            std::fs::create_dir_all(&self.folder).map_err(failed)?;
            let file = self.folder.join("done");
            let mut done = read_done(&file);
            done.extend(added);
            let mut lines: Vec<String> = done.iter().map(|(key, record)| format!("{record} {key}\n")).collect();
            lines.sort();
            replace(&file, lines.concat().as_bytes()).map_err(failed)?;
        }
        if self.has_new_files.swap(false, Ordering::Relaxed) && self.folder.is_dir() {
            replace(&self.folder.join("files"), self.files_text().as_bytes()).map_err(failed)?;
        }
        Ok(())
    }

    fn files_text(&self) -> String {
        use std::fmt::Write as _;
        let files = lock(&self.files);
        let is_full = files.len() > MOST_FILES;
        let mut text = String::with_capacity(files.len() * 128);
        for (path, known) in files.iter() {
            let Some(path) = path.to_str().filter(|path| !path.contains('\n')) else { continue };
            if known.changed < self.started && (known.generation.is_some() || !is_full) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{} {} {} {path}", known.hash.to_hex(), known.size, known.changed);
            }
        }
        text
    }
}

/// The folder or file that a glob starts from, and whether it is nothing but that.
fn base(glob: &str) -> (&str, bool) {
    let is_wild = |part: &str| part.contains(['*', '?', '[', '{', '\\']);
    let mut end = 0;
    for part in glob.split('/') {
        if is_wild(part) {
            return (glob[..end].trim_end_matches('/'), false);
        }
        end = (end + part.len() + 1).min(glob.len());
    }
    (glob.trim_end_matches('/'), true)
}

/// How far below its folder a file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Right in it.
    One,
    /// Anywhere below it.
    Any,
}

/// What the usual globs ask for (`*`, `*.py`, `**`, `**/*.py`): to make an expression of each takes longer than to look at
/// the files.
fn simple(rest: &str) -> Option<(Depth, &str)> {
    let (depth, last) = match rest.strip_prefix("**/") {
        Some(last) => (Depth::Any, last),
        None if rest == "**" => (Depth::Any, "*"),
        None => (Depth::One, rest),
    };
    let ending = last.strip_prefix('*')?;
    (!ending.contains(['*', '?', '[', '{', '\\', '/'])).then_some((depth, ending))
}

fn set<'g>(globs: impl IntoIterator<Item = &'g str>) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        // `*` stays within a folder. The configuration took good globs only.
        if let Ok(glob) = GlobBuilder::new(glob).literal_separator(true).build() {
            set.add(glob);
        }
    }
    set.build().unwrap_or_default()
}

/// Symbolic links are not followed: a link to a file counts as a file, one to a folder as nothing.
fn list(path: &Path, found: &mut Vec<Seen>) -> io::Result<()> {
    let data = match std::fs::metadata(path) {
        Ok(data) => data,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(error) => return Err(error),
    };
    if data.is_file() {
        found.push(seen(path.to_path_buf(), &data));
        return Ok(());
    }
    let mut folders = if data.is_dir() { vec![path.to_path_buf()] } else { Vec::new() };
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                if !NEVER_ENTERED.iter().any(|never| entry.file_name() == *never) {
                    folders.push(entry.path());
                }
                continue;
            }
            let path = entry.path();
            // It may have gone since, or lead nowhere.
            if let Ok(data) = std::fs::metadata(&path)
                && data.is_file()
            {
                found.push(seen(path, &data));
            }
        }
    }
    Ok(())
}

fn seen(path: PathBuf, data: &std::fs::Metadata) -> Seen {
    Seen { path, size: data.len(), changed: data.modified().map_or(0, nanos) }
}

fn read_done(file: &Path) -> HashMap<String, String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let record = |line: &str| {
        let (inputs, rest) = line.split_once(' ')?;
        let (outputs, key) = rest.split_once(' ')?;
        Some((key.to_owned(), format!("{inputs} {outputs}")))
    };
    text.lines().filter_map(record).collect()
}

fn read_files(file: &Path) -> HashMap<PathBuf, Known> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let known = |line: &str| {
        let mut parts = line.splitn(4, ' ');
        let hash = Hash::from_hex(parts.next()?).ok()?;
        let (size, changed) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some((PathBuf::from(parts.next()?), Known { size, changed, hash, generation: None }))
    };
    text.lines().filter_map(known).collect()
}

fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.persist(file).map(drop).map_err(|error| error.error)
}
