//! The `.wharf` folder at the super-repo's root: reports, logs and small caches. Ignored by Git through a
//! `.gitignore` of its own. Where the work tree is read-only, a folder in the user's cache stands in for it.

use std::io;
use std::path::{Path, PathBuf};

use super::Workspace;

/// Name of the folder.
pub const NAME: &str = ".wharf";

/// Where a workspace keeps what Wharf writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateDir {
    path: PathBuf,
    stands_in: bool,
}

impl StateDir {
    /// The folder of `workspace`, made where it is missing.
    ///
    /// # Errors
    /// When neither the work tree nor the cache can be written.
    pub fn open(workspace: &Workspace) -> io::Result<Self> {
        Self::of_root(&workspace.root, &workspace.surroundings.cache)
    }

    /// The same for those who need no more of a workspace than its root.
    ///
    /// # Errors
    /// When neither the work tree nor the cache can be written.
    pub fn of_root(root: &Path, cache: &Path) -> io::Result<Self> {
        let path = root.join(NAME);
        match prepare(&path) {
            Ok(()) => Ok(Self { path, stands_in: false }),
            Err(error) if is_read_only(&error) => {
                let path = cache.join("workspaces").join(super::id_of(root));
                prepare(&path)?;
                Ok(Self { path, stands_in: true })
            }
            Err(error) => Err(error),
        }
    }

    /// The folder that [`StateDir::open`] would use, without making anything.
    #[must_use]
    pub fn peek(workspace: &Workspace) -> Self {
        let path = workspace.root.join(NAME);
        let other = workspace.surroundings.cache.join("workspaces").join(&workspace.id);
        if !path.is_dir() && other.is_dir() {
            Self { path: other, stands_in: true }
        } else {
            Self { path, stands_in: false }
        }
    }

    /// Its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is in the cache because the work tree is read-only.
    #[must_use]
    pub fn stands_in(&self) -> bool {
        self.stands_in
    }

    /// A folder below it, made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        fs_err::create_dir_all(&path)?;
        Ok(path)
    }
}

fn prepare(path: &Path) -> io::Result<()> {
    fs_err::create_dir_all(path)?;
    let ignore = path.join(".gitignore");
    if !ignore.exists() {
        fs_err::write(ignore, "*\n")?;
    }
    // A folder made earlier says nothing of now.
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).map_err(io::Error::from)
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}
