//! Tasks: named workflows. Commands with dependencies, on the host, in a container, or in the thin environment.
//!
//! Owns what a task is, its arguments, the graph of what has to run before what, whether a task is up to date, and the
//! running of a graph. Refuses to print, to ask questions, and to run anything that is read from a `tasks.py`.
//!
//! # Theory of operation
//! [`Catalogue::read`] gathers tasks: those of `[tasks]` ([`declared`]) and those of each `tasks.py` ([`tasks_py`], read,
//! never run). [`graph::Graph::plan`] turns a request into nodes, each a task with one set of arguments, so that what two
//! tasks need runs once. [`step::Steps`] makes commands of them: pure values that `--dry-run` prints. [`run::run`] starts
//! them, some at a time, asks [`fresh::Fresh`] whether each is up to date as soon as what it needs is done, and tells a
//! listener.

pub mod arguments;
mod builtin;
pub mod catalogue;
mod declared;
mod error;
pub mod fresh;
pub mod graph;
pub mod import;
pub mod run;
mod script;
pub mod step;
pub mod tasks_py;
pub mod thin;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::config::Origin;
use crate::runnable_dir::Address;

pub use arguments::{Argument, ArgumentKind, Bound};
pub use builtin::Builtin;
pub use catalogue::Catalogue;
pub use error::TaskError;

/// A named workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its name, without the dir.
    pub name: String,
    /// Whose it is: a runnable dir, or `.` for the super-repo.
    pub dir: Address,
    /// What it is for, in one line; may be empty.
    pub help: String,
    /// Where it is stated.
    pub stated: Stated,
    /// What it does.
    pub action: Action,
    /// Tasks that are done before, as written: a name, then arguments.
    pub deps: Vec<String>,
    /// Where it runs.
    pub place: PlaceOfTask,
    /// Folder that it starts in, absolute.
    pub folder: PathBuf,
    /// Whether `dir` states that folder, so that `--dir` does not move it.
    pub is_folder_stated: bool,
    /// Variables that it gets.
    pub env: BTreeMap<String, String>,
    /// Its arguments, in the order of the command line.
    pub arguments: Vec<Argument>,
    /// Globs of files that decide its result, from its folder.
    pub inputs: Vec<String>,
    /// Globs of files that it makes, from its folder.
    pub outputs: Vec<String>,
    /// Question that must be answered with yes.
    pub confirm: Option<String>,
    /// Whether lists leave it out.
    pub hidden: bool,
    /// Systems that it is for, as [`std::env::consts::OS`] names them; empty: all.
    pub os: Vec<String>,
}

/// Where a task is stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stated {
    /// In `[tasks]`.
    Config(Origin),
    /// In Python.
    Python {
        /// The file, from the super-repo's root.
        file: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// Other names of the task.
        aliases: Vec<String>,
        /// The tasks that invoke runs before it.
        pre: Vec<String>,
        /// The tasks that invoke runs after it.
        post: Vec<String>,
    },
}

impl std::fmt::Display for Stated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config(origin) => write!(f, "{origin}"),
            Self::Python { file, line, .. } => write!(f, "{}:{line}", file.display()),
        }
    }
}

/// What a task does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Commands for `sh`, one after the other; none for a task that only has dependencies.
    Commands(Vec<String>),
    /// A task that Wharf brings.
    Builtin(Builtin),
    /// A task of a `tasks.py`, by the name that invoke knows.
    Invoke(String),
}

/// Where a task runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlaceOfTask {
    /// On the host.
    #[default]
    Host,
    /// In the container of the runnable dir that holds its folder.
    Container,
    /// On the host, with the thin environment's programs first.
    ThinEnv,
}

impl PlaceOfTask {
    /// The word of the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Container => "container",
            Self::ThinEnv => "thin-env",
        }
    }
}

impl Task {
    /// The name as people write it: `build`, or `infra:build` for one of a dir.
    #[must_use]
    pub fn id(&self) -> String {
        if self.dir.is_root() { self.name.clone() } else { format!("{}:{}", self.dir, self.name) }
    }

    /// Whether it is for the system that Wharf runs on.
    #[must_use]
    pub fn is_for(&self, os: &str) -> bool {
        self.os.is_empty() || self.os.iter().any(|known| known == os)
    }
}
