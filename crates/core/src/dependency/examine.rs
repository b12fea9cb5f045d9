//! Finds the Python files and what each imports: from the cache where that can be trusted, else by reading them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::cache::{Cache, Draft, Record};
use super::imports::{Fault, FileImports, Import};
use super::parse::parse;
use super::strings::Strings;
use super::walk::{Seen, Stamp, threads, walk};

/// Deeply nested code needs a deep stack. Of this only what is used takes memory.
pub(super) const STACK: usize = 256 * 1024 * 1024;

/// The Python files of a workspace with what they import.
#[derive(Debug, Default)]
pub(super) struct Examined {
    pub strings: Strings,
    /// Sorted by path.
    pub files: Vec<(Seen, Record)>,
    pub dir_links: Vec<(String, String)>,
    /// How many were parsed; all others were known.
    pub parsed: usize,
    /// Where it is to be kept, if anything is new.
    pub draft: Option<Draft>,
}

enum Outcome {
    /// Its content is that of this record.
    Known(usize),
    New([u8; 16], FileImports),
    /// It cannot be read; why.
    Failed(String),
}

/// Examines all files below `root`; the cache is read and brought up to date where there is a place for it.
pub(super) fn examine(root: &Path, cache: Option<&Path>) -> Examined {
    let draft = cache.and_then(Draft::start);
    let (mut known, found) = std::thread::scope(|scope| {
        let load = || cache.map(Cache::load).unwrap_or_default();
        let loading = std::thread::Builder::new().spawn_scoped(scope, load);
        let found = walk(root);
        (loading.map_or_else(|_| load(), |loading| loading.join().unwrap_or_default()), found)
    });
    let trusted = trusted(&found.files, &known);
    let doubtful: Vec<usize> = (0..found.files.len()).filter(|place| trusted[*place].is_none()).collect();
    let is_as_before = doubtful.is_empty() && found.files.len() == known.records.len();
    let outcomes = read_all(root, &found.files, &doubtful, &known);
    let parsed = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::New(..))).count();
    let mut read = Vec::with_capacity(outcomes.len());
    for (place, outcome) in doubtful.iter().zip(outcomes) {
        let stamp = found.files[*place].stamp;
        read.push(match outcome {
            Outcome::Known(place) => Record { stamp, ..known.records[place].1.clone() },
            Outcome::New(hash, file) => intern(file, stamp, hash, &mut known.strings),
            Outcome::Failed(why) => {
                let fault = Fault { line: 1, message: known.strings.add(&format!("it cannot be read: {why}")) };
                Record { fault: Some(fault), ..Record::default() }
            }
        });
    }
    let mut read = read.into_iter();
    let mut files = Vec::with_capacity(found.files.len());
    for (seen, place) in found.files.into_iter().zip(trusted) {
        let record = match place {
            Some(place) => std::mem::take(&mut known.records[place].1),
            None => read.next().unwrap_or_default(),
        };
        files.push((seen, record));
    }
    let draft = draft.filter(|_| !is_as_before);
    Examined { strings: known.strings, files, dir_links: found.dir_links, parsed, draft }
}

/// For each file the place of its record, where that can be trusted without reading the file.
fn trusted(files: &[Seen], known: &Cache) -> Vec<Option<usize>> {
    let mut records = known.records.iter().enumerate().peekable();
    let mut trusted = Vec::with_capacity(files.len());
    for file in files {
        while records.next_if(|(_, (path, _))| *path < file.path).is_some() {}
        let same = records.next_if(|(_, (path, _))| *path == file.path);
        let is_same =
            |record: &Record| record.stamp == file.stamp && file.stamp.changed.max(file.stamp.modified) < known.started;
        trusted.push(same.filter(|(_, (_, record))| is_same(record)).map(|(place, _)| place));
    }
    trusted
}

/// Reads the files at `places` of `files`, several at once; outcomes are in the order of `places`.
fn read_all(root: &Path, files: &[Seen], places: &[usize], known: &Cache) -> Vec<Outcome> {
    if places.is_empty() {
        return Vec::new();
    }
    let contents = Contents::of(&known.records, places.len());
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::with_capacity(places.len()));
    let work = || {
        let mut own = Vec::new();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = places.get(turn) else { break };
            own.push((turn, read(&root.join(&files[*place].path), &contents)));
        }
        if let Ok(mut all) = outcomes.lock() {
            all.append(&mut own);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads(places.len()) {
            // Without a thread of its own, the work is done on this one below.
            let _ = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        }
    });
    work();
    let mut outcomes = outcomes.into_inner().unwrap_or_default();
    outcomes.sort_unstable_by_key(|(turn, _)| *turn);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Files that are quicker looked for one by one than by a table of all that is known.
const FEW: usize = 32;

/// Which record has which content.
struct Contents<'a> {
    records: &'a [(String, Record)],
    /// Only for many files.
    by_hash: Option<HashMap<&'a [u8; 16], usize>>,
}

impl<'a> Contents<'a> {
    /// `questions` is how many files will be looked for.
    fn of(records: &'a [(String, Record)], questions: usize) -> Self {
        let table = || records.iter().enumerate().map(|(place, (_, record))| (&record.hash, place)).collect();
        Self { records, by_hash: (questions > FEW).then(table) }
    }

    fn find(&self, hash: &[u8; 16]) -> Option<usize> {
        match &self.by_hash {
            Some(by_hash) => by_hash.get(hash).copied(),
            None => self.records.iter().position(|(_, record)| record.hash == *hash),
        }
    }
}

fn read(path: &Path, contents: &Contents<'_>) -> Outcome {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    let whole = blake3::hash(&bytes);
    let mut hash = [0; 16];
    hash.copy_from_slice(&whole.as_bytes()[..16]);
    match contents.find(&hash) {
        Some(place) => Outcome::Known(place),
        None => Outcome::New(hash, parse(&bytes)),
    }
}

fn intern(file: FileImports, stamp: Stamp, hash: [u8; 16], strings: &mut Strings) -> Record {
    let imports = file.imports.into_iter().map(|import| Import {
        module: strings.add(&import.module),
        name: import.name.map(|name| strings.add(&name)),
        level: import.level,
        line: import.line,
        how: import.how,
        when: import.when,
    });
    Record {
        stamp,
        hash,
        imports: imports.collect(),
        exports: file.exports.iter().map(|export| strings.add(export)).collect(),
        fault: file.fault.map(|fault| Fault { line: fault.line, message: strings.add(&fault.message) }),
    }
}
