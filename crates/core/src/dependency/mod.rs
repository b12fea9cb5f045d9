//! Which Python file needs which: the static import graph.
//!
//! Owns the reading of imports, their resolution to files as Python and pytest would resolve them in a container, the
//! graph of it and the cache that makes it quick. Refuses to import or run anything, and to decide what a change means
//! for tests. What only running shows (names computed at run time, files that are read) is not in it.

mod build;
pub(crate) mod bytes;
pub mod cache;
mod crossing;
mod cycles;
mod examine;
mod graph;
mod imports;
mod parse;
mod resolve;
mod roots;
mod source;
mod strings;
#[cfg(test)]
mod tests;
mod tree;
pub(crate) mod walk;

pub use crossing::{Crossing, Declared, crossings};
pub use cycles::Cycle;
pub use graph::{FileId, Given, Graph, Link, Why};
pub use imports::{Fault, FileImports, How, Import, When};
pub use parse::parse;
pub use roots::PackageRoots;
