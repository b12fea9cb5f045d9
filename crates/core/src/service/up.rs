//! Services that are kept: `wharf up` and `wharf down`.

use wharf_engine::{Client, EngineError};

use super::error::ServiceError;
use super::plan::ServicePlan;
use super::start::{Order, asked_port, neighbours};
use super::started::Member;
use crate::container::networks::{self, Stored};
use crate::container::{NETWORK, Neighbours, SERVICE};
use crate::image::stage;
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// Name of the network of a dir's kept services.
#[must_use]
pub fn up_network(workspace: &Workspace, dir: &RunnableDir) -> String {
    format!("wharf-{}-{}-up", &workspace.id[..6], dir.slug())
}

/// Whether a kept service runs as it is wanted; one that does not is removed.
pub(super) fn is_up(client: &Client, container: &str, inputs: Option<&String>) -> Result<bool, ServiceError> {
    let label = format!("{}={}", stage::INPUTS, inputs.map(String::as_str).unwrap_or_default());
    let found = client.containers(&[label])?;
    if found.iter().any(|found| found.name == container && found.state == "running") {
        return Ok(true);
    }
    client.discard(&[container.to_owned()])?;
    Ok(false)
}

/// Names of the dir's kept services that run.
///
/// # Errors
/// When the engine does not answer.
pub fn running_up(client: &Client, network: &str) -> Result<Vec<String>, EngineError> {
    let found = client.containers(&[format!("{NETWORK}={network}")])?;
    let running = found.iter().filter(|container| container.state == "running");
    Ok(running.filter_map(|container| container.labels.get(SERVICE).cloned()).collect())
}

/// What a container needs to reach the kept services that run.
///
/// # Errors
/// When the engine does not answer.
pub fn reach(order: &Order<'_>, client: &Client) -> Result<Neighbours, ServiceError> {
    let found = client.containers(&[format!("{NETWORK}={}", order.network)])?;
    let mut members = Vec::new();
    for container in found.into_iter().filter(|container| container.state == "running") {
        let Some(name) = container.labels.get(SERVICE).cloned() else { continue };
        let standing = client.standing(&container.name)?.unwrap_or_default();
        let port = order.dir.config.services.named.get(&name).and_then(asked_port);
        members.push(Member { name, container: container.name, standing, port });
    }
    Ok(neighbours(order, &members))
}

/// Removes kept services of a dir, all where none is named; gives the names of their containers. With the last one goes their
/// network, and with `volumes` what they have stored.
///
/// # Errors
/// When the engine refuses.
pub fn take_down(
    client: &Client,
    network: &str,
    names: &[String],
    (plan, volumes): (&ServicePlan, bool),
) -> Result<Vec<String>, EngineError> {
    let found = client.containers(&[format!("{NETWORK}={network}")])?;
    let service = |container: &wharf_engine::Container| container.labels.get(SERVICE).cloned().unwrap_or_default();
    let wanted = |container: &&wharf_engine::Container| names.is_empty() || names.contains(&service(container));
    let goes: Vec<String> = found.iter().filter(wanted).map(|container| container.name.clone()).collect();
    client.discard(&goes)?;
    if goes.len() == found.len() {
        networks::with_project(client, network, if volumes { Stored::Goes } else { Stored::Stays })?;
    }
    if volumes {
        for planned in plan.services.iter().filter(|planned| names.is_empty() || names.contains(&planned.name)) {
            for volume in planned.config.volumes.iter().filter(|volume| volume.is_named()) {
                client.remove_volume(&format!("{network}-{}", volume.host))?;
            }
        }
    }
    Ok(goes)
}
