//! The end of a measured run: all is merged and written, and limits are looked at.

use std::path::Path;

use super::file::Counts;
use super::gathered::Gathered;
use super::write::Files;
use super::{Forms, Merged, html};
use crate::config::LayerKind;
use crate::runnable_dir::Address;
use crate::workspace::Workspace;

/// What came of it.
#[derive(Debug, Default)]
pub(in crate::test_suite) struct Finished {
    /// Of all dirs; `None` where nothing was measured.
    pub total: Option<Counts>,
    /// Of the files in each dir, in the order of the dirs.
    pub dirs: Vec<Option<Counts>>,
    /// What is not right, a line each.
    pub problems: Vec<String>,
    /// Whether a dir's coverage is missing as a whole.
    pub lacking: bool,
    /// Whether a number is below its limit.
    pub below: bool,
}

/// What a run knows of itself.
#[derive(Debug, Clone, Copy)]
pub(in crate::test_suite) struct Run<'a> {
    pub workspace: &'a Workspace,
    pub folder: &'a Path,
    pub number: u32,
    pub wharf: &'a str,
    pub started: &'a str,
    pub forms: Forms,
}

/// Merges and writes what `dirs` told, by address.
pub(in crate::test_suite) fn finish(run: Run<'_>, dirs: &[(&str, &Gathered)]) -> Finished {
    let workspace = run.workspace;
    let merged = Merged::of(dirs.iter().map(|(_, gathered)| *gathered), |path| holder(workspace, path));
    let gaps: Vec<_> = dirs.iter().filter_map(|(dir, gathered)| gathered.gap(dir)).collect();
    let mut finished = Finished {
        total: (!merged.files.is_empty()).then(|| merged.total()),
        dirs: dirs.iter().map(|(dir, _)| merged.of_dir(dir)).collect(),
        problems: gaps.iter().map(|gap| gap.text.clone()).collect(),
        lacking: gaps.iter().any(|gap| gap.whole),
        below: false,
    };
    let slug = |address: &str| {
        let dir = workspace.dirs.iter().find(|dir| dir.address.as_str() == address)?;
        Some(dir.slug())
    };
    let told: Vec<_> = dirs
        .iter()
        .filter(|(_, gathered)| gathered.tool.is_some())
        .filter_map(|(dir, gathered)| Some((slug(dir)?, *gathered)))
        .collect();
    let files = Files {
        folder: run.folder,
        root: &workspace.root,
        forms: run.forms,
        head: html::Head { workspace: &workspace.name, run: run.number, wharf: run.wharf },
        started: run.started,
    };
    let lacks = finished.problems.clone();
    finished.problems.extend(files.write(&merged, &told, &lacks));
    let below = below(workspace, &finished, dirs);
    finished.below = !below.is_empty();
    finished.problems.extend(below);
    finished
}

fn holder(workspace: &Workspace, path: &str) -> Option<String> {
    let address = Address::from_relative(Path::new(path)).ok()?;
    workspace.holder(&address).map(|dir| dir.address.to_string())
}

/// Limits that are not reached: the workspace's, of all code together; a dir's own, of the code in it.
fn below(workspace: &Workspace, finished: &Finished, dirs: &[(&str, &Gathered)]) -> Vec<String> {
    let line = |what: &str, counts: &Counts, least: u32| {
        (counts.percent() < f64::from(least))
            .then(|| format!("coverage{what} is {} %, below `coverage-min` of {least} %", counts.shown()))
    };
    let mut lines = Vec::new();
    match (&workspace.config.test.coverage_min, &finished.total) {
        (Some(least), Some(total)) => lines.extend(line("", total, least.value)),
        (Some(least), None) if least.value > 0 => {
            lines.push(format!("nothing was measured, but `coverage-min` asks for {} %", least.value));
        }
        _ => {}
    }
    for ((address, _), counts) in dirs.iter().zip(&finished.dirs) {
        let dir = workspace.dirs.iter().find(|dir| dir.address.as_str() == *address);
        let own = dir.and_then(|dir| dir.config.test.coverage_min.as_ref());
        let own = own.filter(|least| least.origin.layer == LayerKind::RunnableDir);
        if let (Some(least), Some(counts)) = (own, counts) {
            lines.extend(line(&format!(" of `{address}`"), counts, least.value));
        }
    }
    lines
}
