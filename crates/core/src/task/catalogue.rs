//! All tasks of a workspace, and the one that a name means.

use std::collections::HashMap;
use std::path::Path;

use super::error::TaskError;
use super::tasks_py::{self, Unread};
use super::{Stated, Task, declared};
use crate::config::LayerKind;
use crate::runnable_dir::Address;
use crate::sub_repo::exports::ExportedTasks;
use crate::workspace::Workspace;

/// All tasks of a workspace.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Those of the super-repo, then those of each runnable dir.
    pub tasks: Vec<Task>,
    /// What of a `tasks.py` could not be read.
    pub unread: Vec<Unread>,
    /// The place of each task by its dir and each of its names.
    index: HashMap<(Address, String), usize>,
}

fn of_root(layer: LayerKind) -> bool {
    layer == LayerKind::SuperRepo
}

fn of_sub_repo(layer: LayerKind) -> bool {
    layer == LayerKind::SubRepo
}

fn of_dir(layer: LayerKind) -> bool {
    layer == LayerKind::RunnableDir
}

/// Refuses tasks of the super-repo that have the name of a command: `wharf NAME` would never reach them.
///
/// # Errors
/// For the first such task.
pub fn check_names(workspace: &Workspace, commands: impl FnOnce() -> Vec<String>) -> Result<(), TaskError> {
    let of_dirs = workspace.dirs.iter().flat_map(|dir| declared::names(&dir.resolved, of_dir));
    let mut names = declared::names(&workspace.resolved, of_root).chain(of_dirs).peekable();
    if names.peek().is_none() {
        return Ok(());
    }
    let commands = commands();
    match names.find(|(name, _)| commands.iter().any(|command| command == name)) {
        Some((name, origin)) => Err(TaskError::HidesCommand { task: name.to_owned(), at: origin.to_string() }),
        None => Ok(()),
    }
}

impl Catalogue {
    /// Reads all tasks.
    ///
    /// # Errors
    /// When one in `[tasks]` is stated in a way that makes no sense. What cannot be read of a `tasks.py` is in
    /// [`Catalogue::unread`].
    pub fn read(workspace: &Workspace) -> Result<Self, TaskError> {
        let mut all = Self::default();
        all.add(declared::read(&workspace.resolved, of_root, &Address::root(), &workspace.root)?);
        for dir in &workspace.dirs {
            all.add(declared::read(&dir.resolved, of_dir, &dir.address, &dir.path)?);
        }
        all.add_python(workspace, &Address::root(), &workspace.root);
        all.add_exported(workspace)?;
        for dir in workspace.dirs.iter().filter(|dir| !dir.address.is_root()) {
            all.add_python(workspace, &dir.address, &dir.path);
        }
        Ok(all)
    }

    /// Adds what sub-repos export: as if the super-repo had stated it, unless it has a task of that name.
    fn add_exported(&mut self, workspace: &Workspace) -> Result<(), TaskError> {
        for exporter in &workspace.exporters {
            let Some(exported) = exporter.tasks() else { continue };
            let mut tasks = declared::read(&exporter.stated(), of_sub_repo, &Address::root(), &workspace.root)?;
            if let ExportedTasks::Named(names) = exported {
                tasks.retain(|task| names.contains(&task.name));
            }
            self.add(tasks);
        }
        Ok(())
    }

    /// Adds tasks; of two with one name the first stays.
    fn add(&mut self, tasks: Vec<Task>) {
        for task in tasks {
            let place = self.tasks.len();
            let key = |name: &str| (task.dir.clone(), name.to_owned());
            if self.index.contains_key(&key(&task.name)) {
                continue;
            }
            self.index.insert(key(&task.name), place);
            if let Stated::Python { aliases, .. } = &task.stated {
                aliases.iter().for_each(|alias| {
                    self.index.entry(key(alias)).or_insert(place);
                });
            }
            self.tasks.push(task);
        }
    }

    fn add_python(&mut self, workspace: &Workspace, dir: &Address, folder: &Path) {
        let Some(found) = tasks_py::read(&workspace.root, folder) else { return };
        let tasks = found.tasks.into_iter().map(|task| task.into_task(dir, folder));
        self.add(tasks.collect());
        self.unread.extend(found.unread);
    }

    /// The task that `name` means for someone who stands in `dir`: `infra:build`, or `build` for that of the dir, else of
    /// the super-repo.
    ///
    /// # Errors
    /// When there is none; the error names the nearest ones.
    pub fn find(&self, name: &str, dir: &Address) -> Result<usize, TaskError> {
        self.position(name, dir)
            .ok_or_else(|| TaskError::Unknown { name: name.to_owned(), nearest: self.nearest(name) })
    }

    pub(super) fn position(&self, name: &str, dir: &Address) -> Option<usize> {
        if let Some((at, name)) = name.rsplit_once(':') {
            let at = Address::from_relative(Path::new(at.trim_start_matches('/'))).ok()?;
            return self.own_of(name, &at);
        }
        self.own_of(name, dir).or_else(|| self.own_of(name, &Address::root()))
    }

    /// The dir's own task with this name; `_` and `-` are one where no task has just this name.
    #[must_use]
    pub fn own_of(&self, name: &str, dir: &Address) -> Option<usize> {
        let of = |name: String| self.index.get(&(dir.clone(), name)).copied();
        let dashed = || of(name.replace('_', "-"));
        of(name.to_owned()).or_else(dashed).or_else(|| of(name.replace('-', "_")))
    }

    /// Adds a task of the `tasks.py` of `dir`, else of the super-repo, that could not be read there: invoke itself will know it.
    /// `None` where there is no `tasks.py`.
    pub fn add_unread(&mut self, workspace: &Workspace, dir: &Address, name: &str) -> Option<usize> {
        let (dir, file) = [dir.clone(), Address::root()].into_iter().find_map(|dir| {
            let file = tasks_py::file(&dir.under(&workspace.root))?;
            Some((dir, file))
        })?;
        let task = tasks_py::PythonTask {
            name: name.to_owned(),
            aliases: Vec::new(),
            help: String::new(),
            arguments: Vec::new(),
            pre: Vec::new(),
            post: Vec::new(),
            file: file.strip_prefix(&workspace.root).unwrap_or(&file).to_path_buf(),
            line: 1,
            commands: None,
        };
        let folder = dir.under(&workspace.root);
        self.tasks.push(task.into_task(&dir, &folder));
        Some(self.tasks.len() - 1)
    }

    /// At most three tasks with a name like `name`.
    pub(super) fn nearest(&self, name: &str) -> Vec<String> {
        let plain = name.rsplit(':').next().unwrap_or(name);
        let mut near: Vec<(usize, String)> = self
            .tasks
            .iter()
            .map(|task| (strsim::osa_distance(plain, &task.name), task.id()))
            .filter(|(distance, id)| *distance <= (plain.len() / 3).max(1) || id.ends_with(&format!(":{plain}")))
            .collect();
        near.sort();
        near.into_iter().take(3).map(|(_, id)| id).collect()
    }
}
