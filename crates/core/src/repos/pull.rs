//! `pull`: the super-repo forward, then each sub-repo to its pin or to the head of its branch.
//!
//! All is fetched at once. Then depth by depth: first a repo itself, then what it pins by then, since that may be new.

use std::collections::BTreeMap;

use wharf_git::{Change, Git};

use super::place::Facts;
use super::route::{self, Route, Standing, told};
use super::status::fetch_all;
use super::{Member, Mode, Obstacle, Outcome, Refusal, Repos, Verdict, Work, absent, each, short, stash};
use crate::config::mask_credentials;
use crate::sub_repo::State;

/// Where sub-repos are brought to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// The commits that are pinned.
    Pins,
    /// The heads of their branches.
    Latest,
}

/// What to do with a branch that has diverged from its upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Divergence {
    /// Leave it alone.
    Refuse,
    /// Put its commits on top of the upstream's.
    Rebase,
}

/// What to do with edits that are in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edits {
    /// Put them aside, and back afterwards.
    Stash,
    /// Leave the repo alone.
    Refuse,
}

/// How to pull.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Where sub-repos are brought to.
    pub goal: Goal,
    /// What to do with diverged branches.
    pub divergence: Divergence,
    /// What to do with edits.
    pub edits: Edits,
    /// Whether to do it.
    pub mode: Mode,
}

/// Brings the members at `selected` forward. Where that is all of them, those that come with it too.
#[must_use]
pub fn pull(repos: &Repos, selected: &[usize], options: Options, work: &Work<'_>) -> Vec<Outcome> {
    let named: Option<Vec<String>> = (selected.len() < repos.members.len())
        .then(|| selected.iter().map(|place| repos.members[*place].repo.path.clone()).collect());
    let failures = match options.mode {
        Mode::Apply => fetch_all(repos, selected, work),
        Mode::Plan => BTreeMap::new(),
    };
    let failures: BTreeMap<String, String> =
        failures.into_iter().map(|(place, why)| (repos.members[place].repo.path.clone(), why)).collect();
    let mut outcomes = Vec::new();
    let mut depth = 0;
    loop {
        // The repos around have moved: there may be others by now.
        let now = Repos::at(&repos.root);
        let places: Vec<usize> = now.at_depth(depth);
        if places.is_empty() {
            break;
        }
        let is_wanted =
            |place: &usize| named.as_ref().is_none_or(|named| named.contains(&now.members[*place].repo.path));
        let wanted: Vec<usize> = places.into_iter().filter(is_wanted).collect();
        let pins = pins(&now, &wanted);
        if options.mode == Mode::Apply {
            register(&now, &wanted, work);
        }
        outcomes.extend(each(work.jobs, &wanted, |place| {
            let member = &now.members[*place];
            let failure = failures.get(&member.repo.path);
            pull_one(member, pins.get(place).map(String::as_str), failure, options, work)
        }));
        depth += 1;
    }
    outcomes.sort_by(|a, b| order(&a.path).cmp(order(&b.path)));
    outcomes
}

/// Enters those that are to be populated in the configuration of the repo around them, one after the other: Git does not wait
/// for another that writes it. What is wrong with one shows when it is populated.
fn register(repos: &Repos, places: &[usize], work: &Work<'_>) {
    let members = places.iter().map(|place| &repos.members[*place]);
    for member in members.filter(|member| matches!(member.repo.state, State::NotPopulated)) {
        let around = Git::new(&member.parent_root);
        if !work.is_stopped() && !around.is_inactive_module(&member.module) {
            let _ = work.apply(&around, &Change::Register { path: member.path_in_parent.clone() });
        }
    }
}

/// The super-repo stands before all others.
fn order(path: &str) -> &str {
    if path == "." { "" } else { path }
}

