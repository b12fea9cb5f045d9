//! The container of a service: how it is started, what it stores, and how others reach it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use wharf_engine::{Client, EngineLog, Entrypoint, RunSpec, Terminal, User};

use super::plan::{Planned, place, variable};
use super::ready::Probe;
use super::start::{Lifetime, Order, Starter};
use super::started::Member;
use crate::config::{ServiceConfig, Variable};
use crate::container::{IMAGE, NETWORK, Neighbours, ROOT, SERVICE, WORKSPACE};
use crate::image::stage;

impl Starter<'_> {
    pub(super) fn spec(&self, planned: &Planned, image: &str) -> RunSpec {
        let Planned { name, config } = planned;
        let order = &self.order;
        let (mut env, mut passed_env) = (BTreeMap::new(), Vec::new());
        for variable in &config.env {
            match variable {
                Variable::Set { name, value } => drop(env.insert(name.clone(), value.clone())),
                Variable::PassedOn(name) => {
                    let known = order.workspace.surroundings.variables.iter().any(|(known, _)| known == name.as_str());
                    passed_env.extend(known.then(|| name.clone()));
                }
            }
        }
        let mut labels = self.labels();
        labels.insert(SERVICE.to_owned(), name.clone());
        labels.insert(IMAGE.to_owned(), image.to_owned());
        let mut spec = RunSpec {
            image: image.to_owned(),
            name: format!("{}-{name}", order.network),
            command: config.command.clone(),
            entrypoint: Entrypoint::Image,
            mounts: Vec::new(),
            env,
            passed_env,
            workdir: String::new(),
            user: User::Image,
            network: Some(order.network.to_owned()),
            ports: self.ports(planned),
            labels,
            terminal: Terminal::None,
            stop_grace: Duration::from_secs(10),
            platform: None,
            volumes: self.volumes(planned),
            log: EngineLog::Kept,
            detached: true,
            alias: Some(name.clone()),
            hosts: self.known_hosts(),
            options: Vec::new(),
        };
        if order.lifetime == Lifetime::Kept {
            spec.labels.insert(stage::INPUTS.to_owned(), inputs(&spec));
        }
        spec
    }

    /// Those that are ready already.
    fn known_hosts(&self) -> Vec<(String, String)> {
        hosts(&self.client, self.order.network, &self.members())
    }

    fn ports(&self, planned: &Planned) -> Vec<String> {
        let ports = planned.config.ports.iter();
        if self.order.place.client().is_none() {
            // Commands on the host reach services only so; any free port will do.
            let probe = planned.config.ready.as_deref().map(Probe::parse).and_then(|probe| probe.port());
            let named: BTreeSet<u16> = ports.filter_map(|port| container_port(port)).chain(probe).collect();
            return named.iter().map(|port| format!("127.0.0.1::{port}")).collect();
        }
        if self.order.lifetime == Lifetime::Tests {
            return Vec::new();
        }
        let published = |port: &String| port.strip_prefix("auto:").map(|inside| format!("127.0.0.1::{inside}"));
        ports.map(|port| published(port).unwrap_or_else(|| port.clone())).collect()
    }

    /// Named volumes of one that is kept, with the labels by which they are found again.
    pub(super) fn volumes_of_its_own(&self, planned: &Planned) -> Vec<(String, BTreeMap<String, String>)> {
        let Order { workspace, dir, network, .. } = self.order;
        let labels = BTreeMap::from([
            (WORKSPACE.to_owned(), workspace.id.clone()),
            (ROOT.to_owned(), workspace.root.display().to_string()),
            (stage::DIR.to_owned(), dir.address.to_string()),
            (NETWORK.to_owned(), network.to_owned()),
            (SERVICE.to_owned(), planned.name.clone()),
        ]);
        let named = planned.config.volumes.iter().filter(|volume| volume.is_named());
        named.map(|volume| (format!("{network}-{}", volume.host), labels.clone())).collect()
    }

    /// A named volume belongs to one set of services, so that no two runs write into one: it is one without a name, which
    /// goes with its container, or, for what is kept, one with a name of its own.
    fn volumes(&self, planned: &Planned) -> Vec<String> {
        let Order { workspace, lifetime, network, .. } = self.order;
        let volume = |volume: &crate::config::Volume| {
            let options = volume.options.join(",");
            let options = if options.is_empty() { options } else { format!(":{options}") };
            let host = match (volume.is_named(), lifetime) {
                (true, Lifetime::Kept) => format!("{network}-{}", volume.host),
                (true, _) => return volume.container.clone(),
                (false, _) => place(workspace, &volume.host, &planned.config.origin).display().to_string(),
            };
            format!("{host}:{}{options}", volume.container)
        };
        planned.config.volumes.iter().map(volume).collect()
    }
}

