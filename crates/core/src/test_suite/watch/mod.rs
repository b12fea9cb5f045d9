//! What is saved in the work tree while `wharf test --watch` waits.
//!
//! Owns which files are watched (all but those that Git ignores and Wharf's own), and what was done to them since the last round.
//! Refuses to know what a change reaches, and to run anything.

mod eye;
mod saved;

pub use eye::{Eye, EyeError, Sight};
pub use saved::Saved;