/// What is pinned now, by place.
fn pins(repos: &Repos, places: &[usize]) -> BTreeMap<usize, String> {
    let mut by_parent: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for place in places {
        if let Some(parent) = repos.members[*place].parent {
            by_parent.entry(parent).or_default().push(*place);
        }
    }
    let mut found = BTreeMap::new();
    for (parent, children) in by_parent {
        let paths: Vec<&str> = children.iter().map(|place| repos.members[*place].path_in_parent.as_str()).collect();
        let pins = repos.members[parent].git().pins_of_index(&paths).unwrap_or_default();
        for place in children {
            if let Some(pin) = pins.get(&repos.members[place].path_in_parent) {
                found.insert(place, pin.clone());
            }
        }
    }
    found
}

fn pull_one(
    member: &Member,
    pin: Option<&str>,
    fetch_failure: Option<&String>,
    options: Options,
    work: &Work<'_>,
) -> Outcome {
    if work.is_stopped() {
        return Outcome::new(member, Verdict::Failed("interrupted".into()));
    }
    match &member.repo.state {
        State::NotPopulated => return populate(member, pin, options, work),
        State::Unreadable(_) => return Outcome::new(member, Verdict::Skipped(absent(member).unwrap_or_default())),
        State::Ready => {}
    }
    let facts = match Facts::of_free(member, work) {
        Ok(facts) => facts,
        Err(obstacle) => return Outcome::new(member, Err(obstacle).into()),
    };
    // The pin may be here although the remote could not be asked.
    let lacks_pin = pin.is_some_and(|pin| facts.git.commit(pin).is_none());
    let needs_remote = member.parent.is_none() || options.goal == Goal::Latest || lacks_pin;
    if let (Some(failure), true) = (fetch_failure, needs_remote) {
        return Outcome::new(member, Verdict::Failed(format!("could not be fetched: {}", last_line(failure))));
    }
    let verdict: Verdict = bring(member, &facts, pin, options, work).into();
    let mut outcome = Outcome::new(member, verdict);
    if options.mode == Mode::Apply {
        outcome.notes.extend(stash::restore(&facts, &outcome.path));
    }
    outcome.notes.extend(removed(&facts, &outcome.path));
    outcome
}

/// A sub-repo that is not here is fetched; one that cannot be is left out by name.
fn populate(member: &Member, pin: Option<&str>, options: Options, work: &Work<'_>) -> Outcome {
    let Some(pin) = pin else {
        return Outcome::new(member, Verdict::Skipped("not populated: no commit is pinned".into()));
    };
    let around = Git::new(&member.parent_root);
    if around.is_inactive_module(&member.module) {
        return Outcome::new(member, Verdict::Skipped("not populated: it is set inactive".into()));
    }
    let change = Change::Populate { path: member.path_in_parent.clone() };
    if options.mode == Mode::Plan {
        return Outcome::new(member, Verdict::Planned(vec![change]));
    }
    if let Some(Err(error)) = super::broken_off(&member.repo.root).map(|place| place.remove_broken_off_clone()) {
        return Outcome::new(member, Verdict::Failed(format!("what a killed clone left cannot be removed: {error}")));
    }
    let verdict = match work.apply(&around, &change) {
        // Git takes `update = none` for done.
        Ok(()) if matches!(wharf_git::place::at(&member.repo.root), Ok(Some(_))) => {
            Verdict::Done(format!("populated at {}", short(pin)))
        }
        Ok(()) => Verdict::Skipped("not populated: its configuration says so".into()),
        Err(error) => Verdict::Skipped(format!("not populated: {}", last_line(&error.said()))),
    };
    Outcome::new(member, verdict)
}

