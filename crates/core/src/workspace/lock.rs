//! A lock that names its holder: one writer at a time.
//!
//! The lock is the operating system's (flock(2)), so it goes when its holder dies; the file's text only says who
//! that is.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Someone else has it.
    #[error("`{}` is held by {holder}", .file.display())]
    Held {
        /// The lock's file.
        file: PathBuf,
        /// Who has it, as it said itself.
        holder: String,
    },
    /// Its file cannot be used.
    #[error("`{}` cannot be locked", .file.display())]
    Io {
        /// The lock's file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// Whether to wait for a lock that someone else holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Wait until it is free.
    Wait,
    /// Give up at once.
    GiveUp,
}

impl Lock {
    /// Takes the lock at `file`; `holder` is what others read, such as `process 12, wharf image build`.
    ///
    /// # Errors
    /// [`LockError::Held`] where someone has it and we do not wait, [`LockError::Io`] else.
    pub fn take(file: &Path, holder: &str, patience: Patience) -> Result<Self, LockError> {
        let failed = |source: std::io::Error| LockError::Io { file: file.into(), source };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut handle =
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(file).map_err(failed)?;
        let operation = match patience {
            Patience::Wait => FlockOperation::LockExclusive,
            Patience::GiveUp => FlockOperation::NonBlockingLockExclusive,
        };
        match flock(&handle, operation) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                let _ = handle.read_to_string(&mut holder);
                let holder = if holder.is_empty() { "another process".into() } else { holder };
                return Err(LockError::Held { file: file.into(), holder });
            }
            Err(error) => return Err(failed(error.into())),
        }
        let written =
            handle.set_len(0).and_then(|()| handle.rewind()).and_then(|()| handle.write_all(holder.as_bytes()));
        written.map_err(failed)?;
        Ok(Self { _file: handle })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_its_holder_and_goes_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a/lock");
        let lock = Lock::take(&file, "process 1, wharf x", Patience::GiveUp).unwrap();
        let error = Lock::take(&file, "process 2", Patience::GiveUp).unwrap_err();
        assert!(error.to_string().contains("process 1, wharf x"), "{error}");
        drop(lock);
        Lock::take(&file, "process 2", Patience::Wait).unwrap();
    }
}
