//! What decided an image at an earlier commit.
//!
//! The commit's files are written into a temporary folder, at the same paths, and read there exactly as the checkout is:
//! so rules that changed since apply to both sides, and a difference is a difference of content. Only what can decide an
//! image is written, as long as that is enough to read it; code only where a dir has its own Dockerfile.
//!
//! For a dir of a sub-repo the commit is one of that sub-repo. What lies above it (the super-repo's configuration and lock
//! files) is taken as it is checked out now: a release of the sub-repo does not record it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use semver::Version;
use tempfile::TempDir;
use wharf_git::{Git, GitError, TreeFile, TreeKind};

use super::error::ImageError;
use super::spec::{DOCKERFILE, ImageSpec};
use crate::runnable_dir::{DEVOPS, RunnableDir};
use crate::version::Base;
use crate::workspace::{Lock, Patience, Workspace, WorkspaceError, discover};

/// Folder in the cache.
const FOLDER: &str = "past";
/// Held for as long as a folder of the past is read.
const LOCK: &str = "lock";
const JUST_NOW: Duration = Duration::from_secs(60);

/// Why the past cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// Git did not answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// A temporary file cannot be written.
    #[error("its files cannot be written")]
    Io(#[from] io::Error),
    /// What it was makes no sense to this version of Wharf.
    #[error("its configuration cannot be used: {0}")]
    Workspace(String),
    /// What decided the image cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// What decides the image now cannot be read.
    #[error(transparent)]
    Checkout(ImageError),
    /// The reference names no commit here.
    #[error("`{0}` is no commit that is here; `git fetch --tags` may bring it")]
    NoCommit(String),
}

impl From<WorkspaceError> for PastError {
    fn from(error: WorkspaceError) -> Self {
        Self::Workspace(error.to_string())
    }
}

/// Earlier states of a workspace, each read once.
#[derive(Debug)]
pub struct History<'a> {
    workspace: &'a Workspace,
    states: BTreeMap<(String, String, Extent), Past>,
}

/// Which files of a commit are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Extent {
    Deciding,
    All,
}

#[derive(Debug)]
struct Past {
    workspace: Workspace,
    _lock: Lock,
    _folder: TempDir,
}

impl<'a> History<'a> {
    /// The history of `workspace`; nothing is read yet.
    #[must_use]
    pub fn new(workspace: &'a Workspace) -> Self {
        Self { workspace, states: BTreeMap::new() }
    }

    /// The tag of the newest release of `dir` that the checkout contains: `<name>-X.Y.Z`.
    ///
    /// # Errors
    /// When Git does not answer.
    pub fn last_release(&self, dir: &RunnableDir) -> Result<Option<(String, Version)>, PastError> {
        let prefix = format!("{}-", dir.name);
        let tags = Git::new(self.repo_root(&dir.repo)).tags_here(&format!("{prefix}*"))?;
        let releases = tags.into_iter().filter_map(|tag| {
            let version = Version::parse(tag.strip_prefix(&prefix)?).ok()?;
            Some((tag, version))
        });
        Ok(releases.max_by(|a, b| a.1.cmp(&b.1)))
    }

