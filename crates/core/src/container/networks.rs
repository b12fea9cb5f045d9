//! Networks that Wharf made, and their removal: they go with the last of their containers.

use wharf_engine::{Client, EngineError, Network};

use super::owner::{Life, Owner};
use super::running::Scope;
use super::{NETWORK, OWNER, WORKSPACE};
use crate::workspace::Workspace;

/// Label with which Compose marks all that belongs to one project.
const PROJECT: &str = "com.docker.compose.project";

/// What becomes of volumes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// They stay.
    Stays,
    /// They are removed.
    Goes,
}

/// Removes networks whose `wharf` is gone; gives their names.
///
/// # Errors
/// When the engine does not answer.
pub fn remove_orphans(workspace: &Workspace, client: &Client) -> Result<Vec<String>, EngineError> {
    remove(client, left(workspace, client, Scope::Workspace)?, |life| life == Life::Dead)
}

/// Networks that no container has, not even one that has ended, and no living `wharf` waits for: their names.
///
/// # Errors
/// When the engine does not answer.
pub fn remove_unused(workspace: &Workspace, client: &Client, scope: Scope) -> Result<Vec<String>, EngineError> {
    let mut unused = left(workspace, client, scope)?;
    // Engines would let one go whose containers are stopped, and these could not be started again.
    let members = if unused.is_empty() { Vec::new() } else { client.containers(&[NETWORK.to_owned()])? };
    let is_member = |network: &Network, container: &wharf_engine::Container| {
        let shared = network.labels.get(NETWORK);
        container.labels.get(NETWORK).is_some_and(|name| *name == network.name || Some(name) == shared)
    };
    unused.retain(|network| !members.iter().any(|container| is_member(network, container)));
    // Containers of editors carry no label of ours.
    unused.retain(|network| !is_shared(network) || client.members_of(&network.name).is_ok_and(|all| all.is_empty()));
    remove(client, unused, |life| life != Life::Alive)
}

/// Whether it is a further network of kept services: one that carries the name of theirs.
pub(crate) fn is_shared(network: &Network) -> bool {
    network.labels.get(NETWORK).is_some_and(|name| *name != network.name)
}

/// Networks whose `wharf` is gone: their names.
///
/// # Errors
/// When the engine does not answer.
pub fn orphans(workspace: &Workspace, client: &Client, scope: Scope) -> Result<Vec<String>, EngineError> {
    let orphans = left(workspace, client, scope)?.into_iter().filter(|network| life(network) == Life::Dead);
    Ok(orphans.map(|network| network.name).collect())
}

fn left(workspace: &Workspace, client: &Client, scope: Scope) -> Result<Vec<Network>, EngineError> {
    client.networks(&match scope {
        Scope::Workspace => format!("{WORKSPACE}={}", workspace.id),
        Scope::All => WORKSPACE.to_owned(),
    })
}

fn life(network: &Network) -> Life {
    let owner = network.labels.get(OWNER).and_then(|owner| owner.parse::<Owner>().ok());
    owner.map_or(Life::Elsewhere, |owner| owner.life())
}

fn remove(client: &Client, networks: Vec<Network>, goes: fn(Life) -> bool) -> Result<Vec<String>, EngineError> {
    let mut removed = Vec::new();
    for network in networks.into_iter().filter(|network| goes(life(network))) {
        // One that somebody is in stays: the engine refuses.
        let stored = if life(&network) == Life::Dead { Stored::Goes } else { Stored::Stays };
        if with_project(client, &network.name, stored).is_ok() {
            removed.push(network.name);
        }
    }
    Ok(removed)
}

/// The name of the Compose project that shares a network: of those letters that all Compose tools leave as they are.
#[must_use]
pub fn project(network: &str) -> String {
    let keep = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    network.to_lowercase().chars().filter(keep).collect()
}

/// Removes a network, and what a Compose project of the same name left beside it.
///
/// # Errors
/// When a container is still in it, or the engine does not answer.
pub fn with_project(client: &Client, name: &str, stored: Stored) -> Result<(), EngineError> {
    let label = format!("{PROJECT}={}", project(name));
    for network in client.networks(&label)? {
        client.remove_network(&network.name)?;
    }
    if stored == Stored::Goes {
        client.remove_volumes(std::slice::from_ref(&label))?;
    }
    // The last one: by it all of this is found again.
    client.remove_network(name)
}
