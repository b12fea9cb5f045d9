//! The workspace: the outermost super-repo with all that is in it.
//!
//! Owns the search for runnable dirs, the layering of their configuration, the address book, and the `.wharf`
//! folder with its lock. Refuses to know what an image or a test is.
//!
//! [`discover`] walks the work tree once, with Git's ignore rules, and gathers runnable dirs, repos and counts of test
//! files in the same pass. What is odd on the way (an unreadable folder, a sub-repo that is not populated) becomes a
//! [`Problem`], never a failure.

mod brief;
mod check;
mod discover;
mod error;
pub mod exports;
mod lock;
mod older;
mod outline;
mod requires;
mod scripts;
mod state;
mod walk;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharf_git::GitPlace;

use crate::config::{Config, Places, Resolved};
use crate::runnable_dir::{Address, RunnableDir};
use crate::sub_repo::Repo;
use crate::sub_repo::exports::Exporter;

pub use brief::{Brief, BriefDir, brief};
pub use discover::{discover, own_config};
pub use error::{Problem, WorkspaceError};
pub use lock::{Lock, LockError, Patience};
pub use outline::{Outline, outline};
pub use requires::{VERSION, WrongWharf, wharf_version};
pub use state::StateDir;
pub(crate) use walk::NEVER_ENTERED;

/// What of the caller's surroundings matters, taken once.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The folder that the user stands in, absolute.
    pub here: PathBuf,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// Name of the user, for the tags of local images.
    pub user: String,
    /// The user's id and group id.
    pub ids: (u32, u32),
    /// The user's own configuration file, whether it is there or not.
    pub user_config: Option<PathBuf>,
    /// Folder for what can be made again: environments, plugin, locks of builds.
    pub cache: PathBuf,
    /// Folder for what is kept for the user beyond one workspace: thin environments.
    pub data: PathBuf,
    /// All environment variables.
    pub variables: Vec<(OsString, OsString)>,
    /// The program itself, which containers with an engine are lent.
    pub program: Option<PathBuf>,
    /// Flags that state configuration: key, text, flag.
    pub flags: Vec<(String, String, String)>,
    /// What the host calls itself.
    pub host: Host,
}

/// What the host calls itself, as `uname` says it.
#[derive(Debug, Clone, Default)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Its operating system, such as `Linux`.
    pub os: String,
    /// Version of that.
    pub os_version: String,
}

impl Surroundings {
    /// The value of a variable, where it is set, not empty, and text.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&str> {
        let found = self.variables.iter().find(|(known, _)| known == name)?;
        found.1.to_str().filter(|value| !value.is_empty())
    }
}

/// The outermost super-repo, read.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Its root, absolute and without symbolic links.
    pub root: PathBuf,
    /// Its Git folder.
    pub git: GitPlace,
    /// Its name.
    pub name: String,
    /// A short hash of its root, that tells it from all other workspaces of this machine.
    pub id: String,
    /// The super-repo, then all sub-repos by path.
    pub repos: Vec<Repo>,
    /// The sub-repos that export something, with what is taken of it.
    pub exporters: Vec<Exporter>,
    /// Runnable dirs by address.
    pub dirs: Vec<RunnableDir>,
    /// What is odd, but stopped nothing.
    pub problems: Vec<Problem>,
    /// Configuration of the workspace as a whole, with origins.
    pub resolved: Arc<Resolved>,
    /// Configuration of the workspace as a whole.
    pub config: Arc<Config>,
    /// What paths in configuration are relative to.
    pub places: Places,
    /// The caller's surroundings.
    pub surroundings: Surroundings,
    /// See [`Workspace::shell_scripts`].
    scripts: std::sync::OnceLock<blake3::Hash>,
}

/// The id of the workspace at `root`. In a container of a Wharf that lent it an engine, it is that of the host: what both
/// start is then one list.
fn id_in(surroundings: &Surroundings, root: &Path) -> String {
    let is_mounted = surroundings.variable("WHARF_ROOT").is_some_and(|mounted| Path::new(mounted) == root);
    match surroundings.variable("WHARF_HOST_ROOT") {
        Some(host) if is_mounted => id_of(Path::new(host)),
        _ => id_of(root),
    }
}

/// A short hash of a workspace's root.
fn id_of(root: &Path) -> String {
    blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex()[..12].to_owned()
}

impl Workspace {
    /// The runnable dir that a user means by `text`: see [`Address::parse`].
    ///
    /// # Errors
    /// When there is none; the error names the nearest ones.
    pub fn dir(&self, text: &str) -> Result<&RunnableDir, WorkspaceError> {
        let address = Address::parse(text, &self.root, &self.surroundings.here)?;
        self.dirs.iter().find(|dir| dir.address == address).ok_or_else(|| self.not_runnable(text, &address))
    }

