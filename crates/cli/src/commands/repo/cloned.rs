//! What came of several repos, as messages and an exit code.

use std::collections::BTreeMap;

use wharf_core::repos::compose::{CloneError, ClonedRepo, Outcome, describe, remedy};

use crate::context::Context;
use crate::exit::Failure;

/// Names each repo that is missing, with the reason and what to do. Those that may not be read are no failure unless all are
/// required.
pub(in crate::commands) fn verdict(context: &Context, repos: &[ClonedRepo], require_all: bool) -> Result<u8, Failure> {
    let unreadable = say_unreadable(context, repos);
    let (mut refused, mut failed, mut hint) = (Vec::new(), Vec::new(), None);
    for repo in repos {
        match &repo.outcome {
            Outcome::Refused(why) => refused.push(format!("  {}: {why}", shown(&repo.path))),
            Outcome::Failed(error) => {
                failed.push(format!("  {}: {}", shown(&repo.path), Failure::describe(error)));
                hint = hint.or_else(|| error.hint());
            }
            Outcome::Ready { .. } | Outcome::Unreadable { .. } | Outcome::LeftOut => {}
        }
    }
    if !failed.is_empty() {
        let both = [failed.as_slice(), refused.as_slice()].concat();
        let failure = Failure::environment(format!("{} could not be had\n{}", count(both.len()), both.join("\n")));
        return Err(failure.hint(hint.unwrap_or_else(|| "run the same again: it goes on where it stopped".into())));
    }
    if !refused.is_empty() {
        let text =
            format!("{} in `.gitmodules` refused, all else is there\n{}", are(refused.len()), refused.join("\n"));
        return Err(Failure::refused(text).hint(
            "such a `.gitmodules` can be an attack, or come from a file system where case does not count: ask whoever wrote it",
        ));
    }
    if require_all && !unreadable.is_empty() {
        let names = unreadable.join(", ");
        return Err(Failure::environment(format!("not all sub-repos can be read: {names}"))
            .hint("leave `--require-all` out to go on without them"));
    }
    Ok(0)
}

/// One warning for each reason, with all the sub-repos that it holds for.
fn say_unreadable(context: &Context, repos: &[ClonedRepo]) -> Vec<String> {
    let mut names = Vec::new();
    let mut reasons: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for repo in repos {
        let Outcome::Unreadable { url, trouble, token, .. } = &repo.outcome else { continue };
        let name = format!("`{}`", repo.path);
        names.push(name.clone());
        let reason = match token {
            Some(token) => format!("the token in `{token}` does not open them"),
            None => format!("the remote {}", describe(*trouble)),
        };
        reasons.entry((reason, remedy(*trouble, url, token.as_deref()))).or_default().push(format!("{name} ({url})"));
    }
    for ((reason, remedy), repos) in reasons {
        let which = if repos.len() == 1 { "sub-repo" } else { "sub-repos" };
        context.talk.warning(&format!("left out {which} {}: {reason}\n  {remedy}", repos.join(", ")));
    }
    names
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

fn count(number: usize) -> String {
    if number == 1 { "1 sub-repo".into() } else { format!("{number} sub-repos") }
}

fn are(number: usize) -> String {
    if number == 1 { "1 sub-repo is".into() } else { format!("{number} sub-repos are") }
}

impl From<CloneError> for Failure {
    fn from(error: CloneError) -> Self {
        let text = Self::describe(&error);
        let failure = match &error {
            CloneError::Url(_) | CloneError::NoName { .. } | CloneError::Unknown { .. } => Self::usage(text),
            CloneError::NotEmpty { .. }
            | CloneError::OtherClone { .. }
            | CloneError::Busy { .. }
            | CloneError::Hostile { .. }
            | CloneError::Refused { .. } => Self::refused(text),
            CloneError::Remote { .. } | CloneError::Place(_) | CloneError::Git(_) | CloneError::Io { .. } => {
                Self::environment(text)
            }
            CloneError::Failed { .. } => Self::failed(text),
            CloneError::Interrupted => Self { code: 130, ..Self::failed(text) },
        };
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
