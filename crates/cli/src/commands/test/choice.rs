//! Suites, test lists and requirements of `wharf test`, and what only looks: `--collect` and `--explain`.

use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use clap::builder::NonEmptyStringValueParser;
use wharf_core::image::Place;
use wharf_core::test_suite::affected::Affected;
use wharf_core::test_suite::event::{TestEvent, TestListener};
use wharf_core::test_suite::explain::{Asked, Explanation, Line};
use wharf_core::test_suite::{
    Around, Collection, Explained, Options, Selection, TestError, TestPlan, collect, explain, suites,
};
use wharf_core::workspace::Workspace;

use crate::commands::{complete, data};
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Plain;

/// Which tests, by suite and list, and what they require.
#[derive(Debug, clap::Args)]
pub struct Choice {
    /// Only tests of this suite: fast, slow, superslow, all, or one of `[test.suites]` (repeatable: the tests of any of them).
    #[arg(long = "suite", value_name = "NAME", add = complete::suites())]
    pub suites: Vec<String>,
    /// Only tests of this list of `[test.lists]`, or of a file with an entry a line (repeatable: the tests of any of them).
    #[arg(long = "list", value_name = "NAME|FILE", value_parser = NonEmptyStringValueParser::new(), add = complete::lists())]
    pub lists: Vec<String>,
    /// What must be here: a marker or capability of `[test.requires]`, such as docker, or all. Tests that need it fail where it is
    /// lacking, instead of being skipped (repeatable).
    #[arg(long, value_name = "CAPABILITY", add = complete::requirements())]
    pub require: Vec<String>,
    /// Print the ids of the tests that would run, dir after dir, and run none.
    #[arg(long, conflicts_with_all = ["explain", "plan", "last_failed"])]
    pub collect: bool,
    /// Say why a test is selected or not, and run none: its id, a class or a file.
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new(), conflicts_with = "plan")]
    pub explain: Option<String>,
}

/// What a look is given.
pub struct Given {
    pub workspace: Workspace,
    pub place: Place,
    pub selection: Selection,
    pub plan: TestPlan,
    pub options: Options,
    pub signals: Receiver<i32>,
    pub json: bool,
    pub affected: Option<Affected>,
}

impl Choice {
    /// Refuses what cannot be required.
    pub fn check(&self, workspace: &Workspace) -> Result<(), TestError> {
        suites::check_required(workspace, &self.require)
    }

    /// Whether no test is to run.
    pub fn only_looks(&self) -> bool {
        self.collect || self.explain.is_some()
    }

    /// Warns of entries of test lists for which there is not even a file; refuses them where `strict`.
    pub fn warn(&self, context: &Context, plan: &TestPlan, strict: bool) -> Result<(), TestError> {
        let lines = plan.lists.as_ref().map(|wanted| wanted.without_file()).unwrap_or_default();
        if strict && !lines.is_empty() {
            return Err(TestError::Unmatched { lines });
        }
        // Else they are among the problems that the run ends with.
        let is_told_later = !plan.dirs.is_empty() && plan.lists.as_ref().is_some_and(|wanted| wanted.judges);
        for line in lines.iter().filter(|_| !is_told_later) {
            context.talk.warning(line);
        }
        Ok(())
    }

    /// Why there is nothing to run at all.
    pub fn nothing(&self, selection: &Selection) -> &'static str {
        if selection.only.is_some() {
            "nothing was bad in the last run, so there is nothing to run again"
        } else if !self.lists.is_empty() {
            "no runnable dir has a test of these lists, so there is nothing to run"
        } else {
            "no runnable dir has such a suite, so there is nothing to run"
        }
    }

    /// What is data where there is nothing.
    pub fn print_nothing(&self, json: bool) -> Result<u8, Failure> {
        if self.collect && json {
            print_json(&serde_json::json!({ "schema": 1, "dirs": [], "problems": [] }))?;
        }
        Ok(0)
    }

    /// Collects or explains.
    pub fn look(&self, context: &Context, given: Given) -> Result<u8, Failure> {
        let Given { workspace, place, selection, plan, options, signals, json, affected } = given;
        let (workspace, place) = (Arc::new(workspace), Arc::new(place));
        let mut listener = Quiet((!context.talk.is_quiet()).then(|| Plain::new(std::io::stderr(), context.talk.style)));
        let around = Around { clock: &context.clock, listener: &mut listener, signals };
        if let Some(id) = &self.explain {
            let mut answer = explain(&workspace, &place, Asked { text: id, selection: &selection }, options, around)?;
            if let Some(affected) = &affected {
                say_affected(&mut answer, affected);
            }
            return print_explanation(&answer, json);
        }
        let collection = collect(&workspace, &place, plan, options, around)?;
        print_collection(context, &collection, json)
    }
}

