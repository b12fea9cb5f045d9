//! What each file imports, kept from one time to the next.
//!
//! A file whose stamp is as recorded was not changed, unless the record was made in the very moment of the change: a record
//! therefore counts only where the file's last change is older than the start of the run that made the record, by the clock
//! of the file system itself. All others are read, and parsed only where their content is new. The cache is one file, replaced as
//! a whole; what is damaged or of another version is as good as none.

use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::bytes::{Reader, Writer};
use super::imports::{Fault, How, Import, When};
use super::strings::{Strings, Symbol};
use super::walk::Stamp;

const MAGIC: &[u8; 8] = b"wharfimp";
/// Goes up whenever the form changes or parsing finds something else; it is part of the file's name, so that two Wharfs of different age do not
/// take it from each other.
const VERSION: u32 = 1;
const CHECK: usize = 32;

/// Where the cache lies in a folder for small caches.
#[must_use]
pub fn file(folder: &Path) -> PathBuf {
    folder.join(format!("imports-{VERSION}"))
}

/// What is known of one file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Record {
    pub stamp: Stamp,
    /// Of its content.
    pub hash: [u8; 16],
    pub imports: Box<[Import<Symbol>]>,
    pub exports: Box<[Symbol]>,
    pub fault: Option<Fault<Symbol>>,
}

/// All records.
#[derive(Debug, Default)]
pub(super) struct Cache {
    pub strings: Strings,
    /// By path, sorted.
    pub records: Vec<(String, Record)>,
    /// When the run that wrote it started, nanoseconds since 1970 by the file system's clock.
    pub started: i64,
}

impl Cache {
    /// The cache at `path`; an empty one where there is none that can be used.
    pub(super) fn load(path: &Path) -> Self {
        std::fs::read(path).ok().and_then(|bytes| read(&bytes)).unwrap_or_default()
    }
}

/// A cache file in the making; its time tells when the run started.
#[derive(Debug)]
pub(super) struct Draft {
    file: NamedTempFile,
    path: PathBuf,
    started: i64,
}

impl Draft {
    /// `None` where the folder cannot be written: then nothing is kept.
    pub(super) fn start(path: &Path) -> Option<Self> {
        let file = NamedTempFile::with_prefix_in(".imports-", path.parent()?).ok()?;
        let started = Stamp::of(&file.as_file().metadata().ok()?).changed;
        Some(Self { file, path: path.to_owned(), started })
    }

    /// Replaces the cache. A cache that cannot be written makes the next run slower, no more.
    pub(super) fn save<'a>(self, strings: &Strings, records: impl Iterator<Item = (&'a str, &'a Record)>) {
        let body = write(strings, records, self.started);
        let mut whole = Writer::default();
        whole.raw(MAGIC);
        whole.raw(&VERSION.to_le_bytes());
        whole.raw(blake3::hash(&body).as_bytes());
        whole.raw(&body);
        if fs_err::write(self.file.path(), whole.bytes).is_ok() {
            let _ = self.file.persist(&self.path);
        }
    }
}

fn write<'a>(strings: &Strings, records: impl Iterator<Item = (&'a str, &'a Record)>, started: i64) -> Vec<u8> {
    let mut numbers = Numbers { of: vec![None; strings.len()], used: Vec::new() };
    let mut body = Writer::default();
    let mut count = 0_u64;
    for (path, record) in records {
        count += 1;
        body.text(path);
        for number in [
            record.stamp.size,
            record.stamp.modified.cast_unsigned(),
            record.stamp.changed.cast_unsigned(),
            record.stamp.inode,
        ] {
            body.number(number);
        }
        body.raw(&record.hash);
        body.number(record.imports.len() as u64);
        for import in &record.imports {
            body.number(numbers.of(import.module));
            body.number(u64::from(import.level));
            body.number(import.name.map_or(0, |name| numbers.of(name) + 1));
            body.number(u64::from(import.line));
            body.raw(&[import.how as u8, import.when.0]);
        }
        body.number(record.exports.len() as u64);
        record.exports.iter().for_each(|export| body.number(numbers.of(*export)));
        match &record.fault {
            None => body.number(0),
            Some(fault) => {
                body.number(u64::from(fault.line) + 1);
                body.number(numbers.of(fault.message));
            }
        }
    }
    let mut head = Writer::default();
    head.number(started.cast_unsigned());
    head.number(numbers.used.len() as u64);
    numbers.used.iter().for_each(|symbol| head.text(strings.text(*symbol)));
    head.number(count);
    head.raw(&body.bytes);
    head.bytes
}

/// New numbers for the texts that are still in use.
struct Numbers {
    of: Vec<Option<u32>>,
    used: Vec<Symbol>,
}

impl Numbers {
    fn of(&mut self, symbol: Symbol) -> u64 {
        let slot = &mut self.of[symbol.0 as usize];
        let number = *slot.get_or_insert_with(|| {
            self.used.push(symbol);
            u32::try_from(self.used.len() - 1).expect("no more than there were")
        });
        u64::from(number)
    }
}

fn read(bytes: &[u8]) -> Option<Cache> {
    let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(&VERSION.to_le_bytes())?;
    let (check, body) = rest.split_at_checked(CHECK)?;
    if blake3::hash(body).as_bytes() != check {
        return None;
    }
    let mut reader = Reader { bytes: body };
    let started = reader.number()?.cast_signed();
    let mut strings = Strings::default();
    let texts = reader.length()?;
    strings.reserve(texts);
    for number in 0..texts {
        // Each is there once, or the numbers would not fit.
        (strings.add(reader.text()?).0 as usize == number).then_some(())?;
    }
    let count = reader.length()?;
    let mut records = Vec::with_capacity(count);
    for _ in 0..count {
        let path = reader.text()?.to_owned();
        records.push((path, record(&mut reader, strings.len())?));
    }
    records.is_sorted_by(|a, b| a.0 < b.0).then_some(Cache { strings, records, started })
}

fn record(reader: &mut Reader<'_>, symbols: usize) -> Option<Record> {
    let stamp = Stamp {
        size: reader.number()?,
        modified: reader.number()?.cast_signed(),
        changed: reader.number()?.cast_signed(),
        inode: reader.number()?,
    };
    let hash = reader.raw(16)?.try_into().ok()?;
    let symbol = |number: u64| {
        let number = u32::try_from(number).ok()?;
        ((number as usize) < symbols).then_some(Symbol(number))
    };
    let count = reader.length()?;
    let mut imports = Vec::with_capacity(count);
    for _ in 0..count {
        let module = symbol(reader.number()?)?;
        let level = u32::try_from(reader.number()?).ok()?;
        let name = match reader.number()? {
            0 => None,
            number => Some(symbol(number - 1)?),
        };
        let line = u32::try_from(reader.number()?).ok()?;
        let [how, when] = reader.raw(2)? else { return None };
        imports.push(Import { module, level, name, line, how: How::from_number(*how)?, when: When(*when) });
    }
    let count = reader.length()?;
    let exports = (0..count).map(|_| symbol(reader.number()?)).collect::<Option<Vec<_>>>()?;
    let fault = match reader.number()? {
        0 => None,
        line => Some(Fault { line: u32::try_from(line - 1).ok()?, message: symbol(reader.number()?)? }),
    };
    Some(Record { stamp, hash, imports: imports.into(), exports: exports.into(), fault })
}
