//! Starts services and waits until they are ready.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use wharf_engine::{Client, EngineLog, Entrypoint, RunSpec, Standing, Terminal, User};

use super::compose;
use super::error::ServiceError;
use super::image;
use super::plan::{Planned, ServicePlan, place, variable};
use super::ready::{self, Probe};
use super::started::{Member, Started};
use crate::config::{ServiceConfig, Variable};
use crate::container::{IMAGE, NETWORK, Neighbours, OWNER, Owner, ROOT, SERVICE, VERB, WORKSPACE};
use crate::event::{Event, Listener};
use crate::image::place::{Place, open};
use crate::image::stage;
use crate::runnable_dir::RunnableDir;
use crate::workspace::{Surroundings, Workspace};

/// How long services are to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// As long as one run of tests: no port of the host is taken.
    Tests,
    /// As long as one command.
    Command,
    /// Until `wharf down`.
    Kept,
}

/// What services are started with.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// Where commands of the dir run.
    pub place: &'a Place,
    /// Whose services they are.
    pub dir: &'a RunnableDir,
    /// What people call the dir, where it is a part of one.
    pub shown: &'a str,
    /// Which services.
    pub plan: &'a ServicePlan,
    /// How long they live.
    pub lifetime: Lifetime,
    /// Name of their network.
    pub network: &'a str,
    /// What they are for: `run`, `bash`, `test`, `up`.
    pub verb: &'static str,
    /// Who starts them.
    pub owner: &'a Owner,
    /// Set when they are not wanted any more.
    pub stop: &'a AtomicBool,
    /// The start of the path of each one's log, where these are kept.
    pub logs: Option<&'a Path>,
    /// Hears of their progress.
    pub listener: &'a dyn Listener,
}

/// The engine that runs services: that of the dir; beside engine host the first that works.
///
/// # Errors
/// When there is none.
pub fn client(place: &Place, surroundings: &Surroundings, dir: &RunnableDir) -> Result<Client, ServiceError> {
    if let Place::Containers(client) = place {
        return Ok((**client).clone());
    }
    let kinds = [wharf_engine::Kind::Docker, wharf_engine::Kind::Podman];
    let found = kinds.into_iter().find_map(|kind| open(kind, surroundings).ok()?.client().cloned());
    found.ok_or_else(|| ServiceError::NoEngine { dir: dir.address.to_string() })
}

/// Starts all of them and waits until they are ready. Where one cannot be had, none is left.
///
/// # Errors
/// When one of them cannot be started or does not get ready.
pub fn start(order: &Order<'_>) -> Result<Started, ServiceError> {
    let client = client(order.place, &order.workspace.surroundings, order.dir)?;
    if order.lifetime != Lifetime::Kept {
        check_network(order)?;
    }
    let starter = Starter { order: *order, client, members: Mutex::default(), images: Mutex::default() };
    let outcome = starter.all();
    let Starter { client, members, images, .. } = starter;
    let (members, images) = (members.into_inner().unwrap_or_default(), images.into_inner().unwrap_or_default());
    let mut started = Started::new(client, order, members, images);
    match outcome {
        Ok(()) => {
            started.neighbours = neighbours(order, &started.members);
            Ok(started)
        }
        Err(error) => {
            if order.lifetime != Lifetime::Kept {
                started.stop(order.logs);
            }
            // A signal that ends Wharf ends the engine's programs too: what they failed in is nobody's fault.
            Err(if order.stop.load(Ordering::Relaxed) { ServiceError::Stopped } else { error })
        }
    }
}

/// A dir that joins another network does not see services.
fn check_network(order: &Order<'_>) -> Result<(), ServiceError> {
    match &order.dir.config.run.network {
        Some(network) if order.place.client().is_some() => {
            Err(ServiceError::OtherNetwork { dir: order.dir.address.to_string(), network: network.clone() })
        }
        _ => Ok(()),
    }
}

