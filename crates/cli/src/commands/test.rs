//! `wharf test`.

use crate::context::Context;
use crate::exit::Failure;

/// Runs the tests of every runnable dir, each in its own container, in parallel.
#[derive(Debug, clap::Args)]
pub struct Test {}

impl Test {
    /// Runs the command.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        context.workspace()?;
        Ok(0)
    }
}
