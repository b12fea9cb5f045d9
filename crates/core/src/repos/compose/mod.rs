//! Work on the super-repo and its sub-repos as Git repos: cloning, adding, removing, worktrees.
//!
//! Owns what is done to several repos at once, and what is taken from a `.gitmodules` that somebody else wrote. Refuses to
//! know what runs in them.
//!
//! | file | what |
//! | --- | --- |
//! | `url.rs`, `sections.rs` | what of a URL and of a `.gitmodules` is acted upon |
//! | `login.rs` | how private repos are reached without a question |
//! | `pool.rs`, `populate.rs` | sub-repos, several at once: fetched, joined, checked out |
//! | `clone.rs`, `add.rs`, `remove.rs`, `worktree.rs` | the verbs |
//! | `folder.rs`, `scratch.rs` | where things lie until they are whole |
//! | `losses.rs` | what would be lost with a work tree |

mod add;
mod attempt;
mod clone;
mod clone_error;
mod folder;
mod login;
mod losses;
mod pool;
mod populate;
mod remove;
mod scratch;
mod sections;
pub mod url;
mod worktree;

pub use add::{Add, AddSettings};
pub use clone::{CloneSettings, Cloned, clone};
pub use clone_error::{CloneError, Hostile, Said, UrlError, describe, remedy};
pub use login::Login;
pub use losses::Losses;
pub use populate::{ClonedRepo, Outcome, Step, Watch};
pub use remove::{Removal, Use, plan_removal};
pub use worktree::{NewWorktree, WorktreeRow, add_worktree, list_worktrees, plan_worktree_removal, remove_worktree};
