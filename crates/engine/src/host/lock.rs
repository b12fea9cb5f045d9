//! A lock file that names the process that holds it. Never removed: whoever waits on it holds it open.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::HostError;

/// A held lock; released when dropped, and by the system when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Waits for the lock, after telling `on_line` for whom.
    pub(super) fn take(path: &Path, on_line: &mut dyn FnMut(&str)) -> Result<Self, HostError> {
        let mut file = open(path)?;
        if !try_lock(&file, path)? {
            let mut holder = String::new();
            let read = file.read_to_string(&mut holder);
            let holder = read.ok().and(holder.trim().parse::<u32>().ok());
            let who = holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
            on_line(&format!("waiting for {who}, which is making the same environment"));
            wait(&file, path)?;
        }
        Self::sign(file, path)
    }

    /// The lock, or `None` where another holds it.
    pub(super) fn attempt(path: &Path) -> Result<Option<Self>, HostError> {
        let file = open(path)?;
        if try_lock(&file, path)? { Self::sign(file, path).map(Some) } else { Ok(None) }
    }

    fn sign(mut file: File, path: &Path) -> Result<Self, HostError> {
        let pid = std::process::id();
        rustix::fs::ftruncate(&file, 0)
            .map_err(std::io::Error::from)
            .and_then(|()| std::io::Seek::rewind(&mut file))
            .and_then(|()| writeln!(file, "{pid}"))
            .map_err(HostError::cache(path))?;
        Ok(Self { _file: file })
    }
}

fn open(path: &Path) -> Result<File, HostError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(HostError::cache(folder))?;
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(HostError::cache(path))
}

fn try_lock(file: &File, path: &Path) -> Result<bool, HostError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(HostError::cache(path)(error.into())),
    }
}

fn wait(file: &File, path: &Path) -> Result<(), HostError> {
    loop {
        match flock(file, FlockOperation::LockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::INTR) => {}
            Err(error) => return Err(HostError::cache(path)(error.into())),
        }
    }
}
