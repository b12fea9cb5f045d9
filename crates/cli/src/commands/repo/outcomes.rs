//! What came of each repo, as a table, as commands to paste, or as JSON; and the exit code of it all.

use serde::Serialize;
use wharf_core::repos::{Outcome, Verdict};

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::table::Cell;
use crate::render::{Paint, Table};

/// How outcomes are shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    /// As JSON.
    pub json: bool,
    /// What was to be done with the repos, such as `pull`.
    pub verb: &'static str,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    path: &'a str,
    outcome: &'static str,
    message: String,
    hint: Option<String>,
    commands: Vec<String>,
    notes: &'a [String],
}

/// Shows them and gives the exit code: 1 where something failed, else 5 where something was refused, else 0.
pub(super) fn show(context: &Context, outcomes: &[Outcome], shown: Shown) -> Result<u8, Failure> {
    if shown.json {
        data::json(&outcomes.iter().map(row).collect::<Vec<_>>())?;
    } else {
        print(context, outcomes)?;
    }
    verdict(outcomes, shown.verb)
}

fn print(context: &Context, outcomes: &[Outcome]) -> Result<(), Failure> {
    let mut table = Table::new(&["repo", "outcome", "what"]);
    let mut commands = String::new();
    for outcome in outcomes {
        if let Verdict::Planned(changes) = &outcome.verdict {
            for change in changes {
                commands.push_str(&change.shown(&outcome.path));
                commands.push('\n');
            }
        } else {
            let paint = match &outcome.verdict {
                Verdict::Done(_) => Paint::Green,
                Verdict::Refused(_) | Verdict::Skipped(_) => Paint::Yellow,
                Verdict::Failed(_) => Paint::Red,
                _ => Paint::Dim,
            };
            let word = Cell::painted(outcome.verdict.word(), paint);
            let first = message(&outcome.verdict).lines().next().unwrap_or_default().to_owned();
            table.row([outcome.path.as_str().into(), word, first.into()]);
        }
    }
    data::text(&commands)?;
    if commands.is_empty() && !table.is_empty() {
        data::table(context, &table)?;
    } else if !table.is_empty() {
        // What is planned is data to paste; the rest is talk.
        for outcome in outcomes.iter().filter(|outcome| !matches!(outcome.verdict, Verdict::Planned(_))) {
            context.talk.note(&format!("{}: {}: {}", outcome.path, outcome.verdict.word(), message(&outcome.verdict)));
        }
    }
    for outcome in outcomes {
        for note in &outcome.notes {
            context.talk.warning(&format!("{}: {note}", outcome.path));
        }
    }
    Ok(())
}

fn verdict(outcomes: &[Outcome], verb: &str) -> Result<u8, Failure> {
    let all = outcomes.len();
    let failed: Vec<&Outcome> =
        outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Failed(_))).collect();
    let refused: Vec<&Outcome> =
        outcomes.iter().filter(|outcome| matches!(outcome.verdict, Verdict::Refused(_))).collect();
    let lines = |of: &[&Outcome]| {
        of.iter()
            .map(|outcome| format!("\n  {}: {}", outcome.path, indented(&message(&outcome.verdict))))
            .collect::<String>()
    };
    let hints: Vec<String> = refused.iter().filter_map(|outcome| hint(outcome)).collect();
    let mut failure = match (failed.is_empty(), refused.is_empty()) {
        (true, true) => return Ok(0),
        (false, _) => Failure::failed(format!("`{verb}` failed in {} of {all} repos{}", failed.len(), lines(&failed))),
        (true, false) => {
            Failure::refused(format!("`{verb}` left {} of {all} repos alone{}", refused.len(), lines(&refused)))
        }
    };
    if !failed.is_empty() && !refused.is_empty() {
        failure.message.push_str(&format!("\nand left {} alone{}", refused.len(), lines(&refused)));
    }
    if !hints.is_empty() {
        failure = failure.hint(hints.join("\n      "));
    }
    Err(failure)
}

fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}

fn hint(outcome: &Outcome) -> Option<String> {
    let Verdict::Refused(refusal) = &outcome.verdict else { return None };
    Some(format!("{}: {}", outcome.path, refusal.hint(&outcome.path)))
}

fn message(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Done(text) | Verdict::Same(text) | Verdict::Skipped(text) | Verdict::Failed(text) => text.clone(),
        Verdict::Refused(refusal) => refusal.to_string(),
        Verdict::Planned(_) => String::new(),
    }
}

fn row(outcome: &Outcome) -> Row<'_> {
    let commands = match &outcome.verdict {
        Verdict::Planned(changes) => changes.iter().map(|change| change.shown(&outcome.path)).collect(),
        _ => Vec::new(),
    };
    let hint = match &outcome.verdict {
        Verdict::Refused(refusal) => Some(refusal.hint(&outcome.path)),
        _ => None,
    };
    Row {
        path: &outcome.path,
        outcome: outcome.verdict.word(),
        message: message(&outcome.verdict),
        hint,
        commands,
        notes: &outcome.notes,
    }
}
