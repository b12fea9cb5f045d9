//! Completion of values on the command line, attached by `#[arg(add = complete::dirs())]`. Silent on every error: a
//! shell that waits for completions wants no messages.

use std::ffi::OsStr;

use clap_complete::{ArgValueCompleter, CompletionCandidate};
use wharf_core::workspace::{Workspace, discover};

use crate::arguments::{Color, Global};
use crate::surroundings;

/// Completes the addresses of runnable dirs.
#[must_use]
pub fn dirs() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| candidates(current, workspace().as_ref()))
}

/// The workspace around the current folder: the command line that is being typed is not known here, so `-C` is not heeded.
fn workspace() -> Option<Workspace> {
    let global = Global { engine: None, directory: None, color: Color::Never, quiet: true };
    discover(surroundings::read(&global).ok()?).ok()
}

fn candidates(current: &OsStr, workspace: Option<&Workspace>) -> Vec<CompletionCandidate> {
    let (Some(current), Some(workspace)) = (current.to_str(), workspace) else { return Vec::new() };
    let root = if current.starts_with('/') { "//" } else { "" };
    let dirs = workspace.dirs.iter().map(|dir| (format!("{root}{}", dir.address), &dir.name));
    dirs.filter(|(text, _)| text.starts_with(current))
        .map(|(text, name)| CompletionCandidate::new(text).help(Some(name.clone().into())))
        .collect()
}
