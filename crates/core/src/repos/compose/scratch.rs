//! A folder in a Git folder for what is being fetched, one user at a time.

use std::path::{Path, PathBuf};

use super::clone_error::CloneError;
use crate::workspace::{Lock, LockError, Patience};

/// The folder; what is left in it goes when it is dropped, and the next to take it removes what a killed one left.
#[derive(Debug)]
pub(super) struct Scratch {
    root: PathBuf,
    _lock: Lock,
}

impl Scratch {
    /// Takes the one in `git_dir`.
    pub(super) fn take(git_dir: &Path, holder: &str) -> Result<Self, CloneError> {
        if git_dir.join("wharf-clone/url").is_file() {
            return Err(CloneError::Refused {
                what: format!("`{}` is an unfinished clone", git_dir.parent().unwrap_or(git_dir).display()),
                hint: "finish it first: run the same `wharf clone` again".into(),
            });
        }
        let root = git_dir.join("wharf-fetch");
        let lock = Lock::take(&root.join("lock"), holder, Patience::GiveUp).map_err(|error| match error {
            LockError::Held { holder, .. } => CloneError::Refused {
                what: format!("another command is at work in this repo: {holder}"),
                hint: "wait until it is done, then run this again".into(),
            },
            LockError::Io { file, source } => CloneError::Io { path: file, source },
        })?;
        let scratch = Self { root, _lock: lock };
        scratch.clear();
        Ok(scratch)
    }

    /// Its path.
    pub(super) fn path(&self) -> PathBuf {
        self.root.clone()
    }

    fn clear(&self) {
        for entry in self.root.read_dir().into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The lock's file stays: who waits for it has it open.
        self.clear();
    }
}
