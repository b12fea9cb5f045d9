//! Why a container cannot be prepared, listed or removed.

use wharf_engine::EngineError;

use crate::image::project;

/// Why a container cannot be prepared, listed or removed.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The engine failed or refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The metadata of the dir's own package cannot be read.
    #[error("the package in `{dir}` cannot be read: {source}")]
    Project {
        /// Address of the dir.
        dir: String,
        /// What is wrong with it.
        source: project::Error,
    },
    /// A file that is lent to the container could not be written.
    #[error("a file for the container of `{dir}` could not be written: {source}")]
    Io {
        /// Address of the dir.
        dir: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// No such container was started by Wharf here.
    #[error("nothing called `{0}` was started by Wharf from this workspace")]
    Unknown(String),
}

impl ContainerError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Engine(error) => error.hint(),
            Self::Unknown(_) => Some("see what there is with `wharf ps`".into()),
            Self::Project { .. } | Self::Io { .. } => None,
        }
    }
}
