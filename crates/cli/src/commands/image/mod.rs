//! `wharf image`.

mod build;
mod diff;
mod dockerfile;
mod eject;
mod inspect;
mod lock;
mod ls;
mod promote;
mod prune;
mod rm;

use wharf_core::image::{ImageError, Place};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::Workspace;
use wharf_engine::Client;

use crate::context::{Context, Intent};
use crate::exit::Failure;

/// Builds, shows, lists, locks and compares images of runnable dirs.
#[derive(Debug, clap::Args)]
pub struct Image {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Builds the images that are missing or that no longer match the checkout, in parallel.
    Build(build::Build),
    /// Compares two images: packages, Python, base image, variables and size.
    Diff(diff::Diff),
    /// Prints the Dockerfile of a runnable dir's image.
    Dockerfile(dockerfile::Dockerfile),
    /// Writes the generated Dockerfile to `devops/Dockerfile`, from where on it is the dir's own.
    Eject(eject::Eject),
    /// Says what an image is, where it comes from and whether it was tested.
    Inspect(inspect::Inspect),
    /// Resolves which versions of Python packages an image gets, and writes the lock.
    Lock(lock::Lock),
    /// Lists images of this workspace's runnable dirs.
    Ls(ls::Ls),
    /// Makes tested local images the team's: `local` to `dev`.
    Promote(promote::Promote),
    /// Removes images of old versions, by dir and stage.
    Prune(prune::Prune),
    /// Removes images of runnable dirs.
    Rm(rm::Rm),
}

impl Image {
    /// Whether it only looks.
    #[must_use]
    pub fn intent(&self) -> Intent {
        match self.command {
            Command::Diff(_) | Command::Dockerfile(_) | Command::Inspect(_) | Command::Ls(_) => Intent::Look,
            _ => Intent::Change,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        match &self.command {
            Command::Build(command) => command.run(context),
            Command::Diff(command) => command.run(context),
            Command::Dockerfile(command) => command.run(context),
            Command::Eject(command) => command.run(context),
            Command::Inspect(command) => command.run(context),
            Command::Lock(command) => command.run(context),
            Command::Ls(command) => command.run(context),
            Command::Promote(command) => command.run(context),
            Command::Prune(command) => command.run(context),
            Command::Rm(command) => command.run(context),
        }
    }
}

/// The client of a container engine; the host has no images of its own.
fn client<'p>(place: &'p Place, what: &str) -> Result<&'p Client, Failure> {
    place.client().ok_or_else(|| ImageError::HostCannot { what: what.to_owned() }.into())
}

/// The dir that is meant: the one named, else the one that holds the current folder.
fn dir<'a>(workspace: &'a Workspace, text: Option<&str>) -> Result<&'a RunnableDir, Failure> {
    Ok(match text {
        Some(text) => workspace.dir(text)?,
        None => workspace.here()?,
    })
}