/// What decides a kept container: one with the same is the same. A list of its own, so that a further field of [`RunSpec`]
/// does not end what runs.
fn inputs(spec: &RunSpec) -> String {
    let RunSpec { image, command, env, passed_env, network, ports, volumes, alias, hosts, .. } = spec;
    let all = serde_json::json!([1, image, command, env, passed_env, network, ports, volumes, alias, hosts]);
    blake3::hash(all.to_string().as_bytes()).to_hex()[..20].to_owned()
}

/// The port in the container of what the configuration says: `5432` of `auto:5432` and `127.0.0.1:80:5432/tcp`.
fn container_port(text: &str) -> Option<u16> {
    let text = text.split('/').next()?;
    text.rsplit(':').next()?.split('-').next()?.parse().ok()
}

/// The port that others ask for first, as far as the configuration names one.
pub(super) fn asked_port(config: &ServiceConfig) -> Option<u16> {
    let probed = || config.ready.as_deref().map(Probe::parse).and_then(|probe| probe.port());
    config.ports.first().and_then(|port| container_port(port)).or_else(probed)
}

/// Names and addresses, for an engine whose networks do not know names. Docker's always do.
fn hosts(client: &Client, network: &str, members: &[Member]) -> Vec<(String, String)> {
    if client.kind() == wharf_engine::Kind::Docker {
        return Vec::new();
    }
    let address = |member: &Member| member.standing.addresses.get(network).map(ToString::to_string);
    members.iter().filter_map(|member| Some((member.name.clone(), address(member)?))).collect()
}

/// What a container, or a command on the host, needs to reach them.
pub(super) fn neighbours(order: &Order<'_>, members: &[Member]) -> Neighbours {
    let mut env = Vec::new();
    let client = order.place.client();
    for member in members {
        let start = variable(&member.name);
        let first = || member.standing.ports.keys().next().copied();
        let inside = member.port.or_else(first);
        let outside = inside.and_then(|port| member.standing.ports.get(&port).copied().flatten());
        let (host, port) = if client.is_some() { (member.name.clone(), inside) } else { ("127.0.0.1".into(), outside) };
        env.push((format!("{start}_HOST"), host));
        env.extend(port.map(|port| (format!("{start}_PORT"), port.to_string())));
    }
    Neighbours {
        network: client.map(|_| order.network.to_owned()),
        hosts: client.map(|client| hosts(client, order.network, members)).unwrap_or_default(),
        env,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_decide_a_kept_container_does_not_end_it() {
        let spec = RunSpec {
            image: "a".into(),
            name: "x".into(),
            command: Vec::new(),
            entrypoint: Entrypoint::Image,
            mounts: Vec::new(),
            env: BTreeMap::new(),
            passed_env: Vec::new(),
            workdir: String::new(),
            user: User::Image,
            network: None,
            ports: Vec::new(),
            labels: BTreeMap::new(),
            terminal: Terminal::None,
            stop_grace: Duration::from_secs(10),
            platform: None,
            volumes: Vec::new(),
            log: EngineLog::Kept,
            detached: true,
            alias: None,
            hosts: Vec::new(),
            options: Vec::new(),
        };
        let longer = RunSpec { stop_grace: Duration::from_secs(20), ..spec.clone() };
        assert_eq!(inputs(&longer), inputs(&spec));
        let other = RunSpec { volumes: vec!["data:/data".into()], ..spec.clone() };
        assert_ne!(inputs(&other), inputs(&spec));
    }

    #[test]
    fn the_containers_port_is_the_last() {
        for text in ["5432", "auto:5432", "1:5432", "127.0.0.1:1:5432/tcp", "1-2:5432-5433"] {
            assert_eq!(container_port(text), Some(5432), "{text}");
        }
    }
}
