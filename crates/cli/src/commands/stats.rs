//! `wharf stats`.

use serde::Serialize;
use wharf_core::container::Entry;
use wharf_core::image::Place;

use super::{data, started};
use crate::context::Context;
use crate::exit::Failure;
use crate::render::{Table, bytes};

/// Shows what the containers that Wharf started from this workspace use now: processor, memory, processes.
#[derive(Debug, clap::Args)]
pub struct Stats {
    /// Also of all other workspaces.
    #[arg(long)]
    all_workspaces: bool,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

/// One container.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    dir: String,
    #[serde(rename = "for")]
    verb: String,
    /// Percent of one core.
    cpu_percent: f64,
    memory_bytes: u64,
    /// 0 where there is none that is known.
    memory_limit_bytes: u64,
    processes: u64,
}

impl Stats {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no workspace, or the engine does not answer.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let Place::Containers(client) = &place else {
            return Err(Failure::environment("engine `host` has no containers that could be measured")
                .hint("`wharf ps --engine host` lists what runs, with its processes"));
        };
        let entries = started::list(context, &workspace, &place, started::scope(self.all_workspaces))?;
        let running: Vec<&Entry> = entries.iter().filter(|entry| entry.is_running()).collect();
        let ids: Vec<String> = running.iter().map(|entry| entry.id.clone()).collect();
        let usage = client.usage(&ids)?;
        let row = |entry: &&Entry| {
            let usage = usage.iter().find(|usage| entry.id.starts_with(&usage.id))?;
            Some(Row {
                name: entry.name.clone(),
                dir: entry.dir.clone(),
                verb: entry.verb.clone(),
                cpu_percent: (usage.cpu * 10.0).round() / 10.0,
                memory_bytes: usage.memory,
                memory_limit_bytes: usage.limit,
                processes: usage.processes,
            })
        };
        let rows: Vec<Row> = running.iter().filter_map(row).collect();
        if self.json {
            data::json(&rows)?;
            return Ok(0);
        }
        let mut table = Table::new(&["name", "dir", "for", "cpu", "memory", "processes"]);
        for row in rows {
            let cpu = format!("{:.1} %", row.cpu_percent);
            let cells = [row.name, row.dir, row.verb, cpu, bytes(row.memory_bytes), row.processes.to_string()];
            table.row(cells.map(Into::into));
        }
        data::table(context, &table)?;
        Ok(0)
    }
}
