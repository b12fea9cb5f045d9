//! What commands of a runnable dir run in: mounts, variables, names and labels of its container, or the same on the
//! host.
//!
//! Owns the contract between the work tree and the container (what is mounted where, who runs, what is on
//! `PYTHONPATH`), the list of what Wharf started, and its removal. Refuses to know what is run.

pub mod beside;
mod brought;
mod circumstances;
pub mod editor;
pub mod error;
pub mod launch;
pub mod live;
pub mod log;
pub mod neighbours;
pub mod nested;
pub mod networks;
pub mod owner;
pub mod running;
pub mod site;
pub mod warm;

pub use crate::image::site::SITE;
pub use error::ContainerError;
pub use launch::{Launch, Settings};
pub use log::Log;
pub use neighbours::Neighbours;
pub use nested::Nested;
pub use owner::{Life, Owner};
pub use running::{Entry, Scope};
pub(crate) use site::WARM_SERVER;
pub use warm::{Warm, WarmState};

/// Label with the id of the workspace.
pub const WORKSPACE: &str = "dev.wharf.workspace";
/// Label with the root of the workspace on the host.
pub const ROOT: &str = "dev.wharf.root";
/// Label with what the container is for: `run`, `bash`, `test`.
pub const VERB: &str = "dev.wharf.verb";
/// Label with the process that started the container: see [`Owner`].
pub const OWNER: &str = "dev.wharf.owner";
/// Value of [`OWNER`] of what stays until somebody ends it: what `wharf up` started.
pub const KEPT: &str = "kept";
/// Label with the image, as people call it.
pub const IMAGE: &str = "dev.wharf.image";
/// Label with the number of the test run.
pub const RUN: &str = "dev.wharf.run";
/// Label with the file of the host that gets all that the container prints, where the engine keeps none of it.
pub const LOG: &str = "dev.wharf.log";
/// Label of what a container made that was lent the engine's socket: the name of that container.
pub const PARENT: &str = "dev.wharf.parent";
/// Label of the same: the process that started that container, as in [`OWNER`].
pub const PARENT_OWNER: &str = "dev.wharf.parent-owner";
/// Label of a warm container: seconds that it is kept, whose it is, and its folder on the host.
pub const WARM: &str = "dev.wharf.warm";

/// Label with the name of the service that runs in the container.
pub const SERVICE: &str = "dev.wharf.service";
/// Label with the network that services and those who use them are in.
pub const NETWORK: &str = "dev.wharf.network";

/// Where the pytest plugin is mounted.
pub const PLUGIN: &str = "/opt/wharf/plugin";
