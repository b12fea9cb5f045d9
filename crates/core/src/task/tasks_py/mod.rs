//! The tasks of a `tasks.py`, read as Python's grammar has it. Nothing of it is run.
//!
//! [`python`] makes statements small; [`scope`] follows what names mean through imports, as far as the files lie in the
//! repo; [`names`] gives tasks the names that invoke gives them. What cannot be followed becomes [`Unread`], with its place.
//! The rules are those of invoke 2: its `Loader`, `Collection.from_module`, `Collection.transform` and `Task.get_arguments`.

mod names;
pub(super) mod python;
mod scope;

use std::path::{Path, PathBuf};

use super::arguments::Argument;
use super::{Action, PlaceOfTask, Stated, Task};
use crate::runnable_dir::Address;

/// Something that states tasks but cannot be read without running it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {why}", .file.display())]
pub struct Unread {
    /// The file, from the super-repo's root.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// What it is.
    pub why: String,
}

/// A task of a `tasks.py`.
#[derive(Debug, Clone, PartialEq)]
pub struct PythonTask {
    /// Its name, with those of its collections: `docker.build`.
    pub name: String,
    /// Further names.
    pub aliases: Vec<String>,
    /// The first line of its documentation; may be empty.
    pub help: String,
    /// Its arguments.
    pub arguments: Vec<Argument>,
    /// Names of the tasks that invoke runs before it.
    pub pre: Vec<String>,
    /// Names of the tasks that invoke runs after it.
    pub post: Vec<String>,
    /// The file that it stands in, from the super-repo's root.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
    /// The commands that it runs, where it does nothing else.
    pub commands: Option<Vec<String>>,
}

/// What is in a `tasks.py`.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Its tasks, by name.
    pub tasks: Vec<PythonTask>,
    /// What of it cannot be read.
    pub unread: Vec<Unread>,
}

/// Reads the `tasks.py`, or the package `tasks`, in `folder`. `None` where there is none.
#[must_use]
pub fn read(root: &Path, folder: &Path) -> Option<Found> {
    let file = file(folder)?;
    let mut scope = scope::Scope::new(root, folder);
    scope.keeps_names = keeps_names(folder);
    let module = scope.module(&file);
    let mut found = Found { tasks: names::tasks(&mut scope, module), unread: Vec::new() };
    found.tasks.sort_by(|a, b| a.name.cmp(&b.name));
    found.unread = scope.into_unread();
    Some(found)
}

/// The `tasks.py`, or the package `tasks`, in `folder`.
#[must_use]
pub fn file(folder: &Path) -> Option<PathBuf> {
    [folder.join("tasks.py"), folder.join("tasks").join("__init__.py")].into_iter().find(|file| file.is_file())
}

/// Whether names stay as they are in Python: `tasks.auto_dash_names` in `invoke.yaml`. The name occurs nowhere else in invoke's
/// configuration, so that a line is enough.
fn keeps_names(folder: &Path) -> bool {
    let text = std::fs::read_to_string(folder.join("invoke.yaml")).unwrap_or_default();
    text.lines().any(|line| {
        let value = line.trim().strip_prefix("auto_dash_names:");
        let value = value.map(|value| value.split('#').next().unwrap_or_default().trim().to_lowercase());
        matches!(value.as_deref(), Some("false" | "no" | "off"))
    })
}

impl PythonTask {
    /// The task that runs it through invoke.
    #[must_use]
    pub fn into_task(self, dir: &Address, folder: &Path) -> Task {
        Task {
            action: Action::Invoke(self.name.clone()),
            name: self.name,
            dir: dir.clone(),
            help: self.help,
            stated: Stated::Python {
                file: self.file,
                line: self.line,
                aliases: self.aliases,
                pre: self.pre,
                post: self.post,
            },
            deps: Vec::new(),
            place: PlaceOfTask::ThinEnv,
            folder: folder.to_path_buf(),
            is_folder_stated: true,
            env: std::collections::BTreeMap::new(),
            arguments: self.arguments,
            inputs: Vec::new(),
            outputs: Vec::new(),
            confirm: None,
            hidden: false,
            os: Vec::new(),
        }
    }
}
