//! `wharf image`.

mod build;
mod dockerfile;
mod eject;
mod ls;

use wharf_core::image::choice::Wish;
use wharf_core::image::{Place, WantedPlatform};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::Workspace;

use crate::context::Context;
use crate::exit::Failure;

/// Builds, shows and lists images of runnable dirs.
#[derive(Debug, clap::Args)]
pub struct Image {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Builds the images that are missing or that no longer match the checkout, in parallel.
    Build(build::Build),
    /// Prints the Dockerfile of a runnable dir's image.
    Dockerfile(dockerfile::Dockerfile),
    /// Writes the generated Dockerfile to `devops/Dockerfile`, from where on it is the dir's own.
    Eject(eject::Eject),
    /// Lists images of this workspace's runnable dirs.
    Ls(ls::Ls),
}

impl Image {
    /// Runs the command.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        match &self.command {
            Command::Build(command) => command.run(context),
            Command::Dockerfile(command) => command.run(context),
            Command::Eject(command) => command.run(context),
            Command::Ls(command) => command.run(context),
        }
    }
}

/// Makes sure that what a wish asks for can run here, before anything is fetched or built for it.
pub(super) fn check_platform(place: &Place, wish: &Wish) -> Result<(), Failure> {
    match (place.client(), wish.platform) {
        (Some(client), Some(_)) => Ok(WantedPlatform::of(client, wish)?.check(client)?),
        _ => Ok(()),
    }
}

/// The dir that is meant: the one named, else the one that holds the current folder.
fn dir<'a>(workspace: &'a Workspace, text: Option<&str>) -> Result<&'a RunnableDir, Failure> {
    Ok(match text {
        Some(text) => workspace.dir(text)?,
        None => workspace.here()?,
    })
}
