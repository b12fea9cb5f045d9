//! Coverage of all runnable dirs together.
//!
//! Owns what each dir's session said of lines and branches ([`Gathered`]), their union over dirs, attempts and versions of
//! Python ([`Merged`]), and its forms: a file for each dir, `coverage.xml`, pages of HTML. Refuses to measure, which the plugin does with
//! the `coverage` package of each dir's own image, and to print.

pub mod cobertura;
pub mod file;
pub mod gathered;
pub mod html;
pub mod lines;
pub mod merged;
pub mod write;

mod finish;

pub use file::{Counts, FileCoverage};
pub use gathered::Gathered;
pub use merged::Merged;

pub(in crate::test_suite) use finish::{Finished, Run, finish};

/// Name of the file for CI servers, in the report's folder.
pub const XML_FILE: &str = "coverage.xml";
/// Name of the folder with the pages and each dir's own data, in the report's folder.
pub const FOLDER: &str = "coverage";
/// The page to begin with, in [`FOLDER`].
pub const INDEX_FILE: &str = "index.html";

/// Which forms are wanted. The merged numbers are in the report in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forms {
    /// Pages of HTML.
    pub html: bool,
    /// `coverage.xml`.
    pub xml: bool,
}