    /// The innermost runnable dir that holds `address`, in the same repo.
    #[must_use]
    pub fn holder(&self, address: &Address) -> Option<&RunnableDir> {
        let repo = self.repo_of(address);
        let holding = self.dirs.iter().filter(|dir| dir.address.contains(address) && dir.repo == repo);
        holding.max_by_key(|dir| if dir.address.is_root() { 0 } else { dir.address.as_str().len() })
    }

    /// The runnable dir that the user stands in.
    ///
    /// # Errors
    /// When there is none around.
    pub fn here(&self) -> Result<&RunnableDir, WorkspaceError> {
        let address = Address::parse(".", &self.root, &self.surroundings.here)?;
        self.holder(&address).ok_or_else(|| self.not_runnable(".", &address))
    }

    /// The dir whose image `dir` uses: itself, unless its `image.from` names another.
    ///
    /// # Errors
    /// When a dir named on the way is not there. Cycles were refused when the workspace was read.
    pub fn image_owner<'a>(&'a self, dir: &'a RunnableDir) -> Result<&'a RunnableDir, WorkspaceError> {
        let mut owner = dir;
        while let Some(from) = owner.image_from() {
            owner = self.target_of_from(owner, from)?;
        }
        Ok(owner)
    }

    /// Path of the sub-repo that `path` would be in, if it were populated; `None` where it is, or is in none.
    #[must_use]
    pub fn unpopulated_at(&self, path: &Path) -> Option<String> {
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                std::path::Component::ParentDir => {
                    plain.pop();
                }
                std::path::Component::CurDir => {}
                part => plain.push(part),
            }
        }
        let empty = self.repos.iter().filter(|repo| repo.state != crate::sub_repo::State::Ready);
        empty.filter(|repo| plain.starts_with(&repo.root)).map(|repo| repo.path.clone()).next()
    }

    /// Path of the repo that holds `address`; empty for the super-repo.
    #[must_use]
    pub fn repo_of(&self, address: &Address) -> String {
        let text = address.as_str();
        let below =
            |repo: &&Repo| !repo.path.is_empty() && (text == repo.path || text.starts_with(&format!("{}/", repo.path)));
        self.repos
            .iter()
            .filter(below)
            .map(|repo| repo.path.as_str())
            .max_by_key(|path| path.len())
            .unwrap_or_default()
            .to_owned()
    }

    /// Where the workspace is mounted in its containers.
    #[must_use]
    pub fn mount_point(&self) -> String {
        if let Some(mount) = &self.config.layout.mount {
            return mount.clone();
        }
        let name: String = self
            .name
            .chars()
            .map(|c| if c.is_control() || c == '/' || c == ':' || c == ',' { '-' } else { c })
            .collect();
        format!("/src/{name}")
    }

    /// A path of the work tree as containers see it.
    #[must_use]
    pub fn in_container(&self, path: &Path) -> String {
        match path.strip_prefix(&self.root) {
            Ok(relative) if relative.as_os_str().is_empty() => self.mount_point(),
            Ok(relative) => format!("{}/{}", self.mount_point(), relative.display()),
            Err(_) => path.display().to_string(),
        }
    }

    fn target_of_from(&self, owner: &RunnableDir, from: &str) -> Result<&RunnableDir, WorkspaceError> {
        let address = Address::from_relative(Path::new(from.trim_start_matches("//")))?;
        self.dirs.iter().find(|dir| dir.address == address).ok_or_else(|| WorkspaceError::FromMissing {
            dir: owner.address.clone(),
            from: from.to_owned(),
            nearest: self.nearest(address.as_str()),
        })
    }

    fn not_runnable(&self, text: &str, address: &Address) -> WorkspaceError {
        if self.dirs.is_empty() {
            return WorkspaceError::NoDirs { root: self.root.clone(), problems: self.problems.clone() };
        }
        let exists = address.under(&self.root).is_dir();
        WorkspaceError::NotRunnable { text: text.into(), exists, nearest: self.nearest(address.as_str()) }
    }

    /// At most three addresses: those above and below `text` first, then those spelled alike.
    fn nearest(&self, text: &str) -> Vec<Address> {
        let mut scored: Vec<(i64, &Address)> = self
            .dirs
            .iter()
            .map(|dir| {
                let known = dir.address.as_str();
                let related = known.starts_with(&format!("{text}/")) || text.starts_with(&format!("{known}/"));
                let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
                let alike = strsim::jaro_winkler(known, text).max(strsim::jaro_winkler(&last(known), &last(text)));
                #[allow(clippy::cast_possible_truncation)]
                let score = (alike * 1000.0) as i64 + if related { 2000 } else { 0 };
                (-score, &dir.address)
            })
            .collect();
        scored.sort();
        scored.into_iter().take(3).map(|(_, address)| address.clone()).collect()
    }
}
