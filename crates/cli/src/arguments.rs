//! The command line as a whole: global options and the list of commands.

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands;
use crate::context::Context;
use crate::exit::Failure;

/// Composes Git repos and makes every directory in them runnable: each directory with a `devops` folder is built, run
/// and tested in its own container.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, max_term_width = 100, disable_help_subcommand = true)]
pub struct Arguments {
    /// Options that all commands have.
    #[command(flatten)]
    pub global: Global,
    /// What to do; without it, the state of what is here and the next sensible command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that all commands have.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// What runs containers: docker, podman, or host (no isolation).
    #[arg(long, global = true, value_name = "ENGINE", help_heading = "Global options")]
    pub engine: Option<String>,
    /// Run as if started in this folder.
    #[arg(short = 'C', global = true, value_name = "DIR", help_heading = "Global options")]
    pub directory: Option<std::path::PathBuf>,
    /// When to use colours: auto, always, never.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global options")]
    pub color: Color,
    /// Say less: only warnings and errors.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "the help of a command is the comment of its struct")]
pub enum Command {
    Test(commands::test::Test),
    Run(commands::run::Run),
    Bash(commands::bash::Bash),
    Ls(commands::ls::Ls),
    Deps(commands::deps::Deps),
    Clone(commands::clone::Clone),
    Repo(commands::repo::Repo),
    Image(commands::image::Image),
    Version(commands::version::Version),
    Files(commands::files::Files),
    Ps(commands::ps::Ps),
    Logs(commands::logs::Logs),
    Stop(commands::stop::Stop),
    Prune(commands::prune::Prune),
    Config(commands::config::Config),
    Demo(commands::demo::Demo),
    Doctor(commands::doctor::Doctor),
    Completions(commands::completions::Completions),
}

impl Arguments {
    /// Runs the command; gives its exit code.
    ///
    /// # Errors
    /// What the command could not do.
    pub fn dispatch(self) -> Result<u8, Failure> {
        let context = Context::new(&self.global)?;
        match self.command {
            None => commands::status::run(&context),
            Some(Command::Test(command)) => command.run(&context),
            Some(Command::Run(command)) => command.run(&context),
            Some(Command::Bash(command)) => command.run(&context),
            Some(Command::Ls(command)) => command.run(&context),
            Some(Command::Deps(command)) => command.run(&context),
            Some(Command::Clone(command)) => command.run(&context),
            Some(Command::Repo(command)) => command.run(&context),
            Some(Command::Image(command)) => command.run(&context),
            Some(Command::Version(command)) => command.run(&context),
            Some(Command::Files(command)) => command.run(&context),
            Some(Command::Ps(command)) => command.run(&context),
            Some(Command::Logs(command)) => command.run(&context),
            Some(Command::Stop(command)) => command.run(&context),
            Some(Command::Prune(command)) => command.run(&context),
            Some(Command::Config(command)) => command.run(&context),
            Some(Command::Demo(command)) => command.run(&context),
            Some(Command::Doctor(command)) => command.run(&context),
            Some(Command::Completions(command)) => command.run(&context),
        }
    }
}

/// The command line as clap knows it, for completions and the reference.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}
