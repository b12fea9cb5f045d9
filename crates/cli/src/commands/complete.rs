//! Completion of values on the command line, attached by `#[arg(add = complete::dirs())]`. Silent on every error: a
//! shell that waits for completions wants no messages.

use std::ffi::OsStr;

use clap_complete::{ArgValueCompleter, CompletionCandidate};
use wharf_core::common_files::{Scene, Selection, examine};
use wharf_core::repos::Repos;
use wharf_core::workspace::{Surroundings, Workspace, discover};

use crate::arguments::{Color, Global};
use crate::surroundings;

/// Completes the addresses of runnable dirs.
#[must_use]
pub fn dirs() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| candidates(current, workspace().as_ref()))
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
