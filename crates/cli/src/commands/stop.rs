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
    #[arg(value_name = "NAME|DIR")]
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
        if self.what.is_empty() && !self.all {
            let entries = wharf_core::container::running::list(&workspace, &place, scope)?;
            return Err(unsaid(&entries));
        }
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

/// The refusal where nothing is named: what there is, each with the command that ends it.
fn unsaid(entries: &[Entry]) -> Failure {
    let lines: String = entries
        .iter()
        .map(|entry| format!("\n  wharf stop {}  ({} of `{}`, {})", entry.name, entry.verb, entry.dir, entry.state))
        .collect();
    match entries {
        [] => Failure::usage("nothing to end is named, and nothing runs"),
        _ => Failure::usage(format!("nothing to end is named; these are there:{lines}"))
            .hint("`wharf stop --all` ends all"),
    }
}
