//! The report of a test run, as a value and as files.
//!
//! Owns the shape of a report ([`model`]) and its three files: `report.json` (for programs), `junit.xml` (for CI
//! servers) and `report.html` (for people). Refuses to run tests, to decide verdicts and to print.

pub mod elsewhere;
pub mod html;
pub mod json;
pub mod junit;
pub mod model;
mod schema;
pub mod text;
pub mod write;

#[cfg(test)]
pub(in crate::test_suite) mod sample;

pub use schema::schema;
pub use write::{WriteError, clear, write_all};

/// Name of the file for programs, in the report's folder.
pub const JSON_FILE: &str = "report.json";
/// Name of the file for CI servers, in the report's folder.
pub const JUNIT_FILE: &str = "junit.xml";
/// Name of the file for people, in the report's folder.
pub const HTML_FILE: &str = "report.html";
