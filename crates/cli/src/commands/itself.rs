//! `wharf self`: this program, beside what the workspace requires of it.

mod link;

use std::path::PathBuf;

use serde::Serialize;
use wharf_core::workspace::{Outline, VERSION, WorkspaceError, WrongWharf, outline};

use super::data;
use crate::context::Context;
use crate::exit::Failure;

/// Shows which Wharf this is, and whether the workspace works with it (`requires-wharf` in the table `[workspace]`).
///
/// Wharf never updates itself; it says which commands get the version that is required.
#[derive(Debug, clap::Args)]
pub struct Itself {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Prints the version.
    Version {
        /// Prints JSON: an object with version, program, platform, requires, origin and fits.
        #[arg(long)]
        json: bool,
    },
    /// Fails (exit code 4) where the workspace requires another version, and says how to get it.
    Check,
    Link(link::Link),
}

/// This program, as JSON has it; `requires` and `origin` are null where nothing is required.
#[derive(Debug, Serialize)]
struct Shown {
    version: &'static str,
    program: Option<PathBuf>,
    platform: String,
    requires: Option<String>,
    origin: Option<String>,
    fits: bool,
}

impl Itself {
    /// Runs the command.
    ///
    /// # Errors
    /// When the workspace requires another version and that is what was asked.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        match &self.command {
            Command::Link(link) => return link.run(context),
            Command::Version { json: true } => data::json(&shown(&Around::find(context)?))?,
            Command::Version { json: false } => data::line(VERSION)?,
            Command::Check => check(context, &Around::find(context)?)?,
        }
        Ok(0)
    }
}

/// What is around the user, as far as it says something about Wharf.
enum Around {
    Nothing,
    Fits(Box<Outline>),
    Wrong(WrongWharf),
}

impl Around {
    fn find(context: &Context) -> Result<Self, Failure> {
        match outline(context.surroundings.clone()) {
            Ok(outline) => Ok(outline.wrong_wharf().map_or_else(|| Self::Fits(outline.into()), Self::Wrong)),
            Err(WorkspaceError::Wharf(wrong)) => Ok(Self::Wrong(wrong)),
            Err(WorkspaceError::Place(_)) => Ok(Self::Nothing),
            Err(error) => Err(error.into()),
        }
    }
}

fn shown(around: &Around) -> Shown {
    let (requires, origin) = match around {
        Around::Nothing => (None, None),
        Around::Wrong(wrong) => (Some(wrong.requires.to_string()), Some(wrong.origin.clone())),
        Around::Fits(outline) => {
            let stated = outline.config.workspace.requires_wharf.as_ref();
            (stated.map(|stated| stated.value.to_string()), stated.map(|stated| stated.origin.to_string()))
        }
    };
    Shown {
        version: VERSION,
        program: std::env::current_exe().ok(),
        platform: format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
        requires,
        origin,
        fits: !matches!(around, Around::Wrong(_)),
    }
}

fn check(context: &Context, around: &Around) -> Result<(), Failure> {
    match around {
        Around::Wrong(wrong) => Err(Failure::environment(wrong.to_string()).hint(wrong.hint())),
        Around::Nothing => {
            context.talk.note("no workspace is here, so nothing is required");
            Ok(())
        }
        Around::Fits(outline) => {
            let stated = outline.config.workspace.requires_wharf.as_ref();
            let why = stated.map_or_else(
                || format!("`{}` requires no certain one", outline.name),
                |stated| format!("{} requires {}", stated.origin, stated.value),
            );
            context.talk.note(&format!("wharf {VERSION} fits: {why}"));
            Ok(())
        }
    }
}
