//! Why a test is selected or not: one line a thing that decides, for `wharf test --explain`.
//!
//! Owns the question to the plugin and the lines that its answer makes. Refuses to run any test: its dir's container collects the
//! one file that holds it, because only pytest knows a test's markers.

mod past;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use self::past::Past;
use super::collect::{Purpose, only_collect};
use super::message::Facts;
use super::nearest::no_holder;
use super::plan::{Selection, TestError, Wanted, plan, wanted, wanted_lists};
use super::run::{Around, Options, perform, share};
use super::suites::{self, Chosen, DirSuite};
use crate::image::place::Place;
use crate::runnable_dir::{Address, RunnableDir};
use crate::workspace::{Workspace, WorkspaceError};

/// What the plugin is asked of each test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Id of a test, or of what holds several: a test without its parameters, a class, a file.
    pub id: String,
    /// The suite of each dir that has one.
    pub suites: BTreeMap<String, DirSuite>,
    /// `-m`.
    pub markers: Option<String>,
    /// `-k`.
    pub keyword: Option<String>,
}

/// Why one test is selected or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Its id.
    pub id: String,
    /// The runnable dir that it belongs to.
    pub dir: String,
    /// Whether it would run, or be skipped for what it requires.
    pub selected: bool,
    /// Names of its markers.
    pub markers: Vec<String>,
    /// What decides, each with what it says.
    pub lines: Vec<Line>,
}

/// One thing that decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Whether it selects the test or leaves it out; `None`: it does neither.
    pub selects: Option<bool>,
    /// In words.
    pub text: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// A test each; none where pytest collects no test of that id.
    pub tests: Vec<Explained>,
    /// The dir that was asked.
    pub dir: String,
    /// The id that was asked for, from the super-repo's root.
    pub id: String,
    /// Why the dir could not be asked, or what is wrong with the file, with the next command to type.
    pub trouble: Option<(String, Option<String>)>,
    /// Whether a signal ended it early.
    pub interrupted: bool,
}

/// What a user wants explained.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// A test id, or a class or file.
    pub text: &'a str,
    /// What would be run.
    pub selection: &'a Selection,
}

/// Explains what a selection makes of the tests that `text` names.
///
/// # Errors
/// When there is no such file in a runnable dir, or the container cannot even be asked for.
pub fn explain(
    workspace: &Arc<Workspace>,
    place: &Arc<Place>,
    asked: Asked<'_>,
    options: Options,
    around: Around<'_>,
) -> Result<Explanation, TestError> {
    let Asked { text, selection } = asked;
    let (holder, id) = named(workspace, text)?;
    suites::check(workspace, selection)?;
    let file = id.split("::").next().unwrap_or(&id);
    let all = Selection {
        paths: vec![format!("//{file}")],
        suites: vec!["all".into()],
        pytest: selection.pytest.clone(),
        ..Selection::default()
    };
    let mut plan = plan(workspace, &all)?;
    plan.lists = wanted_lists(workspace, selection)?;
    only_collect(&mut plan);
    let chosen = suites::choose(holder, selection);
    let question = Question {
        id: id.clone(),
        suites: match &chosen {
            Chosen::Suite(suite) => BTreeMap::from([(holder.address.to_string(), suite.clone())]),
            Chosen::All | Chosen::Nothing => BTreeMap::new(),
        },
        markers: selection.markers.clone(),
        keyword: selection.keyword.clone(),
    };
    let is_wanted = is_wanted(workspace, selection, holder, &id)?;
    let require = options.require.clone();
    let past = Past::of(workspace, &id, options.cache.is_some());
    let options =
        Options { purpose: Purpose::Explain(question), whole: false, fail_fast: false, retries: Some(0), ..options };
    let shared = share(workspace, place, plan, options, around.clock)?;
    let mut done = perform(&shared, around);
    let Some(session) = done.sessions.pop() else {
        return Err(no_holder(workspace, text, true));
    };
    let given = Given {
        holder,
        selection,
        chosen: &chosen,
        lists: shared.plan.lists.as_ref(),
        is_wanted,
        require: &require,
        past: &past,
    };
    let tests: Vec<Explained> = session.found.facts.iter().map(|facts| explained(&given, facts)).collect();
    let wrong = session.report.tests.iter().find(|test| test.verdict.is_bad()).and_then(|test| test.message.clone());
    let wrong = wrong.map(|message| format!("`{file}` cannot be collected: {message}"));
    let cause = wrong.or(session.report.cause.filter(|_| !session.found.is_over));
    Ok(Explanation {
        trouble: cause.filter(|_| tests.is_empty()).map(|cause| (cause, session.report.hint)),
        tests,
        dir: holder.address.to_string(),
        id,
        interrupted: done.interrupted,
    })
}

/// The dir that holds a test, and its id from the super-repo's root.
fn named<'w>(workspace: &'w Workspace, text: &str) -> Result<(&'w RunnableDir, String), TestError> {
    let (path, inside) = text.split_once("::").map_or((text, None), |(path, inside)| (path, Some(inside)));
    let address = Address::parse(path, &workspace.root, &workspace.surroundings.here).map_err(WorkspaceError::from)?;
    let exists = address.under(&workspace.root).is_file();
    let holder = workspace.holder(&address).filter(|_| exists);
    let holder = holder.ok_or_else(|| no_holder(workspace, text, exists))?;
    Ok((holder, inside.map_or_else(|| address.to_string(), |inside| format!("{address}::{inside}"))))
}

