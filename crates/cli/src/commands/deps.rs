//! `wharf deps`.

mod between;
mod file;

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;

use clap::ArgGroup;
use serde::Serialize;
use wharf_core::dependency::{Cycle, Declared, Given, Graph, cache, crossings};
use wharf_core::image::project::import_root_of;
use wharf_core::workspace::{StateDir, Workspace};

use super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::table::Cell;
use crate::render::{Paint, Table};

/// Shows which Python files need which: of one file or folder, or between runnable dirs.
///
/// Imports are read, never executed: absolute and relative ones, in functions and under conditions, `importlib.import_module`
/// and `__import__` with literal names, `pytest_plugins`, and the `conftest.py` files above a test. Without PATH, shows which runnable
/// dirs import the code of which others and whether that was declared, by `uses` in `[python]` or a shared image.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").args(["path", "cycles", "between", "undeclared"]))]
pub struct Deps {
    /// A Python file, or a folder: what the files in it need outside of it.
    #[arg(value_name = "PATH")]
    path: Option<String>,
    /// What needs PATH, instead of what PATH needs.
    #[arg(long, requires = "path")]
    reverse: bool,
    /// Also what is needed at second hand and further.
    #[arg(long, requires = "path", conflicts_with = "direct")]
    transitive: bool,
    /// Only what is needed at first hand, with lines; the default.
    #[arg(long, requires = "path")]
    direct: bool,
    /// Shows circles of modules that import each other; exit code 1 if there are any.
    #[arg(long)]
    cycles: bool,
    /// Shows each import in one runnable dir of the other's code.
    #[arg(long, num_args = 2, value_names = ["DIR", "DIR"])]
    between: Option<Vec<String>>,
    /// Shows each import of another runnable dir's code that was not declared; exit code 1 if there are any.
    #[arg(long)]
    undeclared: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl Deps {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no workspace, or the path holds no Python file.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        // The process ends with this command: taking a large graph apart would be a tenth of its time.
        let graph = ManuallyDrop::new(graph(&workspace));
        if let Some(path) = &self.path {
            return file::run(
                context,
                &workspace,
                &graph,
                &file::Question { path, reverse: self.reverse, transitive: self.transitive, json: self.json },
            );
        }
        say_faults(context, &graph);
        if self.cycles {
            return cycles(&graph, self.json);
        }
        match self.between.as_deref() {
            Some([one, other]) => between::pair(context, &workspace, &graph, (one, other), self.json),
            _ if self.undeclared => between::undeclared(&workspace, &graph, self.json),
            _ => overview(context, &workspace, &graph, self.json),
        }
    }
}

/// The graph, with the cache of this workspace where it can be had.
pub(super) fn graph(workspace: &Workspace) -> Graph {
    let cache = StateDir::open(workspace).ok().map(|state| cache::file(state.path()));
    let roots = workspace.dirs.iter().filter_map(|dir| Some((dir.address.clone(), import_root_of(&dir.path)?)));
    Graph::build(workspace, &Given { cache, packages: roots.collect() })
}

fn say_faults(context: &Context, graph: &Graph) {
    const MOST: usize = 5;
    let faulty: Vec<_> = graph.files().filter(|file| graph.fault(*file).is_some()).collect();
    for file in faulty.iter().take(MOST) {
        file::say_fault(context, graph, *file);
    }
    if faulty.len() > MOST {
        context.talk.warning(&format!("{} more files are no valid Python", faulty.len() - MOST));
    }
}

#[derive(Debug, Serialize)]
struct CycleRow<'a> {
    members: Vec<&'a str>,
    way: Vec<Place<'a>>,
}

/// A line of a file.
#[derive(Debug, Serialize)]
struct Place<'a> {
    path: &'a str,
    line: u32,
}

fn cycles(graph: &Graph, json: bool) -> Result<u8, Failure> {
    let cycles = graph.cycles();
    let row = |cycle: &Cycle| CycleRow {
        members: cycle.members.iter().map(|file| graph.path(*file)).collect(),
        way: cycle.way.iter().map(|(file, line)| Place { path: graph.path(*file), line: *line }).collect(),
    };
    let rows: Vec<CycleRow<'_>> = cycles.iter().map(row).collect();
    if json {
        data::json(&rows)?;
    } else {
        for row in &rows {
            let first = row.way.first().map_or("", |place| place.path);
            let way: Vec<String> = row.way.iter().map(|place| format!("{}:{}", place.path, place.line)).collect();
            let more = row.members.len().saturating_sub(row.way.len());
            let more = if more == 0 { String::new() } else { format!(" (and {more} more that are part of it)") };
            data::line(&format!("{} → {first}{more}", way.join(" → ")))?;
        }
    }
    Ok(u8::from(!rows.is_empty()))
}

/// Uses of one runnable dir's code by another.
#[derive(Debug, Serialize)]
struct Use<'a> {
    from: &'a str,
    to: &'a str,
    imports: usize,
    declared: &'static str,
}

fn overview(context: &Context, workspace: &Workspace, graph: &Graph, json: bool) -> Result<u8, Failure> {
    let mut pairs: BTreeMap<(usize, usize), (usize, Declared)> = BTreeMap::new();
    for crossing in crossings(workspace, graph) {
        let pair = (crossing.from_dir, crossing.to_dir);
        pairs.entry(pair).or_insert((0, crossing.declared)).0 += 1;
    }
    let address = |place: usize| workspace.dirs[place].address.as_str();
    let rows = pairs.iter().map(|((from, to), (imports, declared))| Use {
        from: address(*from),
        to: address(*to),
        imports: *imports,
        declared: declared.words(),
    });
    let rows: Vec<Use<'_>> = rows.collect();
    if json {
        data::json(&rows)?;
        return Ok(0);
    }
    if rows.is_empty() {
        let count = graph.files().count();
        context.talk.note(&format!("no runnable dir imports the code of another ({count} Python files)"));
        return Ok(0);
    }
    let mut table = Table::new(&["dir", "uses", "imports", "declared"]);
    for row in &rows {
        let paint = if row.declared == Declared::No.words() { Paint::Yellow } else { Paint::Plain };
        table.row([row.from.into(), row.to.into(), row.imports.to_string().into(), Cell::painted(row.declared, paint)]);
    }
    data::table(context, &table)?;
    if let Some(undeclared) = rows.iter().find(|row| row.declared == Declared::No.words()) {
        context.talk.note(&format!(
            "see each with `wharf deps --undeclared`; declare it with `uses = [\"//{}\"]` in `[python]` of `{}/devops/wharf.toml`",
            undeclared.to, undeclared.from
        ));
    }
    Ok(0)
}
