//! The services of each dir's tests: which they are, and what of them runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::dispatch::Signal;
use super::event::DirIndex;
use super::plan::{DirPlan, TestError, TestPlan};
use super::run::Shared;
use crate::container::Neighbours;
use crate::event::{Event, Listener};
use crate::runnable_dir::RunnableDir;
use crate::service::{self, Died, Lifetime, Order, ServiceError, ServicePlan, Started};
use crate::workspace::Workspace;

/// Which services each dir's tests need, in the plan's order; `with` names further ones, for the dirs that know them.
///
/// # Errors
/// When a name means nothing in any dir, or services cannot be started in any order.
pub(super) fn plans(workspace: &Workspace, plan: &TestPlan, with: &[String]) -> Result<Vec<ServicePlan>, TestError> {
    let dir_of = |plan: &DirPlan| workspace.dirs.iter().find(|dir| dir.address.as_str() == plan.path);
    let dirs: Vec<Option<&RunnableDir>> = plan.dirs.iter().map(dir_of).collect();
    let knows = |dir: &RunnableDir, name: &String| {
        dir.config.services.named.contains_key(name) || dir.config.services.compose.is_some()
    };
    // What some dir describes itself is not looked for in the Compose files of others.
    let is_described = |name: &String| dirs.iter().flatten().any(|dir| dir.config.services.named.contains_key(name));
    let has = |dir: &RunnableDir, name: &String| {
        dir.config.services.named.contains_key(name) || (!is_described(name) && knows(dir, name))
    };
    let mut plans = Vec::with_capacity(dirs.len());
    for dir in &dirs {
        let Some(dir) = dir else {
            plans.push(ServicePlan::default());
            continue;
        };
        let config = &dir.config;
        let mut names = config.test.services.clone().unwrap_or_else(|| config.run.services.clone());
        names.extend(with.iter().filter(|name| has(dir, name)).cloned());
        plans.push(service::plan(workspace, dir, &names)?);
    }
    for name in with {
        let nobody = !dirs.iter().flatten().any(|dir| knows(dir, name));
        if let Some(dir) = dirs.iter().flatten().next().filter(|_| nobody) {
            // It says which there are.
            service::plan(workspace, dir, std::slice::from_ref(name))?;
        }
    }
    Ok(plans)
}

/// How the services of one dir stand.
enum State {
    Starting(JoinHandle<()>, Slot),
    /// They run; who watches them ends when the sender goes.
    Up(Arc<Started>, Sender<()>),
    Failed(ServiceError),
    /// They have ended.
    Gone,
}

/// How often running services are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where a start leaves what came of it.
type Slot = Arc<Mutex<Option<Result<Started, ServiceError>>>>;

/// Whether a dir can start as far as its services go.
pub(super) enum Answer {
    /// It can.
    Go,
    /// It is told when it can.
    Wait,
    /// It never can.
    Never(ServiceError),
}

/// The services of a run's dirs.
#[derive(Default)]
pub(super) struct Services {
    states: BTreeMap<DirIndex, State>,
    /// Dirs that wait for their services, with the attempt that they are at.
    held: BTreeMap<DirIndex, u32>,
    stop: Arc<AtomicBool>,
    ending: Vec<JoinHandle<Vec<String>>>,
}

impl Shared {
    /// The start of the path of each service's log: `.wharf/runs/1/infra` for `infra.postgres.log`.
    pub fn service_logs(&self, index: DirIndex) -> PathBuf {
        let plan = &self.plan.dirs[index];
        let dir = self.workspace.dirs.iter().find(|dir| dir.address.as_str() == plan.path);
        let log = plan.log(&dir.map(RunnableDir::slug).unwrap_or_default());
        self.folder.join(log.trim_end_matches(".log"))
    }
}

struct Forward(SyncSender<Signal>);

impl Listener for Forward {
    fn on(&self, event: Event) {
        let _ = self.0.send(Signal::Progress(event));
    }
}

impl Services {
    /// Starts those of a dir where it has any that are not started yet.
    ///
    /// The log of each goes to a file whose path starts with `shared.service_logs`.
    pub fn begin(&mut self, shared: &Shared, index: DirIndex, sender: &SyncSender<Signal>) {
        let Some(plan) = shared.services.get(index).filter(|plan| !plan.is_empty()).cloned() else { return };
        if self.states.contains_key(&index) {
            return;
        }
        let (workspace, place) = (Arc::clone(&shared.workspace), Arc::clone(&shared.place));
        let (owner, stop, sender) = (shared.owner.clone(), Arc::clone(&self.stop), sender.clone());
        let (path, shown) = (shared.plan.dirs[index].path.clone(), shared.plan.dirs[index].shown());
        let logs = shared.service_logs(index);
        let slot = Slot::default();
        let result = Arc::clone(&slot);
        let handle = thread::spawn(move || {
            let Some(dir) = workspace.dirs.iter().find(|dir| dir.address.as_str() == path) else { return };
            let id = &workspace.id[..6];
            let order = Order {
                workspace: &workspace,
                place: &place,
                dir,
                shown: &shown,
                plan: &plan,
                lifetime: Lifetime::Tests,
                network: &format!("wharf-{id}-{}-test-{}-s{index}", dir.slug(), owner.short()),
                verb: "test",
                owner: &owner,
                stop: &stop,
                logs: Some(&logs),
                listener: &Forward(sender.clone()),
            };
            let outcome = service::start(&order);
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            let _ = sender.send(Signal::Services(index));
        });
        self.states.insert(index, State::Starting(handle, slot));
    }

