//! `--split`: the tests of one dir in several containers at once.
//!
//! A dir's files are cut into parts, more than containers, the first ones large and the later ones ever smaller (guided
//! self-scheduling: C. D. Polychronopoulos and D. J. Kuck, 1987). Each part is a container of its own that starts as soon
//! as another one ends. So nobody waits long for the last one, however wrong the expectation was. To the rest of a run a
//! part is a dir like any other; only its report is put together with the others' at the end.

use std::collections::BTreeMap;

use super::{DirShard, Part, Rest};
use crate::test_suite::history::Expected;
use crate::test_suite::report::model::{DirReport, DirStatus};
use crate::test_suite::{DirPlan, Summary, TestPlan};

/// Seconds of tests below which a container of its own costs more than it saves.
const LEAST: f64 = 2.0;

/// Cuts the dirs of a plan into parts for `lanes` containers at once. `files` names the test files known of each dir.
#[must_use]
pub fn split(plan: TestPlan, lanes: u32, files: &BTreeMap<String, String>, expected: &Expected) -> TestPlan {
    let lists = plan.lists;
    let mut dirs = Vec::new();
    for dir in plan.dirs {
        let known = files.iter().filter(|(_, owner)| **owner == dir.path).map(|(file, _)| file);
        let runs =
            |file: &&String| !dir.leave_out.contains(*file) && dir.shard.as_ref().is_none_or(|shard| shard.holds(file));
        let mine: Vec<&String> = known.filter(runs).collect();
        // What was asked for by name is small, and a part that has none of it would run all the rest.
        if !dir.runs || dir.only.is_some() || dir.named || mine.len() < 2 {
            dirs.push(dir);
            continue;
        }
        let parts = parts(&mine, lanes, expected);
        let total = parts.values().copied().max().unwrap_or(1);
        dirs.extend((1..=total).map(|number| part_of(&dir, &parts, Part { number, total, lanes })));
    }
    TestPlan { dirs, lists }
}

/// The part of each file, from 1: the longest first, parts of half of what is left for each lane.
fn parts(files: &[&String], lanes: u32, expected: &Expected) -> BTreeMap<String, u32> {
    let unknown = expected.unknown_file();
    let mut order: Vec<(&String, f64)> =
        files.iter().map(|file| (*file, expected.files().get(*file).copied().unwrap_or(unknown))).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let mut left: f64 = order.iter().map(|(_, seconds)| seconds).sum();
    let nothing_known = expected.files().is_empty();
    let mut parts = BTreeMap::new();
    let mut number = 0;
    let mut order = order.into_iter().peekable();
    while order.peek().is_some() {
        number += 1;
        let wanted =
            (left / f64::from(2 * lanes)).max(if nothing_known { 0.0 } else { LEAST.min(left / f64::from(lanes)) });
        let mut taken = 0.0;
        while let Some((file, seconds)) = order.next_if(|(_, seconds)| taken == 0.0 || taken + seconds <= wanted) {
            parts.insert(file.clone(), number);
            taken += seconds.max(1e-6);
        }
        left -= taken;
    }
    parts
}

fn part_of(dir: &DirPlan, parts: &BTreeMap<String, u32>, part: Part) -> DirPlan {
    let before = dir.shard.as_ref();
    // What is on no list runs in the first part, as far as it belongs here at all.
    let rest = match (part.number, before) {
        (1, None) => Rest::All,
        (1, Some(shard)) => shard.rest,
        _ => Rest::None,
    };
    let mut files = parts.clone();
    // Files of other shards belong to no part.
    files.extend(
        before
            .into_iter()
            .flat_map(|shard| shard.files.keys())
            .filter(|file| !parts.contains_key(*file))
            .map(|file| (file.clone(), 0)),
    );
    let mine = parts.values().filter(|number| **number == part.number).count();
    DirPlan {
        shard: Some(DirShard { index: part.number, total: part.total, files, rest, part: Some(part) }),
        test_files: mine,
        ..dir.clone()
    }
}

/// Puts the reports of a dir's parts together. `parts`: one or more, the first part first.
#[must_use]
pub fn merge(parts: Vec<DirReport>) -> Option<DirReport> {
    let is_split = parts.len() > 1;
    let mut parts = parts.into_iter();
    let mut whole = parts.next()?;
    let mut end = whole.waited + whole.duration;
    for part in parts {
        end = end.max(part.waited + part.duration);
        if part.log.is_some() {
            whole.waited = whole.waited.min(part.waited);
        }
        let mut summary = Summary::default();
        summary.merge(&whole.summary);
        summary.merge(&part.summary);
        whole.summary = summary;
        if rank(part.status) > rank(whole.status) {
            (whole.status, whole.cause, whole.hint) = (part.status, part.cause, part.hint);
        }
        whole.exit_code = match (whole.exit_code, part.exit_code) {
            // Nothing to do (pytest's 5) is no result beside another.
            (Some(5), Some(code)) | (Some(code), Some(5)) => Some(code),
            (whole, part) => whole.max(part),
        };
        whole.image = whole.image.or(part.image);
        whole.log = whole.log.or(part.log);
        whole.python = whole.python.or(part.python);
        whole.pytest = whole.pytest.or(part.pytest);
        whole.tests.extend(part.tests);
    }
    whole.duration = end - whole.waited;
    // Those of one part stand as they ended; its times say less, for several of its events may come at once.
    if is_split {
        whole.tests.sort_by(|a, b| (a.offset + a.duration).total_cmp(&(b.offset + b.duration)));
    }
    Some(whole)
}

/// The graver the higher. No tests in one part says nothing of the dir.
fn rank(status: DirStatus) -> u8 {
    match status {
        DirStatus::NoTests => 0,
        DirStatus::Passed => 1,
        DirStatus::Failed => 2,
        DirStatus::Interrupted => 3,
        DirStatus::NotRun => 4,
        DirStatus::Crashed => 5,
    }
}
