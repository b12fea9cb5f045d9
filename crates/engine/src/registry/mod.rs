//! Typed verbs over any registry that speaks the OCI distribution specification 1.1: read manifests, tags and labels, write an index,
//! move a tag, verify what is there, find out whether one may push.
//!
//! Layers go through the engine ([`Client::push`](crate::Client::push), [`Client::pull`](crate::Client::pull)); here is what engines
//! cannot do. Owns the log-ins' use (never their keeping), retries, and what a registry's answers mean. Refuses to know what a stage or
//! a runnable dir is.
//!
//! Calls block; each may come from another thread. Failures that may pass are tried again ([`Patience`]), and each new try is
//! told to the listener.

mod certificates;
mod challenge;
mod error;
mod host;
mod index;
mod read;
mod reference;
mod retry;
mod session;
mod write;

pub use error::RegistryError;
pub(crate) use host::http_client;
pub use index::{Blob, Body, ImageConfig, Manifest, OCI_INDEX, Platform, PlatformEntry, sha256};
pub use read::Found;
pub use reference::{Reference, Repository, is_loopback};
pub use retry::{Patience, Retry};
pub(crate) use retry::{chance, may_pass};
pub use session::{OnRetry, Registry};
