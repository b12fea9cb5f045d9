//! Which environments are here, and removing those that are no longer used.

use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::HostError;
use super::search::{Download, Search};
use super::slot::Slot;
use super::{HostTools, VenvSpec};

/// An environment in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenvInfo {
    /// Its folder.
    pub path: PathBuf,
    /// The caller's key that it was made for; empty for the remains of an attempt that failed.
    pub key: String,
    /// Full version of its Python; empty for remains.
    pub python_version: String,
    /// Bytes on disk, each file counted once; files that an installer shares with its own cache are counted too.
    pub size: u64,
    /// When it was last asked for, to about a day.
    pub last_used: SystemTime,
}

impl VenvInfo {
    /// The folder that goes with it: an environment lies in one of its own name, remains are that folder.
    #[must_use]
    pub fn place(&self) -> &Path {
        if self.key.is_empty() { &self.path } else { self.path.parent().unwrap_or(&self.path) }
    }
}

impl HostTools {
    /// All whole environments, the longest unused first.
    #[must_use]
    pub fn list(&self) -> Vec<VenvInfo> {
        let mut all: Vec<VenvInfo> = self.slots().iter().map(info).filter(|info| !info.key.is_empty()).collect();
        all.sort_by(|a, b| (a.last_used, &a.path).cmp(&(b.last_used, &b.path)));
        all
    }

    /// Removes the environments that nobody asked for since `older_than` before `now`, and the remains of failed
    /// attempts that are as old; gives what it removed. One that is being made is left alone. As use is noted once a
    /// day, anything below a day may remove an environment in use.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub fn prune(&self, older_than: Duration, now: SystemTime) -> Result<Vec<VenvInfo>, HostError> {
        let mut removed = Vec::new();
        for slot in self.slots().into_iter().filter(|slot| is_older(slot, older_than, now)) {
            let info = info(&slot);
            if slot.remove()? {
                removed.push(info);
            }
        }
        Ok(removed)
    }

    /// What [`HostTools::prune`] would remove.
    #[must_use]
    pub fn unused(&self, older_than: Duration, now: SystemTime) -> Vec<VenvInfo> {
        self.slots().iter().filter(|slot| is_older(slot, older_than, now)).map(info).collect()
    }

    /// The environment for `spec` where it is made, with what it takes. Does not count as asking for it.
    #[must_use]
    pub fn describe(&self, spec: &VenvSpec) -> Option<VenvInfo> {
        let python = Search::new(self).select(spec.python.as_deref(), Download::Forbidden).ok()?;
        let slot = self.venv_slot(spec, &python.identity.digest());
        slot.complete().map(|_| info(&slot))
    }

    /// Removes one of those listed, whenever it was used last; false where another is making it right now.
    ///
    /// # Errors
    /// When its folder cannot be written.
    pub fn remove(&self, venv: &VenvInfo) -> Result<bool, HostError> {
        let folder = venv.place();
        match (folder.parent(), folder.file_name()) {
            (Some(parent), Some(name)) => Slot::new(parent, &name.to_string_lossy()).remove(),
            _ => Ok(false),
        }
    }

    fn slots(&self) -> Vec<Slot> {
        let venvs = self.venvs();
        let Ok(entries) = venvs.read_dir() else { return Vec::new() };
        let folders = entries.filter_map(Result::ok).filter(|entry| entry.path().is_dir());
        folders.map(|entry| Slot::new(&venvs, &entry.file_name().to_string_lossy())).collect()
    }
}

fn is_older(slot: &Slot, older_than: Duration, now: SystemTime) -> bool {
    now.duration_since(last_used(slot)).unwrap_or_default() >= older_than
}

fn last_used(slot: &Slot) -> SystemTime {
    let changed = || slot.dir().metadata().and_then(|metadata| metadata.modified()).ok();
    slot.last_used().or_else(changed).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn info(slot: &Slot) -> VenvInfo {
    let last_used = last_used(slot);
    let size = size(slot.dir(), &mut HashSet::new());
    match slot.complete() {
        Some(complete) => VenvInfo {
            path: slot.folder(&complete),
            key: complete.key,
            python_version: complete.python_version,
            size,
            last_used,
        },
        None => {
            VenvInfo { path: slot.dir().to_owned(), key: String::new(), python_version: String::new(), size, last_used }
        }
    }
}

fn size(folder: &Path, seen: &mut HashSet<(u64, u64)>) -> u64 {
    let Ok(entries) = folder.read_dir() else { return 0 };
    let mut total = 0;
    for entry in entries.filter_map(Result::ok) {
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            total += size(&entry.path(), seen);
        } else if seen.insert((metadata.dev(), metadata.ino())) {
            total += metadata.blocks() * 512;
        }
    }
    total
}
