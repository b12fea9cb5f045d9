//! Why an editor's files cannot be made.

use std::path::PathBuf;

use crate::container::ContainerError;
use crate::image::ImageError;
use crate::service::ServiceError;
use crate::workspace::WorkspaceError;

/// Why an editor's files cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum IdeError {
    /// A file that is to be added to is not what its name says.
    #[error("`{}` is no file of PyCharm: it has no `</{element}>`", .file.display())]
    NotMergeable {
        /// The file.
        file: PathBuf,
        /// What it lacks.
        element: &'static str,
    },
    /// A file cannot be read or written.
    #[error("`{}` cannot be read or written", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be said what an image is.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// It cannot be said what a container is.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// It cannot be said what its services are.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The workspace does not allow it.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

impl IdeError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotMergeable { .. } => Some("let PyCharm write it anew, or move it away".into()),
            Self::Io { .. } => None,
            Self::Image(error) => error.hint(),
            Self::Container(error) => error.hint(),
            Self::Service(error) => error.hint(),
            Self::Workspace(error) => error.hint(),
        }
    }
}
