//! `wharf prune`.

use std::time::Duration;

use wharf_core::container::{Entry, running};

use super::started;
use crate::context::Context;
use crate::exit::Failure;

/// Removes what was left behind: containers that ended without being removed, and whatever a killed Wharf left
/// running. Never touches what a living Wharf waits for. Prints the name of each thing removed.
#[derive(Debug, clap::Args)]
pub struct Prune {
    /// Also of all other workspaces.
    #[arg(long)]
    all_workspaces: bool,
    /// Prints the commands that would be run, and removes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Prune {
    /// Runs the command.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let entries = running::list(&workspace, &place, started::scope(self.all_workspaces))?;
        let leftovers: Vec<Entry> = entries.into_iter().filter(Entry::is_leftover).collect();
        match leftovers.len() {
            0 => context.talk.note("nothing is left behind"),
            count if self.dry_run => context.talk.note(&format!("would remove {count}")),
            count => context.talk.note(&format!("removing {count}")),
        }
        started::end(&place, &leftovers, Duration::ZERO, self.dry_run)?;
        Ok(0)
    }
}
