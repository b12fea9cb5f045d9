//! Why a dir cannot be adopted.

use std::path::PathBuf;

use super::picture::Difference;
use crate::image::ImageError;
use crate::start::StartError;
use crate::test_suite::TestError;
use crate::workspace::WorkspaceError;

/// Why a dir cannot be adopted.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// It would not be the same afterwards. What was written is taken back.
    #[error("{} would not be the same:\n{}", dirs(.0), lines(.0))]
    Differs(Vec<Difference>),
    /// A signal came. What was written is taken back.
    #[error("stopped; nothing was changed")]
    Stopped,
    /// There is a file where one would be written.
    #[error("`{}` is there already", .0.display())]
    There(PathBuf),
    /// A file cannot be written or removed.
    #[error("`{}` cannot be changed", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The new files cannot be written.
    #[error(transparent)]
    Start(StartError),
    /// The workspace cannot be read.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// What decides an image cannot be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The tests cannot be planned.
    #[error("the tests cannot be planned")]
    Tests(#[from] TestError),
    /// Git does not say what it knows.
    #[error(transparent)]
    Git(#[from] wharf_git::GitError),
}

impl From<StartError> for AdoptError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::There(path) => Self::There(path),
            error => Self::Start(error),
        }
    }
}

impl AdoptError {
    /// The next command to type, where there is a good one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Differs(_) => {
                Some("nothing was changed; `wharf adopt DIR` does one dir at a time, `wharf config show DIR --origin` says where its values come from".into())
            }
            Self::There(path) => Some(format!("move `{}` away, or add to it what `wharf adopt --dry-run` shows", path.display())),
            Self::Start(error) => error.hint(),
            Self::Workspace(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Tests(error) => error.hint(),
            Self::Stopped | Self::Io { .. } | Self::Git(_) => None,
        }
    }
}

fn dirs(differences: &[Difference]) -> String {
    let mut names: Vec<String> = differences.iter().map(|difference| format!("`{}`", difference.dir)).collect();
    names.dedup();
    names.join(", ")
}

fn lines(differences: &[Difference]) -> String {
    differences.iter().map(|difference| format!("  {difference}")).collect::<Vec<_>>().join("\n")
}
