//! The report of a test run, as a value and as files.

pub mod model;
