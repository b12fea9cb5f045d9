//! What Wharf started: what `ps`, `logs`, `stop`, `prune` and `run` share.

use std::time::Duration;

use wharf_core::container::{ContainerError, Entry, Scope, networks, running};
use wharf_core::image::Place;
use wharf_core::workspace::Workspace;
use wharf_process::Command;

use super::data;
use crate::context::Context;
use crate::exit::Failure;

/// Says in one line what was removed, if anything.
pub(super) fn say_removed(context: &Context, removed: &[Entry]) {
    if !removed.is_empty() {
        context.talk.note(&format!("removed what a killed wharf left behind: {}", names(removed)));
    }
}

/// Removes what a killed Wharf left behind, says so, and lists what there is.
pub(super) fn list(
    context: &Context,
    workspace: &Workspace,
    place: &Place,
    scope: Scope,
) -> Result<Vec<Entry>, Failure> {
    say_removed(context, &running::remove_orphans(workspace, place)?);
    Ok(running::list(workspace, place, scope)?)
}

/// The scope that a flag asks for.
pub(super) fn scope(all_workspaces: bool) -> Scope {
    if all_workspaces { Scope::All } else { Scope::Workspace }
}

/// What `text` means: the name of one entry, the start of its id, a service, or a runnable dir with all of its entries. `None`
/// where it means none of these.
pub(super) fn matching<'a>(workspace: &Workspace, entries: &'a [Entry], text: &str) -> Option<Vec<&'a Entry>> {
    let named = |entry: &&Entry| entry.name == text || (text.len() >= 8 && entry.id.starts_with(text));
    let named: Vec<&Entry> = entries.iter().filter(named).collect();
    if !named.is_empty() {
        return Some(named);
    }
    let service: Vec<&Entry> = entries.iter().filter(|entry| entry.service.as_deref() == Some(text)).collect();
    if !service.is_empty() {
        return Some(service);
    }
    let dir = workspace.dir(text).ok()?.address.to_string();
    let root = workspace.root.display().to_string();
    Some(entries.iter().filter(|entry| entry.dir == dir && (entry.root == root || entry.root.is_empty())).collect())
}

/// The refusal for a text that means nothing.
pub(super) fn unknown(text: &str) -> Failure {
    ContainerError::Unknown(text.to_owned()).into()
}

/// Removes networks of services that nobody is in any more. What still uses one keeps it.
pub(super) fn remove_networks(workspace: &Workspace, place: &Place, scope: Scope) -> Result<Vec<String>, Failure> {
    let Some(client) = place.client() else { return Ok(Vec::new()) };
    Ok(networks::remove_unused(workspace, client, scope)?)
}

/// Ends entries, or prints the commands that would.
pub(super) fn end(place: &Place, entries: &[Entry], grace: Duration, dry_run: bool) -> Result<(), Failure> {
    if entries.is_empty() {
        return Ok(());
    }
    if !dry_run {
        running::end(place, entries, grace)?;
        return entries.iter().try_for_each(|entry| data::line(&entry.name));
    }
    for command in commands(place, entries, grace) {
        data::line(&command.to_string())?;
    }
    Ok(())
}

fn commands(place: &Place, entries: &[Entry], grace: Duration) -> Vec<Command> {
    match place {
        Place::Containers(client) => {
            let running = entries.iter().filter(|entry| entry.is_running()).map(|entry| entry.name.clone());
            let running: Vec<String> = running.collect();
            let all: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
            let remove = client.remove_command(&all);
            if running.is_empty() || grace.is_zero() {
                return vec![remove];
            }
            vec![client.stop_command(&running, grace), remove]
        }
        Place::Host(_) => {
            let pid = |entry: &Entry| entry.name.trim_start_matches("process-").to_owned();
            entries.iter().map(|entry| Command::new("kill").args(["-TERM"]).arg(pid(entry))).collect()
        }
    }
}

fn names(entries: &[Entry]) -> String {
    entries.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>().join(", ")
}
