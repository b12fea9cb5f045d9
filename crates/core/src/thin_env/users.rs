//! Which workspaces use an environment, and when they last did, to about a day.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const FOLDER: &str = "users";

/// The engine renews this stamp about once a day; a note that is older than it is renewed too.
const STAMP: &str = ".used";

/// A workspace that uses an environment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct User {
    /// Its root.
    pub root: PathBuf,
    /// When it last asked for the environment, to about a day.
    pub last_used: SystemTime,
    /// Whether it is still there.
    pub exists: bool,
}

/// Notes that the workspace at `root` uses the environment in `place`, which the engine was just asked for. What cannot be
/// noted is no reason to fail.
pub(super) fn note(place: &Path, root: &Path) {
    let folder = place.join(FOLDER);
    let name = blake3::hash(root.as_os_str().as_bytes()).to_hex()[..12].to_owned();
    let file = folder.join(name);
    let time = |file: &Path| file.metadata().and_then(|metadata| metadata.modified()).ok();
    if time(&file).is_some_and(|noted| time(&place.join(STAMP)).is_none_or(|stamp| noted >= stamp)) {
        return;
    }
    let written = std::fs::create_dir_all(&folder).and_then(|()| tempfile::NamedTempFile::new_in(&folder)).and_then(
        |temporary| {
            std::fs::write(temporary.path(), root.as_os_str().as_bytes())?;
            temporary.persist(&file).map_err(|error| error.error)
        },
    );
    drop(written);
}

/// The workspaces that use the environment in `place`, by root.
#[must_use]
pub fn users(place: &Path) -> Vec<User> {
    let Ok(entries) = place.join(FOLDER).read_dir() else { return Vec::new() };
    let mut users: Vec<User> = entries.filter_map(|entry| read(&entry.ok()?.path())).collect();
    users.sort();
    users
}

fn read(file: &Path) -> Option<User> {
    // Names of those half written start with a dot.
    file.file_name().filter(|name| !name.as_bytes().starts_with(b"."))?;
    let bytes = std::fs::read(file).ok()?;
    let root = PathBuf::from(OsStr::from_bytes(&bytes));
    let last_used = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
    Some(User { exists: root.exists(), root, last_used })
}
