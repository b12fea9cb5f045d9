//! `wharf version show`.

use serde::Serialize;
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::version::{Changelog, Stated, parse};

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Table;

/// Lists the versions of runnable dirs, and where each is stated.
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// Whose; without it, all.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dirs: Vec<String>,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

/// One dir's version, as JSON has it.
#[derive(Debug, Serialize)]
struct Row {
    path: String,
    name: String,
    version: String,
    date: Option<String>,
    /// The changelog, from the workspace's root; `None` where it states nothing.
    file: Option<String>,
    line: Option<usize>,
    requires: Option<String>,
    problem: Option<String>,
}

impl Show {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        let dirs = super::dirs(&workspace, &self.dirs)?;
        let rows = dirs.into_iter().map(row).collect::<Result<Vec<Row>, Failure>>()?;
        if self.json {
            data::json(&rows)?;
            return Ok(0);
        }
        let mut table = Table::new(&["dir", "version", "date", "stated in"]);
        for row in rows {
            let place = match (&row.problem, row.file, row.line) {
                (Some(_), ..) => "nowhere, its changelog is unclear".to_owned(),
                (_, Some(file), Some(line)) => format!("{file}:{line}"),
                (_, Some(file), None) => file,
                (_, None, _) => "nowhere yet, it has no changelog".into(),
            };
            table.row([row.path.into(), row.version.into(), row.date.unwrap_or_default().into(), place.into()]);
        }
        data::table(context, &table)?;
        Ok(0)
    }
}

fn row(dir: &RunnableDir) -> Result<Row, Failure> {
    let bytes = super::read(dir)?.unwrap_or_default();
    let stated = parse(&bytes);
    let changelog = Changelog::parse(&bytes);
    let top = changelog.entries().first();
    let is_stated = matches!(stated, Stated::Version(_));
    Ok(Row {
        path: dir.address.to_string(),
        name: dir.name.clone(),
        version: stated.version().to_string(),
        date: top.and_then(|top| top.date.clone()).filter(|_| is_stated),
        file: is_stated.then(|| super::shown(dir).display().to_string()),
        line: top.map(|top| top.line).filter(|_| is_stated),
        requires: dir.config.image.requires.as_ref().map(|requires| requires.value.to_string()),
        problem: match stated {
            Stated::Unclear(reason) => Some(reason),
            _ => None,
        },
    })
}
