//! `branch`: one name for what changed, in all repos where something did.
//!
//! All is checked before anything is made. Where one repo fails then, those made before it are taken back.

use wharf_git::{Change, Git};

use super::place::Facts;
use super::{Mode, Obstacle, Outcome, Refusal, Repos, ReposError, Verdict, Work, each};

/// Makes the branch `name`, and checks it out, in the members at `selected`; without, wherever something changed.
/// The repos around them get it too: their pins will have to move.
///
/// # Errors
/// When no branch may be called so. What is in the way in single repos is in their outcomes; nothing was changed then.
pub fn branch(
    repos: &Repos,
    name: &str,
    selected: Option<&[usize]>,
    mode: Mode,
    work: &Work<'_>,
) -> Result<Vec<Outcome>, ReposError> {
    if !Git::is_branch_name(name)? {
        return Err(ReposError::BranchName { name: name.into() });
    }
    let places = match selected {
        Some(selected) => with_those_around(repos, selected.to_vec()),
        None => with_those_around(repos, changed(repos, work)),
    };
    let planned = each(work.jobs, &places, |place| plan(repos, *place, name, work));
    let mut steps = Vec::new();
    let mut outcomes = Vec::new();
    for (place, plan) in places.into_iter().zip(planned) {
        let verdict = match plan {
            Ok(Some(facts)) => {
                let change = Change::Create { branch: name.into(), follows: None };
                steps.push(Step { place, facts, changes: vec![change.clone()] });
                Verdict::Planned(vec![change])
            }
            Ok(None) => Verdict::Same(format!("{name}: checked out already")),
            Err(obstacle) => Err(obstacle).into(),
        };
        outcomes.push(Outcome::new(&repos.members[place], verdict));
    }
    Ok(all_or_nothing(repos, &steps, outcomes, mode, work))
}

fn plan(repos: &Repos, place: usize, name: &str, work: &Work<'_>) -> Result<Option<Facts>, Obstacle> {
    let facts = Facts::read(&repos.members[place])?;
    if facts.tree.branch.as_deref() == Some(name) {
        return Ok(None);
    }
    // Edits and even conflicts stay as they are when a branch begins; only a lock or a rebase is in the way.
    if let Some(refusal @ (Refusal::Locked { .. } | Refusal::Operation(_))) = facts.obstacle(work) {
        return Err(refusal.into());
    }
    if facts.git.branch_commit(name).is_some() {
        return Err(Refusal::BranchTaken { branch: name.into() }.into());
    }
    Ok(Some(facts))
}

/// Members with edits, unpushed commits or a moved pin.
pub(super) fn changed(repos: &Repos, work: &Work<'_>) -> Vec<usize> {
    let ready: Vec<usize> = (0..repos.members.len()).filter(|place| repos.members[*place].is_ready()).collect();
    let facts = each(work.jobs, &ready, |place| Facts::read(&repos.members[*place]).ok());
    let mut found = Vec::new();
    for (place, facts) in ready.iter().zip(&facts) {
        let Some(facts) = facts else { continue };
        let unpushed = match facts.tree.apart {
            Some((ahead, _)) => ahead > 0,
            None => {
                facts.tree.head.as_ref().is_some_and(|head| facts.git.count_unpushed(head).is_ok_and(|own| own > 0))
            }
        };
        // A sub-repo that is behind its pin has not changed; one that is ahead of it has.
        let moved = facts.tree.moved.iter().filter_map(|(path, pin)| {
            let child = repos
                .members
                .iter()
                .position(|member| member.parent == Some(*place) && member.path_in_parent == *path)?;
            let git = repos.members[child].git();
            let head = git.head()?;
            git.apart(&head, pin).is_ok_and(|apart| apart.ahead > 0).then_some(child)
        });
        found.extend(moved);
        if unpushed || facts.tree.is_dirty() {
            found.push(*place);
        }
    }
    found
}