/// Whether paths and `--dir` leave the test in.
fn is_wanted(workspace: &Workspace, selection: &Selection, holder: &RunnableDir, id: &str) -> Result<bool, TestError> {
    let wanted = wanted(workspace, selection)?;
    let inside = id.strip_prefix(&holder.address.prefix()).unwrap_or(id);
    Ok(wanted.get(&holder.address).is_some_and(|paths| {
        let holds = |path: &String| {
            inside
                .strip_prefix(path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[']) || rest.starts_with("::"))
        };
        paths.is_empty() || paths.iter().any(holds)
    }))
}

/// What decides beside what the plugin tells.
struct Given<'g> {
    holder: &'g RunnableDir,
    selection: &'g Selection,
    chosen: &'g Chosen,
    lists: Option<&'g Wanted>,
    is_wanted: bool,
    require: &'g [String],
    past: &'g Past,
}

fn explained(given: &Given<'_>, facts: &Facts) -> Explained {
    let lines = lines(given, facts);
    Explained {
        id: facts.id.clone(),
        dir: given.holder.address.to_string(),
        selected: lines.iter().all(|line| line.selects != Some(false)),
        markers: facts.markers.clone(),
        lines,
    }
}

/// All that decides, in the order in which it does.
fn lines(given: &Given<'_>, facts: &Facts) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |selects: Option<bool>, text: String| lines.push(Line { selects, text });
    let dir = &given.holder.address;
    match given.is_wanted {
        true => say(Some(true), format!("runnable dir `{dir}` has it")),
        false => say(Some(false), format!("runnable dir `{dir}` has it, and no path and no `--dir` names it")),
    }
    if let Some(only) = &given.selection.only {
        let bad = only.tests.contains(&facts.id) || only.dirs.contains(dir.as_str());
        let was = if bad { "was" } else { "was not" };
        say(Some(bad), format!("it {was} bad in run {}, the last one", only.run));
    }
    if let Some(line) = of_suite(given, facts) {
        say(line.selects, line.text);
    }
    let takes = |takes: bool| if takes { "takes it" } else { "leaves it out" };
    if let (Some(expression), Some(yes)) = (&given.selection.markers, facts.markexpr) {
        say(Some(yes), format!("`-m '{expression}'` {}: {}", takes(yes), has_markers(facts)));
    }
    if let (Some(expression), Some(yes)) = (&given.selection.keyword, facts.keyword) {
        say(Some(yes), format!("`-k '{expression}'` {}", takes(yes)));
    }
    if let (Some(wanted), Some(yes)) = (given.lists, facts.listed) {
        say(Some(yes), of_lists(wanted, facts, yes));
    }
    if !facts.kept {
        let what = "options of the project for pytest, or a hook in a `conftest.py`";
        say(Some(false), format!("{what}, leave it out"));
    }
    for (marker, capability, lacking) in &facts.lacking {
        let demanded = given.require.iter().any(|name| name == marker || name == capability || name == "all");
        let end = match (lacking.is_empty(), demanded) {
            (true, _) => "which is here".to_owned(),
            (false, false) => format!("which is not here, so it is skipped: {lacking}"),
            (false, true) => format!("which is not here and demanded by `--require`, so it fails: {lacking}"),
        };
        say(None, format!("marker `{marker}` requires {capability}, {end}"));
    }
    lines.extend(given.past.lines(&facts.id));
    lines
}

fn of_suite(given: &Given<'_>, facts: &Facts) -> Option<Line> {
    let (selects, text) = match given.chosen {
        Chosen::All => return None,
        Chosen::Nothing => {
            let names = given.selection.suites.join(", ");
            (Some(false), format!("runnable dir `{}` has no suite {names}", given.holder.address))
        }
        Chosen::Suite(suite) if suite.markers.is_empty() => {
            (Some(true), format!("suite {} takes all tests", suite.shown()))
        }
        Chosen::Suite(suite) => {
            let yes = facts.suite.unwrap_or(true);
            let takes = if yes { "takes it" } else { "leaves it out" };
            let (name, markers) = (suite.shown(), &suite.markers);
            (Some(yes), format!("suite {name}, which is `{markers}`, {takes}: {}", has_markers(facts)))
        }
    };
    Some(Line { selects, text })
}

fn has_markers(facts: &Facts) -> String {
    if facts.markers.is_empty() {
        "it has no markers".into()
    } else {
        format!("it is marked {}", facts.markers.join(", "))
    }
}

fn of_lists(wanted: &Wanted, facts: &Facts, listed: bool) -> String {
    let entries = &wanted.lists.entries;
    let matching = facts.entries.iter().filter_map(|index| entries.get(*index));
    let said: Vec<String> = matching
        .filter(|entry| entry.adds == listed)
        .map(|entry| {
            let mark = if entry.adds { "" } else { "!" };
            format!("`{mark}{}` of list {}", entry.text, entry.list)
        })
        .collect();
    match (said.is_empty(), listed) {
        (false, true) => format!("entry {} takes it", said.join(" and ")),
        (false, false) => format!("entry {} leaves it out", said.join(" and ")),
        (true, true) => "the test lists take it".into(),
        (true, false) => "no entry of the test lists names it".into(),
    }
}
