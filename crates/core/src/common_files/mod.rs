//! Common files: files that several repos keep equal, each owned by one of them (`[[files]]` in a repo's `wharf.toml`).
//!
//! Owns the question who changed a common file since the last sync, and what follows from the answer: [`examine`] looks,
//! [`plan()`] decides, [`apply()`] writes; [`upstream`] carries an improvement back, [`edit`] changes the declarations, [`folder`]
//! holds two folders against each other. Refuses to touch what is not committed at the owner, to write through symbolic
//! links, and to replace anything that only exists here.
//!
//! # Theory of operation
//! Every file has up to three versions, each an id of a Git blob: *there* (the owner's `HEAD`), *here* (the work tree) and the
//! *base* (what both were at the last sync, from `wharf.files.lock`). Which of the three are equal is the state; contents are
//! only read where a merge or a copy asks for them. The base's content is found again by its id, in the owner's history or in
//! one's own.
//!
//! | on disk | file |
//! | --- | --- |
//! | `[[files]]` of a repo's `wharf.toml` | `declared.rs`, `edit.rs` |
//! | `wharf.files.lock` beside it | `record.rs` |
//! | `common-files/` in the cache folder: ids by size and time, listings by commit | `ids.rs`, `owner.rs` |

mod apply;
mod contents;
pub mod declared;
pub mod edit;
mod error;
mod examine;
pub mod folder;
mod ids;
mod merge;
mod owner;
mod pattern;
mod plan;
mod record;
mod scene;
mod select;
mod status;
mod target;
pub mod upstream;
mod version;

#[cfg(test)]
mod tests;

pub use apply::{apply, sweep};
pub use contents::Contents;
pub use declared::{By, Declaration, Mode};
pub use error::{FilesError, Severity, Trouble};
pub use examine::{Examined, examine};
pub use merge::{Merged, has_markers, is_binary};
pub use plan::{Action, Conflict, OnConflict, Plan, Reason, Step, plan};
pub use record::{RECORD, Record, Recorded};
pub use scene::Scene;
pub use select::Selection;
pub use status::{CommonFile, State};
pub use version::{Local, Version};
