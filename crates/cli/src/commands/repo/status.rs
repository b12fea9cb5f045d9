//! `wharf repo status`.

use std::num::NonZeroUsize;

use serde::Serialize;
use wharf_core::repos::short;
use wharf_core::repos::status::{Freshness, Here, RepoStatus, Seen, status};

use super::super::data;
use super::Bench;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::table::Cell;
use crate::render::{Paint, Table};

/// Shows the super-repo and all sub-repos in one table: branch, commits ahead of and behind the upstream, edits, and the
/// pinned commit against the one that is checked out and against its branch.
#[derive(Debug, clap::Args)]
pub(super) struct Status {
    /// Only these, by path or name.
    #[arg(value_name = "REPO", add = crate::commands::complete::repos())]
    repos: Vec<String>,
    /// Fetches first.
    #[arg(long)]
    fetch: bool,
    /// Fails (exit 1) unless all is committed, pushed and as pinned.
    #[arg(long)]
    check: bool,
    /// How many repos at once.
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    path: &'a str,
    state: &'static str,
    reason: Option<&'a str>,
    branch: Option<&'a str>,
    detached: bool,
    head: Option<&'a str>,
    upstream: Option<&'a str>,
    ahead: Option<u32>,
    behind: Option<u32>,
    staged: usize,
    changed: usize,
    untracked: usize,
    conflicts: usize,
    pin: Option<PinRow<'a>>,
    operation: Option<&'static str>,
    locked: bool,
    in_order: bool,
    not_fetched: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct PinRow<'a> {
    commit: &'a str,
    /// Whether it is what is checked out.
    checked_out: bool,
    /// Commits that what is checked out has and the pin lacks.
    ahead: Option<u32>,
    /// Commits that the pin has and what is checked out lacks.
    behind: Option<u32>,
    /// Whether the commit is here.
    here: bool,
    /// The branch that the pin is held against.
    branch: Option<&'a str>,
    /// Commits of that branch that the pin lacks.
    behind_branch: Option<u32>,
    /// Commits of the pin that the branch lacks.
    ahead_of_branch: Option<u32>,
}

impl Status {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let bench = Bench::new(context, self.jobs)?;
        let places = bench.select(&self.repos)?;
        let freshness = if self.fetch { Freshness::Fetched } else { Freshness::Known };
        let work = if self.fetch { bench.work()? } else { bench.local_work() };
        let found = status(&bench.repos, &places, freshness, &work);
        bench.interrupt.check()?;
        if self.json {
            data::json(&found.iter().map(row).collect::<Vec<_>>())?;
        } else {
            print(context, &found)?;
        }
        for (repo, why) in found.iter().filter_map(|repo| Some((repo, repo.not_fetched.as_ref()?))) {
            context.talk.warning(&format!("{}: not fetched: {}", repo.path, why.lines().last().unwrap_or(why)));
        }
        let bad: Vec<&str> = found.iter().filter(|repo| !repo.is_in_order()).map(|repo| repo.path.as_str()).collect();
        if self.check && !bad.is_empty() {
            return Err(Failure::failed(format!(
                "{} of {} repos are not committed, pushed and as pinned: {}",
                bad.len(),
                found.len(),
                bad.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
            ))
            .hint("commit, then `wharf repo push` and `wharf repo pin`; or `wharf repo pull`"));
        }
        Ok(0)
    }
}

fn print(context: &Context, found: &[RepoStatus]) -> Result<(), Failure> {
    let mut table = Table::new(&["repo", "branch", "upstream", "edits", "pin", "state"]);
    for repo in found {
        match &repo.seen {
            Seen::Absent(why) => {
                let pin = repo.pin.as_deref().map_or("-", short);
                let why = Cell::painted(why.lines().next().unwrap_or_default(), Paint::Yellow);
                table.row([repo.path.as_str().into(), "-".into(), "-".into(), "-".into(), pin.into(), why]);
            }
            Seen::Here(here) => {
                table.row([
                    repo.path.as_str().into(),
                    branch(here),
                    upstream(here),
                    edits(here),
                    pin(repo, here),
                    state(here),
                ]);
            }
        }
    }
    data::table(context, &table)
}

fn branch(here: &Here) -> Cell {
    match (&here.tree.branch, &here.tree.head) {
        (Some(branch), _) => branch.as_str().into(),
        (None, Some(head)) => Cell::painted(format!("detached {}", short(head)), Paint::Dim),
        (None, None) => "-".into(),
    }
}

fn upstream(here: &Here) -> Cell {
    match (&here.tree.upstream, here.tree.apart) {
        (None, _) => "-".into(),
        (Some(_), None) => Cell::painted("gone", Paint::Yellow),
        (Some(_), Some((0, 0))) => Cell::painted("same", Paint::Dim),
        (Some(_), Some((ahead, behind))) => Cell::painted(apart(ahead, behind), Paint::Yellow),
    }
}

