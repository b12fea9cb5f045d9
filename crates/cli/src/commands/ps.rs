//! `wharf ps`.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use wharf_core::container::{Entry, WarmState};

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
            let status = status(&entry);
            table.row([
                entry.name.into(),
                entry.dir.into(),
                entry.service.map_or(entry.verb.clone(), |name| format!("{name}, for {}", entry.verb)).into(),
                entry.image.into(),
                status.into(),
                entry.root.into(),
            ]);
        }
        data::table(context, &table)?;
        Ok(0)
    }
}

/// The engine's own words, and how long a warm container is kept.
fn status(entry: &Entry) -> String {
    let words = match entry.warm {
        Some(WarmState { in_use: true, .. }) => "in use".to_owned(),
        Some(WarmState { until: Some(until), .. }) => {
            let until = Timestamp::from_second(i64::try_from(until).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX);
            format!("kept until {}", until.to_zoned(TimeZone::system()).strftime("%H:%M:%S"))
        }
        _ => return entry.status.clone(),
    };
    format!("{}, {words}", entry.status)
}
