//! Typed verbs over Git.
//!
//! What can be read from files (`.git`, `.gitmodules`) is read from files: it costs microseconds. All else asks
//! the user's own `git`, through one wrapper ([`program::Git`]) that pins the message language, closes standard
//! input, never prompts and overrides the settings that change output. Refuses to know what a workspace is.

pub mod modules;
pub mod place;
pub mod program;
mod tracked;
pub mod tree;

pub use modules::{Submodule, read_submodules};
pub use place::{GitPlace, PlaceError, outermost};
pub use program::{Described, Git, GitError};
pub use tree::{TreeFile, TreeKind};
