//! Typed verbs over a container engine: docker, podman, host.
//!
//! The engines' own programs are driven, so that contexts, credential helpers and rootless set-ups work as the
//! user has them, and so that a plan can be pasted. Some things go over Docker's API instead, behind the same
//! verbs: listings, networks and questions about single containers (1 ms instead of 20) and transfers (which say how many bytes there are) where the engine listens on a
//! local socket, and BuildKit builds where the program at hand cannot do them. What engines cannot do with registries is
//! in [`registry`].
//!
//! Refuses to know what a workspace or a runnable dir is: it gets names, labels and paths.

mod api;
pub mod build;
pub mod client;
mod credentials;
mod detached;
pub mod detect;
pub mod emulation;
pub mod environment;
pub mod error;
pub mod exec;
pub mod files;
pub mod host;
pub mod http;
pub mod images;
pub mod kind;
mod network;
mod own_user;
pub mod platform;
pub mod proxy;
mod pull;
pub mod registry;
pub mod rewrite;
pub mod run;
pub mod siblings;
mod socket;
pub mod stats;
pub mod transfer;

pub use build::{BuildFailure, BuildSpec, Builder};
pub use client::{Client, Container, Image, ImageDetails};
pub use detached::{Deadline, Ran, Standing};
pub use detect::detect;
pub use emulation::Running;
pub use environment::Environment;
pub use error::EngineError;
pub use exec::{Exec, ExecSpec, Input};
pub use files::ImageSettings;
pub use images::{Details, ImageUser, Layer};
pub use kind::Kind;
pub use network::Network;
pub use own_user::Twin;
pub use platform::{Platform, UnknownPlatform};
pub use proxy::{Proxy, Rules};
pub use registry::{Reference, Registry, RegistryError, Repository, Retry};
pub use rewrite::{Rewrite, Times};
pub use run::{EngineLog, Entrypoint, Mount, RunSpec, Terminal, User};
pub use stats::Usage;
pub use transfer::{Side, Transfer};
