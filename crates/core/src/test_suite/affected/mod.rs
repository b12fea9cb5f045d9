//! Only the tests that a change can reach: `wharf test --affected`.
//!
//! Owns the question what changed since a base ([`changes()`]), what that reaches ([`reach`]) and what is said of it. Refuses to run
//! anything: it fills [`DirPlan::leave_out`] of a plan, and what is not named there runs.
//!
//! In doubt it runs more: what cannot be compared counts as changed, and where nothing can be compared everything runs, with a
//! note.
//!
//! [`DirPlan::leave_out`]: super::plan::DirPlan::leave_out

mod base;
mod changes;
mod collect;
mod govern;
mod reach;
mod said;
mod seen;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use base::{Base, BaseError, Search};
pub use changes::{Changes, Unknown, changes};
pub use reach::{Nothing, Reason, Seen, Why};
pub use seen::{Remembered, moment};

use self::reach::Reach;
use super::plan::TestPlan;
use crate::dependency::{Given, Graph, cache};
use crate::image::project::import_root_of;
use crate::workspace::{StateDir, Workspace};
use wharf_git::Git;

/// What to do where the base is out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutOfReach {
    /// Refuse.
    Refuse,
    /// Run everything.
    RunAll,
}

/// The test files that changes reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// What changes are counted from, in words; `None` where there is nothing to compare with.
    pub base: Option<String>,
    /// Its commit.
    pub commit: Option<String>,
    /// Number of files that changed.
    pub changed: usize,
    /// Why everything runs, where it does.
    pub everything: Option<String>,
    /// What could not be compared, a line each.
    pub notes: Vec<String>,
    /// One entry a runnable dir, by address.
    pub dirs: Vec<DirAffected>,
}

/// What is affected of one runnable dir.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DirAffected {
    /// Its address.
    pub path: String,
    /// Number of its test files that are known.
    pub files: usize,
    /// Those that are affected, by path from the workspace's root, with the reason.
    pub affected: BTreeMap<String, Reason>,
    /// The others.
    #[serde(skip)]
    pub left_out: BTreeSet<String>,
    /// Whether it may have tests in files that nobody can name before pytest does.
    #[serde(skip)]
    collects_more: bool,
}

/// Finds the test files that changes since `reference`, or since the usual base, reach. `seen` is what earlier runs have shown.
///
/// # Errors
/// When `reference` names nothing here, or the base is out of reach and that is to be refused.
pub fn affected(
    workspace: &Workspace,
    reference: Option<&str>,
    out_of_reach: OutOfReach,
    seen: &dyn Seen,
) -> Result<Affected, BaseError> {
    let base = match base::find(workspace, reference) {
        Ok(Search::Found(base)) => base,
        Ok(Search::Nothing(why)) => return Ok(everything(workspace, why)),
        Err(error) if error.is_lack_of_history() && out_of_reach == OutOfReach::RunAll => {
            return Ok(everything(workspace, error.to_string()));
        }
        Err(BaseError::Git(error)) => {
            return Ok(everything(workspace, format!("Git does not say what changed: {}", error.said())));
        }
        Err(error) => return Err(error),
    };
    let changes = changes(workspace, &base.commit);
    let mut found = match &changes.everything {
        Some(why) => everything(workspace, why.clone()),
        None => reached(workspace, &changes, seen),
    };
    found.changed = changes.files.len();
    found.base = Some(base.shown);
    found.commit = Some(base.commit);
    found.notes.extend(changes.unknown.into_iter().map(|unknown| unknown.why));
    Ok(found)
}

/// Finds the test files that these changes reach, which somebody else has seen.
#[must_use]
pub fn affected_by(workspace: &Workspace, changes: &Changes, seen: &dyn Seen) -> Affected {
    let mut found = reached(workspace, changes, seen);
    found.changed = changes.files.len();
    found
}

fn everything(workspace: &Workspace, why: String) -> Affected {
    let dirs = workspace.dirs.iter().map(|dir| DirAffected {
        path: dir.address.to_string(),
        files: dir.tests.len(),
        ..DirAffected::default()
    });
    Affected { dirs: dirs.collect(), everything: Some(why), ..Affected::default() }
}

fn reached(workspace: &Workspace, changes: &Changes, seen: &dyn Seen) -> Affected {
    let past = |repo: &str, path: &str| {
        let commit = changes.bases.get(repo)?;
        let known = workspace.repos.iter().find(|known| known.path == repo)?;
        Git::new(&known.root).file_at(commit, path).ok().flatten()
    };
    let governed = if changes.is_empty() { Vec::new() } else { govern::governed(workspace, changes, &past) };
    let graph = || graph(workspace);
    let reach = Reach::new(workspace, changes, governed, seen, &graph);
    let mut dirs = Vec::with_capacity(workspace.dirs.len());
    let elsewhere = elsewhere(workspace, seen);
    for (at, dir) in workspace.dirs.iter().enumerate() {
        let more = elsewhere.get(&at).into_iter().flatten();
        let mut found = DirAffected {
            path: dir.address.to_string(),
            collects_more: collect::collects_more(dir, &workspace.root),
            ..DirAffected::default()
        };
        for file in dir.tests.iter().chain(more) {
            found.files += 1;
            match reach.why(file, at) {
                Some(reason) => {
                    found.affected.insert(file.clone(), reason);
                }
                None => {
                    found.left_out.insert(file.clone());
                }
            }
        }
        dirs.push(found);
    }
    Affected { dirs, ..Affected::default() }
}

/// Files that ran as tests though they are not named like ones, by the dir that holds them.
fn elsewhere(workspace: &Workspace, seen: &dyn Seen) -> BTreeMap<usize, Vec<String>> {
    let mut found: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for file in seen.files() {
        let is_known =
            workspace.dirs.iter().any(|dir| dir.tests.binary_search_by(|known| known.as_str().cmp(file)).is_ok());
        if is_known || !workspace.root.join(file).is_file() {
            continue;
        }
        let address = crate::runnable_dir::Address::from_relative(std::path::Path::new(file));
        let holder = address.ok().and_then(|address| workspace.holder(&address)).map(|dir| &dir.address);
        if let Some(at) = workspace.dirs.iter().position(|dir| Some(&dir.address) == holder) {
            found.entry(at).or_default().push(file.to_owned());
        }
    }
    found
}

/// The static graph, with its cache where there is a state folder: whoever only plans makes none.
fn graph(workspace: &Workspace) -> Graph {
    let state = StateDir::peek(workspace);
    let cache = state.path().is_dir().then(|| cache::file(state.path()));
    let roots = workspace.dirs.iter().filter_map(|dir| Some((dir.address.clone(), import_root_of(&dir.path)?)));
    Graph::build(workspace, &Given { cache, packages: roots.collect() })
}

impl Affected {
    /// Leaves the test files that are not affected out of `plan`. A dir of which none is left runs nothing.
    pub fn apply(&self, plan: &mut TestPlan) {
        for dir in &mut plan.dirs {
            let Some(found) = self.dir(&dir.path).filter(|_| self.everything.is_none()) else { continue };
            dir.leave_out.extend(found.left_out.iter().cloned());
            let is_known = found.files >= dir.test_files && !found.collects_more;
            if found.affected.is_empty() && is_known {
                dir.runs = false;
            }
        }
    }

    /// What is affected of the dir at this address.
    #[must_use]
    pub fn dir(&self, path: &str) -> Option<&DirAffected> {
        self.dirs.iter().find(|dir| dir.path == path)
    }
}
