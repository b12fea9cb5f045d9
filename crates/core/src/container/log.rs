//! The file that gets all that a container prints: written by the run, read along by others.
//!
//! Its writer holds a shared lock on it (flock(2)), which goes with the writer however that ends. So a reader knows,
//! without asking an engine, when nothing more will come.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// Opens a log to be appended to. It counts as written until the file is dropped.
///
/// # Errors
/// When it cannot be written.
pub fn open(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).append(true).open(path)?;
    // A file system without locks only makes readers ask the engine more often.
    let _ = flock(&file, FlockOperation::LockShared);
    Ok(file)
}

/// A log that is read from its beginning.
#[derive(Debug)]
pub struct Log {
    file: File,
}

impl Log {
    /// Opens it.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        Ok(Self { file: File::open(path)? })
    }

    /// Whether somebody writes to it still.
    #[must_use]
    pub fn is_written(&self) -> bool {
        let free = flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if free {
            let _ = flock(&self.file, FlockOperation::Unlock);
        }
        !free
    }

    /// Gives `out` what has come since the last time, and says how many bytes that is.
    ///
    /// # Errors
    /// When it cannot be read, or `out` not be written.
    pub fn copy(&mut self, out: &mut dyn Write) -> io::Result<u64> {
        let mut buffer = vec![0_u8; 64 * 1024];
        let mut copied = 0;
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => {
                    out.write_all(&buffer[..count])?;
                    copied += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        out.flush()?;
        Ok(copied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_gets_all_and_knows_when_it_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        assert!(Log::read(&path).is_err());
        let mut first = open(&path).unwrap();
        let mut second = open(&path).unwrap();
        let mut log = Log::read(&path).unwrap();
        let mut seen = Vec::new();
        assert_eq!(log.copy(&mut seen).unwrap(), 0);
        first.write_all(b"one\n").unwrap();
        assert_eq!(log.copy(&mut seen).unwrap(), 4);
        drop(first);
        assert!(log.is_written(), "another one writes still");
        second.write_all(b"two").unwrap();
        drop(second);
        assert!(!log.is_written());
        assert_eq!(log.copy(&mut seen).unwrap(), 3);
        assert_eq!(seen, b"one\ntwo");
        assert!(open(&path).is_ok(), "asking leaves it free");
    }
}
