//! The code that goes into a prod image: what Git tracks in the super-repo and the sub-repos that are here, as the work
//! tree has it. Nothing else: no Git folder, nothing untracked or ignored, nothing of Wharf's own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Permissions;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use wharf_git::{Git, GitError};

use super::dockerfile::WHARF;
use crate::sub_repo::State;
use crate::workspace::Workspace;

/// Code, and the commit that it is of.
#[derive(Debug, Clone)]
pub struct Code {
    /// The super-repo's root.
    root: PathBuf,
    /// Files and symbolic links, by path from the root.
    files: BTreeSet<PathBuf>,
    /// Files that are not tracked but made by the tools of a package, such as a module with its version.
    made: BTreeMap<PathBuf, Vec<u8>>,
    /// The super-repo's commit, with `-dirty` where the code is not that commit's; `None` before the first one.
    pub revision: Option<String>,
    /// When that commit was made, in seconds since 1970; 1980 where there is none, the earliest that archives know.
    pub time: i64,
}

/// 1980-01-01, the earliest time that zip archives can hold.
pub const EARLIEST: i64 = 315_532_800;

impl Code {
    /// Finds what goes in.
    ///
    /// # Errors
    /// When Git does not answer.
    pub fn discover(workspace: &Workspace) -> Result<Self, GitError> {
        let mut files = BTreeSet::new();
        let mut edited = false;
        let mut links = Links::default();
        for repo in workspace.repos.iter().filter(|repo| repo.state == State::Ready) {
            let git = Git::new(&repo.root);
            edited |= git.is_edited()?;
            for path in git.tracked()? {
                let path = Path::new(&repo.path).join(path);
                let own = path.components().next().is_some_and(|first| first.as_os_str() == WHARF);
                // A file that was deleted is deleted here too; one below a folder that became a link is elsewhere.
                let there = || workspace.root.join(&path).symlink_metadata().is_ok_and(|meta| !meta.is_dir());
                if !own && !links.above(&workspace.root, &path) && there() {
                    files.insert(path);
                }
            }
        }
        let git = Git::new(&workspace.root);
        let revision = git.head().map(|head| if edited { format!("{head}-dirty") } else { head });
        let time = git.commit_time().unwrap_or(EARLIEST).max(EARLIEST);
        Ok(Self { root: workspace.root.clone(), files, made: BTreeMap::new(), revision, time })
    }

    /// Adds a file that is made, unless it is tracked.
    pub fn add_made(&mut self, path: &Path, bytes: Vec<u8>) {
        if let Ok(relative) = path.strip_prefix(&self.root)
            && !self.files.contains(relative)
        {
            self.made.insert(relative.to_owned(), bytes);
        }
    }

    /// Leaves out the files that are not `wanted`.
    pub fn retain(&mut self, wanted: impl Fn(&Path) -> bool) {
        self.files.retain(|path| wanted(path));
    }

    /// How many files it is.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len() + self.made.len()
    }

    /// Whether nothing goes in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.made.is_empty()
    }

    /// Hash of all paths, contents, targets of links, and of whether a file can be run.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn hash(&self) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        for path in &self.files {
            take(&mut hasher, path, &self.root.join(path))?;
        }
        for (path, bytes) in &self.made {
            field(&mut hasher, path.as_os_str().as_bytes());
            field(&mut hasher, bytes);
        }
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// Writes it into the empty folder `into`, with the same modes and times whoever does it, whenever. Gives the hash
    /// of what was written, which is another than [`Code::hash`] where a file was changed meanwhile.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub fn stage(&self, into: &Path) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        for path in &self.files {
            let target = prepared(into, path)?;
            let source = self.root.join(path);
            let metadata = fs_err::symlink_metadata(&source)?;
            if metadata.is_symlink() {
                fs_err::os::unix::fs::symlink(fs_err::read_link(&source)?, &target)?;
            } else {
                // Not `copy`, which would take over all modes.
                io::copy(&mut fs_err::File::open(&source)?, &mut fs_err::File::create(&target)?)?;
                settle(&target, metadata.permissions().mode() & 0o111 != 0, self.time)?;
            }
            take(&mut hasher, path, &target)?;
        }
        for (path, bytes) in &self.made {
            let target = prepared(into, path)?;
            fs_err::write(&target, bytes)?;
            settle(&target, false, self.time)?;
            field(&mut hasher, path.as_os_str().as_bytes());
            field(&mut hasher, bytes);
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

/// Which folders of a path are symbolic links, each asked once.
#[derive(Default)]
struct Links(BTreeMap<PathBuf, bool>);

impl Links {
    fn above(&mut self, root: &Path, path: &Path) -> bool {
        let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return false };
        if let Some(known) = self.0.get(parent) {
            return *known;
        }
        let found = root.join(parent).is_symlink() || self.above(root, parent);
        self.0.insert(parent.to_owned(), found);
        found
    }
}

fn field(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
}

fn take(hasher: &mut blake3::Hasher, path: &Path, file: &Path) -> io::Result<()> {
    field(hasher, path.as_os_str().as_bytes());
    let metadata = fs_err::symlink_metadata(file)?;
    if metadata.is_symlink() {
        hasher.update(b"l");
        field(hasher, fs_err::read_link(file)?.as_os_str().as_bytes());
        return Ok(());
    }
    hasher.update(if metadata.permissions().mode() & 0o111 == 0 { b"f" } else { b"x" });
    let mut content = blake3::Hasher::new();
    content.update_reader(fs_err::File::open(file)?)?;
    hasher.update(content.finalize().as_bytes());
    Ok(())
}

/// The path in `into`, with the folders above it made. Their modes are those of the caller's umask until the end.
fn prepared(into: &Path, path: &Path) -> io::Result<PathBuf> {
    let target = into.join(path);
    if let Some(folder) = target.parent() {
        fs_err::create_dir_all(folder)?;
    }
    Ok(target)
}

/// Gives a file its mode and time.
pub(super) fn settle(file: &Path, executable: bool, time: i64) -> io::Result<()> {
    fs_err::set_permissions(file, Permissions::from_mode(if executable { 0o755 } else { 0o644 }))?;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(time).unwrap_or(0));
    std::fs::File::options().write(true).open(file)?.set_modified(time)
}

/// Gives all folders at and below `folder` one mode and time, the deepest first.
pub(super) fn settle_folders(folder: &Path, time: i64) -> io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            settle_folders(&entry.path(), time)?;
        }
    }
    fs_err::set_permissions(folder, Permissions::from_mode(0o755))?;
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(time).unwrap_or(0));
    std::fs::File::open(folder)?.set_modified(time)
}
