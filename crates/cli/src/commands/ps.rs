//! `wharf ps`.

use super::{data, started};
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Table;

/// Lists what Wharf started from this workspace and what runs still, services too.
#[derive(Debug, clap::Args)]
pub struct Ps {
    /// Also of all other workspaces.
    #[arg(long)]
    all_workspaces: bool,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

impl Ps {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no workspace, or the engine does not answer.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let entries = started::list(context, &workspace, &place, started::scope(self.all_workspaces))?;
        if self.json {
            data::json(&entries)?;
            return Ok(0);
        }
        let mut headers = vec!["name", "dir", "for", "image", "status"];
        if self.all_workspaces {
            headers.push("workspace");
        }
        let mut table = Table::new(&headers);
        for entry in entries {
            table.row([
                entry.name.into(),
                entry.dir.into(),
                entry.service.map_or(entry.verb.clone(), |name| format!("{name}, for {}", entry.verb)).into(),
                entry.image.into(),
                entry.status.into(),
                entry.root.into(),
            ]);
        }
        data::table(context, &table)?;
        Ok(0)
    }
}
