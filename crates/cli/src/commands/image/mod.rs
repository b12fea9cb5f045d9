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
mod pull;
mod push;
mod release;
mod rm;
mod rollback;

use wharf_core::image::choice::Wish;
use wharf_core::image::{ImageError, Place, WantedPlatform};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::{Workspace, WorkspaceError};
use wharf_engine::Client;

use crate::context::{Context, Intent};
use crate::exit::Failure;

/// Builds, locks, tests, promotes, pushes, pulls and compares images of runnable dirs.
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
    /// Releases versions: builds, tests, pushes, reads back, moves the floating tags, sets the Git tags.
    Release(release::Release),
    /// Removes images of runnable dirs.
    Rm(rm::Rm),
    /// Makes a floating tag name an earlier version, or go forward again.
    Rollback(rollback::Rollback),
    /// Fetches the team's images of all runnable dirs, in parallel.
    Pull(pull::Pull),
    /// Sends images to the registries that hold the team's.
    Push(push::Push),
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
            Command::Release(command) => command.run(context),
            Command::Rm(command) => command.run(context),
            Command::Rollback(command) => command.run(context),
            Command::Pull(command) => command.run(context),
            Command::Push(command) => command.run(context),
        }
    }
}

/// The client of a container engine; the host has no images of its own.
fn client<'p>(place: &'p Place, what: &str) -> Result<&'p Client, Failure> {
    place.client().ok_or_else(|| ImageError::HostCannot { what: what.to_owned() }.into())
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

/// The dirs that own the images of those named, each once; of all where none is named.
fn owners<'a>(workspace: &'a Workspace, named: &[String]) -> Result<Vec<&'a RunnableDir>, Failure> {
    let mut owners: Vec<&RunnableDir> = Vec::new();
    let asked: Vec<&RunnableDir> = match named {
        [] => workspace.dirs.iter().collect(),
        some => some.iter().map(|text| workspace.dir(text)).collect::<Result<_, _>>()?,
    };
    for dir in asked {
        let owner = workspace.image_owner(dir)?;
        if !owners.iter().any(|known| known.address == owner.address) {
            owners.push(owner);
        }
    }
    if owners.is_empty() {
        let problems = workspace.problems.clone();
        return Err(WorkspaceError::NoDirs { root: workspace.root.clone(), problems }.into());
    }
    Ok(owners)
}

/// One failure as it is; several together, each with its hint, under a line that says what could not be done.
fn verdict(mut failed: Vec<(String, Failure)>, summary: &str) -> Result<u8, Failure> {
    failed.sort_by(|a, b| a.0.cmp(&b.0));
    // What keeps several from it is said once.
    let mut said: Vec<String> = Vec::new();
    failed.retain(|(_, failure)| {
        let is_new = !said.contains(&failure.message);
        said.push(failure.message.clone());
        is_new
    });
    if failed.len() < 2 {
        return failed.pop().map_or(Ok(0), |(_, failure)| Err(failure));
    }
    let mut message = summary.to_owned();
    for (_, failure) in &failed {
        message.push_str("\n\n");
        message.push_str(&failure.message);
        if let Some(hint) = &failure.hint {
            message.push_str(&format!("\n  hint: {hint}"));
        }
    }
    let code = failed.iter().map(|(_, failure)| failure.code).max().unwrap_or(4);
    Err(Failure { code, message, hint: None })
}
