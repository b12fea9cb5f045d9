//! `wharf config`.

use std::fmt::Write as _;

use wharf_core::config::Resolved;

use super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Paint;

/// Shows configuration.
#[derive(Debug, clap::Args)]
pub struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Shows the values in effect, of a runnable dir or of the workspace as a whole; credentials are masked.
    Show(Show),
}

/// Shows the values in effect.
#[derive(Debug, clap::Args)]
struct Show {
    /// Whose; without it, of the runnable dir that holds the current folder, else of the workspace.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: Option<String>,
    /// Says where each value came from.
    #[arg(long)]
    origin: bool,
    /// Prints JSON: nested tables of values; with `--origin` an object by key with `value` and `origin`.
    #[arg(long)]
    json: bool,
}

impl Config {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no workspace, or no such dir.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let Command::Show(show) = &self.command;
        show.run(context)
    }
}

impl Show {
    fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let dir = match &self.dir {
            Some(text) => Some(workspace.dir(text)?),
            None => workspace.here().ok(),
        };
        let resolved = match dir {
            Some(dir) => {
                context.talk.note(&format!("configuration of runnable dir `{}`", dir.address));
                &dir.resolved
            }
            None => {
                context.talk.note(&format!("configuration of workspace `{}`", workspace.name));
                &workspace.resolved
            }
        };
        match (self.json, self.origin) {
            (true, true) => data::json(&resolved.to_json())?,
            (true, false) => data::json(&resolved.to_nested_json())?,
            (false, _) => data::text(&self.lines(context, resolved))?,
        }
        Ok(0)
    }

    /// A line a key, an empty line between tables.
    fn lines(&self, context: &Context, resolved: &Resolved) -> String {
        let mut text = String::new();
        let mut last = "";
        for (path, value, origin) in resolved.entries() {
            let table = path.split('.').next().unwrap_or_default();
            if !last.is_empty() && last != table {
                text.push('\n');
            }
            last = table;
            let _ = write!(text, "{path} = {value}");
            if self.origin {
                let origin = context.talk.out_style.paint(Paint::Dim, &format!("# {origin}"));
                let _ = write!(text, "  {origin}");
            }
            text.push('\n');
        }
        text
    }
}
