//! Repos in which nothing changed, told from files alone.
//!
//! Most repos of a workspace are, most of the time, just as they were checked out. Asking Git about each costs a process each;
//! here the index is compared with the files and the head with the upstream, and one process answers for all which trees the
//! heads have. Whatever is not plainly unchanged, or could be meant in more than one way, is left to Git.

mod ignored;
mod index;

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{DirEntry, Metadata};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use self::ignored::Ignored;
use self::index::{Entry, Index, LINK, MODULE, Stat};
use crate::place::{self, GitPlace};
use crate::program::Git;
use crate::status::WorkTree;

/// A work tree whose files are as the index has them.
#[derive(Debug)]
pub struct Still {
    head: String,
    branch: Option<String>,
    upstream: Option<String>,
    tree: String,
}

/// Clocks of file systems move in steps of up to 10 ms; what changed that close before the index was written may have changed
/// again since without any sign of it.
const TOO_CLOSE: i128 = 20_000_000;

impl GitPlace {
    /// Whether all files are as the index has them, nothing else is there but what Git ignores, and the branch, if there is one,
    /// stands where its upstream does. `None` where that is not so or cannot be told.
    #[must_use]
    pub fn still(&self) -> Option<Still> {
        let head = self.head()?;
        let commit = head.commit.filter(|commit| commit.len() == 40)?;
        let upstream = match &head.branch {
            Some(branch) => self.upstream_at(branch, &commit)?,
            None => None,
        };
        let file = self.git_dir.join("index");
        let written = std::fs::metadata(&file).ok()?;
        let index = Index::parse(&std::fs::read(&file).ok()?)?;
        Compare::new(self, &index, nanoseconds(&written))?.folder(&mut Vec::new())?.finish()?;
        Some(Still { head: commit, branch: head.branch, upstream, tree: index.tree })
    }

    /// `Some(None)`: it has none. `None`: it stands elsewhere, or that cannot be told.
    fn upstream_at(&self, branch: &str, commit: &str) -> Option<Option<String>> {
        let text = std::fs::read_to_string(self.common_dir().join("config")).ok()?;
        let lower = text.to_ascii_lowercase();
        if lower.contains("[include") || lower.contains("worktreeconfig") || lower.contains("[core \"") {
            return None;
        }
        let Some((remote, merge)) = followed(&text, branch)? else { return Some(None) };
        let name = merge.strip_prefix("refs/heads/")?;
        let upstream = format!("{remote}/{name}");
        (self.quick_ref(&format!("refs/remotes/{upstream}"))? == commit).then_some(Some(upstream))
    }
}

/// The remote and the branch there that `branch` follows. `None` where the remote's branches are not kept in the usual place.
fn followed(config: &str, branch: &str) -> Option<Option<(String, String)>> {
    let (mut remote, mut merge) = (None, None);
    let mut fetches: HashMap<String, Vec<String>> = HashMap::new();
    let mut section = String::new();
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line.trim_end_matches(']').trim_start_matches('[').to_owned();
        } else if let Some((key, value)) = line.split_once('=') {
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim().to_owned());
            if section == format!("branch \"{branch}\"") {
                match key.as_str() {
                    "remote" => remote = Some(value),
                    "merge" => merge = Some(value),
                    _ => {}
                }
            } else if let (Some(name), "fetch") = (section.strip_prefix("remote \""), key.as_str()) {
                fetches.entry(name.trim_end_matches('"').to_owned()).or_default().push(value);
            }
        }
    }
    let (Some(remote), Some(merge)) = (remote, merge) else { return Some(None) };
    let usual = format!("+refs/heads/*:refs/remotes/{remote}/*");
    (fetches.get(&remote)? == &[usual]).then_some(Some((remote, merge)))
}

/// The work trees of those of `repos` that are [`Still`] and whose head has the very tree that the index has.
#[must_use]
pub fn unchanged(repos: Vec<(&GitPlace, Option<Still>)>) -> Vec<Option<WorkTree>> {
    let asked: Vec<(&GitPlace, &str)> =
        repos.iter().filter_map(|(place, still)| Some((*place, still.as_ref()?.head.as_str()))).collect();
    let trees = trees(&asked);
    let finish = |still: Still| {
        let is_same = trees.get(&still.head).is_some_and(|tree| *tree == still.tree);
        let apart = still.upstream.is_some().then_some((0, 0));
        let Still { head, branch, upstream, .. } = still;
        is_same.then(|| WorkTree { head: Some(head), branch, upstream, apart, ..WorkTree::default() })
    };
    repos.into_iter().map(|(_, still)| still.and_then(finish)).collect()
}

/// Repos that one process is asked about: the system limits the length of a variable.
const AT_ONCE: usize = 300;

