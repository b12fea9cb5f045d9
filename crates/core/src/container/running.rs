//! What Wharf started and what is left of it, in an engine or on the host.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::error::ContainerError;
use super::nested;
use super::owner::{Life, Owner};
use super::warm::{self, WarmState};
use super::{IMAGE, KEPT, LOG, OWNER, PARENT_OWNER, ROOT, SERVICE, VERB, WARM, WORKSPACE, live, networks};
use crate::image::place::Place;
use crate::image::stage;
use crate::workspace::Workspace;

/// Whose things are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of this workspace.
    Workspace,
    /// Those of all workspaces of this user's engine.
    All,
}

/// Something that Wharf started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Name by which it can be addressed.
    pub name: String,
    /// Id in the engine, or the process on the host.
    pub id: String,
    /// Address of its dir.
    pub dir: String,
    /// What it is for.
    pub verb: String,
    /// Name of the service that it is, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What it runs in.
    pub image: String,
    /// `running`, `exited`, …
    pub state: String,
    /// The engine's own words, such as `Up 3 minutes`.
    pub status: String,
    /// Root of its workspace.
    pub root: String,
    /// The file that gets all that it prints, where the engine does not keep it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<PathBuf>,
    /// Of a container that is kept for the next command: whether it is used now, and until when it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warm: Option<WarmState>,
    /// Whether the process that started it is gone.
    pub orphan: bool,
    /// Whether the process that started it is known to be there.
    #[serde(skip)]
    pub held: bool,
    /// Whether it is to stay until somebody ends it: a service that `wharf up` started.
    #[serde(skip)]
    pub kept: bool,
}

impl Entry {
    /// Whether it can go without anybody's loss: what started it is gone, or it has ended and nobody waits for it.
    #[must_use]
    pub fn is_leftover(&self) -> bool {
        let ended = ["exited", "dead", "created", "stopped", "configured"].contains(&self.state.as_str());
        self.orphan || (ended && !self.held && !self.kept)
    }

    /// Whether something runs in it.
    #[must_use]
    pub fn is_running(&self) -> bool {
        ["running", "paused", "restarting"].contains(&self.state.as_str())
    }
}

/// Lists what Wharf started.
///
/// # Errors
/// When the engine does not answer.
pub fn list(workspace: &Workspace, place: &Place, scope: Scope) -> Result<Vec<Entry>, ContainerError> {
    let mut entries = match place {
        Place::Containers(client) => {
            let label = match scope {
                Scope::Workspace => format!("{WORKSPACE}={}", workspace.id),
                Scope::All => WORKSPACE.to_owned(),
            };
            client.containers(&[label])?.into_iter().map(from_container).collect()
        }
        Place::Host(tools) => on_host(workspace, &tools.cache, scope),
    };
    entries.sort_by(|a, b| (&a.dir, &a.name).cmp(&(&b.dir, &b.name)));
    Ok(entries)
}

/// Ends and removes entries.
///
/// # Errors
/// When the engine refuses.
pub fn end(place: &Place, entries: &[Entry], grace: Duration) -> Result<(), ContainerError> {
    match place {
        Place::Containers(client) => {
            let running: Vec<String> = entries.iter().filter(|entry| entry.is_running()).map(id).collect();
            if !grace.is_zero() {
                client.stop(&running, grace)?;
            }
            client.remove(&entries.iter().map(id).collect::<Vec<_>>())?;
        }
        Place::Host(tools) => {
            for group in
                live::groups(&tools.cache).iter().filter(|group| entries.iter().any(|entry| entry.id == group.process))
            {
                if !live::end(group, grace) {
                    return Err(ContainerError::Unknown(group.process.clone()));
                }
            }
        }
    }
    Ok(())
}

/// Removes what a killed Wharf left behind in this workspace, its networks too; gives what it removed.
///
/// # Errors
/// When the engine does not answer.
pub fn remove_orphans(workspace: &Workspace, place: &Place) -> Result<Vec<Entry>, ContainerError> {
    if let Place::Containers(client) = place {
        warm::end_orphans(workspace, client);
    }
    let orphans: Vec<Entry> =
        list(workspace, place, Scope::Workspace)?.into_iter().filter(|entry| entry.orphan).collect();
    if !orphans.is_empty() {
        end(place, &orphans, Duration::ZERO)?;
    }
    if let Place::Containers(client) = place {
        networks::remove_orphans(workspace, client)?;
        nested::remove_orphans(workspace, client, Scope::Workspace, !orphans.is_empty());
    }
    Ok(orphans)
}

fn id(entry: &Entry) -> String {
    entry.id.clone()
}

fn from_container(container: wharf_engine::Container) -> Entry {
    let label = |name: &str| container.labels.get(name).cloned().unwrap_or_default();
    // What another container made lives as long as whoever started that one.
    let owner = Some(label(PARENT_OWNER)).filter(|owner| !owner.is_empty()).unwrap_or_else(|| label(OWNER));
    let life = owner.parse::<Owner>().map_or(Life::Elsewhere, |owner| owner.life());
    let image = Some(label(IMAGE)).filter(|image| !image.is_empty());
    Entry {
        orphan: life == Life::Dead,
        held: life == Life::Alive,
        kept: owner == KEPT,
        warm: warm::state(&label(WARM)),
        dir: label(stage::DIR),
        verb: label(VERB),
        service: Some(label(SERVICE)).filter(|name| !name.is_empty()),
        root: label(ROOT),
        log: Some(label(LOG)).filter(|log| !log.is_empty()).map(PathBuf::from),
        name: container.name,
        id: container.id,
        image: image.unwrap_or(container.image),
        state: container.state,
        status: container.status,
    }
}

fn on_host(workspace: &Workspace, cache: &std::path::Path, scope: Scope) -> Vec<Entry> {
    let groups = live::groups(cache).into_iter();
    let groups = groups.filter(|group| scope == Scope::All || group.workspace == workspace.id);
    groups
        .map(|group| Entry {
            name: format!("process-{}", group.process.parse::<Owner>().map_or(0, |owner| owner.pid())),
            orphan: live::is_orphan(&group),
            held: !live::is_orphan(&group),
            kept: false,
            warm: None,
            id: group.process,
            dir: group.dir,
            verb: group.verb,
            service: None,
            image: "host".into(),
            state: "running".into(),
            status: group.command,
            log: group.log,
            root: if group.workspace == workspace.id { workspace.root.display().to_string() } else { String::new() },
        })
        .collect()
}