/// What would be done, as lines to paste: before the command of the dir, and after it; and what that needs to reach the services.
///
/// # Errors
/// When there is no engine for them.
pub fn lines(order: &Order<'_>) -> Result<Lines, ServiceError> {
    let client = client(order.place, &order.workspace.surroundings, order.dir)?;
    check_network(order)?;
    let starter = Starter { order: *order, client, members: Mutex::default(), images: Mutex::default() };
    let mut labels = starter.labels();
    labels.insert(OWNER.to_owned(), "pasted".to_owned());
    let mut before = vec![starter.client.create_network_command(order.network, &labels).to_string()];
    if let Some((file, names)) = &order.plan.compose {
        let project = crate::container::networks::project(order.network);
        let command = starter.client.command().args(["compose", "-p", &project, "-f"]).arg(file.clone());
        before.push(command.args(["up", "--detach"]).args(names.iter().cloned()).to_string());
    }
    for planned in &order.plan.services {
        let built = || image::tag(order.workspace, order.dir, planned);
        let image = planned.config.image.clone().map_or_else(built, Ok)?;
        let mut spec = starter.spec(planned, &image);
        spec.labels.extend(labels.clone());
        before.push(starter.client.run_command(&spec).to_string());
        if let Some(script) = planned.config.ready.as_deref().map(Probe::parse).and_then(|probe| probe.script()) {
            let look = starter.client.command().args(["exec", &spec.name, "sh", "-c", &script]);
            before.push(format!("until {look}; do sleep 0.2; done"));
        }
        starter.add(&planned.name, &spec.name, None);
    }
    let members = starter.members().clone();
    let containers: Vec<String> = members.iter().map(|member| member.container.clone()).collect();
    let after = vec![
        starter.client.remove_command(&containers).to_string(),
        starter.client.remove_network_command(order.network).to_string(),
    ];
    Ok(Lines { before, after, neighbours: neighbours(order, &members) })
}

/// See [`lines`].
#[derive(Debug)]
pub struct Lines {
    /// What makes the services ready.
    pub before: Vec<String>,
    /// What removes them.
    pub after: Vec<String>,
    /// What the command needs to reach them.
    pub neighbours: Neighbours,
}

struct Starter<'a> {
    order: Order<'a>,
    client: Client,
    members: Mutex<Vec<Member>>,
    /// Images that were built for this start alone.
    images: Mutex<Vec<String>>,
}

