//! The end of a run: one report a dir, and its place in the history.

use std::collections::BTreeMap;

use super::history::{self, CodeState, History};
use super::report::model::{DirReport, Report};
use super::run::Shared;
use super::session::Session;
use super::spread;
use crate::runnable_dir::RunnableDir;

/// One report a dir, with the index of each in the plan's order: the parts of `--split` become one.
pub(super) fn put_together(
    shared: &Shared,
    sessions: Vec<Session>,
    images: &BTreeMap<usize, String>,
    problems: &mut Vec<String>,
) -> (Vec<DirReport>, BTreeMap<usize, String>) {
    let mut groups: Vec<(usize, Vec<DirReport>)> = Vec::new();
    for (index, session) in sessions.into_iter().enumerate() {
        match groups.last_mut().filter(|(_, group)| group[0].path == session.report.path) {
            Some((_, group)) => group.push(session.report),
            None => groups.push((index, vec![session.report])),
        }
    }
    let mut dirs = Vec::with_capacity(groups.len());
    let mut ids = BTreeMap::new();
    for (first, group) in groups {
        let parts = first..first + group.len();
        if let Some(id) = images.range(parts).next().map(|(_, id)| id.clone()) {
            ids.insert(dirs.len(), id);
        }
        let split = group.len() > 1;
        let logs: Vec<String> = group.iter().filter_map(|part| part.log.clone()).collect();
        let Some(mut dir) = spread::merge(group) else { continue };
        if split && !logs.is_empty() {
            match logs_into_one(shared, &dir.path, &logs) {
                Ok(name) => dir.log = Some(name),
                Err(error) => problems.push(format!("{}: its logs could not be put together: {error}", dir.path)),
            }
        }
        dirs.push(dir);
    }
    (dirs, ids)
}

/// Puts the logs of a dir's parts into the one that a dir has.
fn logs_into_one(shared: &Shared, path: &str, logs: &[String]) -> std::io::Result<String> {
    let dir = shared.workspace.dirs.iter().find(|dir| dir.address.as_str() == path);
    let name = format!("{}.log", dir.map(RunnableDir::slug).unwrap_or_default());
    let mut whole = fs_err::File::create(shared.folder.join(&name))?;
    for log in logs {
        let part = shared.folder.join(log);
        std::io::copy(&mut fs_err::File::open(&part)?, &mut whole)?;
        fs_err::remove_file(part)?;
    }
    Ok(name)
}

/// Adds what came of the tests to the history. A history that cannot be written is a problem of no run.
pub(super) fn remember(shared: &Shared, report: &mut Report, code: CodeState, ids: &BTreeMap<usize, String>) {
    if !report.dirs.iter().flat_map(|dir| &dir.tests).any(history::counts) {
        return;
    }
    let (states, code) = code.wait();
    let images = report.dirs.iter().enumerate();
    let by_path = |(index, dir): (usize, &DirReport)| Some((dir.path.clone(), ids.get(&index)?.clone()));
    let images: BTreeMap<String, String> = images.filter_map(by_path).collect();
    let Some(entry) = history::entry_of(report, (&states, code), &images) else { return };
    let keep = i64::try_from(shared.workspace.config.test.history_keep.as_secs()).unwrap_or(i64::MAX);
    match History::new(&shared.state).add(&entry, entry.started.saturating_sub(keep)) {
        Ok(note) => report.problems.extend(note),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            report.problems.push(format!("this run is not in the history: {error}{cause}{hint}"));
        }
    }
}
