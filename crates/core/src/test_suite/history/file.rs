//! The file: a line that names its form, then records, each with its length, kind and checksum.
//!
//! ```text
//! wharf-history 1 LF
//! length u32 | kind u8 | checksum [u8; 8] | payload      (numbers little endian; BLAKE3 of kind and payload)
//! ```
//!
//! What a reader cannot make sense of ends the history there; a writer moves such a file aside and goes on with the part
//! that is right.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::codec::{read_names, read_run, started_of, write_names, write_run};
use super::{HistoryError, RunEntry};
use crate::workspace::{Lock, LockError, Patience, StateDir};

const FILE: &str = "history";
const LOCK: &str = "history.lock";
const DAMAGED: &str = "history.damaged";
const MAGIC: &[u8] = b"wharf-history ";
const HEAD: &[u8] = b"wharf-history 1\n";
const NAMES: u8 = 1;
const RUN: u8 = 2;
const FRAME: usize = 13;
/// Bytes beyond which the older half goes: 300 runs of ten thousand tests, or 30,000 of a hundred.
const MOST: u64 = 16 << 20;
/// How often, and how long between, a writer asks for the lock; a writer holds it for milliseconds.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// The history of a workspace's tests, on disk.
#[derive(Debug, Clone)]
pub struct History {
    folder: PathBuf,
    most: u64,
}

/// What was read of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Loaded {
    /// Runs, the oldest first.
    pub runs: Vec<RunEntry>,
    /// Whether a part of the file could not be read.
    pub damaged: bool,
}

/// Where a record lies.
struct Record {
    kind: u8,
    offset: u64,
    length: usize,
}

/// The records of a file.
struct Scan {
    file: File,
    records: Vec<Record>,
    /// Bytes up to the end of the last record that is whole.
    good: u64,
    damaged: bool,
}

impl History {
    /// That of a workspace; nothing is read or made yet.
    #[must_use]
    pub fn new(state: &StateDir) -> Self {
        Self { folder: state.path().to_path_buf(), most: MOST }
    }

