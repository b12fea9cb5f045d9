//! `wharf stop`.

use std::time::Duration;

use wharf_core::container::Entry;

use super::started;
use crate::context::Context;
use crate::exit::Failure;

/// Ends what Wharf started from this workspace: asks, waits, kills. Prints the name of each thing ended.
#[derive(Debug, clap::Args)]
pub struct Stop {
    /// Names from `wharf ps`, or runnable dirs.
    #[arg(value_name = "NAME|DIR", required_unless_present = "all")]
    what: Vec<String>,
    /// All that Wharf started from this workspace.
    #[arg(long, conflicts_with = "what")]
    all: bool,
    /// Also of all other workspaces.
    #[arg(long)]
    all_workspaces: bool,
    /// Seconds between asking and killing.
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    time: u64,
    /// Prints the commands that would be run, and ends nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Stop {
    /// Runs the command.
    ///
    /// # Errors
    /// When a name means nothing, or the engine refuses.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let scope = started::scope(self.all_workspaces);
        let entries = if self.dry_run {
            wharf_core::container::running::list(&workspace, &place, scope)?
        } else {
            started::list(context, &workspace, &place, scope)?
        };
        let mut chosen: Vec<Entry> = Vec::new();
        if self.all {
            chosen.clone_from(&entries);
        }
        for text in &self.what {
            let found = started::matching(&workspace, &entries, text).ok_or_else(|| started::unknown(text))?;
            chosen.extend(found.into_iter().filter(|entry| !chosen.contains(entry)).cloned().collect::<Vec<_>>());
        }
        if chosen.is_empty() {
            context.talk.note("nothing of that runs");
        }
        started::end(&place, &chosen, Duration::from_secs(self.time), self.dry_run)?;
        if !self.dry_run && chosen.iter().any(|entry| entry.service.is_some()) {
            started::remove_networks(&workspace, &place, scope)?;
        }
        Ok(0)
    }
}
