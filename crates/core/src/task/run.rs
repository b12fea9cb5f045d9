//! Runs a graph: what needs nothing that is not done, some at a time.
//!
//! Workers take nodes from one queue under one lock; a node enters it when the last one that it needs is done. After a
//! failure nothing more begins (or, with [`AfterFailure::GoOn`], only what does not need what failed). Who listens gets
//! events in the order in which they happen and can change nothing.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use wharf_engine::Client;
use wharf_process::{Chunk, Exit, ProcessError, Running};

use super::error::TaskError;
use super::fresh::Fresh;
use super::graph::Node;
use super::step::{Line, Workshop};

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Begin nothing more.
    Stop,
    /// Go on with what does not need it.
    GoOn,
}

/// Who has a command's output and input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Commands have Wharf's own, terminal and all: one task at a time.
    Own,
    /// The listener gets all output; there is no input.
    Told,
}

/// How a graph is run.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How many tasks at once.
    pub jobs: NonZeroUsize,
    /// What to do after a failure.
    pub after: AfterFailure,
    /// Who has the output.
    pub output: Output,
    /// Whether tasks run that are up to date.
    pub force: bool,
}

/// Something that happened to the node at a place in the graph.
#[derive(Debug)]
pub enum TaskEvent {
    /// A command of it starts; its text.
    Starts(usize, String),
    /// A command is about to make this container.
    Container(Box<Client>, String),
    /// It wrote something.
    Wrote(usize, Chunk),
    /// It has ended.
    Ended(usize, Ended),
}

/// Gets events, from several threads.
pub type OnEvent = Arc<dyn Fn(TaskEvent) + Send + Sync>;

/// What came of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Ended {
    /// It ran and succeeded.
    Done,
    /// It was up to date.
    UpToDate,
    /// A command failed.
    Failed {
        /// The command, as the configuration has it.
        command: String,
        /// How it ended.
        exit: Exit,
    },
    /// It could not be started.
    NotStarted {
        /// Why, for people.
        why: String,
        /// What to do.
        hint: Option<String>,
    },
    /// It was not begun.
    #[default]
    NotRun,
}

impl Ended {
    /// Whether what needs it can go on.
    #[must_use]
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Done | Self::UpToDate)
    }
}

struct State {
    queue: VecDeque<usize>,
    /// How many nodes each one still waits for.
    waits: Vec<usize>,
    ended: Vec<Option<Ended>>,
    running: usize,
    has_failed: bool,
}

struct Crew<'a> {
    workshop: &'a Workshop<'a>,
    fresh: &'a Fresh,
    manner: Manner,
    tell: OnEvent,
    /// The nodes that wait for each one.
    waiting: Vec<Vec<usize>>,
    state: Mutex<State>,
    changed: Condvar,
}

/// Runs all of the workshop's graph; gives what came of each node, in the order of the graph.
pub fn run(workshop: &Workshop<'_>, fresh: &Fresh, manner: Manner, tell: OnEvent) -> Vec<Ended> {
    let nodes = &workshop.graph.nodes;
    let mut waiting = vec![Vec::new(); nodes.len()];
    for (place, node) in nodes.iter().enumerate() {
        node.needs.iter().for_each(|need| waiting[*need].push(place));
    }
    let waits: Vec<usize> = nodes.iter().map(|node| node.needs.len()).collect();
    let queue = (0..nodes.len()).filter(|place| waits[*place] == 0).collect();
    let state = State { queue, waits, ended: vec![None; nodes.len()], running: 0, has_failed: false };
    let crew = Crew { workshop, fresh, manner, tell, waiting, state: Mutex::new(state), changed: Condvar::new() };
    let jobs = if manner.output == Output::Own { 1 } else { manner.jobs.get().min(nodes.len()) };
    std::thread::scope(|scope| {
        for _ in 1..jobs {
            scope.spawn(|| crew.work());
        }
        crew.work();
    });
    let ended = std::mem::take(&mut crew.lock().ended);
    ended.into_iter().map(Option::unwrap_or_default).collect()
}

impl Crew<'_> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self, state: &State) -> bool {
        let stopped = self.workshop.stop.load(Ordering::Relaxed);
        stopped || (state.has_failed && self.manner.after == AfterFailure::Stop)
    }

    fn work(&self) {
        let mut state = self.lock();
        loop {
            if self.is_over(&state) {
                break;
            }
            if let Some(place) = state.queue.pop_front() {
                state.running += 1;
                drop(state);
                let ended = self.one(place);
                (self.tell)(TaskEvent::Ended(place, ended.clone()));
                state = self.lock();
                state.running -= 1;
                self.settle(&mut state, place, ended);
                self.changed.notify_all();
            } else if state.running == 0 {
                break;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    fn settle(&self, state: &mut State, place: usize, ended: Ended) {
        if ended.is_good() {
            for next in &self.waiting[place] {
                state.waits[*next] -= 1;
                if state.waits[*next] == 0 {
                    state.queue.push_back(*next);
                }
            }
        } else {
            state.has_failed = true;
        }
        state.ended[place] = Some(ended);
    }

    fn one(&self, place: usize) -> Ended {
        let node = &self.workshop.graph.nodes[place];
        self.attempt(place, node).unwrap_or_else(|error| {
            let mut why = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                why = format!("{why}: {inner}");
                cause = inner.source();
            }
            Ended::NotStarted { why, hint: error.hint() }
        })
    }

    fn attempt(&self, place: usize, node: &Node) -> Result<Ended, TaskError> {
        let check = self.workshop.freshness(node);
        let inputs = match &check {
            Some(check) => {
                let inputs = self.fresh.inputs(check)?;
                if !self.manner.force && self.fresh.is_current(check, inputs)? {
                    return Ok(Ended::UpToDate);
                }
                Some(inputs)
            }
            None => None,
        };
        let lines = self.workshop.lines(node, place)?;
        let has_commands = !lines.is_empty();
        for line in lines {
            if self.workshop.stop.load(Ordering::Relaxed) {
                return Ok(Ended::NotRun);
            }
            match self.start(place, &line) {
                Ok(exit) if exit.is_success() => {}
                Ok(exit) => {
                    self.fresh.has_changed();
                    return Ok(Ended::Failed { command: line.shown, exit });
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
                    return Ok(Ended::NotStarted { why: format!("{error}{cause}"), hint: None });
                }
            }
        }
        if has_commands {
            self.fresh.has_changed();
        }
        if let (Some(check), Some(inputs)) = (&check, inputs) {
            self.fresh.record(check, inputs)?;
        }
        Ok(Ended::Done)
    }

    fn start(&self, place: usize, line: &Line) -> Result<Exit, ProcessError> {
        if let Some((client, container)) = &line.container {
            (self.tell)(TaskEvent::Container(Box::new(client.clone()), container.clone()));
        }
        (self.tell)(TaskEvent::Starts(place, line.shown.clone()));
        match self.manner.output {
            Output::Own => line.command.foreground(),
            Output::Told => {
                let tell = Arc::clone(&self.tell);
                let running = line.command.stream(move |chunk| tell(TaskEvent::Wrote(place, chunk)));
                running.and_then(Running::wait)
            }
        }
    }
}
