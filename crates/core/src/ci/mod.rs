//! CI: which jobs there are, the lines that each runs, and the workflows that start them.
//!
//! Owns the list of jobs ([`jobs`]) and the text of workflows ([`generate`]). Refuses to run anything: a job is a list of
//! `wharf` lines that anybody can type, and `wharf ci run` types them.

mod error;
mod job;
mod workflow;

pub use error::CiError;
pub use job::{Event, Job, jobs, release_jobs};
pub use workflow::{Provider, generate};
