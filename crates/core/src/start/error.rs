//! Why a repo or a dir cannot be started.

use std::path::PathBuf;

use crate::runnable_dir::AddressError;

/// Why a repo or a dir cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or folder stands where one is to be written.
    #[error("`{}` is there already", .0.display())]
    There(PathBuf),
    /// A dir that is to be made holds something.
    #[error("`{}` is there and not empty", .0.display())]
    NotEmpty(PathBuf),
    /// A path with a part that is no good name.
    #[error("`{name}` is no good name for a runnable dir: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A path that leads out of the super-repo.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A dir that would lie in another repo's folder whose files are not here.
    #[error("`{path}` is in sub-repo `{repo}`, which is not here")]
    NotHere {
        /// The path.
        path: String,
        /// The sub-repo.
        repo: String,
    },
    /// No template has that name.
    #[error("there is no template `{name}`")]
    NoTemplate {
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A template that cannot be filled in.
    #[error("template `{template}`, file `{file}`: {reason}")]
    Template {
        /// Name of the template.
        template: String,
        /// The file in it.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl StartError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::There(_) => Some("move it away, or see what would be written with `--dry-run`".into()),
            Self::NotEmpty(dir) => Some(format!(
                "choose another place; to make a folder that is there runnable: `mkdir -p {0}/devops && touch {0}/devops/wharf.toml`",
                dir.display()
            )),
            Self::Name { .. } => Some("use letters, digits, `_` and `-`, such as `wharf new price_feed`".into()),
            Self::NotHere { repo, .. } => Some(format!("fetch it with `git submodule update --init {repo}`")),
            Self::NoTemplate { known, .. } => {
                Some(format!("there are {}; see them with `wharf new --list`", known.join(", ")))
            }
            Self::Template { .. } => Some("templates are explained in docs/guides/start-a-repo.md".into()),
            Self::Address(_) | Self::Io(_) => None,
        }
    }
}