    /// Whether a dir's container can start; where it has to wait, `attempt` is kept for it.
    pub fn ask(&mut self, shared: &Shared, index: DirIndex, attempt: u32, sender: &SyncSender<Signal>) -> Answer {
        self.begin(shared, index, sender);
        match self.states.get(&index) {
            None | Some(State::Up(..) | State::Gone) => Answer::Go,
            Some(State::Starting(..)) => {
                self.held.insert(index, attempt);
                Answer::Wait
            }
            Some(State::Failed(_)) => match self.states.insert(index, State::Gone) {
                Some(State::Failed(error)) => Answer::Never(error),
                _ => Answer::Go,
            },
        }
    }

    /// A start has come to its end; true where its dir waits for that.
    ///
    /// From then on a service that dies is told of at once: tests that need it may take long to give up.
    pub fn take(&mut self, shared: &Shared, index: DirIndex, sender: &SyncSender<Signal>) -> bool {
        let Some(State::Starting(_, slot)) = self.states.get(&index) else { return false };
        let outcome = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
        match outcome {
            Some(Ok(started)) => {
                let started = Arc::new(started);
                let (over, ended) = channel();
                let (shown, sender, watched) = (shared.plan.dirs[index].shown(), sender.clone(), Arc::clone(&started));
                thread::spawn(move || watch(&watched, &ended, &shown, &sender));
                self.states.insert(index, State::Up(started, over))
            }
            Some(Err(error)) => self.states.insert(index, State::Failed(error)),
            None => None,
        };
        self.held.contains_key(&index)
    }

    /// The attempt that a dir waited at; it does not wait any more.
    pub fn resume(&mut self, index: DirIndex) -> Option<u32> {
        self.held.remove(&index)
    }

    /// How many dirs wait.
    pub fn waiting(&self) -> usize {
        self.held.len()
    }

    /// How many dirs have services that run or start.
    pub fn running(&self) -> usize {
        self.states.values().filter(|state| matches!(state, State::Starting(..) | State::Up(..))).count()
    }

    /// What a dir's container needs to reach its services.
    pub fn neighbours(&self, index: DirIndex) -> Option<Neighbours> {
        match self.states.get(&index) {
            Some(State::Up(started, _)) => Some(started.neighbours.clone()),
            _ => None,
        }
    }

    /// Ends those of a dir, in the background. Gives a line for each that
    /// had died before, and the lines that it had printed.
    pub fn end(&mut self, shared: &Shared, index: DirIndex) -> Vec<(String, Vec<String>)> {
        if !matches!(self.states.get(&index), Some(State::Up(..))) {
            return Vec::new();
        }
        let Some(State::Up(started, over)) = self.states.insert(index, State::Gone) else { return Vec::new() };
        drop(over);
        let died = started.died().into_iter().map(|died| (line(&died), died.tail));
        let died = died.collect();
        let logs = shared.service_logs(index);
        self.ending.push(thread::spawn(move || started.stop(Some(&logs))));
        died
    }

    /// No further one is wanted.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Ends all that is left and waits for it; `drain` is called meanwhile, so that nobody waits for room in a channel. Gives
    /// what could not be done.
    pub fn close(&mut self, shared: &Shared, sender: &SyncSender<Signal>, drain: &mut dyn FnMut()) -> Vec<String> {
        self.stop();
        let starting = |states: &BTreeMap<DirIndex, State>| {
            states.values().any(|state| matches!(state, State::Starting(handle, _) if !handle.is_finished()))
        };
        while starting(&self.states) {
            drain();
        }
        let indexes: Vec<DirIndex> = self.states.keys().copied().collect();
        for index in indexes {
            self.take(shared, index, sender);
            self.end(shared, index);
        }
        while self.ending.iter().any(|handle| !handle.is_finished()) {
            drain();
        }
        self.ending.drain(..).flat_map(|handle| handle.join().unwrap_or_default()).collect()
    }
}

/// Tells of each service that dies, until `ended` has no sender any more.
fn watch(started: &Started, ended: &Receiver<()>, shown: &str, sender: &SyncSender<Signal>) {
    let mut told = BTreeSet::new();
    while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        for died in started.died() {
            // It may have died of the end.
            let is_over = ended.try_recv() == Err(TryRecvError::Disconnected);
            if !is_over && told.insert(died.name.clone()) {
                let _ = sender.send(Signal::Progress(Event::Warning(format!("{shown}: {}", line(&died)))));
            }
        }
    }
}

fn line(died: &Died) -> String {
    format!("service `{}` {} while tests ran", died.name, died.how())
}