/// Tells of images and warnings, not of tests: none runs.
struct Quiet(Option<Plain<std::io::Stderr>>);

impl TestListener for Quiet {
    fn on(&mut self, event: &TestEvent) {
        if let (Some(plain), TestEvent::Progress(_)) = (&mut self.0, event) {
            plain.on(event);
        }
    }
}

fn print_collection(context: &Context, collection: &Collection, json: bool) -> Result<u8, Failure> {
    if json {
        print_json(collection)?;
    } else {
        for id in collection.dirs.iter().flat_map(|dir| &dir.tests) {
            data::line(id)?;
        }
    }
    let talk = &context.talk;
    for dir in &collection.dirs {
        for error in &dir.errors {
            talk.warning(&format!("{}: `{}` cannot be collected\n{}", dir.path, error.id, error.longrepr.trim_end()));
        }
        match &dir.cause {
            Some(cause) => talk.note(&format!("{}: {cause}", dir.path)),
            None => {
                let left = if dir.deselected > 0 { format!(", {} left out", dir.deselected) } else { String::new() };
                let count = dir.tests.len();
                let tests = if count == 1 { "test" } else { "tests" };
                talk.note(&format!("{}: {count} {tests}{left}", dir.path));
            }
        }
        if let Some(hint) = &dir.hint {
            talk.note(hint);
        }
    }
    for problem in &collection.problems {
        talk.warning(problem);
    }
    if collection.interrupted {
        wharf_process::kill_all();
    }
    Ok(collection.exit_code)
}

/// Adds what changes make of the tests.
fn say_affected(answer: &mut Explanation, affected: &Affected) {
    for test in &mut answer.tests {
        let file = test.id.split("::").next().unwrap_or(&test.id);
        let left_out = affected.dirs.iter().any(|dir| dir.left_out.contains(file)) && affected.everything.is_none();
        if let Some(text) = affected.why(file) {
            test.selected &= !left_out;
            test.lines.push(Line { selects: Some(!left_out), text });
        }
    }
}

fn print_explanation(answer: &Explanation, json: bool) -> Result<u8, Failure> {
    if answer.interrupted {
        wharf_process::kill_all();
        return Ok(130);
    }
    if let Some((cause, hint)) = &answer.trouble {
        let failure = Failure::environment(format!("{}: {cause}", answer.dir));
        return Err(match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        });
    }
    if answer.tests.is_empty() {
        let file = answer.id.split("::").next().unwrap_or(&answer.id);
        return Err(Failure::usage(format!("`{}` names no test", answer.id))
            .hint(format!("see the tests that there are with `wharf test --collect {file}`")));
    }
    if json {
        print_json(&serde_json::json!({ "schema": 1, "tests": answer.tests }))?;
        return Ok(0);
    }
    let texts: Vec<String> = answer.tests.iter().map(text_of).collect();
    data::text(&texts.join("\n"))?;
    Ok(0)
}

/// The id with the outcome, and a line for each thing that decides.
fn text_of(test: &Explained) -> String {
    let outcome = if test.selected { "is selected" } else { "is not selected" };
    let mut text = format!("{} {outcome}\n", test.id);
    for Line { selects, text: line } in &test.lines {
        let mark = match selects {
            Some(true) => "+",
            Some(false) => "-",
            None => "·",
        };
        text.push_str(&format!("  {mark} {line}\n"));
    }
    text
}

fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(std::io::Error::from)?;
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}