/// These and all repos around them, the super-repo always; outer ones first.
fn with_those_around(repos: &Repos, places: Vec<usize>) -> Vec<usize> {
    let mut all = vec![0];
    for mut place in places {
        all.push(place);
        while let Some(parent) = repos.members[place].parent {
            all.push(parent);
            place = parent;
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// What is to be done in one repo, and what it was like before.
pub(super) struct Step {
    pub place: usize,
    pub facts: Facts,
    pub changes: Vec<Change>,
}

/// Makes all steps, or none where any repo is in the way or fails. `outcomes` has one for each repo, `Planned` for
/// those with a step.
pub(super) fn all_or_nothing(
    repos: &Repos,
    steps: &[Step],
    mut outcomes: Vec<Outcome>,
    mode: Mode,
    work: &Work<'_>,
) -> Vec<Outcome> {
    let is_bad = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Refused(_) | Verdict::Failed(_));
    if mode == Mode::Plan {
        return outcomes;
    }
    let mut done: Vec<(&Step, usize)> = Vec::new();
    let mut failure = None;
    if !outcomes.iter().any(is_bad) {
        'all: for step in steps {
            done.push((step, 0));
            for (number, change) in step.changes.iter().enumerate() {
                if work.is_stopped() {
                    failure = Some((step.place, "interrupted".to_owned()));
                    break 'all;
                }
                if let Err(error) = work.apply(&step.facts.git, change) {
                    failure = Some((step.place, error.said()));
                    break 'all;
                }
                if let Some(last) = done.last_mut() {
                    last.1 = number + 1;
                }
            }
        }
    }
    let succeeded = failure.is_none() && !outcomes.iter().any(is_bad);
    let mut left = Vec::new();
    if failure.is_some() {
        left = done.iter().rev().filter_map(|(step, made)| Some((step.place, back(step, *made).err()?))).collect();
    }
    for outcome in &mut outcomes {
        let Verdict::Planned(changes) = &outcome.verdict else { continue };
        let Some(step) = steps.iter().find(|step| repos.members[step.place].shown() == outcome.path) else { continue };
        outcome.verdict = if succeeded {
            Verdict::Done(told(step, changes))
        } else if let Some((_, why)) = failure.as_ref().filter(|(place, _)| *place == step.place) {
            Verdict::Failed(why.clone())
        } else if let Some((_, why)) = left.iter().find(|(place, _)| *place == step.place) {
            Verdict::Failed(format!("could not be taken back: {why}"))
        } else {
            Verdict::Same("left as it was, because of the others".into())
        };
    }
    outcomes
}

/// Back to what was checked out before; branches that were made go.
fn back(step: &Step, made: usize) -> Result<(), String> {
    let git = &step.facts.git;
    let tree = &step.facts.tree;
    let changes = &step.changes[..made];
    let before = match (&tree.branch, &tree.head) {
        (Some(branch), _) => Change::Switch { branch: branch.clone() },
        (None, Some(head)) => Change::Detach { at: head.clone() },
        (None, None) => return Ok(()),
    };
    if changes.is_empty() {
        return Ok(());
    }
    let created = changes.iter().filter_map(|change| match change {
        Change::Create { branch, .. } => Some((branch, git.branch_commit(branch)?)),
        _ => None,
    });
    let created: Vec<_> = created.collect();
    git.apply(&before, |command| command).map_err(|error| error.said())?;
    for (branch, commit) in created {
        git.delete_branch_at(branch, &commit).map_err(|error| error.said())?;
    }
    Ok(())
}

fn told(step: &Step, changes: &[Change]) -> String {
    let from = step.facts.tree.branch.as_deref().unwrap_or("detached");
    match changes.last() {
        Some(Change::Create { branch, follows: Some(follows) }) => {
            format!("{from} -> {branch}, which follows {follows}")
        }
        Some(Change::Create { branch, .. }) => format!("{from} -> {branch}, new"),
        Some(Change::Switch { branch }) => format!("{from} -> {branch}"),
        Some(Change::FastForward { to }) => match changes.first() {
            Some(Change::Switch { branch }) => format!("{from} -> {branch}, forward to its pin {}", super::short(to)),
            _ => format!("{from} -> {}", super::short(to)),
        },
        Some(Change::Detach { at }) => format!("{from} -> its pin {}", super::short(at)),
        _ => from.to_owned(),
    }
}
