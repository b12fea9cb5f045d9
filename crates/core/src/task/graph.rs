//! What has to run before what. Pure.
//!
//! A node is a task with one set of arguments in one folder, so that what two tasks need is there once. Nodes stand in an
//! order in which each comes after what it needs. The search keeps its own stack: a chain may be as long as one likes.

use std::collections::HashMap;

use super::arguments::{ArgumentKind, Bound, bind};
use super::catalogue::Catalogue;
use super::error::TaskError;
use super::{Action, Task};
use crate::runnable_dir::Address;

/// A task that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its place in the catalogue.
    pub task: usize,
    /// The words after its name.
    pub words: Vec<String>,
    /// The runnable dir to run it in, where it is not its own.
    pub moved: Option<Address>,
}

/// A task with one set of arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its place in the catalogue.
    pub task: usize,
    /// Its arguments; empty for a task of Python, whose words invoke reads.
    pub bound: Bound,
    /// The words after its name.
    pub words: Vec<String>,
    /// The runnable dir to run it in, where it is not its own.
    pub moved: Option<Address>,
    /// The nodes that come before.
    pub needs: Vec<usize>,
    /// What tells it from others: its name, its arguments, its dir.
    pub label: String,
}

/// Nodes, each after those that it needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    /// In an order in which they can run.
    pub nodes: Vec<Node>,
}

type Key = (usize, Bound, Vec<String>, Option<Address>);

#[derive(Clone, Copy)]
enum Mark {
    /// Some of what it needs is looked at.
    Open,
    /// It has this place.
    Done(usize),
}

/// A node that is being looked at.
struct Frame {
    key: Key,
    deps: Vec<Request>,
    next: usize,
    needs: Vec<usize>,
}

impl Graph {
    /// What these requests need, for the system named `os`. Tasks for other systems are left out where another task needs
    /// them.
    ///
    /// # Errors
    /// For cycles, tasks that are not there, and arguments that do not fit.
    pub fn plan(catalogue: &Catalogue, requests: &[Request], os: &str) -> Result<Self, TaskError> {
        let mut search = Search { catalogue, os, marks: HashMap::new(), stack: Vec::new(), graph: Self::default() };
        for request in requests {
            let task = &catalogue.tasks[request.task];
            if !task.is_for(os) {
                return Err(TaskError::OtherSystem { task: task.id(), os: task.os.clone() });
            }
            search.visit(key(catalogue, request)?)?;
        }
        Ok(search.graph)
    }
}

struct Search<'a> {
    catalogue: &'a Catalogue,
    os: &'a str,
    marks: HashMap<Key, Mark>,
    stack: Vec<Frame>,
    graph: Graph,
}

