//! Puts everything that happens in a run into one order and decides what comes next.
//!
//! One thread. It alone starts containers, keeps the sessions, talks to the listener and obeys signals: the first one
//! stops what is not started and interrupts what runs, [`GRACE`] later or at the second one all of it is removed.

mod before;
mod closing;
mod services;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use wharf_process::Exit;

use super::cache::Cache;
use super::container::{Handle, Order};
use super::event::{DirIndex, TestEvent, TestListener};
use super::handed::Handed;
use super::message::Message;
use super::report::model::DirStatus;
use super::run::Shared;
use super::services::Services;
use super::session::{Ended, Session};
use crate::config::DockerMode;
use crate::container::Launch;
use crate::event::{Clock, Event};
use crate::image::ensure::Body;
use crate::image::stale::{header, stale};
use crate::image::{ImageError, Ready};

/// Time between interrupting tests and removing their containers.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// Pytest's cache in a prod image, whose code nobody can write to.
const PROD_CACHE: &str = "/tmp/wharf-pytest-cache";
/// Time between the plugin's own hard limit and ours.
const BACKSTOP: f64 = 4.0;
const TICK: Duration = Duration::from_millis(100);

/// Something that happened.
pub(super) enum Signal {
    /// An image is there, or cannot be had, for these dirs.
    Image { dirs: Vec<DirIndex>, outcome: Box<Result<Ready, ImageError>> },
    /// No further image will come.
    ImagesOver(Option<Box<ImageError>>),
    /// Something worth telling.
    Progress(Event),
    /// Something that is not right.
    Problem(String),
    /// The plugin in a dir's container said something.
    Message { index: DirIndex, message: Message },
    /// A dir's container has ended and all its output is read.
    Ended { index: DirIndex, exit: Exit, tail: Vec<String>, problem: Option<String> },
    /// Services of a dir are ready, or cannot be had.
    Services(DirIndex),
    /// What a killed Wharf left behind is removed: these.
    Orphans(Vec<String>),
    /// The user or the system wants the run to end.
    Stop,
}

/// How the run is ending, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopping {
    No,
    /// `--fail-fast` saw a failure.
    FailFast,
    /// A signal came.
    Asked,
    /// A second one came.
    AtOnce,
}

pub(super) struct Dispatcher<'a> {
    shared: &'a Shared,
    clock: &'a dyn Clock,
    listener: &'a mut dyn TestListener,
    sender: SyncSender<Signal>,
    pub sessions: Vec<Session>,
    ready: BTreeMap<DirIndex, Ready>,
    queue: VecDeque<DirIndex>,
    running: BTreeMap<DirIndex, Slot>,
    waiting: usize,
    orphans_left: bool,
    started: usize,
    stopping: Stopping,
    deadline: Option<Duration>,
    stop_images: &'a AtomicBool,
    pub problems: Vec<String>,
    /// Whether a dir was not run because its image is stale.
    pub refused: bool,
    last_tick: Duration,
    services: Services,
    /// Known verdicts, where they are asked for.
    pub cache: Option<Cache>,
}

/// What joins the dispatcher to the rest.
pub(super) struct Joints<'a> {
    pub clock: &'a dyn Clock,
    pub listener: &'a mut dyn TestListener,
    /// Handed to every container's threads.
    pub sender: SyncSender<Signal>,
    /// Set when no further image shall be got.
    pub stop_images: &'a AtomicBool,
    /// Known verdicts.
    pub cache: Option<Cache>,
}

struct Slot {
    handle: Handle,
    since: Duration,
    over_time: bool,
}

impl<'a> Dispatcher<'a> {
    pub fn new(shared: &'a Shared, sessions: Vec<Session>, joints: Joints<'a>) -> Self {
        let Joints { clock, listener, sender, stop_images, cache } = joints;
        let waiting = shared.plan.dirs.iter().filter(|dir| dir.runs).count();
        Self {
            shared,
            clock,
            listener,
            sender,
            sessions,
            ready: BTreeMap::new(),
            queue: VecDeque::new(),
            running: BTreeMap::new(),
            waiting,
            orphans_left: true,
            started: 0,
            stopping: Stopping::No,
            deadline: None,
            stop_images,
            problems: Vec::new(),
            refused: false,
            last_tick: Duration::ZERO,
            services: Services::default(),
            cache,
        }
    }

