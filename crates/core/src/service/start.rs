//! Starts services and waits until they are ready.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use wharf_engine::{Client, RunSpec, Standing};

use super::compose;
use super::error::ServiceError;
use super::image;
use super::plan::{Planned, ServicePlan};
use super::ready::{self, IsOver, Probe};
use super::shared;
use super::spec::{asked_port, neighbours};
use super::started::{Member, Started};
use super::up;
use crate::container::{KEPT, NETWORK, Neighbours, OWNER, Owner, ROOT, VERB, WORKSPACE};
use crate::event::{Event, Listener};
use crate::image::place::{Place, open};
use crate::image::stage;
use crate::runnable_dir::RunnableDir;
use crate::workspace::{Lock, LockError, Patience, Surroundings, Workspace};

/// Time between two looks at a lock that another process has.
const LOOK_AT_LOCK: Duration = Duration::from_millis(50);

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
        check_network(order.place, order.dir)?;
    }
    let starter = Starter::new(order, client);
    let outcome = starter.locked();
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
fn check_network(place: &Place, dir: &RunnableDir) -> Result<(), ServiceError> {
    match &dir.config.run.network {
        Some(network) if place.client().is_some() => {
            Err(ServiceError::OtherNetwork { dir: dir.address.to_string(), network: network.clone() })
        }
        _ => Ok(()),
    }
}

/// Whether the services `names` of a dir can be beside its container; no engine is asked.
///
/// # Errors
/// When a name means nothing, or the dir's container joins another network.
pub fn check(workspace: &Workspace, place: &Place, dir: &RunnableDir, names: &[String]) -> Result<(), ServiceError> {
    if super::plan(workspace, dir, names)?.is_empty() { Ok(()) } else { check_network(place, dir) }
}

/// What would be done, as lines to paste: before the command of the dir, and after it; and what that needs to reach the services.
///
/// # Errors
/// When there is no engine for them.
pub fn lines(order: &Order<'_>) -> Result<Lines, ServiceError> {
    let client = client(order.place, &order.workspace.surroundings, order.dir)?;
    check_network(order.place, order.dir)?;
    let starter = Starter::new(order, client);
    let mut labels = starter.labels();
    if order.lifetime != Lifetime::Kept {
        labels.insert(OWNER.to_owned(), "pasted".to_owned());
    }
    let mut before = vec![starter.client.create_network_command(order.network, &labels).to_string()];
    let mut after = Vec::new();
    if let Some((file, names)) = &order.plan.compose {
        let composed = compose::plan(order, &starter.client, (file, names), &labels)?;
        before.extend(composed.lines());
        after.extend(composed.lines_after());
    }
    for planned in &order.plan.services {
        let built = || image::tag(order.workspace, order.dir, planned);
        let image = planned.config.image.clone().map_or_else(built, Ok)?;
        let mut spec = starter.spec(planned, &image);
        spec.labels.extend(labels.clone());
        if order.lifetime == Lifetime::Kept {
            let volumes = starter.volumes_of_its_own(planned).into_iter();
            before
                .extend(volumes.map(|(name, labels)| starter.client.create_volume_command(&name, &labels).to_string()));
        }
        before.push(starter.client.run_command(&spec).to_string());
        if let Some(script) = planned.config.ready.as_deref().map(Probe::parse).and_then(|probe| probe.script()) {
            let look = starter.client.command().args(["exec", &spec.name, "sh", "-c", &script]);
            before.push(format!("until {look}; do sleep 0.2; done"));
        }
        starter.add(&planned.name, &spec.name, None);
    }
    let members = starter.members().clone();
    let containers: Vec<String> = members.iter().map(|member| member.container.clone()).collect();
    if !containers.is_empty() {
        after.push(starter.client.remove_command(&containers).to_string());
    }
    after.push(starter.client.remove_network_command(order.network).to_string());
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

pub(super) struct Starter<'a> {
    pub(super) order: Order<'a>,
    pub(super) client: Client,
    members: Mutex<Vec<Member>>,
    /// Images that were built for this start alone.
    images: Mutex<Vec<String>>,
    /// Set as soon as one of them cannot be had: the others are not worth waiting for.
    failed: AtomicBool,
}

impl<'a> Starter<'a> {
    fn new(order: &Order<'a>, client: Client) -> Self {
        let (members, images) = (Mutex::default(), Mutex::default());
        Self { order: *order, client, members, images, failed: AtomicBool::new(false) }
    }

    /// Starts all of them; what is kept, one process after the other.
    fn locked(&self) -> Result<(), ServiceError> {
        let Order { workspace, network, lifetime, .. } = self.order;
        let is_kept = lifetime == Lifetime::Kept;
        let lock = is_kept.then(|| lock(&workspace.surroundings.cache, network, &|| self.is_over()));
        let _lock = lock.transpose()?;
        self.all()?;
        if is_kept { shared::join(&self.client, network, &self.members()) } else { Ok(()) }
    }

