//! What can be wrong with the files that state Python dependencies.

use std::path::PathBuf;

use super::Manager;

/// Why the dependencies of a runnable dir could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file is there, but cannot be read, or is not UTF-8.
    #[error("`{}` cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A file that should be TOML is not.
    #[error("`{}`, line {line}: {message}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser said.
        message: String,
    },
    /// A manager was asked for by name, but its files are missing.
    #[error("{manager} is asked for, but `{}` has no {wanted}", dir.display())]
    ManagerFile {
        /// The manager that was asked for.
        manager: Manager,
        /// The runnable dir.
        dir: PathBuf,
        /// The files that it would need.
        wanted: &'static str,
    },
    /// A lock file has no `pyproject.toml` beside it.
    #[error("`{}` has no `pyproject.toml` beside it", lock.display())]
    LockAlone {
        /// The lock file.
        lock: PathBuf,
    },
    /// A file named by another one does not exist.
    #[error("`{}`, line {line}: `{target}` does not exist", file.display())]
    Missing {
        /// The file that names it.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is named.
        target: String,
    },
    /// A path leads out of the repo.
    #[error("`{}`, line {line}: `{target}` lies outside of the repo", file.display())]
    Outside {
        /// The file that names it.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is named.
        target: String,
    },
    /// A requirement that no tool would understand.
    #[error("`{}`, line {line}: `{text}` is not a requirement: {message}", file.display())]
    Requirement {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The requirement as written.
        text: String,
        /// What the parser said.
        message: String,
    },
    /// A requirement is a member of a uv workspace, which has no lock.
    #[error("`{}`, line {line}: `{name}` comes from a uv workspace, but no `uv.lock` was found", file.display())]
    WorkspaceSource {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The requirement's name.
        name: String,
    },
    /// A configured dependency group does not exist.
    #[error("`{}` has no dependency group `{name}`; it has {}", dir.display(), list(known))]
    UnknownGroup {
        /// The folder whose files were read.
        dir: PathBuf,
        /// The name as configured.
        name: String,
        /// The names that exist.
        known: Vec<String>,
        /// The name that is nearest to what was written.
        nearest: Option<String>,
    },
    /// A group includes one that does not exist.
    #[error("`{}`, line {line}: group `{group}` includes `{included}`, which does not exist", file.display())]
    UnknownInclude {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The group that includes.
        group: String,
        /// The group that is missing.
        included: String,
    },
    /// A group includes itself, directly or through others.
    #[error("`{}`, line {line}: group `{group}` includes itself", file.display())]
    GroupCycle {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The group.
        group: String,
    },
}

impl Error {
    /// The next thing to do about it, where one can be named.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ManagerFile { manager: Manager::Uv, .. } => Some("write it with `wharf image lock`, or remove `manager` from `[python]`".into()),
            Self::ManagerFile { manager: Manager::Poetry, .. } => {
                Some("write it with `wharf image lock`, or remove `manager` from `[python]`".into())
            }
            Self::ManagerFile { .. } => Some("remove `manager` from `[python]` to have it found".into()),
            Self::LockAlone { .. } => Some("a lock only works beside the `pyproject.toml` that it was made from; move one to the other".into()),
            Self::Outside { .. } => {
                Some("an image can only hold what lies in the repo; make the other code a sub-repo, or depend on a released version".into())
            }
            Self::WorkspaceSource { .. } => Some("run `uv lock` at the root of the workspace".into()),
            Self::UnknownGroup { nearest: Some(nearest), .. } => Some(format!("did you mean `{nearest}`? see `groups` in `[python]`")),
            Self::UnknownGroup { .. } => Some("correct `groups` in `[python]`".into()),
            Self::Read { .. }
            | Self::Toml { .. }
            | Self::Missing { .. }
            | Self::Requirement { .. }
            | Self::UnknownInclude { .. }
            | Self::GroupCycle { .. } => None,
        }
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
