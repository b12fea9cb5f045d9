//! The folder that a clone goes into, and what tells a finished clone from one that was killed.
//!
//! | there | means |
//! | --- | --- |
//! | `.wharf-clone/` and nothing else | the super-repo was being fetched: that starts again |
//! | `.git/wharf-clone/url` | the super-repo is whole, sub-repos may be missing: that goes on |
//! | else anything | not ours |
//!
//! The lock lies in the same folder and moves with it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::clone_error::CloneError;
use super::populate::settle;
use crate::workspace::{Lock, LockError, Patience};

const EARLY: &str = ".wharf-clone";
const LATE: &str = ".git/wharf-clone";

/// A folder that is being cloned into.
#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    made: bool,
    is_late: bool,
    _lock: Lock,
}

impl Folder {
    /// Takes the folder for a clone of `url`; `holder` is what others read who want it too.
    pub(super) fn take(root: &Path, url: &str, holder: &str) -> Result<Self, CloneError> {
        let failed = |source| CloneError::Io { path: root.into(), source };
        let made = match std::fs::read_dir(root) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                std::fs::create_dir_all(root).map_err(failed)?;
                true
            }
            Err(error) => return Err(failed(error)),
            Ok(entries) => {
                let names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
                let started = root.join(LATE).join("url").is_file();
                if !started && names.iter().any(|name| name != EARLY) {
                    let is_repo = root.join(".git").symlink_metadata().is_ok();
                    return Err(CloneError::NotEmpty { dir: root.into(), is_repo });
                }
                false
            }
        };
        let is_late = root.join(LATE).join("url").is_file();
        let own = root.join(if is_late { LATE } else { EARLY });
        let lock = Lock::take(&own.join("lock"), holder, Patience::GiveUp).map_err(|error| match error {
            LockError::Held { holder, .. } => CloneError::Busy { dir: root.into(), holder },
            LockError::Io { file, source } => CloneError::Io { path: file, source },
        })?;
        let file = own.join("url");
        match std::fs::read_to_string(&file) {
            Ok(other) if other != url => return Err(CloneError::OtherClone { dir: root.into(), url: other }),
            Ok(_) => {}
            Err(_) => std::fs::write(&file, url).map_err(failed)?,
        }
        let folder = Self { root: root.into(), made, is_late, _lock: lock };
        folder.clear()?;
        Ok(folder)
    }

    /// Whether the super-repo is whole already.
    pub(super) fn has_super_repo(&self) -> bool {
        self.is_late
    }

    /// Where things are fetched to before they are whole.
    pub(super) fn scratch(&self) -> PathBuf {
        self.root.join(if self.is_late { LATE } else { EARLY })
    }

    /// Moves the super-repo from the scratch folder to its place, and the marker with it.
    pub(super) fn settle(&mut self, fetched: &Path) -> Result<(), CloneError> {
        let failed = |source| CloneError::Io { path: self.root.clone(), source };
        let marker = fetched.join(LATE);
        std::fs::create_dir(&marker).map_err(failed)?;
        for name in ["lock", "url"] {
            std::fs::rename(self.root.join(EARLY).join(name), marker.join(name)).map_err(failed)?;
        }
        settle(fetched, &self.root.join(".git"))?;
        self.is_late = true;
        self.clear()
    }

    /// All is done: from now on this is a repo like any other.
    pub(super) fn finish(self) -> Result<(), CloneError> {
        let own = self.scratch();
        std::fs::remove_dir_all(&own).map_err(|source| CloneError::Io { path: own, source })
    }

    /// Nothing was had: as if nothing had been tried.
    pub(super) fn give_up(self) {
        if !self.is_late {
            let _ = std::fs::remove_dir_all(self.root.join(EARLY));
            if self.made {
                // Not if somebody has put something there meanwhile.
                let _ = std::fs::remove_dir(&self.root);
            }
        }
    }

    /// Throws away what a killed clone left half done.
    fn clear(&self) -> Result<(), CloneError> {
        let own = self.scratch();
        let entries = own.read_dir().map_err(|source| CloneError::Io { path: own.clone(), source })?;
        for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
            std::fs::remove_dir_all(entry.path()).map_err(|source| CloneError::Io { path: entry.path(), source })?;
        }
        let early = self.root.join(EARLY);
        if self.is_late && early.is_dir() {
            std::fs::remove_dir_all(&early).map_err(|source| CloneError::Io { path: early, source })?;
        }
        Ok(())
    }
}
