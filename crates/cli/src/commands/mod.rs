//! One file a command, one folder a noun. The argument struct's doc comments are the help text; `run` is short and
//! hands over to core.

pub mod status;
pub mod test;
