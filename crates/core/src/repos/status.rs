//! One table over all repos. One question to Git for each repo; more only where a commit is not the pinned one.

use std::collections::BTreeMap;

use wharf_git::{Apart, Change, GitPlace, IndexLock, Operation, WorkTree};

use super::place::Facts;
use super::{Member, Repos, Work, absent, each};

/// The state of one repo.
#[derive(Debug)]
pub struct RepoStatus {
    /// Its path, `.` for the super-repo.
    pub path: String,
    /// The commit that the repo around it pins; None for the super-repo.
    pub pin: Option<String>,
    /// What is there.
    pub seen: Seen,
    /// Why it could not be fetched, where that was tried.
    pub not_fetched: Option<String>,
}

/// What is there of a repo.
#[derive(Debug)]
pub enum Seen {
    /// Its work tree.
    Here(Box<Here>),
    /// Nothing, or nothing that can be read; why.
    Absent(String),
}

/// A work tree.
#[derive(Debug)]
pub struct Here {
    /// Branch, head, edits.
    pub tree: WorkTree,
    /// How the head lies to the pin; None where they are the same, or the pin's commit is not here.
    pub from_pin: Option<Apart>,
    /// Whether the pinned commit is here.
    pub has_pin: bool,
    /// The branch that the pin is held against, and how the pin lies to it.
    pub pin_branch: Option<(String, Apart)>,
    /// What is under way.
    pub operation: Option<Operation>,
    /// The lock of the index.
    pub lock: Option<IndexLock>,
}

impl RepoStatus {
    /// Whether all is committed, pushed and as pinned. What cannot be read counts as such.
    #[must_use]
    pub fn is_in_order(&self) -> bool {
        let Seen::Here(here) = &self.seen else { return true };
        let at_pin = self.pin.is_none() || self.pin == here.tree.head;
        let pushed = here.tree.apart.is_none_or(|(ahead, _)| ahead == 0);
        at_pin && pushed && !here.tree.is_dirty() && here.operation.is_none() && here.lock.is_none()
    }
}

/// Whether to ask remotes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// What was fetched before.
    Known,
    /// Fetch first.
    Fetched,
}

/// The state of the members at `places`.
#[must_use]
pub fn status(repos: &Repos, places: &[usize], freshness: Freshness, work: &Work<'_>) -> Vec<RepoStatus> {
    let failures = match freshness {
        Freshness::Known => BTreeMap::new(),
        Freshness::Fetched => fetch_all(repos, places, work),
    };
    let facts: BTreeMap<usize, _> = places.iter().copied().zip(read(repos, places, work)).collect();
    let pins = pins(repos, places, &facts, work);
    each(work.jobs, places, |place| {
        let member = &repos.members[*place];
        let pin = pins.get(place).cloned();
        let seen = match facts.get(place) {
            Some(Some(Ok(facts))) => Seen::Here(Box::new(here(facts, pin.as_deref()))),
            Some(Some(Err(error))) => Seen::Absent(format!("not readable: {}", error.said())),
            _ => Seen::Absent(absent(member).unwrap_or_default()),
        };
        RepoStatus { path: member.shown().to_owned(), pin, seen, not_fetched: failures.get(place).cloned() }
    })
}

/// What is there of each. Git is asked about those in which something changed.
fn read(repos: &Repos, places: &[usize], work: &Work<'_>) -> Vec<Option<Result<Facts, wharf_git::GitError>>> {
    let ready = |place: &usize| Some(&repos.members[*place]).filter(|member| member.is_ready());
    let still = each(work.jobs, places, |place| {
        let place = wharf_git::place::at(&ready(place)?.repo.root).ok().flatten()?;
        let still = place.still();
        Some((place, still))
    });
    let seen: Vec<_> = still.into_iter().map(|seen| seen.unzip()).collect();
    let (known, stills): (Vec<_>, Vec<_>) = seen.into_iter().unzip();
    let nowhere = GitPlace { root: repos.root.clone(), git_dir: repos.root.join(".git") };
    let asked =
        known.iter().map(|place| place.as_ref().unwrap_or(&nowhere)).zip(stills.into_iter().map(Option::flatten));
    let trees = wharf_git::still::unchanged(asked.collect());
    let found: Vec<_> = places.iter().copied().zip(known.into_iter().zip(trees)).collect();
    each(work.jobs, &found, |(place, (at, tree))| {
        let member = ready(place)?;
        Some(match (at, tree) {
            (Some(at), Some(tree)) => Ok(Facts { git: member.git(), place: at.clone(), tree: tree.clone() }),
            _ => Facts::read(member),
        })
    })
}

