//! Services that are kept: `wharf up` and `wharf down`.

use std::path::Path;

use wharf_engine::{Client, EngineError};
use wharf_process::Command;

use super::error::ServiceError;
use super::shared;
use super::spec::{asked_port, neighbours};
use super::start::{self, Order};
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

/// What there is of a kept service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It runs as it is wanted.
    Runs,
    /// It is as it is wanted, but has ended.
    Ended,
    /// Nothing.
    Nothing,
}

/// Looks for a kept service with these inputs. One with others is removed.
pub(super) fn found(client: &Client, container: &str, inputs: Option<&String>) -> Result<Found, ServiceError> {
    let label = format!("{}={}", stage::INPUTS, inputs.map(String::as_str).unwrap_or_default());
    let same = client.containers(&[label])?;
    match same.iter().find(|found| found.name == container).map(|found| found.state.as_str()) {
        Some("running") => Ok(Found::Runs),
        Some("exited" | "created" | "stopped" | "configured" | "initialized") => Ok(Found::Ended),
        _ => {
            client.discard(&[container.to_owned()])?;
            Ok(Found::Nothing)
        }
    }
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

/// What `wharf down` removes of one dir. By labels alone: the configuration of now may be another than that of then.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DownPlan {
    /// Containers with the service that each one is.
    pub containers: Vec<(String, String)>,
    /// Named volumes.
    pub volumes: Vec<String>,
    network: String,
    /// Further networks that they are in and nobody else.
    shared: Vec<String>,
    /// Whether these are all, so that the network goes, too: what then becomes of the volumes of a Compose project.
    last: Option<Stored>,
}

/// Plans the end of kept services of a dir, of all where none is named. With the last one goes their network, and with `stored` what
/// they have stored.
///
/// # Errors
/// When the engine does not answer.
pub fn plan_down(client: &Client, network: &str, names: &[String], stored: Stored) -> Result<DownPlan, EngineError> {
    let label = format!("{NETWORK}={network}");
    let found = client.containers(std::slice::from_ref(&label))?;
    let (there, ids) = (found.len(), found.iter().map(|container| container.id.clone()).collect::<Vec<_>>());
    let service = |container: wharf_engine::Container| {
        let service = container.labels.get(SERVICE).cloned().unwrap_or_default();
        (names.is_empty() || names.contains(&service)).then_some((container.name, service))
    };
    let containers: Vec<(String, String)> = found.into_iter().filter_map(service).collect();
    let mut volumes = Vec::new();
    if stored == Stored::Goes && names.is_empty() {
        volumes = client.volumes(&[label])?;
    } else if stored == Stored::Goes {
        for name in names {
            volumes.extend(client.volumes(&[label.clone(), format!("{SERVICE}={name}")])?);
        }
    }
    let last = (containers.len() == there).then_some(stored);
    let shared = if last.is_some() { shared::to_go(client, network, &ids)? } else { Vec::new() };
    Ok(DownPlan { containers, volumes, network: network.to_owned(), shared, last })
}

impl DownPlan {
    /// Whether there is nothing of that.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.volumes.is_empty()
    }

    /// The commands that do the same, to paste.
    #[must_use]
    pub fn commands(&self, client: &Client) -> Vec<Command> {
        let names: Vec<String> = self.containers.iter().map(|(name, _)| name.clone()).collect();
        let mut commands = Vec::new();
        if !names.is_empty() {
            commands.push(client.remove_command(&names));
            commands.extend(self.last.map(|_| client.remove_network_command(&self.network)));
            commands.extend(self.shared.iter().map(|network| client.remove_network_command(network)));
        }
        if !self.volumes.is_empty() {
            commands.push(client.command().args(["volume", "rm"]).args(self.volumes.iter().cloned()));
        }
        commands
    }

    /// Does it, while nobody starts any of them; the locks are in the cache.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn apply(&self, client: &Client, cache: &Path) -> Result<(), ServiceError> {
        let _lock = start::lock(cache, &self.network, &|| false)?;
        let names: Vec<String> = self.containers.iter().map(|(name, _)| name.clone()).collect();
        client.discard(&names)?;
        // Somebody may have started another meanwhile.
        let label = format!("{NETWORK}={}", self.network);
        if let Some(stored) = self.last
            && client.containers(&[label])?.is_empty()
        {
            networks::with_project(client, &self.network, stored)?;
            // Who has come in meanwhile keeps it.
            for network in &self.shared {
                let _ = client.remove_network(network);
            }
        }
        self.volumes.iter().try_for_each(|volume| Ok(client.remove_volume(volume)?))
    }
}
