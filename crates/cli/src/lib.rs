//! The `wharf` binary: arguments, commands, rendering, exit codes.
//!
//! `main` hands the arguments to [`run`]; each command is a file in [`commands`], whose argument struct's doc comments are
//! the help text. What core may not do itself (print, read variables, ask the time) happens here, once:
//! A link with another name that leads here is [`older`]'s affair.
//! [`surroundings`] reads the caller's environment, [`clock`] the time, [`exit`] turns errors into messages and codes.

pub mod arguments;
pub mod clock;
pub mod commands;
pub mod context;
pub mod deferred;
pub mod exit;
pub mod older;
pub mod render;
pub mod surroundings;
pub mod talk;
pub mod variables;

pub use arguments::Arguments;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

/// Runs the command line and gives the exit code.
#[must_use]
pub fn run() -> ExitCode {
    exit::install_panic_hook();
    if let Some(code) = older::run() {
        return code;
    }
    clap_complete::CompleteEnv::with_factory(arguments::command).bin("wharf").complete();
    match Arguments::try_parse() {
        Ok(arguments) => exit::code(arguments.dispatch()),
        Err(error) if error.kind() == ErrorKind::DisplayVersion => exit::usage(&error),
        // What help and hints show of other commands is described only now.
        Err(error) => exit::usage(&arguments::command().try_get_matches().err().unwrap_or(error)),
    }
}
