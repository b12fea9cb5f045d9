//! Further networks of kept services: those of containers that somebody else starts, who can only name a network that he knows.

use std::collections::BTreeMap;

use wharf_engine::{Client, EngineError};

use super::error::ServiceError;
use super::started::Member;
use super::up::up_network;
use crate::container::networks::is_shared;
use crate::container::{KEPT, NETWORK, OWNER, ROOT, VERB, WORKSPACE};
use crate::image::stage;
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// What such a network is for, as its label says it.
const PURPOSE: &str = "editor";

/// Makes `network`, where there is none, one that the dir's kept services are in as well: those that run from their next start on.
///
/// # Errors
/// When the engine refuses, or something else has this name.
pub fn share(client: &Client, workspace: &Workspace, dir: &RunnableDir, network: &str) -> Result<(), ServiceError> {
    let up = up_network(workspace, dir);
    if of(client, &up)?.iter().any(|known| known == network) {
        return Ok(());
    }
    let labels = BTreeMap::from([
        (WORKSPACE.to_owned(), workspace.id.clone()),
        (ROOT.to_owned(), workspace.root.display().to_string()),
        (stage::DIR.to_owned(), dir.address.to_string()),
        (VERB.to_owned(), PURPOSE.to_owned()),
        (OWNER.to_owned(), KEPT.to_owned()),
        (NETWORK.to_owned(), up),
    ]);
    Ok(client.create_network(network, &labels)?)
}

/// Names of the further networks of the services that are in `up`.
fn of(client: &Client, up: &str) -> Result<Vec<String>, EngineError> {
    let found = client.networks(&format!("{NETWORK}={up}"))?;
    Ok(found.into_iter().filter(is_shared).map(|network| network.name).collect())
}

/// Adds services to the further networks that they are not in yet, each under its own name.
pub(super) fn join(client: &Client, up: &str, members: &[Member]) -> Result<(), ServiceError> {
    let networks = of(client, up)?;
    if networks.is_empty() {
        return Ok(());
    }
    for member in members {
        let standing = client.standing(&member.container)?.unwrap_or_default();
        for network in networks.iter().filter(|name| !standing.addresses.contains_key(*name)) {
            client.join_network(network, &member.container, &member.name)?;
        }
    }
    Ok(())
}

/// The further networks that nobody is in but the containers `going`, whose ids are full ones.
pub(super) fn to_go(client: &Client, up: &str, going: &[String]) -> Result<Vec<String>, EngineError> {
    let mut unused = Vec::new();
    for network in of(client, up)? {
        // The listing gives short ids.
        let goes = |id: &String| going.iter().any(|full| full.starts_with(id.as_str()));
        if client.members_of(&network)?.iter().all(goes) {
            unused.push(network);
        }
    }
    Ok(unused)
}
