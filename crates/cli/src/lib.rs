//! The `wharf` binary: arguments, commands, rendering, exit codes.

pub mod render;