    #[cfg(test)]
    pub(super) fn in_folder(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), most: MOST }
    }

    #[cfg(test)]
    pub(super) fn with_most(mut self, most: u64) -> Self {
        self.most = most;
        self
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// All of it.
    ///
    /// # Errors
    /// When the file cannot be read, or a later Wharf wrote it. None being there is an empty history.
    pub fn read(&self) -> Result<Loaded, HistoryError> {
        self.load(usize::MAX, &|_| true)
    }

    /// The last runs, this many.
    ///
    /// # Errors
    /// As [`History::read`].
    pub fn read_last(&self, runs: usize) -> Result<Loaded, HistoryError> {
        self.load(runs, &|_| true)
    }

    /// All runs, with none but the tests whose id is `wanted`.
    ///
    /// # Errors
    /// As [`History::read`].
    pub fn read_of(&self, wanted: &dyn Fn(&str) -> bool) -> Result<Loaded, HistoryError> {
        self.load(usize::MAX, wanted)
    }

    fn load(&self, last: usize, wanted: &dyn Fn(&str) -> bool) -> Result<Loaded, HistoryError> {
        let Some(scan) = self.scan()? else { return Ok(Loaded::default()) };
        scan.load(last, wanted).map_err(|source| self.io(source))
    }

    /// Adds a run. What began before `oldest` (seconds of Unix time) may go. Gives what is worth a note.
    ///
    /// # Errors
    /// When other writers do not come to an end, the file cannot be written, or a later Wharf wrote it.
    pub fn add(&self, run: &RunEntry, oldest: i64) -> Result<Option<String>, HistoryError> {
        let _lock = self.lock()?;
        let io = |source| self.io(source);
        let mut scan = self.scan()?;
        let mut names = scan.as_ref().map_or(Ok(Some(Vec::new())), Scan::names).map_err(io)?;
        let mut note = None;
        if let Some(damaged) = scan.as_ref().filter(|scan| scan.damaged || names.is_none()) {
            scan = Some(self.mend(damaged)?);
            names = scan.as_ref().map_or(Ok(None), Scan::names).map_err(io)?;
            note = Some(self.moved_aside());
        }
        let names = names.unwrap_or_default();
        let first = scan.as_ref().map_or(Ok(None), Scan::first_run).map_err(io)?;
        let (mut file, good) = match scan {
            Some(scan) => (scan.file, scan.good),
            None => {
                let mut file = open(&self.path()).map_err(io)?;
                file.write_all(HEAD).map_err(io)?;
                (file, HEAD.len() as u64)
            }
        };
        let (bytes, _) = records_of(run, &names);
        file.write_all(&bytes).map_err(io)?;
        let too_large = good + bytes.len() as u64 > self.most;
        if too_large || first.is_some_and(|first| first < oldest) {
            self.shrink(oldest, too_large)?;
        }
        Ok(note)
    }

    fn lock(&self) -> Result<Lock, HistoryError> {
        let file = self.folder.join(LOCK);
        let holder = format!("process {}", std::process::id());
        for _ in 0..TRIES {
            match Lock::take(&file, &holder, Patience::GiveUp) {
                Ok(lock) => return Ok(lock),
                Err(LockError::Held { .. }) => std::thread::sleep(PAUSE),
                Err(LockError::Io { source, .. }) => return Err(HistoryError::Io { file, source }),
            }
        }
        Err(HistoryError::Busy)
    }

    fn scan(&self) -> Result<Option<Scan>, HistoryError> {
        let path = self.path();
        let file = match OpenOptions::new().read(true).append(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) => {
                File::open(&path).map_err(|source| self.io(source))?
            }
            Err(source) => return Err(self.io(source)),
        };
        let scan = Scan::of(file).map_err(|source| self.io(source))?;
        scan.map(Some).ok_or(HistoryError::Newer { file: path })
    }

    /// Rewrites it without what is too old, and without its older half where it is too large. Some time is cleared in
    /// advance, so that this is not done in each run.
    fn shrink(&self, oldest: i64, too_large: bool) -> Result<(), HistoryError> {
        let mut runs = self.read()?.runs;
        if too_large {
            runs.drain(..runs.len() / 2);
        }
        let newest = runs.iter().map(|run| run.started).max().unwrap_or(oldest);
        let from = oldest.saturating_add(newest.saturating_sub(oldest).max(0) / 4);
        runs.retain(|run| run.started >= from);
        self.write_anew(&runs)
    }

    /// Keeps the damaged file under another name, and what is right of it under its own.
    fn mend(&self, scan: &Scan) -> Result<Scan, HistoryError> {
        let io = |source| self.io(source);
        let loaded = scan.load(usize::MAX, &|_| true).map_err(io)?;
        std::fs::rename(self.path(), self.folder.join(DAMAGED)).map_err(io)?;
        self.write_anew(&loaded.runs)?;
        let mended = self.scan()?;
        mended.ok_or_else(|| self.io(std::io::Error::from(ErrorKind::NotFound)))
    }

    fn moved_aside(&self) -> String {
        let aside = self.folder.join(DAMAGED);
        format!(
            "the history of tests was damaged: what could be read of it is kept, the file is now `{}`",
            aside.display()
        )
    }

    fn write_anew(&self, runs: &[RunEntry]) -> Result<(), HistoryError> {
        let io = |source| self.io(source);
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(io)?;
        let mut names: Vec<Arc<str>> = Vec::new();
        file.write_all(HEAD).map_err(io)?;
        for run in runs {
            let (bytes, new) = records_of(run, &names);
            file.write_all(&bytes).map_err(io)?;
            names.extend(new);
        }
        file.persist(self.path()).map_err(|error| io(error.error))?;
        Ok(())
    }

    fn io(&self, source: std::io::Error) -> HistoryError {
        HistoryError::Io { file: self.path(), source }
    }
}

impl Scan {
    /// `None`: a later form.
    fn of(file: File) -> std::io::Result<Option<Self>> {
        let length = file.metadata()?.len();
        let mut head = [0; HEAD.len()];
        let head = &mut head[..HEAD.len().min(usize::try_from(length).unwrap_or(HEAD.len()))];
        file.read_exact_at(head, 0)?;
        if head != HEAD {
            let later =
                head.starts_with(MAGIC) && head.get(MAGIC.len()).is_some_and(|digit| (b'2'..=b'9').contains(digit));
            let damaged = Self { file, records: Vec::new(), good: 0, damaged: true };
            return Ok((!later).then_some(damaged));
        }
        let mut scan = Self { file, records: Vec::new(), good: HEAD.len() as u64, damaged: false };
        let mut frame = [0; FRAME];
        while scan.good < length {
            let left = length - scan.good;
            let whole = left >= FRAME as u64 && {
                scan.file.read_exact_at(&mut frame, scan.good)?;
                matches!(frame[4], NAMES | RUN) && u64::from(length_of(&frame)) <= left - FRAME as u64
            };
            if !whole {
                scan.damaged = true;
                break;
            }
            let payload = length_of(&frame);
            let length = usize::try_from(payload).unwrap_or(usize::MAX);
            scan.records.push(Record { kind: frame[4], offset: scan.good, length });
            scan.good += FRAME as u64 + u64::from(payload);
        }
        Ok(Some(scan))
    }

