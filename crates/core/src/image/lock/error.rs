//! Why a lock could not be made.

use std::path::PathBuf;

use wharf_engine::EngineError;
use wharf_engine::host::HostError;

use crate::image::ImageError;
use crate::image::python::Manager;
use crate::workspace;

/// Why a lock could not be made. In every case nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The dir states no Python dependencies.
    #[error("`{dir}` states no Python dependencies, so there is nothing to lock")]
    Nothing {
        /// Address of the dir.
        dir: String,
    },
    /// What it needs cannot be had together, or not at all.
    #[error("{manager} cannot resolve what `{dir}` needs:\n{}", indented(.said))]
    Unsatisfiable {
        /// Address of the dir.
        dir: String,
        /// What resolved.
        manager: Manager,
        /// What it said.
        said: String,
    },
    /// The package index was not reached.
    #[error("{manager} cannot reach the package index for `{dir}`:\n{}", indented(.said))]
    Network {
        /// Address of the dir.
        dir: String,
        /// What resolved.
        manager: Manager,
        /// What it said.
        said: String,
    },
    /// A package that is to be upgraded is not locked.
    #[error("`{package}` is not in the lock of `{dir}`")]
    NotLocked {
        /// Address of the dir.
        dir: String,
        /// The package, as it was named.
        package: String,
        /// The name in the lock that is nearest.
        nearest: Option<String>,
    },
    /// A file that is to be written lies outside of the workspace.
    #[error("`{}`, which the image of `{dir}` gives back, leads out of the workspace, to `{}`", .file.display(), .to.display())]
    LeadsOut {
        /// Address of the dir.
        dir: String,
        /// The file, as the dir names it.
        file: PathBuf,
        /// Where it leads.
        to: PathBuf,
    },
    /// Single packages are to be upgraded where the dir's own Dockerfile makes the lock.
    #[error("the lock of `{dir}` is made by its own Dockerfile, which upgrades all packages or none")]
    AllOrNothing {
        /// Address of the dir.
        dir: String,
    },
    /// A file changed while the manager worked.
    #[error("`{}` was changed while the lock was made; nothing was written", .file.display())]
    Moved {
        /// The file.
        file: PathBuf,
    },
    /// A manager ended well but left no result.
    #[error("{manager} ended well, but its result for `{dir}` cannot be read: {reason}")]
    Result {
        /// Address of the dir.
        dir: String,
        /// What resolved.
        manager: Manager,
        /// What is wrong.
        reason: String,
    },
    /// The files of the dir, its build secrets or its base image cannot be had.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// No Python or no tool on the host.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The engine refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Another process writes in the workspace.
    #[error(transparent)]
    Held(#[from] workspace::LockError),
    /// A file cannot be read or written.
    #[error("the files of a lock cannot be read or written: {0}")]
    Io(#[from] std::io::Error),
    /// The program that resolves could not be run.
    #[error(transparent)]
    Process(#[from] wharf_process::ProcessError),
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  | {line}")).collect::<Vec<_>>().join("\n")
}

impl LockError {
    /// The next command to type, or what to change.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Nothing { .. } => Some("list them in `pyproject.toml` or `requirements.txt`".into()),
            Self::Unsatisfiable { manager: Manager::Pip, .. } => {
                Some("change what the requirements files ask for; nothing was written".into())
            }
            Self::Unsatisfiable { .. } => {
                Some("change what `pyproject.toml` asks for; nothing was written".into())
            }
            Self::Network { .. } => Some(
                "see `index-url`, `ca-certificates` and `proxy` in `[build]` with `wharf config show --origin`; nothing was written"
                    .into(),
            ),
            Self::NotLocked { nearest: Some(nearest), .. } => Some(format!("did you mean `{nearest}`?")),
            Self::NotLocked { dir, .. } => Some(format!("`wharf image lock {dir} --upgrade` upgrades all that is in it")),
            Self::LeadsOut { .. } => Some("put a file of the workspace where the link is".into()),
            Self::AllOrNothing { dir } => Some(format!("`wharf image lock {dir} --upgrade` upgrades all")),
            Self::Moved { .. } => Some("run it again".into()),
            Self::Image(error) => error.hint(),
            Self::Host(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::Result { .. } | Self::Held(_) | Self::Io(_) | Self::Process(_) => None,
        }
    }
}
