//! A place in the cache for one virtual environment: made once, by one, in a folder of its own.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::error::HostError;
use super::lock::Lock;

const STAMP_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// The contents of `.complete`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Complete {
    /// Name of the folder beside the file.
    folder: String,
    /// The caller's key, or the tool's name and version.
    pub(super) key: String,
    /// Full version of its Python.
    pub(super) python_version: String,
}

impl Complete {
    /// For the attempt at `at`.
    pub(super) fn new(at: &Path, key: &str, python_version: &str) -> Self {
        let folder = at.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self { folder, key: key.to_owned(), python_version: python_version.to_owned() }
    }
}

/// A place in the cache.
#[derive(Debug)]
pub(super) struct Slot {
    dir: PathBuf,
    lock: PathBuf,
}

impl Slot {
    /// The place of that name in `folder`, whether anything is there or not.
    pub(super) fn new(folder: &Path, name: &str) -> Self {
        Self { dir: folder.join(name), lock: folder.join(format!("{name}.lock")) }
    }

    /// Its folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The environment's folder.
    pub(super) fn folder(&self, complete: &Complete) -> PathBuf {
        self.dir.join(&complete.folder)
    }

    /// What is here, where it is whole and its interpreter is still there.
    pub(super) fn complete(&self) -> Option<Complete> {
        let bytes = std::fs::read(self.dir.join(".complete")).ok()?;
        let complete: Complete = serde_json::from_slice(&bytes).ok()?;
        self.folder(&complete).join("bin/python").exists().then_some(complete)
    }

    /// Makes it under its lock, unless another did so meanwhile. `build` gets the folder to fill, which is empty.
    pub(super) fn make<'l>(
        &self,
        on_line: &mut (dyn FnMut(&str) + 'l),
        build: impl FnOnce(&Path, &mut (dyn FnMut(&str) + 'l)) -> Result<Complete, HostError>,
    ) -> Result<Complete, HostError> {
        let _lock = Lock::take(&self.lock, &mut *on_line)?;
        if let Some(complete) = self.complete() {
            return Ok(complete);
        }
        self.clear();
        std::fs::create_dir_all(&self.dir).map_err(HostError::cache(&self.dir))?;
        let attempt = tempfile::Builder::new()
            .prefix("v")
            .rand_bytes(6)
            .tempdir_in(&self.dir)
            .map_err(HostError::cache(&self.dir))?;
        let complete = build(attempt.path(), on_line)?;
        let mut marker = tempfile::NamedTempFile::new_in(&self.dir).map_err(HostError::cache(&self.dir))?;
        serde_json::to_writer(&mut marker, &complete)
            .map_err(std::io::Error::from)
            .and_then(|()| marker.flush())
            .map_err(HostError::cache(&self.dir))?;
        let _kept = attempt.keep();
        marker.persist(self.dir.join(".complete")).map_err(|error| HostError::cache(&self.dir)(error.error))?;
        Ok(complete)
    }

    /// Removes what is here, unless another is making it right now.
    pub(super) fn remove(&self) -> Result<bool, HostError> {
        let Some(_lock) = Lock::attempt(&self.lock)? else { return Ok(false) };
        self.clear();
        Ok(!self.dir.exists())
    }

    /// The marker goes first, so that a half removed environment never counts as whole. An installer that
    /// outlived its Wharf may still be writing: what it leaves is removed the next time.
    fn clear(&self) {
        let _marker = std::fs::remove_file(self.dir.join(".complete"));
        let _rest = std::fs::remove_dir_all(&self.dir);
    }

    /// When it was last asked for, to about a day.
    pub(super) fn last_used(&self) -> Option<SystemTime> {
        let time = |name: &str| self.dir.join(name).metadata().and_then(|metadata| metadata.modified()).ok();
        time(".used").or_else(|| time(".complete"))
    }

    /// Notes that it was asked for. A cache that cannot be written is no reason to fail.
    pub(super) fn touch(&self) {
        let stamp = self.dir.join(".used");
        let age = stamp.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_none_or(|age| age > STAMP_EVERY) {
            let _stamped = File::create(stamp).and_then(|file| file.set_modified(SystemTime::now()));
        }
    }
}
