//! Files that let editors work in the containers of runnable dirs.
//!
//! Owns what VS Code, the devcontainers tools and PyCharm are told. Refuses to say a second time what a container is: that comes from
//! [`Launch`](crate::container::Launch), as for `wharf bash`.

mod devcontainer;
mod error;
mod pycharm;
mod python;
mod vscode;

pub use devcontainer::{IMAGE_TAG, devcontainers};
pub use error::IdeError;
pub use pycharm::pycharm;
pub use python::{Call, call};
pub use vscode::vscode;
