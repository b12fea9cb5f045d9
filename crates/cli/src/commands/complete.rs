//! Completion of values on the command line, attached by `#[arg(add = complete::dirs())]`. Silent on every error: a
//! shell that waits for completions wants no messages.

use std::ffi::OsStr;

use clap_complete::engine::SubcommandCandidates;
use clap_complete::{ArgValueCompleter, CompletionCandidate};
use wharf_core::common_files::{Scene, Selection, examine};
use wharf_core::repos::Repos;
use wharf_core::runnable_dir::Address;
use wharf_core::task::{Catalogue, Task};
use wharf_core::test_suite;
use wharf_core::workspace::{Surroundings, Workspace, discover};

use crate::arguments::{Color, Global};
use crate::surroundings;

/// Completes the addresses of runnable dirs.
#[must_use]
pub fn dirs() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| candidates(current, workspace().as_ref()))
}

/// Completes names of suites.
#[must_use]
pub fn suites() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some(workspace) = workspace() else { return Vec::new() };
        let marked = |name: String| {
            let of_dirs = workspace.dirs.iter().map(|dir| &dir.config).chain([&workspace.config]);
            let found = of_dirs.into_iter().find_map(|config| Some(config.test.suites.get(&name)?.markers.clone()));
            (name, found.unwrap_or_default())
        };
        texts(current, test_suite::suites::names(&workspace).into_iter().map(marked))
    })
}

/// Completes names of test lists.
#[must_use]
pub fn lists() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some(workspace) = workspace() else { return Vec::new() };
        let lists = &workspace.config.test.lists;
        texts(current, lists.iter().map(|(name, entries)| (name.clone(), entries.join(", "))))
    })
}

/// Completes what tests require, for `--require`.
#[must_use]
pub fn requirements() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some(workspace) = workspace() else { return Vec::new() };
        texts(current, test_suite::suites::requirements(&workspace).into_iter().map(|name| (name, String::new())))
    })
}

/// Completes names of tasks where a command is expected.
#[must_use]
pub fn task_names() -> SubcommandCandidates {
    SubcommandCandidates::new(|| {
        let Some(catalogue) = catalogue() else { return Vec::new() };
        candidates_of(&catalogue.1, "")
    })
}

/// Completes the name of a task, then its arguments.
#[must_use]
pub fn tasks() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let (Some(current), Some((workspace, catalogue))) = (current.to_str(), catalogue()) else { return Vec::new() };
        match typed() {
            Some((name, _)) => {
                let here = home(&workspace);
                catalogue.find(&name, &here).map_or(Vec::new(), |task| arguments_of(&catalogue.tasks[task], current))
            }
            None => candidates_of(&catalogue, current),
        }
    })
}

fn catalogue() -> Option<(Workspace, Catalogue)> {
    let workspace = workspace()?;
    let catalogue = Catalogue::read(&workspace).ok()?;
    Some((workspace, catalogue))
}

/// The runnable dir that the user stands in, else the super-repo.
fn home(workspace: &Workspace) -> Address {
    workspace.here().map_or_else(|_| Address::root(), |dir| dir.address.clone())
}

fn candidates_of(catalogue: &Catalogue, current: &str) -> Vec<CompletionCandidate> {
    let shown = catalogue.tasks.iter().filter(|task| !task.hidden).map(|task| (task.id(), task));
    shown
        .filter(|(id, _)| id.starts_with(current))
        .map(|(id, task)| {
            CompletionCandidate::new(id).help(Some(task.help.clone().into()).filter(|_| !task.help.is_empty()))
        })
        .collect()
}

fn arguments_of(task: &Task, current: &str) -> Vec<CompletionCandidate> {
    let mut words: Vec<(String, String)> = Vec::new();
    for argument in &task.arguments {
        words.push((argument.flag(), argument.help.clone()));
        let choices = argument.choices.iter();
        if argument.positional {
            words.extend(choices.map(|choice| (choice.clone(), argument.help.clone())));
        } else {
            words.extend(choices.map(|choice| (format!("{}={choice}", argument.flag()), argument.help.clone())));
        }
    }
    let fits = words.into_iter().filter(|(word, _)| word.starts_with(current));
    // Flags are in the way until one starts to write one.
    let fits = fits.filter(|(word, _)| current.starts_with('-') || !word.starts_with('-') || current.is_empty());
    fits.map(|(word, help)| CompletionCandidate::new(word).help(Some(help.into()))).collect()
}

/// The name of the task that was typed before the word that is completed, with the words after it. The shell's script
/// hands the line over behind `--`.
fn typed() -> Option<(String, Vec<String>)> {
    let line: Vec<String> = std::env::args().skip_while(|word| word != "--").skip(1).collect();
    let index = std::env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|index| index.parse().ok());
    let before = &line[..index.unwrap_or(line.len().saturating_sub(1)).min(line.len())];
    let at = before.iter().position(|word| word == "task")?;
    let mut words = before[at + 1..].iter().skip_while(|word| word.starts_with('-')).cloned();
    Some((words.next()?, words.collect()))
}

/// Completes the paths of repos, the super-repo's as `.`.
#[must_use]
pub fn repos() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let repos = surroundings().and_then(|surroundings| Repos::discover(&surroundings.here).ok());
        let repos = repos.into_iter().flat_map(|repos| repos.members);
        texts(current, repos.map(|member| (member.shown().to_owned(), member.repo.name)))
    })
}

/// Completes the paths of common files.
#[must_use]
pub fn common_files() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| texts(current, common_paths().into_iter().flatten()))
}

/// Paths of common files from the super-repo's root, with the state of each.
fn common_paths() -> Option<Vec<(String, String)>> {
    let surroundings = surroundings()?;
    let scene = Scene::open(&surroundings.here, &surroundings.cache).ok()?;
    let examined = examine(&scene, &Selection::default()).ok()?;
    let files = examined.files.iter();
    Some(files.map(|file| (scene.shown(file.repo, &file.path), file.state.kind().to_owned())).collect())
}

/// What the environment says: the command line that is being typed is not known here, so `-C` is not heeded.
fn surroundings() -> Option<Surroundings> {
    let global = Global { engine: None, directory: None, color: Color::Never, quiet: true };
    surroundings::read(&global).ok()
}

/// The workspace around the current folder.
fn workspace() -> Option<Workspace> {
    discover(surroundings()?).ok()
}

fn candidates(current: &OsStr, workspace: Option<&Workspace>) -> Vec<CompletionCandidate> {
    let dirs = workspace.into_iter().flat_map(|workspace| &workspace.dirs);
    texts(current, dirs.map(|dir| (dir.address.to_string(), dir.name.clone())))
}

/// The addresses that begin as what is typed, with or without `//`, each with a word about it.
fn texts(current: &OsStr, known: impl Iterator<Item = (String, String)>) -> Vec<CompletionCandidate> {
    let Some(current) = current.to_str() else { return Vec::new() };
    let root = if current.starts_with('/') { "//" } else { "" };
    known
        .map(|(text, help)| (format!("{root}{text}"), help))
        .filter(|(text, _)| text.starts_with(current))
        .map(|(text, help)| CompletionCandidate::new(text).help(Some(help.into())))
        .collect()
}
