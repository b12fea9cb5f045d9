//! Sees what is written in the work tree, by inotify(7).
//!
//! One thread sends the paths that something happened to, as they come; what happened is found by looking. A folder that comes is watched
//! and all in it is told, because files may have come into it before.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};

use super::saved::{is_seen, walk};

/// Sees what is written below a folder.
#[derive(Debug)]
pub struct Eye {
    folders: usize,
}

/// What it sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Something happened to this path.
    At(PathBuf),
    /// Something may have happened anywhere, for this reason.
    Anywhere(&'static str),
}

/// Why nothing can be watched.
#[derive(Debug, thiserror::Error)]
pub enum EyeError {
    /// The system allows no further folder to be watched.
    #[error("the system watches no more than so many folders, and this work tree has {0}")]
    TooMany(usize),
    /// Something else.
    #[error("the work tree cannot be watched")]
    Io(#[from] std::io::Error),
}

impl EyeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::TooMany(_) => Some("raise it with `sudo sysctl fs.inotify.max_user_watches=524288`".into()),
            Self::Io(_) => None,
        }
    }
}

const SEEN: WatchFlags = WatchFlags::CLOSE_WRITE
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::CREATE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::ONLYDIR);

struct Watches {
    root: PathBuf,
    inotify: std::os::fd::OwnedFd,
    folders: HashMap<i32, PathBuf>,
}

impl Watches {
    fn add(&mut self, folder: &Path) -> rustix::io::Result<()> {
        match inotify::add_watch(&self.inotify, folder, SEEN) {
            Ok(watch) => {
                self.folders.insert(watch, folder.to_owned());
                Ok(())
            }
            // It is gone again, or nobody may look into it.
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR | rustix::io::Errno::ACCESS) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Watches all folders at and below one that has come, where Git sees it, and gives the files in it, or why not all is watched.
    fn come(&mut self, folder: &Path) -> Result<Vec<PathBuf>, &'static str> {
        let mut files = Vec::new();
        if !is_seen(&self.root, folder, &mut HashMap::new()) {
            return Ok(files);
        }
        for entry in walk(folder) {
            if !entry.is_folder {
                files.push(entry.path);
            } else if self.add(&entry.path).is_err() {
                return Err(
                    "the system watches no more folders, so what is saved in new ones is not seen; raise it with \
                            `sudo sysctl fs.inotify.max_user_watches=524288`, and begin anew",
                );
            }
        }
        Ok(files)
    }
}

impl Eye {
    /// Begins to look, also into folders that Git ignores and that are `hidden` from a walk therefore; `tell` gets what is seen, from a thread, until it says that nobody listens.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn open(
        root: &Path,
        hidden: &BTreeSet<PathBuf>,
        mut tell: impl FnMut(Sight) -> bool + Send + 'static,
    ) -> Result<Self, EyeError> {
        let inotify = inotify::init(CreateFlags::CLOEXEC).map_err(std::io::Error::from)?;
        let mut watches = Watches { root: root.to_owned(), inotify, folders: HashMap::new() };
        let folders = walk(root).filter(|entry| entry.is_folder).map(|entry| entry.path);
        let folders: Vec<PathBuf> = folders.chain(hidden.iter().cloned()).collect();
        for folder in &folders {
            watches.add(folder).map_err(|error| match error {
                rustix::io::Errno::NOSPC => EyeError::TooMany(folders.len()),
                other => EyeError::Io(other.into()),
            })?;
        }
        let eye = Self { folders: folders.len() };
        thread::spawn(move || look(&mut watches, &mut tell));
        Ok(eye)
    }

    /// How many folders it looks at.
    #[must_use]
    pub fn folders(&self) -> usize {
        self.folders
    }
}

fn look(watches: &mut Watches, tell: &mut dyn FnMut(Sight) -> bool) {
    loop {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 16 * 1024];
        let mut told = Vec::new();
        {
            let mut reader = inotify::Reader::new(&watches.inotify, &mut buffer);
            loop {
                match reader.next() {
                    Ok(event) => {
                        let name = event.file_name().map(|name| OsStr::from_bytes(name.to_bytes()).to_owned());
                        told.push((event.wd(), name, event.events()));
                    }
                    Err(rustix::io::Errno::INTR) => continue,
                    Err(_) => return,
                }
                if reader.is_buffer_empty() {
                    break;
                }
            }
        }
        for (watch, name, events) in told {
            if events.contains(ReadFlags::QUEUE_OVERFLOW) {
                let root = watches.root.clone();
                // Folders that came meanwhile are not watched yet.
                let why = watches.come(&root).err();
                let why = why.unwrap_or("more was saved at once than the system tells of, so all is looked at again");
                if !tell(Sight::Anywhere(why)) {
                    return;
                }
                continue;
            }
            if events.contains(ReadFlags::IGNORED) {
                watches.folders.remove(&watch);
                continue;
            }
            let Some((folder, name)) = watches.folders.get(&watch).zip(name) else { continue };
            let path = folder.join(name);
            let came = events.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
            if events.contains(ReadFlags::ISDIR) && came {
                let sights = match watches.come(&path) {
                    Ok(files) => files.into_iter().map(Sight::At).collect(),
                    Err(why) => vec![Sight::Anywhere(why)],
                };
                if !sights.into_iter().all(&mut *tell) {
                    return;
                }
                continue;
            }
            // A file that was made has nothing in it yet, but a link has; attributes of folders are nobody's business.
            if events.contains(ReadFlags::ISDIR) && events.contains(ReadFlags::ATTRIB) {
                continue;
            }
            if !tell(Sight::At(path)) {
                return;
            }
        }
    }
}
