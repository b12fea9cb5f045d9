//! The end of a run: what was learned is kept, what was asked for is judged, one report a dir, and its place in the history.

use std::collections::{BTreeMap, BTreeSet};

use super::affected::Remembered;
use super::cache::{Cache, Ran};
use super::coverage::{self, Forms};
use super::event::{TestEvent, TestListener};
use super::history::{self, Code, History};
use super::learned::{Learned, Store};
use super::plan::TestPlan;
use super::report::model::{DirReport, Report};
use super::run::Shared;
use super::session::Session;
use super::spread;
use super::suites::over_budget;
use crate::event::Event;
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
pub(super) fn remember(shared: &Shared, report: &mut Report, code: &Code, ids: &BTreeMap<usize, String>) {
    if !report.dirs.iter().flat_map(|dir| &dir.tests).any(history::counts) {
        return;
    }
    let images = report.dirs.iter().enumerate();
    let by_path = |(index, dir): (usize, &DirReport)| Some((dir.path.clone(), ids.get(&index)?.clone()));
    let images: BTreeMap<String, String> = images.filter_map(by_path).collect();
    let Some(entry) = history::entry_of(report, code, &images) else { return };
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

/// Keeps what the run has shown, or compares it with what was known: gives a line for each verdict that was known wrongly.
pub(super) fn settle(
    mut cache: Cache,
    shared: &Shared,
    sessions: &[Session],
    learned: &BTreeMap<String, Learned>,
    listener: &mut dyn TestListener,
) -> Vec<String> {
    let ran = sessions.iter().enumerate().filter(|(_, session)| !session.is_known()).map(|(index, session)| {
        let plan = &shared.plan.dirs[index];
        let is_whole = plan.only.is_none() && plan.leave_out.is_empty() && plan.shard.is_none();
        (
            index,
            Ran { report: &session.report, is_complete: session.ended_well(), is_whole, shard: plan.shard.as_ref() },
        )
    });
    let ran = ran.collect();
    let wrong = cache.verify(&ran, learned);
    cache.keep(&ran, learned);
    for line in &wrong {
        listener.on(&TestEvent::Progress(Event::Warning(line.clone())));
    }
    for note in cache.notes() {
        listener.on(&TestEvent::Progress(Event::Note(note)));
    }
    wrong
}

/// All containers have ended: keeps what was learned of test files. Gives what went wrong.
pub(super) fn finished(shared: &Shared, learned: &BTreeMap<String, Learned>, began: Option<i64>) -> Vec<String> {
    let mut problems = Vec::new();
    if !learned.is_empty() {
        let root = &shared.workspace.root;
        let stored = Store::open(&shared.state).update(learned, |file| root.join(file).exists());
        let kept = stored.and_then(|()| match began {
            Some(began) => Remembered::keep(root, &shared.state, learned, began),
            None => Ok(()),
        });
        problems.extend(kept.err().map(|error| format!("what tests depend on could not be stored: {error}")));
    }
    problems
}

/// What is not as it was asked for though nothing failed: with `--strict` that counts.
pub(super) fn judge(shared: &Shared, sessions: &[Session]) -> Vec<String> {
    let suites = shared.plan.dirs.iter().zip(sessions);
    let late = suites.filter_map(|(plan, session)| over_budget(plan.suite.as_ref()?, &session.report));
    late.chain(unmatched(&shared.plan, sessions)).collect()
}

/// Entries of test lists that no test matches, as far as all dirs that they could match in have said so.
pub(super) fn unmatched(plan: &TestPlan, sessions: &[Session]) -> Vec<String> {
    let Some(wanted) = plan.lists.as_ref().filter(|wanted| wanted.judges) else { return Vec::new() };
    let told: BTreeMap<&str, Option<&BTreeSet<usize>>> =
        sessions.iter().map(|session| (session.report.path.as_str(), session.found.listed.as_ref())).collect();
    let left_out = |dir: &str| plan.dirs.iter().any(|plan| plan.path == dir && !plan.leave_out.is_empty());
    let lost = |index: &usize| {
        let dirs = wanted.located.entries.get(index);
        dirs.into_iter().flatten().all(|dir| match told.get(dir.as_str()) {
            // What is not collected says nothing.
            _ if left_out(dir) => false,
            Some(Some(listed)) => !listed.contains(index),
            // A dir that has no such suite.
            None => true,
            Some(None) => false,
        })
    };
    let entries = wanted.lists.entries.iter().enumerate().filter(|(_, entry)| entry.adds);
    entries.map(|(index, _)| index).filter(lost).map(|index| wanted.lists.unmatched(index)).collect()
}

/// Takes what the sessions were told of coverage, and writes it.
pub(super) fn measured(shared: &Shared, forms: Forms, started: &str, sessions: &mut [Session]) -> coverage::Finished {
    let take = |session: &mut Session| {
        let mut gathered = std::mem::take(&mut session.coverage);
        gathered.lost_worker = session.report.summary.crashed > 0;
        gathered
    };
    let gathered: Vec<_> = sessions.iter_mut().map(take).collect();
    let dirs: Vec<_> = sessions.iter().map(|session| session.report.path.as_str()).zip(&gathered).collect();
    let run = coverage::Run {
        workspace: &shared.workspace,
        folder: &shared.folder,
        number: shared.run,
        wharf: &shared.options.wharf,
        started,
        forms,
    };
    let finished = coverage::finish(run, &dirs);
    drop(dirs);
    for (session, counts) in sessions.iter_mut().zip(&finished.dirs) {
        session.report.coverage = *counts;
    }
    finished
}
