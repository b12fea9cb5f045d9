//! `wharf adopt`: from the older layout to the small native one.
//!
//! Owns which values an older layout states, the files that state them natively, what became of each old file, and the proof that
//! nothing else changed. Refuses to overwrite a file, to change an image, and to delete what Git could not bring back.
//!
//! # Theory of operation
//! The older layout is one layer of ordinary values ([`crate::config`]). [`plan()`] writes those values that differ from what a dir
//! would have without it: into the root's `wharf.toml` what all share, else into `devops/wharf.toml`. The Dockerfiles, entry points and
//! locks stay where they are and are named by these values. [`Picture`] is all that can be observed of a workspace without running
//! anything: values, images' inputs, the lines that start containers, test plans. One is taken before and one after, the second without
//! the older layer, as if the old files were gone; where they differ the new files are taken back.

mod apply;
mod error;
mod old_files;
mod picture;
mod plan;
mod text;

#[cfg(test)]
mod tests;

pub use apply::{Adopted, Deleted, adopt, delete};
pub use error::AdoptError;
pub use old_files::{Fate, OldFile};
pub use picture::{Difference, Picture};
pub use plan::{DirPlan, Plan, plan};
