//! Data on standard output. Whoever reads it may stop early (`wharf ls | head -1`): that is no failure.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::context::Context;
use crate::exit::Failure;
use crate::render::Table;

/// Prints text as it is.
pub(crate) fn text(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::environment(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints one line.
pub(crate) fn line(line: &str) -> Result<(), Failure> {
    text(&format!("{line}\n"))
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|error| Failure::from(std::io::Error::from(error)))?;
    line(&json)
}

/// Prints a table, cut to the terminal where there is one.
pub(crate) fn table(context: &Context, table: &Table) -> Result<(), Failure> {
    let columns = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    text(&table.render(columns, context.talk.out_style))
}
