//! `push`: sub-repos first, then the repos that pin them, deepest first.
//!
//! A repo is pushed only where its branch has commits that the remote lacks, and never by force. Before a repo goes, each
//! pin that its new commits bring is looked for at the sub-repo's remote: who pulls a pin that nobody else has is stuck.

use std::collections::{BTreeMap, BTreeSet};

use wharf_git::Change;

use super::place::Facts;
use super::pull::last_line;
use super::status::{fetch, fetch_all};
use super::{Member, Mode, Obstacle, Outcome, Refusal, Repos, Verdict, Work, absent, each};

/// Pushes the members at `selected`.
#[must_use]
pub fn push(repos: &Repos, selected: &[usize], mode: Mode, work: &Work<'_>) -> Vec<Outcome> {
    let failures = match mode {
        Mode::Apply => fetch_all(repos, &worth_asking(repos, selected, work), work),
        Mode::Plan => BTreeMap::new(),
    };
    // Only `Plan` needs it: what would be at a remote by then.
    let mut planned: BTreeSet<usize> = BTreeSet::new();
    let mut outcomes = Vec::new();
    for depth in (0..=repos.deepest()).rev() {
        let places: Vec<usize> =
            selected.iter().copied().filter(|place| repos.members[*place].depth == depth).collect();
        let done = each(work.jobs, &places, |place| {
            let failure = failures.get(place);
            (*place, Pusher { repos, planned: &planned, mode, work }.push(*place, failure))
        });
        for (place, outcome) in done {
            if matches!(outcome.verdict, Verdict::Planned(_)) {
                planned.insert(place);
            }
            outcomes.push((place, outcome));
        }
    }
    outcomes.sort_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Those with something to push: the remotes of others need not be asked.
fn worth_asking(repos: &Repos, selected: &[usize], work: &Work<'_>) -> Vec<usize> {
    let worth = each(work.jobs, selected, |place| {
        let member = &repos.members[*place];
        member.is_ready() && Facts::read(member).is_ok_and(|facts| has_own_commits(&facts))
    });
    selected.iter().zip(worth).filter_map(|(place, worth)| worth.then_some(*place)).collect()
}

fn has_own_commits(facts: &Facts) -> bool {
    match (&facts.tree.head, facts.tree.apart) {
        (_, Some((ahead, _))) if follows_its_name(facts) => ahead > 0,
        (Some(head), _) => facts.git.count_unpushed(head).unwrap_or(1) > 0,
        (None, _) => false,
    }
}

/// Whether the upstream has the branch's own name. A branch made from `origin/main` follows that one, but is not meant to
/// be pushed there.
fn follows_its_name(facts: &Facts) -> bool {
    let (Some(branch), Some(upstream)) = (&facts.tree.branch, &facts.tree.upstream) else { return false };
    upstream.split_once('/').is_some_and(|(_, name)| name == branch)
}

/// What every repo's push goes by.
struct Pusher<'a> {
    repos: &'a Repos,
    /// Repos further in that would have been pushed by then.
    planned: &'a BTreeSet<usize>,
    mode: Mode,
    work: &'a Work<'a>,
}

impl Pusher<'_> {
    fn push(&self, place: usize, fetch_failure: Option<&String>) -> Outcome {
        let member = &self.repos.members[place];
        if let Some(why) = absent(member) {
            return Outcome::new(member, Verdict::Skipped(why));
        }
        if self.work.is_stopped() {
            return Outcome::new(member, Verdict::Failed("interrupted".into()));
        }
        let mut notes = Vec::new();
        let verdict = Facts::read(member).map_err(Obstacle::from).and_then(|facts| {
            let Some(push) = plan(&facts)? else { return Ok(Verdict::Same(why_nothing(&facts))) };
            if let Some(failure) = fetch_failure {
                return Ok(Verdict::Failed(format!("could not be fetched: {}", last_line(failure))));
            }
            notes = self.check_pins(place, &facts)?;
            if self.mode == Mode::Plan {
                return Ok(Verdict::Planned(vec![push.change]));
            }
            send(&facts, &push, self.work)
        });
        let mut outcome = Outcome::new(member, verdict.into());
        outcome.notes = notes;
        outcome
    }

    /// Each pin that the repo's new commits bring must be at the sub-repo's remote. Gives lines about those that cannot be
    /// looked for.
    fn check_pins(&self, place: usize, facts: &Facts) -> Result<Vec<String>, Obstacle> {
        let Some(head) = &facts.tree.head else { return Ok(Vec::new()) };
        let remote = facts.remote().unwrap_or_default();
        let branch = facts.tree.branch.as_deref().unwrap_or_default();
        let there = facts.git.remote_commit(&remote, branch).or_else(|| base(facts, &remote, head));
        let mut notes = Vec::new();
        for pin in facts.git.differing_pins(there.as_deref(), head)? {
            let Some((at, child)) = child_at(self.repos, place, &pin.path) else {
                notes.push(format!("pin of `{}` not looked for: it is not in `.gitmodules`", pin.path));
                continue;
            };
            if let Some(why) = absent(child) {
                notes.push(format!("pin of `{}` not looked for: {why}", child.shown()));
                continue;
            }
            let git = child.git();
            let is_there = || git.commit(&pin.to).is_some() && git.count_unpushed(&pin.to).is_ok_and(|own| own == 0);
            let will_be = || self.planned.contains(&at) && git.head().as_deref() == Some(&pin.to);
            // Someone else may have pushed it since it was fetched last.
            let is_there_by_now = || self.mode == Mode::Apply && fetch(child, self.work).is_ok() && is_there();
            if !is_there() && !will_be() && !is_there_by_now() {
                return Err(Refusal::PinUnpushed { sub_repo: child.shown().to_owned(), pin: pin.to }.into());
            }
        }
        Ok(notes)
    }
}

