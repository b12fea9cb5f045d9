//! `wharf ide`: editors that work in the containers of runnable dirs.

mod engine;
mod generate;
mod image;
mod python;

use clap::Subcommand;
use wharf_core::ide::IdeError;

use crate::context::Context;
use crate::exit::Failure;

/// Editors: files for VS Code, the devcontainers tools and PyCharm, and what these files call.
#[derive(Debug, clap::Args)]
pub struct Ide {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Engine(engine::Engine),
    Generate(generate::Generate),
    Image(image::Image),
    Python(python::Python),
}

impl Ide {
    /// Runs the command.
    ///
    /// # Errors
    /// What the command could not do.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        match &self.command {
            Command::Engine(command) => command.run(),
            Command::Generate(command) => command.run(context),
            Command::Image(command) => command.run(context),
            Command::Python(command) => command.run(context),
        }
    }
}

impl From<IdeError> for Failure {
    fn from(error: IdeError) -> Self {
        let hint = error.hint();
        let failure = match error {
            IdeError::Image(error) => return error.into(),
            IdeError::Container(error) => return error.into(),
            IdeError::Service(error) => return error.into(),
            IdeError::Workspace(error) => return error.into(),
            IdeError::NotMergeable { .. } => Self::refused(error.to_string()),
            IdeError::Io { .. } => Self::environment(Self::describe(&error)),
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
