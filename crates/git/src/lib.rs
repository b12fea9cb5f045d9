//! Typed verbs over Git.
//!
//! What can be read from files (`.git`, `.gitmodules`) is read from files: it costs microseconds. All else asks
//! the user's own `git`, through one wrapper ([`program::Git`]) that pins the message language, closes standard
//! input, never prompts and overrides the settings that change output. Refuses to know what a workspace is.

pub mod branches;
pub mod carry;
pub mod change;
pub mod changes;
pub mod clone;
pub mod commits;
pub mod difference;
pub mod head;
pub mod history;
pub mod merge_file;
pub mod modules;
pub mod objects;
pub mod operation;
pub mod place;
pub mod program;
pub mod status;
pub mod still;
pub mod submodule;
mod tags;
mod tracked;
pub mod tree;
pub mod worktree;

pub use carry::{Carried, Carry};
pub use change::{Change, StashEntry};
pub use clone::{Amount, Branches, CloneRequest, Trouble, Trust};
pub use commits::{Apart, PinChange};
pub use difference::{Difference, Reference};
pub use head::Head;
pub use history::LogEntry;
pub use merge_file::FileMerge;
pub use modules::{Submodule, read_submodules};
pub use objects::TreeEntry;
pub use operation::{IndexLock, Operation};
pub use place::{GitPlace, PlaceError, outermost};
pub use program::{Described, Git, GitError};
pub use status::WorkTree;
pub use submodule::ModuleEntry;
pub use tree::{TreeFile, TreeKind};
pub use worktree::Worktree;
