//! `switch`: the same branch in every repo that has it; the others go to what the repo around them pins by then.
//!
//! All is checked before anything is moved: where one repo's edits would be overwritten, none moves. Where one fails
//! midway, those moved before go back.

use std::collections::BTreeMap;

use wharf_git::{Change, Git};

use super::branch::{Step, all_or_nothing, changed};
use super::place::Facts;
use super::{Member, Mode, Obstacle, Outcome, Refusal, Repos, ReposError, Verdict, Work, absent, each};

/// Whether to make the branch where it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Repos without it go to their pins.
    Leave,
    /// The super-repo and repos with changes get it.
    Create,
}

/// Takes the branch `name`.
///
/// # Errors
/// When no branch may be called so, or nobody has it. What is in the way in single repos is in their outcomes;
/// nothing was changed then.
pub fn switch(
    repos: &Repos,
    name: &str,
    missing: Missing,
    mode: Mode,
    work: &Work<'_>,
) -> Result<Vec<Outcome>, ReposError> {
    if !Git::is_branch_name(name)? {
        return Err(ReposError::BranchName { name: name.into() });
    }
    let creating = match missing {
        Missing::Leave => Vec::new(),
        Missing::Create => changed(repos, work),
    };
    let mut will_be: BTreeMap<usize, String> = BTreeMap::new();
    let (mut steps, mut outcomes, mut have_it) = (Vec::new(), Vec::new(), false);
    // Outer repos come first: where they will be says what they pin by then.
    for depth in 0..=repos.deepest() {
        let places = repos.at_depth(depth);
        let plans = each(work.jobs, &places, |place| {
            let create = missing == Missing::Create && (*place == 0 || creating.contains(place));
            match absent(&repos.members[*place]) {
                Some(why) => Err(why),
                None => Ok(Search { repos, name, will_be: &will_be, work }.plan(*place, create)),
            }
        });
        for (place, plan) in places.into_iter().zip(plans) {
            let verdict = match plan {
                Err(why) => Verdict::Skipped(why),
                Ok(Err(obstacle)) => Err(obstacle).into(),
                Ok(Ok((facts, way))) => {
                    have_it |= way.on_branch;
                    if let Some(target) = way.target.or_else(|| facts.tree.head.clone()) {
                        will_be.insert(place, target);
                    }
                    if way.changes.is_empty() {
                        Verdict::Same(way.why)
                    } else {
                        steps.push(Step { place, facts, changes: way.changes.clone() });
                        Verdict::Planned(way.changes)
                    }
                }
            };
            outcomes.push((place, Outcome::new(&repos.members[place], verdict)));
        }
    }
    outcomes.sort_by_key(|(place, _)| *place);
    let outcomes: Vec<Outcome> = outcomes.into_iter().map(|(_, outcome)| outcome).collect();
    let in_the_way = outcomes.iter().any(|outcome| matches!(outcome.verdict, Verdict::Refused(_) | Verdict::Failed(_)));
    if !have_it && !in_the_way {
        return Err(ReposError::NoBranch { name: name.into() });
    }
    Ok(all_or_nothing(repos, &steps, outcomes, mode, work))
}

/// Where one repo goes.
struct Way {
    changes: Vec<Change>,
    /// The commit that it comes to; None where it stays.
    target: Option<String>,
    on_branch: bool,
    why: String,
}

impl Way {
    fn stay(why: impl Into<String>) -> Self {
        Self { changes: Vec::new(), target: None, on_branch: false, why: why.into() }
    }

    fn to_branch(change: Change, target: Option<String>) -> Self {
        Self { changes: vec![change], target, on_branch: true, why: String::new() }
    }
}

/// What decides where repos go.
struct Search<'a> {
    repos: &'a Repos,
    name: &'a str,
    /// The commits that repos further out will be at, by place.
    will_be: &'a BTreeMap<usize, String>,
    work: &'a Work<'a>,
}

impl Search<'_> {
    fn plan(&self, place: usize, create: bool) -> Result<(Facts, Way), Obstacle> {
        let facts = Facts::read(&self.repos.members[place])?;
        let way = self.way(place, &facts, create)?;
        if way.changes.is_empty() {
            return Ok((facts, way));
        }
        if let Some(refusal) = facts.obstacle(self.work) {
            return Err(refusal.into());
        }
        if let (None, Some(head)) = (&facts.tree.branch, &facts.tree.head) {
            let commits = facts.git.count_unnamed(head)?;
            let keeps = way.changes.iter().any(|change| matches!(change, Change::Create { follows: None, .. }));
            if commits > 0 && !keeps {
                return Err(Refusal::Unnamed { commits }.into());
            }
        }
        if let Some(target) = &way.target {
            let found = facts.in_the_way(target)?;
            if found.edited || !found.unknown.is_empty() {
                let edited = facts.tree.edited().filter(|_| found.edited).cloned();
                return Err(Refusal::Overwrite { paths: edited.chain(found.unknown).collect() }.into());
            }
        }
        Ok((facts, way))
    }

    fn way(&self, place: usize, facts: &Facts, create: bool) -> Result<Way, Obstacle> {
        let name = self.name;
        let branch = || name.to_owned();
        if facts.tree.branch.as_deref() == Some(name) {
            return Ok(Way { on_branch: true, ..Way::stay(format!("{name}: checked out already")) });
        }
        let member = &self.repos.members[place];
        let pin = pin_of(member, self.will_be)?;
        if let Some(target) = facts.git.branch_commit(name) {
            let mut way = Way::to_branch(Change::Switch { branch: branch() }, Some(target.clone()));
            // A branch that was left behind while its pin was checked out goes on to the pin.
            if let Some(Some(pin)) = pin
                && facts.git.apart(&target, &pin).is_ok_and(|apart| apart.ahead == 0 && apart.behind > 0)
            {
                way.changes.push(Change::FastForward { to: pin.clone() });
                way.target = Some(pin);
            }
            return Ok(way);
        }
        let remote = facts.remote();
        if let Some(remote) = &remote
            && let Some(target) = facts.git.remote_commit(remote, name)
        {
            let follows = Some(format!("{remote}/{name}"));
            return Ok(Way::to_branch(Change::Create { branch: branch(), follows }, Some(target)));
        }
        if create {
            return Ok(Way::to_branch(Change::Create { branch: branch(), follows: None }, None));
        }
        let Some(pin) = pin else { return Ok(Way::stay(format!("it has no branch `{name}`"))) };
        let Some(pin) = pin else { return Ok(Way::stay(format!("not part of `{name}`"))) };
        if facts.tree.head.as_deref() == Some(pin.as_str()) {
            return Ok(Way::stay("at its pin"));
        }
        if facts.git.commit(&pin).is_none() {
            return Err(Refusal::PinMissing { pin }.into());
        }
        let change = Change::Detach { at: pin.clone() };
        Ok(Way { changes: vec![change], target: Some(pin), on_branch: false, why: String::new() })
    }
}

/// What the repo around it will pin: None for the super-repo, or where that repo does not move; none in there where it
/// is no part of it.
fn pin_of(member: &Member, will_be: &BTreeMap<usize, String>) -> Result<Option<Option<String>>, Obstacle> {
    let Some(around) = member.parent.and_then(|parent| will_be.get(&parent)) else { return Ok(None) };
    let pins = Git::new(&member.parent_root).pins_of(around, &[&member.path_in_parent])?;
    Ok(Some(pins.get(&member.path_in_parent).cloned()))
}