type AllFacts = BTreeMap<usize, Option<Result<Facts, wharf_git::GitError>>>;

/// The pin of each sub-repo. Git's answer for the repo around it names those that are not checked out; the others are where
/// their heads are. Only for those without a head of their own, or around which nothing was asked, Git is asked again.
fn pins(repos: &Repos, places: &[usize], facts: &AllFacts, work: &Work<'_>) -> BTreeMap<usize, String> {
    let mut found = BTreeMap::new();
    let mut unknown: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in places {
        let member = &repos.members[*place];
        let Some(parent) = member.parent else { continue };
        let head = match facts.get(place) {
            Some(Some(Ok(own))) => own.tree.head.clone(),
            _ => None,
        };
        let folder = format!("{}/", member.path_in_parent);
        match (facts.get(&parent), head) {
            // Named in `.gitmodules`, but in no commit yet.
            (Some(Some(Ok(around))), _) if around.tree.untracked.contains(&folder) => {}
            (Some(Some(Ok(around))), Some(head)) if !around.tree.conflicts.contains(&member.path_in_parent) => {
                let moved = around.tree.moved.get(&member.path_in_parent);
                found.insert(*place, moved.cloned().unwrap_or(head));
            }
            _ => unknown.entry(parent).or_default().push(*place),
        }
    }
    let unknown: Vec<(usize, Vec<usize>)> = unknown.into_iter().collect();
    let asked = each(work.jobs, &unknown, |(parent, children)| {
        let paths: Vec<&str> = children.iter().map(|place| repos.members[*place].path_in_parent.as_str()).collect();
        repos.members[*parent].git().pins_of_index(&paths).unwrap_or_default()
    });
    for ((_, children), pins) in unknown.iter().zip(asked) {
        for place in children {
            if let Some(pin) = pins.get(&repos.members[*place].path_in_parent) {
                found.insert(*place, pin.clone());
            }
        }
    }
    found
}

fn here(facts: &Facts, pin: Option<&str>) -> Here {
    let Facts { git, place, tree } = facts;
    let is_same = pin == tree.head.as_deref();
    let from_pin = match (pin, tree.head.as_deref()) {
        (Some(pin), Some(head)) if !is_same => git.apart(head, pin).ok(),
        _ => None,
    };
    let has_pin = pin.is_none() || is_same || from_pin.is_some();
    let pin_branch = pin.filter(|_| has_pin).and_then(|pin| against_branch(facts, pin, is_same));
    Here { tree: tree.clone(), from_pin, has_pin, pin_branch, operation: place.operation(), lock: place.index_lock() }
}

/// How the pin lies to the branch that it was taken from: the upstream of what is checked out, else the remote's own.
fn against_branch(facts: &Facts, pin: &str, is_head: bool) -> Option<(String, Apart)> {
    if let (Some(upstream), Some((ahead, behind)), true) = (&facts.tree.upstream, facts.tree.apart, is_head) {
        return Some((upstream.clone(), Apart { ahead, behind }));
    }
    let (name, commit) = match &facts.tree.upstream {
        Some(upstream) => (upstream.clone(), facts.place.quick_ref(&format!("refs/remotes/{upstream}"))),
        None => ("origin/HEAD".to_owned(), facts.place.quick_ref("refs/remotes/origin/HEAD")),
    };
    if commit.as_deref() == Some(pin) {
        return Some((name, Apart::default()));
    }
    let apart = facts.git.apart(pin, commit.as_deref()?).ok()?;
    Some((name, apart))
}

/// Fetches all that can be; gives why it did not work, by place.
pub(super) fn fetch_all(repos: &Repos, places: &[usize], work: &Work<'_>) -> BTreeMap<usize, String> {
    let ready: Vec<usize> = places.iter().copied().filter(|place| repos.members[*place].is_ready()).collect();
    let failures = each(work.jobs, &ready, |place| fetch(&repos.members[*place], work).err());
    ready.into_iter().zip(failures).filter_map(|(place, failure)| Some((place, failure?))).collect()
}

/// Fetches one.
pub(super) fn fetch(member: &Member, work: &Work<'_>) -> Result<(), String> {
    if work.is_stopped() {
        return Err("interrupted".into());
    }
    let facts = Facts::read(member).map_err(|error| error.said())?;
    let Some(remote) = facts.remote() else { return Ok(()) };
    work.apply(&facts.git, &Change::Fetch { remote, commit: None }).map_err(|error| error.said())
}