    /// A record's payload; `None` where its checksum is another.
    fn payload(&self, record: &Record) -> std::io::Result<Option<Vec<u8>>> {
        let mut bytes = vec![0; FRAME + record.length];
        self.file.read_exact_at(&mut bytes, record.offset)?;
        let right = checksum(bytes[4], &bytes[FRAME..]) == bytes[5..FRAME];
        bytes.drain(..FRAME);
        Ok(right.then_some(bytes))
    }

    /// The names in the order of their numbers; `None` where a record of them is damaged.
    fn names(&self) -> std::io::Result<Option<Vec<Arc<str>>>> {
        let mut names = Vec::new();
        for record in self.records.iter().filter(|record| record.kind == NAMES) {
            let read = self.payload(record)?.and_then(|bytes| read_names(&bytes, &mut names));
            if read.is_none() {
                return Ok(None);
            }
        }
        Ok(Some(names))
    }

    fn first_run(&self) -> std::io::Result<Option<i64>> {
        let Some(record) = self.records.iter().find(|record| record.kind == RUN) else { return Ok(None) };
        Ok(self.payload(record)?.and_then(|bytes| started_of(&bytes)))
    }

    /// The last runs, with the tests that are wanted.
    fn load(&self, last: usize, wanted: &dyn Fn(&str) -> bool) -> std::io::Result<Loaded> {
        let (mut names, mut loaded) = (Vec::new(), Loaded { runs: Vec::new(), damaged: self.damaged });
        let runs = self.records.iter().filter(|record| record.kind == RUN).count();
        let mut skip = runs.saturating_sub(last);
        let mut wants: Vec<bool> = Vec::new();
        for record in &self.records {
            let is_run = record.kind == RUN;
            if is_run && skip > 0 {
                skip -= 1;
                continue;
            }
            let bytes = self.payload(record)?;
            let read = match (record.kind, bytes) {
                (NAMES, Some(bytes)) => {
                    let read = read_names(&bytes, &mut names);
                    wants.extend(names[wants.len()..].iter().map(|name| wanted(name)));
                    read
                }
                (RUN, Some(bytes)) => {
                    let run = read_run(&bytes, &names, &|number| wants.get(number).copied().unwrap_or_default());
                    run.map(|run| loaded.runs.push(run))
                }
                _ => None,
            };
            if read.is_none() {
                loaded.damaged = true;
                // A run can be done without, names cannot.
                if !is_run {
                    break;
                }
            }
        }
        Ok(loaded)
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).read(true).open(path)
}

fn length_of(frame: &[u8; FRAME]) -> u32 {
    u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]])
}

fn checksum(kind: u8, payload: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind]).update(payload);
    let mut sum = [0; 8];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    sum
}

fn record(kind: u8, payload: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.push(kind);
    bytes.extend_from_slice(&checksum(kind, payload));
    bytes.extend_from_slice(payload);
}

/// The records that a run adds, its names that are new and itself; the new names in the order of their numbers.
fn records_of(run: &RunEntry, known: &[Arc<str>]) -> (Vec<u8>, Vec<Arc<str>>) {
    let mut numbers: HashMap<&str, u32> = known.iter().map(|name| &**name).zip(0..).collect();
    let ids = run.dirs.iter().flat_map(|dir| &dir.tests).map(|test| &test.id);
    let mut new: Vec<&Arc<str>> = ids.filter(|id| !numbers.contains_key(&***id)).collect();
    new.sort_unstable();
    new.dedup();
    let mut bytes = Vec::new();
    if !new.is_empty() {
        record(NAMES, &write_names(new.iter().map(|name| &***name)), &mut bytes);
        let first = u32::try_from(known.len()).unwrap_or(u32::MAX);
        numbers.extend(new.iter().map(|name| &***name).zip(first..));
    }
    record(RUN, &write_run(run, &numbers), &mut bytes);
    (bytes, new.into_iter().cloned().collect())
}
