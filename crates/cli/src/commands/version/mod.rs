//! `wharf version`.

mod bump;
mod check;
mod diff;
mod show;

use std::path::{Path, PathBuf};

use wharf_core::runnable_dir::RunnableDir;
use wharf_core::version::FILE;
use wharf_core::workspace::Workspace;

use crate::context::{Context, Intent};
use crate::exit::Failure;

pub(super) use check::errors_of;

/// Shows, checks and raises the versions of runnable dirs, which their `changelog.txt` states.
#[derive(Debug, clap::Args)]
pub struct Version {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Lists versions, and where each is stated.
    Show(show::Show),
    /// Fails (exit 1) where a version does not fit its changelog, its last release or what the code needs.
    Check(check::Check),
    /// Adds an entry with the next version to a changelog; older entries stay as they are.
    Bump(bump::Bump),
}

impl Version {
    /// Whether it only looks.
    #[must_use]
    pub fn intent(&self) -> Intent {
        match self.command {
            Command::Show(_) | Command::Check(_) => Intent::Look,
            _ => Intent::Change,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        match &self.command {
            Command::Show(command) => command.run(context),
            Command::Check(command) => command.run(context),
            Command::Bump(command) => command.run(context),
        }
    }
}

/// The dirs that are named; all where none is.
fn dirs<'a>(workspace: &'a Workspace, texts: &[String]) -> Result<Vec<&'a RunnableDir>, Failure> {
    if texts.is_empty() {
        return Ok(workspace.dirs.iter().collect());
    }
    Ok(texts.iter().map(|text| workspace.dir(text)).collect::<Result<_, _>>()?)
}

/// The changelog of a dir, from the workspace's root.
fn shown(dir: &RunnableDir) -> PathBuf {
    match dir.address.is_root() {
        true => PathBuf::from(FILE),
        false => Path::new(dir.address.as_str()).join(FILE),
    }
}

/// Its bytes; `None` where there is none.
fn read(dir: &RunnableDir) -> Result<Option<Vec<u8>>, Failure> {
    match std::fs::read(dir.path.join(FILE)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::configuration(format!("`{}` cannot be read: {error}", shown(dir).display()))),
    }
}