    /// `dir` as it was at `reference`, a tag or commit of its own repo; `None` where it was no runnable dir then.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn at_own(&mut self, dir: &RunnableDir, reference: &str) -> Result<Option<Base>, PastError> {
        let commit = Git::new(self.repo_root(&dir.repo)).commit(reference);
        let commit = commit.ok_or_else(|| PastError::NoCommit(reference.to_owned()))?;
        self.compared(dir, reference, &commit)
    }

    /// `dir` as it was at `reference` of the super-repo; `None` where it was no runnable dir then.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn at(&mut self, dir: &RunnableDir, reference: &str) -> Result<Option<Base>, PastError> {
        match self.recorded(&dir.repo, reference)? {
            Some(commit) => self.compared(dir, reference, &commit),
            None => Ok(None),
        }
    }

    /// The commit of the repo at `path` that `reference` of the super-repo records.
    fn recorded(&self, path: &str, reference: &str) -> Result<Option<String>, PastError> {
        let no_commit = || PastError::NoCommit(reference.to_owned());
        if path.is_empty() {
            return Git::new(&self.workspace.root).commit(reference).map(Some).ok_or_else(no_commit);
        }
        let outer = self.above(path).max_by_key(|outer| outer.len()).unwrap_or_default().to_owned();
        let Some(commit) = self.recorded(&outer, reference)? else { return Ok(None) };
        let inner = path[outer.len()..].trim_start_matches('/');
        let recorded = Git::new(self.repo_root(&outer)).submodule_commit(&commit, inner)?;
        match recorded {
            Some(commit) if Git::new(self.repo_root(path)).commit(&commit).is_none() => {
                Err(PastError::NoCommit(commit))
            }
            other => Ok(other),
        }
    }

    fn compared(&mut self, dir: &RunnableDir, reference: &str, commit: &str) -> Result<Option<Base>, PastError> {
        let now = match dir.image_from() {
            None => Some(ImageSpec::read(self.workspace, dir).map_err(PastError::Checkout)?.inputs),
            Some(_) => None,
        };
        let then = match self.then(dir, commit, Extent::Deciding) {
            Err(PastError::Image(_) | PastError::Workspace(_)) => self.then(dir, commit, Extent::All)?,
            read => read?,
        };
        Ok(then.map(|(version, inputs)| Base {
            reference: reference.to_owned(),
            version,
            same_inputs: now.map(|now| inputs.is_some_and(|then| then == now)),
        }))
    }

    fn then(
        &mut self,
        dir: &RunnableDir,
        commit: &str,
        extent: Extent,
    ) -> Result<Option<(Version, Option<String>)>, PastError> {
        let key = (dir.repo.clone(), commit.to_owned(), extent);
        if !self.states.contains_key(&key) {
            let past = self.read(&dir.repo, commit, extent)?;
            self.states.insert(key.clone(), past);
        }
        let past = &self.states[&key].workspace;
        let Some(then) = past.dirs.iter().find(|known| known.address == dir.address) else { return Ok(None) };
        let inputs = match then.image_from() {
            None => Some(ImageSpec::read(past, then)?.inputs),
            Some(_) => None,
        };
        Ok(Some((then.version.clone(), inputs)))
    }

    fn read(&self, repo: &str, commit: &str, extent: Extent) -> Result<Past, PastError> {
        let cache = self.workspace.surroundings.cache.join(FOLDER);
        fs_err::create_dir_all(&cache)?;
        // It is in its path again when Git and the walk look upwards: no symbolic links.
        let folder = tempfile::Builder::new().prefix("at-").tempdir_in(cache.canonicalize()?)?;
        let lock = Lock::take(&folder.path().join(LOCK), "a look at the past", Patience::Wait);
        let lock = lock.map_err(|error| io::Error::other(error.to_string()))?;
        let name = self.workspace.root.file_name().unwrap_or_else(|| "root".as_ref());
        let root = folder.path().join(name);
        for outer in self.above(repo) {
            mark_as_repo(&root.join(outer))?;
        }
        self.copy_above(repo, &root)?;
        let target = root.join(repo);
        mark_as_repo(&target)?;
        let git = Git::new(self.repo_root(repo));
        let tree = git.tree(commit)?;
        let files: Vec<&str> = match extent {
            Extent::All => {
                let files = tree.iter().filter(|file| file.kind != TreeKind::Submodule);
                files.map(|file| file.path.as_str()).collect()
            }
            Extent::Deciding => deciding(&tree),
        };
        git.write_files(commit, &files, &target, &folder.path().join("index"))?;
        let mut surroundings = self.workspace.surroundings.clone();
        surroundings.here = root;
        Ok(Past { workspace: discover(surroundings)?, _lock: lock, _folder: folder })
    }

    /// Paths of the repos around the one at `path`, outer ones first.
    fn above<'b>(&'b self, path: &'b str) -> impl Iterator<Item = &'b str> {
        let paths = self.workspace.repos.iter().map(|repo| repo.path.as_str());
        paths.filter(move |outer| {
            !path.is_empty() && (outer.is_empty() || path.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/')))
        })
    }

    /// Copies what lies directly in the folders above a sub-repo.
    fn copy_above(&self, repo: &str, root: &Path) -> Result<(), PastError> {
        for folder in Path::new(repo).ancestors().skip(1) {
            let Ok(entries) = std::fs::read_dir(self.workspace.root.join(folder)) else { continue };
            fs_err::create_dir_all(root.join(folder))?;
            for entry in entries.flatten() {
                let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
                if is_file && entry.file_name() != ".git" {
                    fs_err::copy(entry.path(), root.join(folder).join(entry.file_name()))?;
                }
            }
        }
        Ok(())
    }

    fn repo_root(&self, path: &str) -> PathBuf {
        let known = self.workspace.repos.iter().find(|repo| repo.path == path);
        known.map_or_else(|| self.workspace.root.join(path), |repo| repo.root.clone())
    }
}