fn bring(
    member: &Member,
    facts: &Facts,
    pin: Option<&str>,
    options: Options,
    work: &Work<'_>,
) -> Result<Verdict, Obstacle> {
    let head = facts.tree.head.as_deref();
    let (changes, target) = match (options.goal, member.parent) {
        (Goal::Pins, Some(_)) => match to_pin(facts, pin, options, work)? {
            Ok(way) => way,
            Err(verdict) => return Ok(verdict),
        },
        (Goal::Latest, Some(_)) if facts.tree.branch.is_none() => match to_branch(member, facts)? {
            Ok(way) => way,
            Err(verdict) => return Ok(verdict),
        },
        _ => match to_upstream(facts, options)? {
            Ok(way) => way,
            Err(verdict) => return Ok(verdict),
        },
    };
    let mut way = facts.in_the_way(&target)?;
    // A rebase wants all edits out of its way.
    way.edited |=
        changes.iter().any(|change| matches!(change, Change::Rebase { .. })) && facts.tree.edited().next().is_some();
    if way.edited && options.edits == Edits::Refuse {
        return Err(Refusal::Overwrite { paths: facts.tree.edited().cloned().collect() }.into());
    }
    let changes = route::with_stash(changes, way, &stash::name(&facts.place))?;
    if options.mode == Mode::Plan {
        return Ok(Verdict::Planned(changes));
    }
    for change in &changes {
        make(facts, change, work)?;
    }
    let branch = facts.git.work_tree()?.branch;
    Ok(Verdict::Done(told(branch.as_deref(), head, &target)))
}

/// Makes one change; a rebase that comes to conflicts is taken back.
fn make(facts: &Facts, change: &Change, work: &Work<'_>) -> Result<(), Obstacle> {
    let Err(error) = work.apply(&facts.git, change) else { return Ok(()) };
    if let Change::Rebase { onto } = change
        && facts.git.abort_rebase().is_ok()
    {
        let branch = facts.tree.branch.clone().unwrap_or_default();
        return Err(Refusal::RebaseConflict { branch, onto: onto.clone() }.into());
    }
    Err(error.into())
}

/// Changes and the commit that they lead to; or what else came of the repo.
type Way = Result<(Vec<Change>, String), Verdict>;

fn to_upstream(facts: &Facts, options: Options) -> Result<Way, Obstacle> {
    let Some(branch) = &facts.tree.branch else {
        return Ok(Err(Verdict::Same("detached: it follows no branch".into())));
    };
    let (Some(upstream), Some((ahead, behind))) = (&facts.tree.upstream, facts.tree.apart) else {
        let why = if facts.tree.upstream.is_some() { "its upstream is gone" } else { "no upstream" };
        return Ok(Err(Verdict::Same(format!("{branch}: {why}"))));
    };
    let target = facts.git.commit(&format!("refs/remotes/{upstream}")).unwrap_or_else(|| upstream.clone());
    match (ahead, behind) {
        (0, 0) => Ok(Err(Verdict::Same(format!("{branch}: up to date")))),
        (ahead, 0) => Ok(Err(Verdict::Same(format!("{branch}: {ahead} ahead of {upstream}")))),
        (0, _) => Ok(Ok((vec![Change::FastForward { to: upstream.clone() }], target))),
        _ if options.divergence == Divergence::Rebase => {
            Ok(Ok((vec![Change::Rebase { onto: upstream.clone() }], target)))
        }
        _ => Err(Refusal::Diverged { branch: branch.clone(), upstream: upstream.clone(), ahead, behind }.into()),
    }
}

fn to_pin(facts: &Facts, pin: Option<&str>, options: Options, work: &Work<'_>) -> Result<Way, Obstacle> {
    let Some(pin) = pin else { return Ok(Err(Verdict::Same("no commit is pinned".into()))) };
    let tree = &facts.tree;
    if tree.head.as_deref() == Some(pin) {
        return Ok(Err(Verdict::Same(format!("{}: at its pin", tree.branch.as_deref().unwrap_or("detached")))));
    }
    if facts.git.commit(pin).is_none() && options.mode == Mode::Apply {
        // A commit that no branch has can still be had by its id, where the remote allows that.
        if let Some(remote) = facts.remote() {
            let _ = work.apply(&facts.git, &Change::Fetch { remote, commit: Some(pin.to_owned()) });
        }
    }
    if facts.git.commit(pin).is_none() {
        return Err(Refusal::PinMissing { pin: pin.to_owned() }.into());
    }
    let Some(head) = &tree.head else {
        return Ok(Ok((vec![Change::Detach { at: pin.to_owned() }], pin.to_owned())));
    };
    let own = match &tree.branch {
        Some(_) => facts.git.count_unpushed(head)?,
        None => facts.git.count_unnamed(head)?,
    };
    let standing = Standing { branch: tree.branch.clone(), apart: facts.git.apart(head, pin)?, own };
    match route::to_pin(&standing, pin)? {
        Route::Move(change) => Ok(Ok((vec![change], pin.to_owned()))),
        Route::Stay { ahead } => {
            let branch = tree.branch.as_deref().unwrap_or("detached");
            Ok(Err(Verdict::Same(format!("{branch}: stays {ahead} ahead of its pin, with unpushed commits"))))
        }
    }
}

