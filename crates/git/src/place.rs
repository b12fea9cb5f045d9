//! Where repos begin and end, from the file system alone: `.git` folders and `.git` files.
//!
//! Sources: gitrepository-layout(5) for `.git` files, `commondir` and `modules/`; git-rev-parse(1),
//! `--show-superproject-working-tree`, for what a super-project is.

use std::path::{Component, Path, PathBuf};

use crate::modules::read_submodules;

/// A work tree and its Git folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitPlace {
    /// Root of the work tree.
    pub root: PathBuf,
    /// Its Git folder, resolved through a `.git` file.
    pub git_dir: PathBuf,
}

/// Why a folder is in no work tree that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// No `.git` in the folder or above it.
    #[error("`{}` is not in a Git repo", .dir.display())]
    NoRepo {
        /// The folder that was looked at.
        dir: PathBuf,
    },
    /// A repo without files.
    #[error("`{}` is a bare Git repo, it has no files to work on", .dir.display())]
    Bare {
        /// The bare repo.
        dir: PathBuf,
    },
    /// A `.git` file that points nowhere.
    #[error("`{}` points to `{}`, which is not there", .file.display(), .target.display())]
    Dangling {
        /// The `.git` file.
        file: PathBuf,
        /// Where it points to.
        target: PathBuf,
    },
    /// The folder itself cannot be read.
    #[error("`{}` cannot be read", .dir.display())]
    Unreadable {
        /// The folder.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl PlaceError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoRepo { .. } => "change into a Git repo, or make one with `git init`".into(),
            Self::Bare { dir } => format!("clone it: `git clone {}`", dir.display()),
            Self::Dangling { .. } => {
                "if the repo was moved, run `git worktree repair` or `git submodule update --init` in its super-repo"
                    .into()
            }
            Self::Unreadable { .. } => "ask the owner of the folder for access".into(),
        }
    }
}

/// The outermost repo around `dir`: the innermost one, then upwards for as long as the next repo above has the
/// one below as a submodule (`.gitmodules` names its path, or its Git folder lies below the upper one's).
///
/// # Errors
/// [`PlaceError`], for every way in which there is no usable work tree.
pub fn outermost(dir: &Path) -> Result<GitPlace, PlaceError> {
    let dir = dir.canonicalize().map_err(|source| PlaceError::Unreadable { dir: dir.into(), source })?;
    let mut place = innermost(&dir)?;
    while let Some(parent) = place.root.parent() {
        match innermost(parent) {
            Ok(upper) if is_submodule(&upper, &place) => place = upper,
            _ => break,
        }
    }
    Ok(place)
}

/// The repo whose work tree holds `dir`.
///
/// # Errors
/// [`PlaceError`], for every way in which there is no usable work tree.
pub fn innermost(dir: &Path) -> Result<GitPlace, PlaceError> {
    for folder in dir.ancestors() {
        if let Some(place) = at(folder)? {
            return Ok(place);
        }
        if is_bare(folder) {
            return Err(PlaceError::Bare { dir: folder.into() });
        }
    }
    Err(PlaceError::NoRepo { dir: dir.into() })
}

/// The repo whose root is exactly `root`, if there is one.
///
/// # Errors
/// [`PlaceError::Dangling`] when its `.git` file points nowhere.
pub fn at(root: &Path) -> Result<Option<GitPlace>, PlaceError> {
    let dot_git = root.join(".git");
    let Ok(kind) = dot_git.symlink_metadata() else { return Ok(None) };
    if kind.is_dir() || (kind.is_symlink() && dot_git.is_dir()) {
        let is_repo = dot_git.join("HEAD").symlink_metadata().is_ok();
        return Ok(is_repo.then(|| GitPlace { root: root.into(), git_dir: dot_git }));
    }
    let Ok(text) = std::fs::read_to_string(&dot_git) else { return Ok(None) };
    let Some(target) = text.trim().strip_prefix("gitdir:") else { return Ok(None) };
    let target = lexical(&root.join(target.trim()));
    if target.is_dir() {
        Ok(Some(GitPlace { root: root.into(), git_dir: target }))
    } else {
        Err(PlaceError::Dangling { file: dot_git, target })
    }
}

impl GitPlace {
    /// The Git folder that worktrees of one repo share (`commondir`), else its own.
    #[must_use]
    pub fn common_dir(&self) -> PathBuf {
        match std::fs::read_to_string(self.git_dir.join("commondir")) {
            Ok(text) => lexical(&self.git_dir.join(text.trim())),
            Err(_) => self.git_dir.clone(),
        }
    }
}

fn is_submodule(upper: &GitPlace, lower: &GitPlace) -> bool {
    let Ok(relative) = lower.root.strip_prefix(&upper.root) else { return false };
    let named = read_submodules(&upper.root).iter().any(|module| Path::new(&module.path) == relative);
    named || lower.git_dir.starts_with(upper.common_dir().join("modules"))
}

fn is_bare(dir: &Path) -> bool {
    dir.join("HEAD").is_file() && dir.join("objects").is_dir() && dir.join("refs").is_dir()
}

/// Folds `.` and `..` without asking the file system.
#[must_use]
pub fn lexical(path: &Path) -> PathBuf {
    let mut folded = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                folded.pop();
            }
            other => folded.push(other),
        }
    }
    folded
}
