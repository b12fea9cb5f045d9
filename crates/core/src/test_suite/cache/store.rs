//! Where entries are kept: by key, as bytes that nobody here looks into.

use std::fmt::Debug;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::key::Key;
use crate::workspace::{Lock, Patience};

/// A place for entries.
pub trait Store: Debug + Send + Sync {
    /// What people call it.
    fn name(&self) -> String;

    /// The bytes that were put under `key`; `None` where there are none.
    ///
    /// # Errors
    /// When it cannot be asked.
    fn get(&self, key: &Key) -> io::Result<Option<Vec<u8>>>;

    /// Keeps bytes, in place of those that were there. Whoever reads meanwhile finds the old ones or the new ones, whole.
    ///
    /// # Errors
    /// When they cannot be kept.
    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()>;

    /// Takes away what is kept under `key`, where there is something.
    ///
    /// # Errors
    /// When it cannot be taken away.
    fn remove(&self, key: &Key) -> io::Result<()>;

    /// Takes away what is wrong, also from a place further away where that may be written.
    ///
    /// # Errors
    /// When it cannot be taken away.
    fn forget(&self, keys: &[Key]) -> io::Result<()> {
        keys.iter().try_for_each(|key| self.remove(key))
    }

    /// What a place further away has under these keys; nothing where there is none.
    fn fetch(&self, _keys: &[Key]) -> Vec<(Key, Vec<u8>)> {
        Vec::new()
    }

    /// Keeps what came from further away, and sends it nowhere.
    ///
    /// # Errors
    /// When it cannot be kept.
    fn keep_near(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        self.put(key, bytes)
    }

    /// What was not right since this was asked last, a line each.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Called when a run has put all that it has to put.
    ///
    /// # Errors
    /// When the place cannot be kept in order.
    fn finish(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Bytes that were put into a [`Folder`] since all of it was last looked at, a line each time.
const TALLY: &str = "tally";
const LOCK: &str = "lock";

/// A folder with a file an entry: the user's own, or one that several machines share.
///
/// A file is written under another name and renamed, so several Wharfs at once do not meet. Its time says when it was used last; a
/// clock that is wrong can make a useful entry go early, and never one be wrong.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Bytes to stay below; `None` where others see to it.
    limit: Option<u64>,
    /// Bytes put and not yet in the tally.
    put: AtomicU64,
}

/// What a clean-up did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Entries that are gone.
    pub entries: usize,
    /// Bytes that these had.
    pub freed: u64,
    /// Bytes that are left.
    pub left: u64,
}

impl Folder {
    /// The store in this folder, which is made when it is written to first.
    #[must_use]
    pub fn new(path: PathBuf, limit: Option<u64>) -> Self {
        Self { path, limit, put: AtomicU64::new(0) }
    }

    /// The user's own store, in their cache folder.
    #[must_use]
    pub fn of_user(cache: &Path, limit: u64) -> Self {
        Self::new(cache.join("tests"), Some(limit))
    }

    fn file(&self, key: &Key) -> PathBuf {
        let name = key.hex();
        self.path.join(&name[..2]).join(&name[2..])
    }

    /// Adds to the tally; gives what it comes to.
    fn count(&self, bytes: u64) -> io::Result<u64> {
        let path = self.path.join(TALLY);
        let mut file = fs_err::OpenOptions::new().create(true).append(true).open(&path)?;
        // One short write at the end of a file is never mixed with another's.
        file.write_all(format!("{bytes}\n").as_bytes())?;
        let text = fs_err::read_to_string(&path)?;
        Ok(text.lines().filter_map(|line| line.parse::<u64>().ok()).sum())
    }

    /// Removes what was used longest ago until the rest has at most `limit` bytes, and all that was not used for `unused`.
    ///
    /// # Errors
    /// When the folder cannot be read. One that is not there has nothing to remove.
    pub fn trim(&self, limit: u64, unused: Option<(Duration, SystemTime)>) -> io::Result<Trimmed> {
        if !self.path.is_dir() {
            return Ok(Trimmed::default());
        }
        // Two that clean at once would each remove as much.
        let Ok(_lock) = Lock::take(&self.path.join(LOCK), "a clean-up of the test cache", Patience::Wait) else {
            return Ok(Trimmed::default());
        };
        let mut entries = self.entries()?;
        // Newest first.
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.time));
        let mut trimmed = Trimmed::default();
        for entry in entries {
            let is_old = unused.is_some_and(|(age, now)| now.duration_since(entry.time).is_ok_and(|since| since > age));
            if (is_old || trimmed.left + entry.size > limit) && std::fs::remove_file(&entry.path).is_ok() {
                trimmed.entries += 1;
                trimmed.freed += entry.size;
            } else {
                trimmed.left += entry.size;
            }
        }
        fs_err::write(self.path.join(TALLY), format!("{}\n", trimmed.left))?;
        Ok(trimmed)
    }

    /// What [`Folder::trim`] would remove for not having been used: how many entries, and their bytes.
    #[must_use]
    pub fn unused(&self, age: Duration, now: SystemTime) -> Trimmed {
        let mut found = Trimmed::default();
        for entry in self.entries().unwrap_or_default() {
            if now.duration_since(entry.time).is_ok_and(|since| since > age) {
                found.entries += 1;
                found.freed += entry.size;
            } else {
                found.left += entry.size;
            }
        }
        found
    }

    fn entries(&self) -> io::Result<Vec<OnDisk>> {
        let mut found = Vec::new();
        for folder in fs_err::read_dir(&self.path)?.flatten().filter(|entry| entry.path().is_dir()) {
            for entry in fs_err::read_dir(folder.path())?.flatten() {
                let Ok(metadata) = entry.metadata() else { continue };
                let time = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                found.push(OnDisk { path: entry.path(), size: metadata.len(), time });
            }
        }
        Ok(found)
    }
}

