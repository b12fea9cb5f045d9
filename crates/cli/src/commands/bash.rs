//! `wharf bash`.

use super::run::{Options, start};
use crate::context::Context;
use crate::exit::Failure;

/// Opens a shell in the container of a runnable dir: bash where the image has it, else sh.
#[derive(Debug, clap::Args)]
pub struct Bash {
    #[command(flatten)]
    options: Options,
}

impl Bash {
    /// Runs the command.
    ///
    /// # Errors
    /// When the shell could not be started; how it ended is the exit code.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let choose = "command -v bash >/dev/null && exec bash || exec sh";
        start(context, &self.options, "bash", ["/bin/sh", "-c", choose].map(str::to_owned).to_vec())
    }
}