impl Search<'_> {
    fn visit(&mut self, first: Key) -> Result<(), TaskError> {
        if self.marks.contains_key(&first) {
            return Ok(());
        }
        self.open(first)?;
        while let Some(frame) = self.stack.last_mut() {
            let Some(dep) = frame.deps.get(frame.next).cloned() else {
                self.close();
                continue;
            };
            frame.next += 1;
            let owner = frame.key.0;
            let key = key(self.catalogue, &dep).map_err(|error| self.in_dep(owner, &dep, error))?;
            match self.marks.get(&key) {
                Some(Mark::Open) => return Err(self.cycle(&key)),
                Some(Mark::Done(place)) => {
                    let place = *place;
                    if let Some(frame) = self.stack.last_mut()
                        && !frame.needs.contains(&place)
                    {
                        frame.needs.push(place);
                    }
                }
                None => {
                    // It is met again when it is done.
                    if let Some(frame) = self.stack.last_mut() {
                        frame.next -= 1;
                    }
                    self.open(key)?;
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, key: Key) -> Result<(), TaskError> {
        let deps = self.deps(&key)?;
        self.marks.insert(key.clone(), Mark::Open);
        self.stack.push(Frame { key, deps, next: 0, needs: Vec::new() });
        Ok(())
    }

    fn close(&mut self) {
        let Some(Frame { key, needs, .. }) = self.stack.pop() else { return };
        let place = self.graph.nodes.len();
        self.marks.insert(key.clone(), Mark::Done(place));
        let (task, bound, words, moved) = key;
        let label = label(&self.catalogue.tasks[task], &words, moved.as_ref());
        self.graph.nodes.push(Node { task, bound, words, moved, needs, label });
    }

    fn deps(&self, key: &Key) -> Result<Vec<Request>, TaskError> {
        let (place, bound, _, moved) = key;
        let task = &self.catalogue.tasks[*place];
        let mut requests = Vec::with_capacity(task.deps.len());
        for dep in &task.deps {
            let missing = || TaskError::MissingDep {
                task: task.id(),
                dep: dep.clone(),
                at: task.stated.to_string(),
                nearest: self.catalogue.nearest(dep.split_whitespace().next().unwrap_or_default()),
            };
            let words = shlex::split(dep).ok_or_else(missing)?;
            let (name, words) = words.split_first().ok_or_else(missing)?;
            let home = moved.as_ref().unwrap_or(&task.dir);
            let found = self.catalogue.position(name, home).ok_or_else(missing)?;
            let needed = &self.catalogue.tasks[found];
            if !needed.is_for(self.os) {
                continue;
            }
            let moved = moved.clone().filter(|_| needed.dir.is_root() && !needed.is_folder_stated);
            requests.push(Request { task: found, words: filled(words, bound), moved });
        }
        Ok(requests)
    }

    fn in_dep(&self, owner: usize, dep: &Request, error: TaskError) -> TaskError {
        let owner = &self.catalogue.tasks[owner];
        match error {
            TaskError::Argument(source) => TaskError::DepArgument {
                task: owner.id(),
                dep: label(&self.catalogue.tasks[dep.task], &dep.words, None),
                at: owner.stated.to_string(),
                source: Box::new(source),
            },
            error => error,
        }
    }

    fn cycle(&self, key: &Key) -> TaskError {
        let from = self.stack.iter().position(|frame| frame.key == *key).unwrap_or_default();
        let name = |key: &Key| self.catalogue.tasks[key.0].id();
        let round = self.stack[from..].iter().map(|frame| name(&frame.key)).chain([name(key)]);
        TaskError::Cycle { path: round.collect() }
    }
}

fn key(catalogue: &Catalogue, request: &Request) -> Result<Key, TaskError> {
    let task = &catalogue.tasks[request.task];
    let (bound, words) = match task.action {
        Action::Invoke(_) => (Bound::default(), request.words.clone()),
        Action::Commands(_) | Action::Builtin(_) => {
            (bind(&task.id(), &task.arguments, &request.words)?, request.words.clone())
        }
    };
    // Two ways to write the same arguments are one node.
    let words = if bound.0.is_empty() { words } else { canonical(task, &bound) };
    Ok((request.task, bound, words, request.moved.clone()))
}

/// The words that state what differs from the defaults, in the order of the arguments.
fn canonical(task: &Task, bound: &Bound) -> Vec<String> {
    let mut words = Vec::new();
    // Behind one that is left out, a word without a name would be taken for it.
    let mut is_placed = true;
    for argument in &task.arguments {
        let Some(values) = bound.0.get(&argument.name) else { continue };
        let default = argument.default.clone().unwrap_or_default();
        let is_default = !argument.required && (*values == default || (default.is_empty() && *values == ["false"]));
        if is_default {
            is_placed &= !argument.positional;
            continue;
        }
        let is_plain = argument.positional && is_placed && !values.iter().any(|value| value.starts_with('-'));
        words.extend(values.iter().map(|value| match value.as_str() {
            value if is_plain => value.to_owned(),
            "true" if argument.kind == ArgumentKind::Bool => argument.flag(),
            value => format!("{}={value}", argument.flag()),
        }));
    }
    words
}

/// The words of a dependency with `{word}` replaced by the values of the task that needs it.
fn filled(words: &[String], bound: &Bound) -> Vec<String> {
    let mut filled = Vec::with_capacity(words.len());
    for word in words {
        let whole = word.strip_prefix('{').and_then(|word| word.strip_suffix('}')).and_then(|name| bound.0.get(name));
        match whole {
            Some(values) => filled.extend(values.iter().cloned()),
            None => {
                let replace = |text: String, (name, values): (&String, &Vec<String>)| {
                    text.replace(&format!("{{{name}}}"), &values.join(" "))
                };
                filled.push(bound.0.iter().fold(word.clone(), replace));
            }
        }
    }
    filled
}

fn label(task: &Task, words: &[String], moved: Option<&Address>) -> String {
    let id = match moved {
        Some(dir) => format!("{dir}:{}", task.name),
        None => task.id(),
    };
    let words = words.iter().map(|word| shlex::try_quote(word).map_or_else(|_| word.clone(), Into::into));
    [id].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}