    fn is_over(&self) -> bool {
        self.order.stop.load(Ordering::Relaxed) || self.failed.load(Ordering::Relaxed)
    }

    fn all(&self) -> Result<(), ServiceError> {
        let images = self.images()?;
        self.check()?;
        let (order, labels) = (&self.order, self.labels());
        let is_there = order.lifetime == Lifetime::Kept && self.has_network()?;
        if !is_there {
            self.client.create_network(order.network, &labels)?;
        }
        if let Some((file, names)) = &order.plan.compose {
            let composed = compose::plan(order, &self.client, (file, names), &labels)?;
            // From now on they are there, whatever becomes of the rest.
            composed.images().clone_into(&mut self.images.lock().unwrap_or_else(PoisonError::into_inner));
            self.members().extend(compose::up(order, &self.client, &composed)?);
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
                let ended = |start: thread::ScopedJoinHandle<'_, _>| start.join().unwrap_or(Err(ServiceError::Stopped));
                let failures: Vec<ServiceError> = starts.into_iter().map(ended).filter_map(Result::err).collect();
                // What was stopped for another's sake has nothing to tell.
                let told = failures.iter().position(|failure| !matches!(failure, ServiceError::Stopped));
                failures.into_iter().nth(told.unwrap_or(0)).map_or(Ok(()), Err)
            })?;
            ready.extend(wave.iter().map(|(planned, _)| planned.name.as_str()));
            waiting = rest;
        }
        Ok(())
    }

    pub(super) fn members(&self) -> MutexGuard<'_, Vec<Member>> {
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
    pub(super) fn labels(&self) -> BTreeMap<String, String> {
        let Order { workspace, dir, verb, owner, network, lifetime, .. } = self.order;
        // What is kept has no process that it would be left behind by.
        let owner = if lifetime == Lifetime::Kept { KEPT.to_owned() } else { owner.to_string() };
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
        let outcome = self.ready_one(planned, image);
        if outcome.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        outcome
    }

    fn ready_one(&self, planned: &Planned, image: &str) -> Result<(), ServiceError> {
        let name = &planned.name;
        let spec = self.spec(planned, image);
        self.begin(planned, &spec)?;
        let probe = planned.config.ready.as_deref().map(Probe::parse);
        let place = (name.as_str(), spec.name.as_str());
        ready::wait(&self.client, place, probe.as_ref(), planned.config.ready_timeout, &|| self.is_over())?;
        let standing = self.client.standing(&spec.name)?.unwrap_or_default();
        self.add(name, &spec.name, Some((standing, asked_port(&planned.config))));
        self.say(format!("{name} is ready"));
        Ok(())
    }

    /// Starts one, unless it is kept and runs already.
    fn begin(&self, planned: &Planned, spec: &RunSpec) -> Result<(), ServiceError> {
        let name = &planned.name;
        let failed = |source| ServiceError::NotStarted { name: name.clone(), source };
        if self.order.lifetime == Lifetime::Kept {
            match up::found(&self.client, &spec.name, spec.labels.get(stage::INPUTS))? {
                up::Found::Runs => return Ok(()),
                up::Found::Ended => {
                    self.say(format!("starting {name} again"));
                    return self.client.start_again(&spec.name).map_err(failed);
                }
                up::Found::Nothing => {}
            }
            for (volume, labels) in self.volumes_of_its_own(planned) {
                self.client.create_volume(&volume, &labels)?;
            }
        }
        self.say(format!("starting {name}"));
        // It is one of them from now on: an engine may leave a container that it made and could not start.
        self.add(name, &spec.name, None);
        self.client.start_detached(spec).map_err(failed)
    }

    fn add(&self, name: &str, container: &str, known: Option<(Standing, Option<u16>)>) {
        let mut members = self.members();
        members.retain(|member| member.container != container);
        let (standing, port) = known.unwrap_or_default();
        members.push(Member { name: name.to_owned(), container: container.to_owned(), standing, port });
    }
}

/// The lock of services that are kept: two processes at once would make their network twice, and each take what the other has just
/// started for a failed one. `None` where there can be no lock.
///
/// # Errors
/// When they are not wanted any more.
pub(super) fn lock(cache: &Path, network: &str, is_over: IsOver<'_>) -> Result<Option<Lock>, ServiceError> {
    let file = cache.join("locks").join(network);
    loop {
        match Lock::take(&file, "services that are kept", Patience::GiveUp) {
            Ok(lock) => return Ok(Some(lock)),
            Err(LockError::Io { .. }) => return Ok(None),
            Err(LockError::Held { .. }) if is_over() => return Err(ServiceError::Stopped),
            Err(LockError::Held { .. }) => thread::sleep(LOOK_AT_LOCK),
        }
    }
}
