//! The set-up of a shell: which variables a workspace gives the shell that one works in, how each shell is told, and how all of it
//! is taken back.
//!
//! Owns what `wharf setenv` prints and the files that call it. Refuses to find the workspace or the thin environment (both are
//! passed in) and to know what a container is: it gets the team's variables from [`team_variables`].
//!
//! # Theory of operation
//! A program cannot change its parent's variables, so `wharf setenv` prints statements that the shell evaluates. [`plan()`] compares
//! what is there with what is [`Wanted`] and gives [`Step`]s, a pure value; [`script`] writes them in the language of a [`Shell`].
//!
//! What is needed to take it back travels in variables of the shell itself. `_WHARF_SETENV` holds the [`State`]: names, and a hash
//! of each value that was set, so that a later change by the user is seen and kept. A value from before is kept by the shell in
//! `_WHARF_WAS_<NAME>`, copied there by a statement that names both variables: it is never printed, and may be any bytes.
//!
//! Every plan first takes back what an earlier one did, in the same or in another workspace, so that nothing is ever stacked.

mod error;
mod files;
mod hooks;
mod plan;
mod quote;
mod shell;
mod state;
mod wanted;
mod write;

#[cfg(test)]
mod tests;

pub use error::ShellEnvError;
pub use files::{ENVRC, PlannedFile, envrc, setenv_script};
pub use hooks::{HooksPlan, hooks};
pub use plan::{Plan, Step, Variables, plan};
pub use shell::Shell;
pub use state::{Hooks, STATE, State};
pub use wanted::{Facts, Standpoint, Wanted, team_variables};
pub use write::{Completions, script};
