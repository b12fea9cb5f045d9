//! Finds the Python files of a workspace, with what tells whether one has changed.
//!
//! Git's ignore rules count, as in the search for runnable dirs. Symbolic links to folders are noted, never followed, so
//! loops cannot happen.

use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Mutex;

use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::workspace::NEVER_ENTERED;

/// What of a file's metadata changes when its content does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Time of the last change of the content, nanoseconds since 1970.
    pub modified: i64,
    /// Time of the last change of content or metadata, which no program can set, nanoseconds since 1970.
    pub changed: i64,
    /// Number of the file in its file system.
    pub inode: u64,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
        Self {
            size: metadata.len(),
            modified: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }
}

/// What the search found, sorted by path; paths are relative to the workspace's root, with `/`.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub files: Vec<Seen>,
    /// Links to folders of the workspace: where, and to where.
    pub dir_links: Vec<(String, String)>,
}

/// One Python file.
#[derive(Debug)]
pub(super) struct Seen {
    pub path: String,
    pub stamp: Stamp,
    /// Where it leads, if it is a link into the workspace.
    pub link: Option<String>,
}

/// Number of threads for work of `items` pieces.
pub(crate) fn threads(items: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    cores.min(8).min(items.div_ceil(16)).max(1)
}

pub(super) fn walk(root: &Path) -> Found {
    let found = Mutex::new(Found::default());
    let mut builder = WalkBuilder::new(root);
    builder.hidden(false).ignore(false).parents(false).require_git(false).follow_links(false);
    builder.threads(threads(usize::MAX));
    builder.build_parallel().run(|| {
        let mut own = Own { found: Found::default(), all: &found };
        Box::new(move |entry| match entry {
            Ok(entry) => own.take(root, &entry),
            // The workspace's own search has spoken of folders that cannot be read.
            Err(_) => WalkState::Continue,
        })
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    found.dir_links.sort();
    found
}

struct Own<'a> {
    found: Found,
    all: &'a Mutex<Found>,
}

impl Own<'_> {
    fn take(&mut self, root: &Path, entry: &DirEntry) -> WalkState {
        let Some(kind) = entry.file_type() else { return WalkState::Continue };
        let name = entry.file_name();
        if kind.is_dir() {
            let never = entry.depth() > 0 && NEVER_ENTERED.iter().any(|never| name == *never);
            return if never { WalkState::Skip } else { WalkState::Continue };
        }
        let is_python = name.as_encoded_bytes().ends_with(b".py");
        if !is_python && !kind.is_symlink() {
            return WalkState::Continue;
        }
        let Some(path) = relative(entry.path(), root) else { return WalkState::Continue };
        if kind.is_symlink() {
            self.link(root, entry.path(), path, is_python);
        } else if kind.is_file()
            && let Ok(metadata) = entry.metadata()
        {
            self.found.files.push(Seen { path, stamp: Stamp::of(&metadata), link: None });
        }
        WalkState::Continue
    }

    fn link(&mut self, root: &Path, at: &Path, path: String, is_python: bool) {
        // Links that lead nowhere, or round in a circle, are no files.
        let (Ok(target), Ok(metadata)) = (at.canonicalize(), at.metadata()) else { return };
        let inside = relative(&target, root);
        if metadata.is_dir() {
            self.found.dir_links.extend(inside.map(|target| (path, target)));
        } else if metadata.is_file() && is_python {
            self.found.files.push(Seen { path, stamp: Stamp::of(&metadata), link: inside });
        }
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        if let Ok(mut all) = self.all.lock() {
            all.files.append(&mut self.found.files);
            all.dir_links.append(&mut self.found.dir_links);
        }
    }
}

/// `path` from `root`, with `/`. Both are as the system gave them, so that bytes are compared: taking paths apart is slow.
pub(crate) fn relative(path: &Path, root: &Path) -> Option<String> {
    let root = root.as_os_str().as_bytes();
    let rest = path.as_os_str().as_bytes().strip_prefix(root.strip_suffix(b"/").unwrap_or(root))?;
    let rest = if rest.is_empty() { rest } else { rest.strip_prefix(b"/")? };
    str::from_utf8(rest).ok().map(str::to_owned)
}
