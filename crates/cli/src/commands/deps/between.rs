//! Imports between runnable dirs, each with its line.

use serde::Serialize;
use wharf_core::dependency::{Crossing, Declared, Graph, crossings};
use wharf_core::workspace::Workspace;

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;

/// One import, as JSON has it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    path: &'a str,
    line: u32,
    imports: &'a str,
    from: &'a str,
    to: &'a str,
    how: &'static str,
    when: Vec<&'static str>,
    declared: &'static str,
}

/// Imports of one dir in the other, both ways.
pub(super) fn pair(
    context: &Context,
    workspace: &Workspace,
    graph: &Graph,
    (one, other): (&str, &str),
    json: bool,
) -> Result<u8, Failure> {
    let (one, other) = (&workspace.dir(one)?.address, &workspace.dir(other)?.address);
    let rows = rows(workspace, graph, |crossing| {
        let (from, to) = (&workspace.dirs[crossing.from_dir].address, &workspace.dirs[crossing.to_dir].address);
        (from == one && to == other) || (from == other && to == one)
    });
    print(&rows, json)?;
    if rows.is_empty() && !json {
        context.talk.note(&format!("neither of `{one}` and `{other}` imports the other's code"));
    }
    Ok(0)
}

/// Imports that were not declared.
pub(super) fn undeclared(workspace: &Workspace, graph: &Graph, json: bool) -> Result<u8, Failure> {
    let rows = rows(workspace, graph, |crossing| crossing.declared == Declared::No);
    print(&rows, json)?;
    Ok(u8::from(!rows.is_empty()))
}

fn rows<'a>(workspace: &'a Workspace, graph: &'a Graph, wanted: impl Fn(&Crossing) -> bool) -> Vec<Row<'a>> {
    let row = |crossing: Crossing| Row {
        path: graph.path(crossing.file),
        line: crossing.link.line,
        imports: graph.path(crossing.link.to),
        from: workspace.dirs[crossing.from_dir].address.as_str(),
        to: workspace.dirs[crossing.to_dir].address.as_str(),
        how: crossing.link.why.word(),
        when: crossing.link.when.words(),
        declared: crossing.declared.words(),
    };
    crossings(workspace, graph).into_iter().filter(wanted).map(row).collect()
}

fn print(rows: &[Row<'_>], json: bool) -> Result<(), Failure> {
    if json {
        return data::json(&rows);
    }
    for row in rows {
        let when = if row.when.is_empty() { String::new() } else { format!(" ({})", row.when.join(", ")) };
        let declared = if row.declared == Declared::No.words() { "; not declared" } else { "" };
        data::line(&format!("{}:{}: {}{when}{declared}", row.path, row.line, row.imports))?;
    }
    Ok(())
}