struct OnDisk {
    path: PathBuf,
    size: u64,
    time: SystemTime,
}

impl Store for Folder {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn get(&self, key: &Key) -> io::Result<Option<Vec<u8>>> {
        let path = self.file(key);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if self.limit.is_some() {
            touch(&path);
        }
        Ok(Some(bytes))
    }

    fn put(&self, key: &Key, bytes: &[u8]) -> io::Result<()> {
        let path = self.file(key);
        let folder = path.parent().unwrap_or(&self.path);
        let is_new = !folder.is_dir();
        fs_err::create_dir_all(folder)?;
        if is_new && self.limit.is_none() {
            // Whoever may write to the store may write to all of it, whatever this user's mask says.
            let mode = fs_err::metadata(&self.path)?.permissions().mode() & 0o7777;
            fs_err::set_permissions(folder, std::fs::Permissions::from_mode(mode))?;
        }
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        if self.limit.is_none() {
            // Others who share it may be other users.
            file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        }
        file.persist(&path).map_err(|error| error.error)?;
        self.put.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn finish(&self) -> io::Result<()> {
        let put = self.put.swap(0, Ordering::Relaxed);
        if let Some(limit) = self.limit.filter(|_| put > 0)
            && self.count(put)? > limit
        {
            // A tenth less, so that not each run after it looks at all of it again.
            self.trim(limit - limit / 10, None)?;
        }
        Ok(())
    }

    fn remove(&self, key: &Key) -> io::Result<()> {
        match std::fs::remove_file(self.file(key)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Notes that an entry was used.
fn touch(path: &Path) {
    let now = rustix::fs::Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW };
    let times = rustix::fs::Timestamps { last_access: now, last_modification: now };
    let _ = rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        Key::of_dir(&[]).of_file(name)
    }

    fn set_time(store: &Folder, name: &str, seconds: u64) {
        let file = std::fs::File::options().write(true).open(store.file(&key(name))).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
    }

    #[test]
    fn what_was_used_last_stays() {
        let folder = tempfile::tempdir().unwrap();
        let store = Folder::new(folder.path().join("tests"), Some(1000));
        for (place, name) in ["a", "b", "c"].iter().enumerate() {
            store.put(&key(name), &[0; 300]).unwrap();
            set_time(&store, name, place as u64);
        }
        store.finish().unwrap();
        assert!(store.get(&key("a")).unwrap().is_some(), "what fits is left alone");
        store.put(&key("d"), &[0; 300]).unwrap();
        store.finish().unwrap();
        let left: Vec<&str> = ["a", "b", "c", "d"].into_iter().filter(|n| store.file(&key(n)).is_file()).collect();
        assert_eq!(left, ["a", "c", "d"], "`a` was used after `b` and `c` were made");
    }

    #[test]
    fn what_nobody_used_goes_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let store = Folder::new(folder.path().join("tests"), Some(1000));
        for name in ["old", "new", "of the future"] {
            store.put(&key(name), &[0; 10]).unwrap();
        }
        set_time(&store, "old", 1000);
        set_time(&store, "new", 1_000_000);
        // As after a clock that was set back.
        set_time(&store, "of the future", 2_000_000);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_100);
        let age = Duration::from_secs(1000);
        assert_eq!(store.unused(age, now), Trimmed { entries: 1, freed: 10, left: 20 });
        assert_eq!(store.trim(u64::MAX, Some((age, now))).unwrap(), Trimmed { entries: 1, freed: 10, left: 20 });
        assert_eq!(store.get(&key("old")).unwrap(), None);
        assert!(store.get(&key("of the future")).unwrap().is_some());
    }

    #[test]
    fn a_folder_of_a_shared_store_is_as_open_as_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shared");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o2777)).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
        let store = Folder::new(path, None);
        store.put(&key("a"), b"x").unwrap();
        let file = store.file(&key("a"));
        assert_eq!(mode(file.parent().unwrap()), 0o2777);
        assert_eq!(mode(&file), 0o644);
    }

    #[test]
    fn many_at_once_read_whole_entries() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tests");
        std::thread::scope(|scope| {
            for number in 0..8_u8 {
                let path = path.clone();
                scope.spawn(move || {
                    let store = Folder::new(path, Some(200_000));
                    for _ in 0..50 {
                        store.put(&key("same"), &[number; 10_000]).unwrap();
                        store.finish().unwrap();
                        // Another one's clean-up may have taken it.
                        if let Some(bytes) = store.get(&key("same")).unwrap() {
                            assert_eq!(bytes.len(), 10_000);
                            assert!(bytes.iter().all(|byte| *byte == bytes[0]));
                        }
                    }
                });
            }
        });
        let store = Folder::new(path, Some(200_000));
        assert_eq!(store.trim(u64::MAX, None).unwrap().left, 10_000);
    }
}