/// Folders that a killed Wharf left when it looked at the past.
#[must_use]
pub fn leftovers(cache: &Path, now: SystemTime) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(cache.join(FOLDER)) else { return Vec::new() };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| {
            // Between the folder and its lock there is a moment.
            let made = entry.metadata().and_then(|metadata| metadata.modified());
            made.is_ok_and(|made| now.duration_since(made).is_ok_and(|age| age > JUST_NOW))
        })
        .map(|entry| entry.path())
        .filter(|folder| {
            let lock = folder.join(LOCK);
            !lock.exists() || Lock::take(&lock, "wharf prune", Patience::GiveUp).is_ok()
        })
        .collect();
    found.sort();
    found
}

/// What the search for repos looks for; nobody asks Git about this one.
fn mark_as_repo(root: &Path) -> io::Result<()> {
    fs_err::create_dir_all(root.join(".git"))?;
    fs_err::write(root.join(".git/HEAD"), "ref: refs/heads/main\n")
}

/// Whether the workspace at `root` is one of the past: a mark where others have a repo.
pub(super) fn is_written(root: &Path) -> bool {
    root.join(".git").is_dir() && !root.join(".git/objects").exists()
}

/// Files that can decide an image.
fn deciding(tree: &[TreeFile]) -> Vec<&str> {
    let own = |path: &str| path.strip_suffix(DOCKERFILE)?.strip_suffix('/')?.strip_suffix(DEVOPS).map(str::to_owned);
    let with_dockerfile: BTreeSet<String> = tree.iter().filter_map(|file| own(&file.path)).collect();
    let counts = |file: &&TreeFile| {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        file.kind == TreeKind::Link
            || folder.split('/').any(|part| part == DEVOPS)
            || [".gitignore", ".gitmodules", "setup.py"].contains(&name)
            || ["toml", "cfg", "txt", "in", "lock"].contains(&extension)
            || with_dockerfile.iter().any(|dir| file.path.starts_with(dir.as_str()))
    };
    tree.iter().filter(|file| file.kind != TreeKind::Submodule).filter(counts).map(|file| file.path.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_decides_only_with_an_own_dockerfile() {
        let file = |path: &str| TreeFile { path: path.into(), kind: TreeKind::File };
        let tree =
            ["a/code.py", "a/devops/install.sh", "a/uv.lock", "b/code.py", "b/devops/Dockerfile", "bb/x.py"].map(file);
        assert_eq!(deciding(&tree), ["a/devops/install.sh", "a/uv.lock", "b/code.py", "b/devops/Dockerfile"]);
        let root = ["code.py", "devops/Dockerfile"].map(file);
        assert_eq!(deciding(&root), ["code.py", "devops/Dockerfile"]);
    }
}