struct Push {
    change: Change,
    branch: String,
    upstream: String,
    commits: u32,
    is_new: bool,
}

/// What to push; None where there is nothing.
fn plan(facts: &Facts) -> Result<Option<Push>, Obstacle> {
    let tree = &facts.tree;
    let Some(head) = &tree.head else { return Ok(None) };
    if let Some(operation) = facts.place.operation() {
        return Err(Refusal::Operation(operation).into());
    }
    let Some(branch) = &tree.branch else {
        let commits = facts.git.count_unpushed(head)?;
        return if commits > 0 { Err(Refusal::Headless { commits }.into()) } else { Ok(None) };
    };
    let Some(remote) = facts.remote() else { return Ok(None) };
    let upstream = format!("{remote}/{branch}");
    let push = |commits, is_new| Push {
        change: Change::Push { remote: remote.clone(), branch: branch.clone(), follow: !follows_its_name(facts) },
        branch: branch.clone(),
        upstream: upstream.clone(),
        commits,
        is_new,
    };
    let Some(there) = facts.git.remote_commit(&remote, branch) else {
        let commits = facts.git.count_unpushed(head)?;
        return Ok((commits > 0).then(|| push(commits, true)));
    };
    let apart = facts.git.apart(head, &there)?;
    match (apart.ahead, apart.behind) {
        (0, _) => Ok(None),
        (ahead, 0) => Ok(Some(push(ahead, false))),
        (ahead, behind) => Err(Refusal::Diverged { branch: branch.clone(), upstream, ahead, behind }.into()),
    }
}

fn why_nothing(facts: &Facts) -> String {
    let branch = facts.tree.branch.as_deref().unwrap_or("detached");
    match facts.remote() {
        Some(_) => format!("{branch}: nothing to push"),
        None => format!("{branch}: no remote"),
    }
}

/// Where a branch that the remote does not have yet left what the remote has.
fn base(facts: &Facts, remote: &str, head: &str) -> Option<String> {
    let main = facts.git.remote_head(remote).and_then(|name| facts.git.remote_commit(remote, &name))?;
    facts.git.merge_base(head, &main)
}

fn child_at<'a>(repos: &'a Repos, place: usize, path: &str) -> Option<(usize, &'a Member)> {
    let is_it = |member: &Member| member.parent == Some(place) && member.path_in_parent == path;
    repos.members.iter().enumerate().find(|(_, member)| is_it(member))
}

fn send(facts: &Facts, push: &Push, work: &Work<'_>) -> Result<Verdict, Obstacle> {
    let Push { change, branch, upstream, commits, is_new } = push;
    match work.apply(&facts.git, change) {
        Ok(()) if *is_new => {
            Ok(Verdict::Done(format!("{branch} -> {upstream}, new there ({commits} commits); it follows that now")))
        }
        Ok(()) => Ok(Verdict::Done(format!("{branch} -> {upstream} ({commits} commits)"))),
        Err(error) => {
            let said = error.said();
            if said.contains("(non-fast-forward)") || said.contains("(fetch first)") {
                return Err(Refusal::RemoteMoved { branch: branch.clone() }.into());
            }
            Ok(Verdict::Failed(said))
        }
    }
}
