//! What commands of a runnable dir run in: mounts, variables, names and labels of its container, or the same on the
//! host.
//!
//! Owns the contract between the work tree and the container (what is mounted where, who runs, what is on
//! `PYTHONPATH`), the list of what Wharf started, and its removal. Refuses to know what is run.

pub mod beside;
mod circumstances;
pub mod error;
pub mod launch;
pub mod live;
pub mod log;
pub mod owner;
pub mod running;
pub mod site;

pub use crate::image::site::SITE;
pub use error::ContainerError;
pub use launch::{Launch, Settings};
pub use log::Log;
pub use owner::Owner;
pub use running::{Entry, Scope};
pub(crate) use site::WARM;

/// Label with the id of the workspace.
pub const WORKSPACE: &str = "dev.wharf.workspace";
/// Label with the root of the workspace on the host.
pub const ROOT: &str = "dev.wharf.root";
/// Label with what the container is for: `run`, `bash`, `test`.
pub const VERB: &str = "dev.wharf.verb";
/// Label with the process that started the container: see [`Owner`].
pub const OWNER: &str = "dev.wharf.owner";
/// Label with the image, as people call it.
pub const IMAGE: &str = "dev.wharf.image";
/// Label with the number of the test run.
pub const RUN: &str = "dev.wharf.run";
/// Label with the file of the host that gets all that the container prints, where the engine keeps none of it.
pub const LOG: &str = "dev.wharf.log";

/// Where the pytest plugin is mounted.
pub const PLUGIN: &str = "/opt/wharf/plugin";
