//! Hashes of files' contents, kept from one run to the next.
//!
//! A file whose stamp is as recorded was not changed, unless the record was made in the very moment of the change: a record
//! therefore counts only where the file's last change is older than the start of the run that made the record, by the clock of
//! the file system itself. A clock that is set back makes files be read again, no more. Damaged is as good as none.

use std::collections::HashMap;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::dependency::bytes::{Reader, Writer};
use crate::dependency::walk::Stamp;

/// Goes up whenever the form changes.
const NAME: &str = "contents-1";
const MAGIC: &[u8; 8] = b"wharfcnt";
const CHECK: usize = 32;

/// Hash of what a file is: its kind, its content, and whether it is a program.
pub(in crate::test_suite) type State = [u8; 32];

/// What files were, by path.
type Known = HashMap<String, (Stamp, State)>;

/// What is known of files.
#[derive(Debug)]
pub(super) struct Contents {
    root: PathBuf,
    file: Option<(NamedTempFile, PathBuf)>,
    /// When this run began, nanoseconds by the file system's clock.
    pub started: i64,
    /// When the run began that wrote `known`.
    trusted: i64,
    known: Known,
    fresh: Known,
    /// What links are and lead to, which their own stamp does not tell.
    links: HashMap<String, State>,
    /// How many files were read.
    pub read: usize,
}

impl Contents {
    /// What was kept in `folder` of files below `root`; nothing where that cannot be read.
    pub(super) fn load(root: &Path, folder: &Path) -> Self {
        let path = folder.join(NAME);
        let draft = NamedTempFile::with_prefix_in(".contents-", folder).ok();
        let started = draft.as_ref().and_then(|draft| draft.as_file().metadata().ok());
        let started = started.map_or(i64::MIN, |metadata| Stamp::of(&metadata).changed);
        let (trusted, known) = std::fs::read(&path).ok().and_then(|bytes| decode(&bytes)).unwrap_or_default();
        let file = draft.map(|draft| (draft, path));
        Self {
            root: root.to_owned(),
            file,
            started,
            trusted,
            known,
            fresh: HashMap::new(),
            links: HashMap::new(),
            read: 0,
        }
    }

    /// What the file at `path` is now; `None` where there is none that can be read.
    pub(super) fn state(&mut self, path: &str, stamp: Stamp) -> Option<State> {
        if let Some(state) = self.links.get(path) {
            return Some(*state);
        }
        if let Some((_, state)) = self.fresh.get(path).filter(|(known, _)| *known == stamp) {
            return Some(*state);
        }
        let kept = self.known.get(path).filter(|(known, _)| *known == stamp && stamp.changed < self.trusted);
        if let Some((_, state)) = kept {
            return Some(*state);
        }
        let (state, kind) = state(&self.root.join(path))?;
        self.read += 1;
        match kind {
            Kind::Link => self.links.insert(path.to_owned(), state).is_some(),
            Kind::Other => self.fresh.insert(path.to_owned(), (stamp, state)).is_some(),
        };
        Some(state)
    }

    /// What links lead to is to be asked again.
    pub(super) fn forget_links(&mut self) {
        self.links.clear();
    }

    /// Keeps what was learned. What cannot be written makes the next run slower, no more.
    pub(super) fn finish(mut self, is_there: impl Fn(&str) -> bool) {
        let Some((file, path)) = self.file.take() else { return };
        if self.fresh.is_empty() {
            return;
        }
        // What an earlier run knew of files that changed at its own start is not known for sure.
        let trusted = self.trusted;
        self.known.retain(|path, (stamp, _)| stamp.changed < trusted && is_there(path));
        self.known.extend(self.fresh.drain());
        if fs_err::write(file.path(), encode(self.started, &self.known)).is_ok() {
            let _ = file.persist(&path);
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Link,
    Other,
}

/// What is at `path`, without its kind.
pub(in crate::test_suite) fn state_of(path: &Path) -> Option<State> {
    state(path).map(|(state, _)| state)
}

/// What is at `path`: a link's own text counts, and what it leads to. What is no file is not opened: that could wait for ever.
fn state(path: &Path) -> Option<(State, Kind)> {
    let metadata = std::fs::symlink_metadata(path).ok()?;
    let kind = if metadata.is_symlink() { Kind::Link } else { Kind::Other };
    let mut hasher = blake3::Hasher::new();
    if kind == Kind::Link {
        hasher.update(b"link\0").update(std::fs::read_link(path).ok()?.as_os_str().as_encoded_bytes()).update(b"\0");
    }
    let word: Option<&[u8]> = match std::fs::metadata(path) {
        Err(_) => Some(b"nowhere"),
        Ok(metadata) if metadata.is_dir() => Some(b"folder"),
        Ok(metadata) if !metadata.is_file() => Some(b"special"),
        Ok(metadata) => {
            hasher.update(if metadata.permissions().mode() & 0o100 == 0 { b"file\0".as_slice() } else { b"program\0" });
            None
        }
    };
    if let Some(word) = word {
        return Some((*hasher.update(word).finalize().as_bytes(), kind));
    }
    let mut file = std::fs::File::open(path).ok()?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Some((*hasher.finalize().as_bytes(), kind)),
            Ok(count) => hasher.update(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        };
    }
}

fn encode(started: i64, known: &Known) -> Vec<u8> {
    let mut body = Writer::default();
    body.number(started.cast_unsigned());
    body.number(known.len() as u64);
    for (path, (stamp, state)) in known {
        body.text(path);
        for number in [stamp.size, stamp.modified.cast_unsigned(), stamp.changed.cast_unsigned(), stamp.inode] {
            body.number(number);
        }
        body.raw(state);
    }
    let mut whole = Writer::default();
    whole.raw(MAGIC);
    whole.raw(blake3::hash(&body.bytes).as_bytes());
    whole.raw(&body.bytes);
    whole.bytes
}

fn decode(bytes: &[u8]) -> Option<(i64, Known)> {
    let (check, body) = bytes.strip_prefix(MAGIC)?.split_at_checked(CHECK)?;
    if blake3::hash(body).as_bytes() != check {
        return None;
    }
    let mut reader = Reader { bytes: body };
    let started = reader.number()?.cast_signed();
    let count = reader.length()?;
    let mut known = HashMap::with_capacity(count);
    for _ in 0..count {
        let path = reader.text()?.to_owned();
        let stamp = Stamp {
            size: reader.number()?,
            modified: reader.number()?.cast_signed(),
            changed: reader.number()?.cast_signed(),
            inode: reader.number()?,
        };
        known.insert(path, (stamp, reader.raw(32)?.try_into().ok()?));
    }
    Some((started, known))
}