    /// Whether a signal ended the run early.
    pub fn interrupted(&self) -> bool {
        matches!(self.stopping, Stopping::Asked | Stopping::AtOnce)
    }

    /// Ids of the images that dirs run in.
    pub fn images(&self) -> BTreeMap<DirIndex, String> {
        let id = |(index, ready): (&DirIndex, &Ready)| match &ready.body {
            Body::Image(id) => Some((*index, id.clone())),
            Body::Venv(_) => None,
        };
        self.ready.iter().filter_map(id).collect()
    }

    /// Runs until every dir has its outcome.
    pub fn run(&mut self, receiver: &Receiver<Signal>) {
        self.close_those_without_tests();
        loop {
            self.start_queued();
            if self.is_over() {
                break;
            }
            match receiver.recv_timeout(TICK) {
                Ok(signal) => {
                    self.handle(signal);
                    // What has come meanwhile is taken in one go, so that a flood of tests costs few wake-ups.
                    for signal in receiver.try_iter().take(512) {
                        self.handle(signal);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.watch();
        }
        self.close_the_rest();
        self.close_services(receiver);
    }

    fn is_over(&self) -> bool {
        let nothing_runs = self.running.is_empty() && (self.stopping != Stopping::No || self.services.waiting() == 0);
        match self.stopping {
            Stopping::No => nothing_runs && self.waiting == 0 && self.queue.is_empty() && !self.orphans_left,
            Stopping::FailFast | Stopping::Asked => nothing_runs,
            Stopping::AtOnce => true,
        }
    }

    fn handle(&mut self, signal: Signal) {
        match signal {
            Signal::Image { dirs, outcome } => self.image(&dirs, *outcome),
            Signal::ImagesOver(error) => self.images_over(error.as_deref()),
            Signal::Progress(event) => {
                self.begin_services(&event);
                self.listener.on(&TestEvent::Progress(event));
            }
            Signal::Services(index) => self.services_over(index),
            Signal::Problem(problem) => self.problem(problem),
            Signal::Message { index, message } => {
                let now = self.now();
                let stopped = self.stopping != Stopping::No;
                let event = self.sessions[index].take(message, now, stopped);
                if let Some(event) = event {
                    self.tell_test(&event);
                }
                for problem in self.sessions[index].take_problems() {
                    self.problem(problem);
                }
            }
            Signal::Ended { index, exit, tail, problem } => {
                if let Some(problem) = problem {
                    self.problem(format!("{}: {problem}", self.sessions[index].report.path));
                }
                self.ended(index, exit, &tail);
            }
            Signal::Orphans(names) => {
                self.orphans_left = false;
                if !names.is_empty() {
                    let text = format!("removed what a killed wharf left behind: {}", names.join(", "));
                    self.listener.on(&TestEvent::Progress(Event::Note(text)));
                }
            }
            Signal::Stop => self.stop(),
        }
    }

    fn image(&mut self, dirs: &[DirIndex], outcome: Result<Ready, ImageError>) {
        match outcome {
            Ok(ready) => {
                let now = self.now();
                for index in dirs {
                    let report = &mut self.sessions[*index].report;
                    report.image = Some(ready.reference.clone());
                    report.image_ready = Some(now);
                    report.image_id = match &ready.body {
                        Body::Image(id) => Some(id.clone()),
                        Body::Venv(_) => None,
                    };
                    self.ready.insert(*index, ready.clone());
                    self.queue.push_back(*index);
                    self.waiting -= 1;
                }
            }
            Err(error) => {
                for index in dirs {
                    self.waiting -= 1;
                    self.not_run(*index, error.brief(), error.hint());
                }
            }
        }
    }

    /// The engine could not even say what it has: no image will come for those that still wait.
    fn images_over(&mut self, error: Option<&ImageError>) {
        let Some(error) = error else { return };
        for index in 0..self.sessions.len() {
            let waits = self.shared.plan.dirs[index].runs && !self.ready.contains_key(&index);
            if waits && self.sessions[index].report.cause.is_none() {
                self.waiting = self.waiting.saturating_sub(1);
                self.not_run(index, error.brief(), error.hint());
            }
        }
    }

    fn not_run(&mut self, index: DirIndex, cause: String, hint: Option<String>) {
        let report = &mut self.sessions[index].report;
        report.status = DirStatus::NotRun;
        report.cause = Some(cause);
        report.hint = hint;
        self.tell_dir(index);
    }

    fn start_queued(&mut self) {
        while self.stopping == Stopping::No && self.running.len() + self.services.waiting() < self.shared.jobs {
            // The longest first, so that none of them is what the others wait for at the end.
            let weight = |place: &usize| self.shared.plan.dirs[self.queue[*place]].weight();
            let free = |place: &usize| self.has_lane(self.queue[*place]);
            let longest = (0..self.queue.len()).rev().filter(free).max_by_key(weight);
            let Some(index) = longest.and_then(|place| self.queue.remove(place)) else { return };
            self.start(index);
        }
    }

    fn start(&mut self, index: DirIndex) {
        let shared = self.shared;
        let Some(ready) = self.ready.get(&index).cloned() else { return };
        let Some(dir) = shared.workspace.dirs.iter().find(|dir| dir.address.as_str() == shared.plan.dirs[index].path)
        else {
            return;
        };
        let owner = shared.workspace.image_owner(dir).ok();
        let stale = owner.and_then(|owner| stale(dir, owner, &ready));
        let resumed = self.services.resume(index);
        let attempt = resumed.unwrap_or_else(|| self.sessions[index].start());
        let is_first = attempt == 1 && resumed.is_none();
        if let Some(stale) = stale.as_ref().filter(|_| is_first) {
            if shared.options.strict {
                self.refused = true;
                return self.not_run(index, stale.to_string(), Some(stale.hint()));
            }
            self.listener.on(&TestEvent::Progress(Event::Warning(stale.to_string())));
        }
        let launch = Launch {
            workspace: &shared.workspace,
            place: &shared.place,
            dir,
            ready: &ready,
            state: &shared.state,
            owner: &shared.owner,
        };
        let plan = &shared.plan.dirs[index];
        let log = shared.folder.join(plan.log(&dir.slug()));
        let number = self.started + 1;
        // Neighbours and an engine inside are of one run, so a container that waits for the next one cannot have them.
        let is_plain = shared.services[index].is_empty() && dir.config.run.nested.docker == DockerMode::None;
        let mut order = Order {
            index,
            launch,
            number,
            arguments: &plan.arguments,
            select: None,
            leave_out: None,
            lists: None,
            listed: shared.plan.lists.as_ref().map(|wanted| wanted.lists.to_json()),
            more: shared.plugin_settings(plan, dir),
            shard: None,
            plugin: &shared.plugin,
            cache_dir: if ready.is_prod() { Some(PROD_CACHE.into()) } else { shared.pytest_cache(dir, plan) },
            beside: owner.and_then(|owner| shared.beside(owner)),
            test_files: plan.test_files,
            timeout: shared.timeout(plan, dir),
            grace: Duration::from_secs(2),
            run: shared.run,
            nonce: shared.nonce(index, number),
            log: &log,
            coverage: shared.options.coverage.is_some(),
            header: header(&ready, stale.as_ref()),
            record: dir.config.test.record,
            env: &shared.options.env,
            neighbours: self.services.neighbours(index),
            services: &shared.services[index],
            warm: shared.warm().filter(|_| is_plain),
        };
        if let Some(warm) = order.warm {
            warm.prepare(&order);
        }
        if (is_first && self.recall(dir, &order)) || self.waits_for_services(index, attempt) {
            return;
        }
        order.neighbours = self.services.neighbours(index);
        let session = &self.sessions[index];
        match shared.write_lists(index, attempt, session.selection(), session.recalled()) {
            Ok(Handed { select, leave_out, lists, shard }) => {
                (order.select, order.leave_out, order.lists) = (select, leave_out, lists);
                order.shard = shard.zip(plan.shard.as_ref());
            }
            Err(error) => {
                return self.not_run(index, format!("the list of its tests could not be written: {error}"), None);
            }
        }
        self.started = number;
        if attempt == 1 {
            for line in launch.warnings() {
                self.listener.on(&TestEvent::Progress(Event::Warning(line)));
            }
            self.sessions[index].report.waited = self.now();
            self.sessions[index].report.log = log.file_name().map(|name| name.to_string_lossy().into_owned());
        }
        let runs = self.sessions[index].runs();
        self.listener.on(&TestEvent::DirStarted { dir: index, attempt, runs });
        match order.start(&self.sender) {
            Ok(handle) => {
                self.running.insert(index, Slot { handle, since: self.clock.elapsed(), over_time: false });
            }
            Err(error) => self.not_run(index, error.to_string(), error.hint()),
        }
    }

    fn ended(&mut self, index: DirIndex, exit: Exit, tail: &[String]) {
        let Some(slot) = self.running.remove(&index) else { return };
        let how = match (slot.over_time, self.stopping) {
            (true, _) => Ended::OverTime,
            (false, Stopping::No) => Ended::ByItself,
            (false, _) => Ended::Stopped,
        };
        self.sessions[index].report.duration += (self.clock.elapsed() - slot.since).as_secs_f64();
        // Pytest may come to its end just then, as that which saw the failure does with `--fail-fast`: its verdicts are complete.
        let how = if how == Ended::Stopped && self.sessions[index].is_done() { Ended::ByItself } else { how };
        for event in self.sessions[index].ended(exit, tail, how) {
            self.tell_test(&event);
        }
        if self.stopping == Stopping::No && self.sessions[index].again(how) {
            self.queue.push_back(index);
            return;
        }
        self.sessions[index].close(Some(exit), tail, how);
        self.end_services(index);
        self.tell_dir(index);
    }

    /// Obeys a signal: the first asks, the second insists.
    fn stop(&mut self) {
        self.stop_images.store(true, Ordering::Relaxed);
        self.services.stop();
        let again = self.interrupted();
        self.listener.on(&TestEvent::Stopping { again, grace: GRACE });
        if again {
            self.stopping = Stopping::AtOnce;
            self.kill_running();
        } else {
            self.stopping = Stopping::Asked;
            self.interrupt_running();
        }
    }

    fn interrupt_running(&mut self) {
        self.deadline = Some(self.clock.elapsed() + GRACE);
        for slot in self.running.values() {
            slot.handle.interrupt();
        }
    }

    fn kill_running(&mut self) {
        // At once: each takes the engine a while, and somebody waits.
        let left: Vec<String> = std::thread::scope(|scope| {
            let kills: Vec<_> = self.running.values().map(|slot| scope.spawn(|| slot.handle.kill())).collect();
            kills.into_iter().filter_map(|kill| kill.join().ok().flatten()).collect()
        });
        for name in left {
            self.problem(format!("container `{name}` could not be removed; `wharf prune` removes it"));
        }
    }

    /// What only the clock can tell: limits that passed, and that the screen wants to move.
    fn watch(&mut self) {
        let now = self.clock.elapsed();
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.deadline = None;
            self.kill_running();
        }
        let mut late = Vec::new();
        for (index, slot) in &self.running {
            let limit = self.limit(*index);
            let oldest = self.sessions[*index].oldest_running();
            if let (Some(limit), Some((_, since)), false) = (limit, oldest, slot.over_time)
                && now.as_secs_f64() > since + limit + 2.0 + BACKSTOP
            {
                late.push(*index);
            }
        }
        for index in late {
            if let Some(slot) = self.running.get_mut(&index) {
                slot.over_time = true;
                slot.handle.kill();
            }
        }
        if now.saturating_sub(self.last_tick) >= TICK {
            self.last_tick = now;
            // Often enough to read along, and far less often than there are tests.
            for slot in self.running.values() {
                slot.handle.flush_log();
            }
            self.listener.tick();
        }
    }

    fn limit(&self, index: DirIndex) -> Option<f64> {
        let shared = self.shared;
        let dir = shared.workspace.dirs.iter().find(|dir| dir.address.as_str() == shared.plan.dirs[index].path)?;
        shared.timeout(&shared.plan.dirs[index], dir).map(|limit| limit.as_secs_f64())
    }

    fn tell_test(&mut self, event: &TestEvent) {
        let bad = matches!(event, TestEvent::TestFinished { test, .. } if test.verdict.is_bad());
        self.listener.on(event);
        if bad && self.shared.options.fail_fast && self.stopping == Stopping::No {
            self.stopping = Stopping::FailFast;
            self.stop_images.store(true, Ordering::Relaxed);
            self.interrupt_running();
        }
    }

    fn tell_dir(&mut self, index: DirIndex) {
        let report = self.sessions[index].report.clone_without_tests();
        self.listener.on(&TestEvent::DirFinished { dir: index, report: Box::new(report) });
    }

    fn problem(&mut self, problem: String) {
        self.listener.on(&TestEvent::Progress(Event::Warning(problem.clone())));
        self.problems.push(problem);
    }

    fn now(&self) -> f64 {
        self.clock.elapsed().as_secs_f64()
    }
}
