//! `wharf env`: the thin environment.

mod check;
mod path;
mod prune;
mod show;
mod sync;

use wharf_core::image::place;
use wharf_core::thin_env::Needs;
use wharf_core::workspace::Outline;
use wharf_engine::host::HostTools;

use crate::context::{Context, Intent};
use crate::exit::Failure;

/// What to do where a workspace declares none.
const DECLARE: &str =
    "declare one with `requirements = [\"invoke\"]` in the table `[thin-env]` of the root's `wharf.toml`";

/// Makes and shows the thin environment: the few Python tools that a team wants on the host.
#[derive(Debug, clap::Args)]
pub struct Env {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Makes the environment where it is missing, and prints its folder.
    Sync(sync::Sync),
    /// Prints the folder of the environment; exit code 4 where it is not made.
    Path(path::Path),
    /// Shows what the environment must hold, and what it holds.
    Show(show::Show),
    /// Says what this machine lacks to work here; exit code 4 where something needed is missing.
    Check(check::Check),
    /// Removes environments that no workspace used lately.
    Prune(prune::Prune),
}

impl Env {
    /// Whether it only looks.
    #[must_use]
    pub fn intent(&self) -> Intent {
        match self.command {
            Command::Path(_) | Command::Show(_) | Command::Check(_) | Command::Sync(sync::Sync { dry_run: true }) => {
                Intent::Look
            }
            Command::Sync(_) | Command::Prune(_) => Intent::Change,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        match &self.command {
            Command::Sync(command) => command.run(context),
            Command::Path(command) => command.run(context),
            Command::Show(command) => command.run(context),
            Command::Check(command) => command.run(context),
            Command::Prune(command) => command.run(context),
        }
    }
}

/// What a workspace wants and what the host offers for it.
struct Thin {
    outline: Outline,
    tools: HostTools,
    /// `None` where the workspace declares no thin environment.
    needs: Option<Needs>,
}

impl Thin {
    fn read(context: &Context) -> Result<Self, Failure> {
        let outline = context.outline()?;
        let tools = place::thin_env_tools(&outline.config, &outline.surroundings);
        let needs = outline.thin_env()?;
        Ok(Self { outline, tools, needs })
    }
}
