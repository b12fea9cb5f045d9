//! Under construction.
pub mod project;