impl Starter<'_> {
    fn all(&self) -> Result<(), ServiceError> {
        let images = self.images()?;
        self.check()?;
        let (order, labels) = (&self.order, self.labels());
        let is_there = order.lifetime == Lifetime::Kept && self.has_network()?;
        if !is_there {
            self.client.create_network(order.network, &labels)?;
        }
        if let Some((file, names)) = &order.plan.compose {
            let composed = compose::up(order, &self.client, (file, names), &labels)?;
            self.members().extend(composed.members);
            *self.images.lock().unwrap_or_else(PoisonError::into_inner) = composed.images;
        }
        let mut ready: BTreeSet<&str> =
            order.plan.compose.iter().flat_map(|(_, names)| names).map(String::as_str).collect();
        let mut waiting: Vec<(&Planned, &String)> = order.plan.services.iter().zip(&images).collect();
        while !waiting.is_empty() {
            self.check()?;
            let free = |planned: &Planned| planned.config.needs.iter().all(|needed| ready.contains(needed.as_str()));
            let (wave, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|(planned, _)| free(planned));
            thread::scope(|scope| {
                let starts: Vec<_> =
                    wave.iter().map(|(planned, image)| scope.spawn(|| self.one(planned, image))).collect();
                let outcomes: Vec<_> = starts.into_iter().map(thread::ScopedJoinHandle::join).collect();
                outcomes.into_iter().try_for_each(|outcome| outcome.unwrap_or(Err(ServiceError::Stopped)))
            })?;
            ready.extend(wave.iter().map(|(planned, _)| planned.name.as_str()));
            waiting = rest;
        }
        Ok(())
    }

    fn members(&self) -> MutexGuard<'_, Vec<Member>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self) -> Result<(), ServiceError> {
        if self.order.stop.load(Ordering::Relaxed) { Err(ServiceError::Stopped) } else { Ok(()) }
    }

    fn has_network(&self) -> Result<bool, ServiceError> {
        let label = format!("{WORKSPACE}={}", self.order.workspace.id);
        Ok(self.client.networks(&label)?.iter().any(|network| network.name == self.order.network))
    }

    fn images(&self) -> Result<Vec<String>, ServiceError> {
        let Order { workspace, dir, plan, .. } = self.order;
        let say = |line| self.say(line);
        plan.services.iter().map(|service| image::ensure(workspace, dir, &self.client, service, &say)).collect()
    }

    fn say(&self, line: String) {
        self.order.listener.on(Event::Services { dir: self.order.shown.to_owned(), line });
    }

    /// Labels of all that belongs to these services.
    fn labels(&self) -> BTreeMap<String, String> {
        let Order { workspace, dir, verb, owner, network, lifetime, .. } = self.order;
        // What is kept has no process that it would be left behind by.
        let owner = if lifetime == Lifetime::Kept { "kept".to_owned() } else { owner.to_string() };
        BTreeMap::from([
            (WORKSPACE.to_owned(), workspace.id.clone()),
            (ROOT.to_owned(), workspace.root.display().to_string()),
            (stage::DIR.to_owned(), dir.address.to_string()),
            (VERB.to_owned(), verb.to_owned()),
            (OWNER.to_owned(), owner),
            (NETWORK.to_owned(), network.to_owned()),
        ])
    }

    fn one(&self, planned: &Planned, image: &str) -> Result<(), ServiceError> {
        let (order, name) = (&self.order, &planned.name);
        let spec = self.spec(planned, image);
        let failed = |source| ServiceError::NotStarted { name: name.clone(), source };
        let key = spec.labels.get(stage::INPUTS);
        let kept = (order.lifetime == Lifetime::Kept).then(|| super::up::is_up(&self.client, &spec.name, key));
        if !kept.unwrap_or(Ok(false))? {
            self.say(format!("starting {name}"));
            // It is one of them from now on: an engine may leave a container that it made and could not start.
            self.add(name, &spec.name, None);
            self.client.start_detached(&spec).map_err(failed)?;
        }
        let probe = planned.config.ready.as_deref().map(Probe::parse);
        let place = (name.as_str(), spec.name.as_str());
        ready::wait(&self.client, place, probe.as_ref(), planned.config.ready_timeout, order.stop)?;
        let standing = self.client.standing(&spec.name)?.unwrap_or_default();
        self.add(name, &spec.name, Some((standing, asked_port(&planned.config))));
        self.say(format!("{name} is ready"));
        Ok(())
    }

    fn add(&self, name: &str, container: &str, known: Option<(Standing, Option<u16>)>) {
        let mut members = self.members();
        members.retain(|member| member.container != container);
        let (standing, port) = known.unwrap_or_default();
        members.push(Member { name: name.to_owned(), container: container.to_owned(), standing, port });
    }

    fn spec(&self, planned: &Planned, image: &str) -> RunSpec {
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
            stop_grace: std::time::Duration::from_secs(10),
            platform: None,
            volumes: self.volumes(planned),
            log: EngineLog::Kept,
            detached: true,
            alias: Some(name.clone()),
            hosts: self.known_hosts(),
            options: Vec::new(),
        };
        if order.lifetime == Lifetime::Kept {
            let inputs = blake3::hash(format!("{spec:?}").as_bytes()).to_hex()[..20].to_owned();
            spec.labels.insert(stage::INPUTS.to_owned(), inputs);
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
    fn the_containers_port_is_the_last() {
        for text in ["5432", "auto:5432", "1:5432", "127.0.0.1:1:5432/tcp", "1-2:5432-5433"] {
            assert_eq!(container_port(text), Some(5432), "{text}");
        }
    }
}
