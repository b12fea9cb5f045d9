//! A store of known verdicts that machines share over the network: S3 and what speaks it, Google Cloud Storage, the cache of GitHub
//! Actions, WebDAV, and plain HTTP, which is only read.
//!
//! Owns what a URL of such a store means, and how long one question may take. Refuses to judge what the store gives: whoever asks checks
//! each entry by its hash. Nothing else of Wharf needs it, so it is a crate of its own that a build may leave out.
//!
//! Log-ins come from where each service's own programs have them (for S3 the variables and files of the AWS tools, for GCS
//! `GOOGLE_APPLICATION_CREDENTIALS`, for GitHub what the runner sets) or, for WebDAV and HTTP, from what the caller hands over; never from
//! the URL. No message holds what a server said, for it may repeat them.

mod remote;
mod url;

pub use remote::{Remote, RemoteError};
pub use url::{Login, Service, Target, UrlError};