/// `2 ahead, 1 behind`.
fn apart(ahead: u32, behind: u32) -> String {
    let part = |count: u32, word: &str| (count > 0).then(|| format!("{count} {word}"));
    [part(ahead, "ahead"), part(behind, "behind")].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `2 ahead of x, 1 behind x`.
fn against(ahead: u32, behind: u32, what: &str) -> String {
    let part = |count: u32, word: &str| (count > 0).then(|| format!("{count} {word} {what}"));
    [part(ahead, "ahead of"), part(behind, "behind")].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn edits(here: &Here) -> Cell {
    let tree = &here.tree;
    let part = |count: usize, word: &str| (count > 0).then(|| format!("{count} {word}"));
    let parts: Vec<String> = [
        part(tree.conflicts.len(), "conflicts"),
        part(tree.staged.len(), "staged"),
        part(tree.changed.len(), "changed"),
        part(tree.untracked.len(), "untracked"),
    ]
    .into_iter()
    .flatten()
    .collect();
    match (parts.is_empty(), tree.conflicts.is_empty()) {
        (true, _) => Cell::painted("clean", Paint::Dim),
        (false, true) => Cell::painted(parts.join(", "), Paint::Yellow),
        (false, false) => Cell::painted(parts.join(", "), Paint::Red),
    }
}

fn pin(repo: &RepoStatus, here: &Here) -> Cell {
    let Some(commit) = &repo.pin else { return "-".into() };
    if !here.has_pin {
        return Cell::painted(format!("{} is not here", short(commit)), Paint::Red);
    }
    let mut text = match here.from_pin {
        None => "same".to_owned(),
        Some(from) => against(from.ahead, from.behind, "it"),
    };
    if let Some((branch, from)) = &here.pin_branch
        && (from.ahead, from.behind) != (0, 0)
    {
        let whose = if here.from_pin.is_none() { ", " } else { "; the pin is " };
        text.push_str(&format!("{whose}{}", against(from.ahead, from.behind, branch)));
    }
    Cell::painted(text, if here.from_pin.is_none() { Paint::Dim } else { Paint::Yellow })
}

fn state(here: &Here) -> Cell {
    let operation = here.operation.map(|operation| format!("{} under way", operation.word()));
    let lock = here.lock.as_ref().map(|lock| match &lock.holder {
        Some(holder) => format!("index locked by {holder}"),
        None => "index locked".to_owned(),
    });
    let text: Vec<String> = operation.into_iter().chain(lock).collect();
    Cell::painted(text.join(", "), Paint::Red)
}

fn row(repo: &RepoStatus) -> Row<'_> {
    let (here, reason) = match &repo.seen {
        Seen::Here(here) => (Some(&**here), None),
        Seen::Absent(why) => (None, Some(why.as_str())),
    };
    let tree = here.map(|here| &here.tree);
    let count = |of: fn(&wharf_git::WorkTree) -> usize| tree.map_or(0, of);
    let state = match reason {
        None => "ready",
        Some(why) if why.starts_with("not populated") => "not-populated",
        Some(_) => "unreadable",
    };
    Row {
        path: &repo.path,
        state,
        reason,
        branch: tree.and_then(|tree| tree.branch.as_deref()),
        detached: tree.is_some_and(|tree| tree.branch.is_none()),
        head: tree.and_then(|tree| tree.head.as_deref()),
        upstream: tree.and_then(|tree| tree.upstream.as_deref()),
        ahead: tree.and_then(|tree| tree.apart).map(|apart| apart.0),
        behind: tree.and_then(|tree| tree.apart).map(|apart| apart.1),
        staged: count(|tree| tree.staged.len()),
        changed: count(|tree| tree.changed.len()),
        untracked: count(|tree| tree.untracked.len()),
        conflicts: count(|tree| tree.conflicts.len()),
        pin: repo.pin.as_deref().map(|commit| pin_row(commit, here)),
        operation: here.and_then(|here| here.operation).map(|operation| operation.word()),
        locked: here.is_some_and(|here| here.lock.is_some()),
        in_order: repo.is_in_order(),
        not_fetched: repo.not_fetched.as_deref(),
    }
}

fn pin_row<'a>(commit: &'a str, here: Option<&'a Here>) -> PinRow<'a> {
    let checked_out = here.is_some_and(|here| here.tree.head.as_deref() == Some(commit));
    let from = here.and_then(|here| here.from_pin);
    let same = checked_out.then_some(0);
    let branch = here.and_then(|here| here.pin_branch.as_ref());
    PinRow {
        commit,
        checked_out,
        ahead: from.map(|from| from.ahead).or(same),
        behind: from.map(|from| from.behind).or(same),
        here: here.is_some_and(|here| here.has_pin),
        branch: branch.map(|(name, _)| name.as_str()),
        behind_branch: branch.map(|(_, apart)| apart.behind),
        ahead_of_branch: branch.map(|(_, apart)| apart.ahead),
    }
}
