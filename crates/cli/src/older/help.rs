//! `--list` and `--help`: what invoke would show, with the `wharf` command that does it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use wharf_core::task::Task;

use super::line::Call;
use super::option::{Kind, flags};
use super::standing::Standing;
use super::table::{Row, rows};
use crate::commands::data;
use crate::exit::Failure;
use crate::render::Table;

/// What the program takes itself.
const PROGRAM: &str = "Usage: i [--list] [--dry] TASK [OPTIONS] [TASK [OPTIONS]]...

  -l, --list          Lists the tasks
  -h, --help [TASK]   Shows this, or the options of a task
  --dry               Prints what would be done, and does nothing
  -V, --version       Prints the version of wharf

Each task that Wharf knows is run as the `wharf` command that it prints; all others go on to `invoke` with `tasks.py`.
";

/// Prints what the program takes itself.
pub(super) fn program() -> Result<u8, Failure> {
    data::text(PROGRAM)?;
    Ok(0)
}

/// Prints all tasks: the team's own, and those that Wharf has an equal for.
pub(super) fn list(own: &[(String, String)]) -> Result<u8, Failure> {
    let mut all: BTreeMap<String, String> = rows().map(|row| (row.name.to_owned(), row.help.to_owned())).collect();
    all.extend(own.iter().cloned());
    let widest = all.keys().map(String::len).max().unwrap_or_default();
    let mut text = String::from("Available tasks:\n\n");
    for (name, help) in all {
        let line = format!("  {name:widest$}   {help}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push('\n');
    data::text(&text)?;
    Ok(0)
}

/// Prints the options of a task.
pub(super) fn task(row: &'static Row, program: &str) -> Result<u8, Failure> {
    let mut text = format!("Usage: {program} {} [OPTIONS]\n\n{}", row.name, row.help);
    let here = Standing { here: Some(".".into()), ..Standing::default() };
    if let Ok(made) = (Call { row, standing: &here, values: &BTreeMap::new() }).translate() {
        for line in &made.lines {
            let _ = write!(text, "\nRuns `{}`", line.shown());
        }
    }
    text.push_str("\n\n");
    let mut table = Table::new(&["option", "value", ""]);
    for (option, flag) in row.options.iter().zip(flags(row.options)) {
        let short = flag.short.map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
        let value = match option.kind {
            Kind::Text | Kind::Number => "STRING",
            Kind::Needed => "STRING, needed",
            Kind::On | Kind::Off => "",
        };
        let fate = match option.fate {
            super::Fate::Used => String::new(),
            super::Fate::Needless(why) => format!("not needed: {why}"),
            super::Fate::Refused(instead) => format!("no equal: {instead}"),
        };
        table.row([format!("{short}{}", option.long()).into(), value.into(), fate.into()]);
    }
    text.push_str(&table.render(None, crate::render::Style { color: false, unicode: true }));
    data::text(&text)?;
    Ok(0)
}

/// Prints the arguments of a task of `[tasks]`.
pub(super) fn declared(task: &Task) -> Result<u8, Failure> {
    let mut text = format!("Usage: i {} [ARGUMENTS]\n\n{}\nRuns `wharf task {}`\n", task.name, task.help, task.id());
    for argument in &task.arguments {
        let _ = write!(text, "\n  {}   {}", argument.flag(), argument.help);
    }
    text.push('\n');
    data::text(&text)?;
    Ok(0)
}
