//! Under construction.
pub mod python;