/// The trees of commits, by commit: one process sees the objects of many repos.
fn trees(asked: &[(&GitPlace, &str)]) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for some in asked.chunks(AT_ONCE) {
        let folders: Vec<String> = some
            .iter()
            .map(|(place, _)| place.common_dir().join("objects").to_string_lossy().into_owned())
            .filter(|folder| !folder.contains([':', '"', '\n']) && folder.len() < 400)
            .collect();
        let commits: Vec<&str> = some.iter().map(|(_, commit)| *commit).collect::<HashSet<_>>().into_iter().collect();
        let input: String = commits.iter().map(|commit| format!("{commit}^{{tree}}\n")).collect();
        let command = Git::in_folder(some[0].0.git_dir.clone())
            .command(["cat-file", "--batch-check=%(objectname) %(objecttype)"])
            .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", folders.join(":"))
            .env("GIT_NO_LAZY_FETCH", "1")
            .input(input);
        let Ok(output) = command.run() else { continue };
        for (commit, line) in commits.iter().zip(output.text().lines()) {
            if let Some(tree) = line.strip_suffix(" tree") {
                found.insert((*commit).to_owned(), tree.to_owned());
            }
        }
    }
    found
}

/// The files of a work tree beside its index.
struct Compare<'a> {
    place: &'a GitPlace,
    files: HashMap<&'a [u8], &'a Entry>,
    folders: HashSet<&'a [u8]>,
    /// Nanoseconds at which the index was written.
    written: i128,
    seen: usize,
    ignored: Ignored<'a>,
}

impl<'a> Compare<'a> {
    fn new(place: &'a GitPlace, index: &'a Index, written: i128) -> Option<Self> {
        let mut folders = HashSet::new();
        for entry in &index.entries {
            let slashes = entry.path.iter().enumerate().filter(|(_, byte)| **byte == b'/');
            folders.extend(slashes.map(|(end, _)| &entry.path[..end]));
        }
        let files: HashMap<&[u8], &Entry> = index.entries.iter().map(|entry| (entry.path.as_slice(), entry)).collect();
        // Two entries of one path are sides of a conflict.
        (files.len() == index.entries.len()).then(|| Self {
            place,
            files,
            folders,
            written,
            seen: 0,
            ignored: Ignored::new(place),
        })
    }

    /// Compares one folder and those in it; `path` is its own, empty for the root.
    fn folder(mut self, path: &mut Vec<u8>) -> Option<Self> {
        let folder = self.place.root.join(OsStr::from_bytes(path));
        for entry in std::fs::read_dir(&folder).ok()? {
            let entry = entry.ok()?;
            let name = entry.file_name().into_vec();
            if name == b".git" {
                continue;
            }
            let length = path.len();
            if length > 0 {
                path.push(b'/');
            }
            path.extend_from_slice(&name);
            let is_folder = entry.file_type().ok()?.is_dir();
            if let Some(known) = self.files.get(path.as_slice()) {
                self.seen += 1;
                if !is_same(known, &entry, is_folder, self.written) {
                    return None;
                }
            } else if is_folder && self.folders.contains(path.as_slice()) {
                self = self.folder(path)?;
            } else if !self.ignored.has(Path::new(OsStr::from_bytes(path)), is_folder) {
                return None;
            }
            path.truncate(length);
        }
        Some(self)
    }

    /// Whether all files were there.
    fn finish(self) -> Option<()> {
        (self.seen == self.files.len()).then_some(())
    }
}

/// Whether what is there is what the index has.
fn is_same(known: &Entry, found: &DirEntry, is_folder: bool, written: i128) -> bool {
    if known.mode == MODULE {
        let checked_out = place::at(&found.path()).ok().flatten().and_then(|place| place.head());
        return is_folder && checked_out.and_then(|head| head.commit).as_ref() == Some(&known.id);
    }
    // Looked up in its folder, not from the root of the file system, which takes twice as long.
    let Ok(metadata) = found.metadata() else { return false };
    let kind = metadata.file_type();
    let is_kind = if known.mode == LINK {
        kind.is_symlink()
    } else {
        kind.is_file() && (known.mode & 0o100 != 0) == (metadata.mode() & 0o100 != 0)
    };
    is_kind && stat(&metadata) == known.stat && written - nanoseconds(&metadata) >= TOO_CLOSE
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the index keeps the lower 32 bits")]
fn stat(metadata: &Metadata) -> Stat {
    Stat {
        ctime: (metadata.ctime() as u32, metadata.ctime_nsec() as u32),
        mtime: (metadata.mtime() as u32, metadata.mtime_nsec() as u32),
        inode: metadata.ino() as u32,
        uid: metadata.uid(),
        gid: metadata.gid(),
        size: metadata.size() as u32,
    }
}

fn nanoseconds(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}

#[cfg(test)]
mod tests;
