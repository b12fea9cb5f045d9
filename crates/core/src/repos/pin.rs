//! `pin`: commits what sub-repos have checked out into the repos around them, and nothing else.
//!
//! A commit that is not at the sub-repo's remote is not pinned, because nobody else could follow. Nor is one that lies
//! behind the pin, which is how others' pins get lost, unless that sub-repo is named.

use wharf_git::{Change, Git};

use super::place::Facts;
use super::{Member, Mode, Obstacle, Outcome, Refusal, Repos, Verdict, Work, each, short};

/// Subjects that a message lists for each sub-repo.
const SUBJECTS: usize = 20;

/// Whether a commit may be pinned that its remote lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpushed {
    /// No.
    Refuse,
    /// Yes.
    Allow,
}

/// How to pin.
#[derive(Debug, Clone)]
pub struct Options {
    /// First line of the message; made from the pins where there is none.
    pub message: Option<String>,
    /// Whether a commit may be pinned that its remote lacks.
    pub unpushed: Unpushed,
    /// Whether to do it.
    pub mode: Mode,
}

/// Pins the sub-repos at `selected`, or all; deepest first, so that a nested pin is in the commit that is pinned next.
/// Outcomes are of the repos around.
#[must_use]
pub fn pin(repos: &Repos, selected: Option<&[usize]>, options: &Options, work: &Work<'_>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for depth in (0..repos.deepest()).rev() {
        for place in repos.at_depth(depth) {
            let member = &repos.members[place];
            let wanted = |child: &&Member| match selected {
                None => true,
                Some(selected) => selected.iter().any(|place| repos.members[*place].repo.path == child.repo.path),
            };
            let children: Vec<&Member> =
                repos.children(place).filter(wanted).filter(|child| child.is_ready()).collect();
            if children.is_empty() || !member.is_ready() {
                continue;
            }
            let named = if selected.is_some() { Named::Each } else { Named::None };
            let verdict = pin_in(member, &children, named, options, work);
            outcomes.push((place, Outcome::new(member, verdict.into())));
        }
    }
    outcomes.sort_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Whether the user named the sub-repos.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Each,
    None,
}

/// A pin that moves.
struct Move<'a> {
    child: &'a Member,
    from: Option<String>,
    to: String,
    subjects: Vec<String>,
    commits: u32,
}

fn pin_in(
    member: &Member,
    children: &[&Member],
    named: Named,
    options: &Options,
    work: &Work<'_>,
) -> Result<Verdict, Obstacle> {
    let facts = Facts::read(member)?;
    let paths: Vec<&str> = children.iter().map(|child| child.path_in_parent.as_str()).collect();
    let committed = match &facts.tree.head {
        Some(head) => facts.git.pins_of(head, &paths)?,
        None => Default::default(),
    };
    let found =
        each(work.jobs, children, |child| moved(child, committed.get(&child.path_in_parent).cloned(), named, options));
    let moves: Vec<Move<'_>> = found.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    if moves.is_empty() {
        return Ok(Verdict::Same("all pins are where their sub-repos are".into()));
    }
    if let Some(refusal) = facts.obstacle(work) {
        return Err(refusal.into());
    }
    if facts.tree.branch.is_none() {
        return Err(Refusal::Detached.into());
    }
    let change = Change::Commit {
        paths: moves.iter().map(|step| step.child.path_in_parent.clone()).collect(),
        message: message(options.message.as_deref(), &moves),
    };
    if options.mode == Mode::Plan {
        return Ok(Verdict::Planned(vec![change]));
    }
    work.apply(&facts.git, &change)?;
    let told: Vec<String> =
        moves.iter().map(|step| format!("{} {}", step.child.path_in_parent, short(&step.to))).collect();
    Ok(Verdict::Done(format!("pinned {}", told.join(", "))))
}

fn moved<'a>(
    child: &'a Member,
    from: Option<String>,
    named: Named,
    options: &Options,
) -> Result<Option<Move<'a>>, Obstacle> {
    let git: Git = child.git();
    let Some(to) = git.head().filter(|head| from.as_ref() != Some(head)) else { return Ok(None) };
    if options.unpushed == Unpushed::Refuse && git.count_unpushed(&to)? > 0 {
        return Err(Refusal::PinUnpushed { sub_repo: child.shown().to_owned(), pin: to }.into());
    }
    let known = from.as_ref().filter(|from| git.commit(from).is_some());
    let (mut subjects, mut commits) = (Vec::new(), 0);
    if let Some(from) = known {
        let apart = git.apart(&to, from)?;
        if apart.ahead == 0 && named == Named::None {
            return Err(Refusal::Backwards { sub_repo: child.shown().to_owned(), behind: apart.behind }.into());
        }
        commits = apart.ahead + apart.behind;
        subjects = git.subjects(from, &to, SUBJECTS)?;
    }
    Ok(Some(Move { child, from, to, subjects, commits }))
}

/// The message: what moved in one line, then for each sub-repo the subjects of what that brings (`>`) and takes (`<`).
fn message(first: Option<&str>, moves: &[Move<'_>]) -> String {
    let mut text = match (first, moves) {
        (Some(first), _) => first.to_owned(),
        (None, [one]) => format!("Pin {} at {}", one.child.path_in_parent, short(&one.to)),
        (None, several) => format!("Pin {} sub-repos", several.len()),
    };
    for step in moves {
        let from = step.from.as_deref().map_or("new", short);
        text.push_str(&format!("\n\n{} {from}..{}", step.child.path_in_parent, short(&step.to)));
        for subject in &step.subjects {
            text.push_str(&format!("\n  {subject}"));
        }
        let more = (step.commits as usize).saturating_sub(step.subjects.len());
        if more > 0 {
            text.push_str(&format!("\n  and {more} more"));
        }
    }
    text
}