/// From a detached head to the head of the branch that `.gitmodules` names, else the remote's own.
fn to_branch(member: &Member, facts: &Facts) -> Result<Way, Obstacle> {
    let head = facts.tree.head.as_deref();
    let commits = head.map_or(Ok(0), |head| facts.git.count_unnamed(head))?;
    if commits > 0 {
        return Err(Refusal::Unnamed { commits }.into());
    }
    let Some(remote) = facts.remote() else { return Ok(Err(Verdict::Same("detached, and no remote".into()))) };
    let named = Git::new(&member.parent_root).branch_of_module(&member.module);
    let Some(branch) = named.or_else(|| facts.git.remote_head(&remote)) else {
        return Ok(Err(Verdict::Failed(format!("`{remote}` does not say which branch is its own"))));
    };
    let upstream = format!("{remote}/{branch}");
    let Some(target) = facts.git.remote_commit(&remote, &branch) else {
        return Ok(Err(Verdict::Failed(format!("there is no `{upstream}`"))));
    };
    let Some(local) = facts.git.branch_commit(&branch) else {
        return Ok(Ok((vec![Change::Create { branch, follows: Some(upstream) }], target)));
    };
    let apart = facts.git.apart(&local, &target)?;
    if apart.ahead > 0 && apart.behind > 0 {
        return Err(Refusal::Diverged { branch, upstream, ahead: apart.ahead, behind: apart.behind }.into());
    }
    let mut changes = vec![Change::Switch { branch }];
    if apart.behind > 0 {
        changes.push(Change::FastForward { to: upstream });
        return Ok(Ok((changes, target)));
    }
    Ok(Ok((changes, local)))
}

/// Sub-repos that are no longer in the repo around them, whose folders are still here. They are never deleted.
fn removed(facts: &Facts, path: &str) -> Vec<String> {
    let modules = facts.place.git_dir.join("modules");
    if !modules.is_dir() {
        return Vec::new();
    }
    let untracked = facts.git.work_tree().map(|tree| tree.untracked).unwrap_or_default();
    let mut lines = Vec::new();
    for folder in untracked.iter().filter_map(|path| path.strip_suffix('/')) {
        let root = facts.place.root.join(folder);
        let Ok(Some(place)) = wharf_git::place::at(&root) else { continue };
        if !place.git_dir.starts_with(&modules) {
            continue;
        }
        let shown = if path == "." { folder.to_owned() } else { format!("{path}/{folder}") };
        let git = Git::new(&root);
        let own = git.command(["rev-list", "--count", "--all", "HEAD", "--not", "--remotes"]).run();
        let own = own.map(|output| output.text().trim().parse().unwrap_or(1)).unwrap_or(1);
        let dirty = git.work_tree().map_or(true, |tree| tree.is_dirty());
        lines.push(if own == 0 && !dirty {
            format!("`{shown}` is no sub-repo any more; all of it is pushed, so `rm -r {shown}` loses nothing")
        } else {
            format!(
                "`{shown}` is no sub-repo any more, and has edits or unpushed commits: save these before you remove it"
            )
        });
    }
    lines
}

/// The line of Git's that says most.
pub(super) fn last_line(text: &str) -> String {
    let fatal = text.lines().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    mask_credentials(fatal.or_else(|| text.lines().last()).unwrap_or(text)).into_owned()
}
