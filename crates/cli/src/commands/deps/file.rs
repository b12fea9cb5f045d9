//! What a file or folder needs, or what needs it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use wharf_core::dependency::{FileId, Graph, Link};
use wharf_core::runnable_dir::Address;
use wharf_core::workspace::{Workspace, WorkspaceError};

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;

/// What is asked.
pub(super) struct Question<'a> {
    pub path: &'a str,
    pub reverse: bool,
    pub transitive: bool,
    pub json: bool,
}

/// One file that is needed, or that needs.
#[derive(Debug, Serialize)]
struct Row<'a> {
    path: &'a str,
    /// Why, at first hand; empty where it is needed at second hand only.
    because: Vec<Because<'a>>,
}

/// A line that makes one file need another.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Because<'a> {
    path: &'a str,
    line: u32,
    how: &'static str,
    when: Vec<&'static str>,
}

/// The answer, as JSON has it.
#[derive(Debug, Serialize)]
struct Answer<'a> {
    path: &'a str,
    direction: &'static str,
    transitive: bool,
    faults: Vec<FaultRow<'a>>,
    files: Vec<Row<'a>>,
}

#[derive(Debug, Serialize)]
struct FaultRow<'a> {
    path: &'a str,
    line: u32,
    message: &'a str,
}

pub(super) fn run(
    context: &Context,
    workspace: &Workspace,
    graph: &Graph,
    question: &Question<'_>,
) -> Result<u8, Failure> {
    let address =
        Address::parse(question.path, &workspace.root, &workspace.surroundings.here).map_err(WorkspaceError::from)?;
    let asked = asked(graph, workspace, &address)?;
    let rows = rows(graph, &asked, question);
    let involved = || asked.iter().copied().chain(rows.iter().filter_map(|row| graph.file(row.path)));
    if question.json {
        let faults = involved().filter_map(|file| {
            let fault = graph.fault(file)?;
            Some(FaultRow { path: graph.path(file), line: fault.line, message: fault.message })
        });
        data::json(&Answer {
            path: address.as_str(),
            direction: if question.reverse { "needed by" } else { "needs" },
            transitive: question.transitive,
            faults: faults.collect(),
            files: rows,
        })?;
        return Ok(0);
    }
    involved().for_each(|file| say_fault(context, graph, file));
    if rows.is_empty() {
        let what = if question.reverse { "no file needs it" } else { "it needs no file of the workspace" };
        context.talk.note(&format!("`{}`: {what}", address.as_str()));
    }
    for row in &rows {
        data::line(&shown(row, question))?;
    }
    Ok(0)
}

/// Says what Python would not take in a file.
pub(super) fn say_fault(context: &Context, graph: &Graph, file: FileId) {
    if let Some(fault) = graph.fault(file) {
        context.talk.warning(&format!(
            "{}:{}: {}; only the imports that could be read are known",
            graph.path(file),
            fault.line,
            fault.message
        ));
    }
}

/// The files at or below an address.
fn asked(graph: &Graph, workspace: &Workspace, address: &Address) -> Result<BTreeSet<FileId>, Failure> {
    if let Some(file) = graph.file(address.as_str()) {
        return Ok(BTreeSet::from([file]));
    }
    let below = format!("{}/", address.as_str());
    let is_below = |file: &FileId| address.is_root() || graph.path(*file).starts_with(&below);
    let files: BTreeSet<FileId> = graph.files().filter(is_below).collect();
    if !files.is_empty() {
        return Ok(files);
    }
    let text = address.as_str();
    let path = address.under(&workspace.root);
    Err(if path.is_dir() {
        Failure::usage(format!("there is no Python file in `{text}`"))
    } else if path.exists() {
        Failure::usage(format!("`{text}` is no Python file, or Git ignores it"))
    } else {
        Failure::usage(format!("`{text}` is not there"))
    })
}

fn rows<'a>(graph: &'a Graph, asked: &BTreeSet<FileId>, question: &Question<'_>) -> Vec<Row<'a>> {
    let links =
        |file: FileId| -> &'a [Link] { if question.reverse { graph.reverse(file) } else { graph.imports_of(file) } };
    let mut found: BTreeMap<FileId, BTreeSet<Because<'a>>> = BTreeMap::new();
    for file in asked {
        if question.transitive {
            let all = if question.reverse { graph.needed_by(*file) } else { graph.needs(*file) };
            all.into_iter().for_each(|file| {
                found.entry(file).or_default();
            });
        }
        for link in links(*file) {
            // The line stands in the file that needs.
            let needing = if question.reverse { link.to } else { *file };
            found.entry(link.to).or_default().insert(Because {
                path: graph.path(needing),
                line: link.line,
                how: link.why.word(),
                when: link.when.words(),
            });
        }
    }
    let outside = found.into_iter().filter(|(file, _)| !asked.contains(file));
    outside.map(|(file, because)| Row { path: graph.path(file), because: because.into_iter().collect() }).collect()
}

fn shown(row: &Row<'_>, question: &Question<'_>) -> String {
    let reasons: Vec<String> = row
        .because
        .iter()
        .map(|because| {
            let mut words = vec![because.how];
            words.extend(&because.when);
            let words = words.join(", ");
            match because.line {
                0 => words,
                line => format!("{}:{line} {words}", because.path),
            }
        })
        .collect();
    if question.transitive || reasons.is_empty() {
        return row.path.to_owned();
    }
    format!("{}  ({})", row.path, reasons.join("; "))
}
