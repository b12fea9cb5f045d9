//! One file a command, one folder a noun. The argument struct's doc comments are the help text; `run` is short and
//! hands over to core.

pub mod complete;
pub mod completions;
pub mod demo;
pub mod doctor;
pub mod status;
pub mod test;
