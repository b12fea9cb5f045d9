//! Services that run: their logs, who of them died, and their end.

use std::collections::BTreeMap;
use std::path::Path;

use wharf_engine::{Client, EngineError, Standing};

use super::ready::last_lines;
use super::start::Order;
use crate::container::networks::{self, Stored};
use crate::container::{NETWORK, Neighbours};

/// Lines of a service's log that a message shows.
const TAIL: usize = 15;

/// One that was started.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    pub name: String,
    pub container: String,
    /// How it stood when it was ready.
    pub standing: Standing,
    /// The port that others ask for first.
    pub port: Option<u16>,
}

/// Services that were started together.
#[derive(Debug)]
pub struct Started {
    client: Client,
    network: String,
    pub(super) members: Vec<Member>,
    /// Images that were built for them alone, where a Compose file is used.
    composed: Option<Vec<String>>,
    /// What a container needs to reach them.
    pub neighbours: Neighbours,
}

/// A service that runs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Service {
    /// Its name, by which others in its network reach it.
    pub name: String,
    /// Its container.
    pub container: String,
    /// The port that others ask for first.
    pub port: Option<u16>,
    /// Ports of the host by the port in the container.
    pub published: BTreeMap<u16, u16>,
}

/// A service that ended though nobody asked it to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Died {
    /// Its name.
    pub name: String,
    /// The code it ended with; `None`: its container is gone.
    pub code: Option<i64>,
    /// The last lines that it printed.
    pub tail: Vec<String>,
}

impl Died {
    /// How it ended, to stand behind its name.
    #[must_use]
    pub fn how(&self) -> String {
        self.code.map_or_else(|| "is gone".to_owned(), |code| format!("ended with code {code}"))
    }
}

impl Started {
    pub(super) fn new(client: Client, order: &Order<'_>, members: Vec<Member>, images: Vec<String>) -> Self {
        Self {
            composed: order.plan.compose.as_ref().map(|_| images),
            network: order.network.to_owned(),
            neighbours: Neighbours::default(),
            client,
            members,
        }
    }

    /// What runs, by name.
    #[must_use]
    pub fn services(&self) -> Vec<Service> {
        let service = |member: &Member| Service {
            name: member.name.clone(),
            container: member.container.clone(),
            port: member.port.or_else(|| member.standing.ports.keys().next().copied()),
            published: member.standing.ports.iter().filter_map(|(port, host)| Some((*port, (*host)?))).collect(),
        };
        self.members.iter().map(service).collect()
    }

    /// Those that do not run any more.
    #[must_use]
    pub fn died(&self) -> Vec<Died> {
        let died = |member: &Member| {
            // An engine that does not answer says nothing of the service.
            let standing = self.client.standing(&member.container).ok()?;
            if standing.as_ref().is_some_and(|standing| standing.running) {
                return None;
            }
            let printed = self.client.printed(&member.container).unwrap_or_default();
            let code = standing.map(|standing| standing.exit_code);
            Some(Died { name: member.name.clone(), code, tail: last_lines(&printed, TAIL) })
        };
        self.members.iter().filter_map(died).collect()
    }

    /// Ends and removes all of them, with their network. `logs` is the start of the path of each one's log. Gives what could
    /// not be done, a line each.
    pub fn stop(&self, logs: Option<&Path>) -> Vec<String> {
        let mut problems = Vec::new();
        if let Some(logs) = logs {
            for member in &self.members {
                problems.extend(
                    self.keep_log(member, logs)
                        .err()
                        .map(|error| format!("the log of service `{}` could not be written: {error}", member.name)),
                );
            }
        }
        let gone = self.remove();
        problems.extend(gone.err().map(|error| format!("services are left: {error}; `wharf prune` removes them")));
        problems
    }

    fn remove(&self) -> Result<(), EngineError> {
        let mut containers: Vec<String> = self.members.iter().map(|member| member.container.clone()).collect();
        let Some(images) = &self.composed else {
            self.client.discard(&containers)?;
            return self.client.remove_network(&self.network);
        };
        // Compose has started what these depend on as well.
        let all = self.client.containers(&[format!("{NETWORK}={}", self.network)])?;
        containers.extend(all.into_iter().map(|container| container.name));
        containers.sort();
        containers.dedup();
        self.client.discard(&containers)?;
        networks::with_project(&self.client, &self.network, Stored::Goes)?;
        images.iter().try_for_each(|image| self.client.remove_image(image))
    }

    fn keep_log(&self, member: &Member, logs: &Path) -> std::io::Result<()> {
        let printed = self.client.printed(&member.container).unwrap_or_default();
        fs_err::write(log_path(logs, &member.name), printed)
    }
}

/// The log of one service: `infra.postgres.log` for `infra`.
fn log_path(logs: &Path, name: &str) -> std::path::PathBuf {
    let mut path = logs.as_os_str().to_owned();
    path.push(format!(".{name}.log"));
    path.into()
}
