//! From a node to the commands that do it: pure values that `--dry-run` prints. Only a container's line needs more, its
//! image, which is made when the first task needs it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError};

use wharf_engine::{Client, Terminal};
use wharf_process::Command;

use super::catalogue::Catalogue;
use super::error::TaskError;
use super::fresh::Check;
use super::graph::{Graph, Node};
use super::script::{Script, script};
use super::thin::{self, ThinEnv};
use super::{Action, PlaceOfTask, Task};
use crate::container::{Launch, Nested, Owner, Settings, nested};
use crate::event::{Event, Listener};
use crate::image::choice::Wish;
use crate::image::ensure::Demand;
use crate::image::place::{Place, pick};
use crate::image::{ImageError, Ready, StageWish, ensure};
use crate::runnable_dir::{Address, RunnableDir};
use crate::workspace::{StateDir, Workspace};

/// One command of a task.
#[derive(Debug)]
pub struct Line {
    /// As the configuration has it, for messages.
    pub shown: String,
    /// What is started.
    pub command: Command,
    /// The container that it makes, with its engine, for who has to end it.
    pub container: Option<(Client, String)>,
    /// What serves that container, where it may start others; as long as it runs.
    pub nested: Option<Nested>,
}

/// What commands are made of.
pub struct Workshop<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// Its tasks.
    pub catalogue: &'a Catalogue,
    /// What is to run.
    pub graph: &'a Graph,
    /// Gets the news of images.
    pub listener: &'a dyn Listener,
    /// Set when nothing more may be started.
    pub stop: &'a AtomicBool,
    terminal: Mutex<Terminal>,
    images: Mutex<Images>,
}

/// Images that are there, and where they run.
#[derive(Default)]
struct Images {
    place: Option<Place>,
    ready: BTreeMap<Address, Ready>,
}

impl std::fmt::Debug for Workshop<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Workshop").field("graph", self.graph).finish_non_exhaustive()
    }
}

impl<'a> Workshop<'a> {
    /// An empty one.
    #[must_use]
    pub fn new(
        workspace: &'a Workspace,
        catalogue: &'a Catalogue,
        graph: &'a Graph,
        listener: &'a dyn Listener,
        stop: &'a AtomicBool,
    ) -> Self {
        let terminal = Mutex::new(Terminal::None);
        Self { workspace, catalogue, graph, listener, stop, terminal, images: Mutex::default() }
    }

    /// States how containers are joined to the terminal; not at all without this.
    pub fn set_terminal(&self, terminal: Terminal) {
        *self.terminal.lock().unwrap_or_else(PoisonError::into_inner) = terminal;
    }

    /// The node's task.
    #[must_use]
    pub fn task(&self, node: &Node) -> &'a Task {
        &self.catalogue.tasks[node.task]
    }

    /// Where the node starts.
    #[must_use]
    pub fn folder(&self, node: &Node) -> PathBuf {
        let task = self.task(node);
        match &node.moved {
            Some(dir) if !task.is_folder_stated => dir.under(&self.workspace.root),
            _ => task.folder.clone(),
        }
    }

    /// Checks what can be known before anything runs, so that a run does not end midway for it.
    ///
    /// # Errors
    /// When a folder is not there, no runnable dir holds the folder of a task in a container, or there is no thin
    /// environment.
    pub fn check(&self) -> Result<(), TaskError> {
        for node in &self.graph.nodes {
            let task = self.task(node);
            let folder = self.folder(node);
            let place = self.place(task);
            if place == PlaceOfTask::Container {
                self.dir(node)?;
            }
            if place == PlaceOfTask::ThinEnv {
                self.thin(task)?;
            }
            if !folder.is_dir() {
                let what = format!("its folder `{}` is not there", folder.display());
                return Err(TaskError::Declaration { task: task.id(), at: task.stated.to_string(), what });
            }
        }
        Ok(())
    }

    fn place(&self, task: &Task) -> PlaceOfTask {
        if matches!(task.action, Action::Invoke(_)) { PlaceOfTask::ThinEnv } else { task.place }
    }

    fn thin(&self, task: &Task) -> Result<ThinEnv, TaskError> {
        thin::find(self.workspace).ok_or_else(|| TaskError::NoThinEnv { task: task.id() })
    }

    /// The runnable dir whose container the node runs in.
    fn dir(&self, node: &Node) -> Result<&'a RunnableDir, TaskError> {
        let folder = self.folder(node);
        let below = folder.strip_prefix(&self.workspace.root).unwrap_or(Path::new(""));
        let address = Address::from_relative(below).unwrap_or_else(|_| Address::root());
        self.workspace
            .holder(&address)
            .ok_or_else(|| TaskError::NotRunnable { task: self.task(node).id(), folder: below.to_path_buf() })
    }

    fn scripts(&self, node: &Node) -> Vec<(String, Script)> {
        let task = self.task(node);
        let make = |command: &str, shown: &str| (shown.to_owned(), script(command, &task.arguments, &node.bound));
        match &task.action {
            Action::Commands(commands) => commands.iter().map(|command| make(command, command)).collect(),
            Action::Builtin(builtin) => vec![make(builtin.script(), builtin.word())],
            Action::Invoke(_) => Vec::new(),
        }
    }

    /// What decides whether the node is up to date; `None` where it always runs.
    #[must_use]
    pub fn freshness(&self, node: &Node) -> Option<Check> {
        let task = self.task(node);
        if task.inputs.is_empty() && task.outputs.is_empty() {
            return None;
        }
        let folder = self.folder(node);
        let mut hasher = blake3::Hasher::new();
        let mut add = |text: &str| {
            hasher.update(text.as_bytes());
            hasher.update(&[0]);
        };
        add(self.place(task).word());
        add(&folder.to_string_lossy());
        for (_, script) in self.scripts(node) {
            add(&script.text);
            script.env.iter().for_each(|(name, value)| add(&format!("{name}={value}")));
            script.parameters.iter().for_each(|value| add(value));
        }
        task.env.iter().for_each(|(name, value)| add(&format!("{name}={value}")));
        let definition = hasher.finalize();
        let key = node.label.replace('\n', "\\n");
        Some(Check { key, definition, folder, inputs: task.inputs.clone(), outputs: task.outputs.clone() })
    }

    /// The node's commands as one could paste them. Asks no engine.
    ///
    /// # Errors
    /// When there is no thin environment, or no runnable dir.
    pub fn pasteable(&self, node: &Node) -> Result<Vec<Command>, TaskError> {
        if self.place(self.task(node)) != PlaceOfTask::Container {
            return Ok(self.lines(node, 0)?.into_iter().map(|line| line.command).collect());
        }
        let dir = self.dir(node)?;
        let scripts = self.scripts(node);
        let command = |(_, script): &(String, Script)| {
            let mut command = Command::new("wharf").arg("-C").arg(self.workspace.root.clone());
            command = command.args(["run".to_owned(), format!("//{}", dir.address.prefix())]);
            command = command.args(["--workdir".to_owned(), self.in_dir(node, dir)]);
            for variable in self.settings(node, script, 0).env {
                command = command.args(["--env".to_owned(), variable]);
            }
            command.arg("--").args(words(script))
        };
        Ok(scripts.iter().map(command).collect())
    }

    /// The node's folder from its runnable dir.
    fn in_dir(&self, node: &Node, dir: &RunnableDir) -> String {
        let folder = self.folder(node);
        let below =
            folder.strip_prefix(&dir.path).map(|below| below.to_string_lossy().into_owned()).unwrap_or_default();
        if below.is_empty() { ".".to_owned() } else { below }
    }

    /// The node's commands. Makes the image that they need. `number` tells containers of one process apart.
    ///
    /// # Errors
    /// When the image cannot be had, or there is no thin environment.
    pub fn lines(&self, node: &Node, number: usize) -> Result<Vec<Line>, TaskError> {
        let task = self.task(node);
        match (&task.action, self.place(task)) {
            (Action::Invoke(name), _) => Ok(vec![self.invoke(node, name)?]),
            (_, PlaceOfTask::Container) => self.in_container(node, number),
            (_, place) => {
                let thin = if place == PlaceOfTask::ThinEnv { Some(self.thin(task)?) } else { None };
                let scripts = self.scripts(node).into_iter();
                let line = |(shown, script): (String, Script)| {
                    let mut command = self.on_host(node, &words(&script), thin.as_ref());
                    for (name, value) in &script.env {
                        command = command.env(name, value);
                    }
                    Line { shown, command, container: None, nested: None }
                };
                Ok(scripts.map(line).collect())
            }
        }
    }

    fn on_host(&self, node: &Node, words: &[String], thin: Option<&ThinEnv>) -> Command {
        let task = self.task(node);
        let (program, rest) = words.split_first().map_or(("true", &[][..]), |(first, rest)| (first.as_str(), rest));
        let mut command = Command::new(program).args(rest.iter().cloned()).cwd(self.folder(node));
        command = command.env("WHARF_ROOT", self.workspace.root.clone()).env("WHARF_TASK", task.id());
        if let Some(thin) = thin {
            let path = self.workspace.surroundings.variable("PATH").unwrap_or_default();
            command = command.env("VIRTUAL_ENV", thin.path.clone());
            command = command.env("PATH", format!("{}:{path}", thin.bin.display()));
        }
        task.env.iter().fold(command, |command, (name, value)| command.env(name, value))
    }

    fn invoke(&self, node: &Node, name: &str) -> Result<Line, TaskError> {
        let thin = self.thin(self.task(node))?;
        let python = thin.python.display().to_string();
        let mut words = vec![python, "-m".to_owned(), "invoke".to_owned(), name.to_owned()];
        words.extend(node.words.iter().cloned());
        let shown = shlex::try_join(words[2..].iter().map(String::as_str)).unwrap_or_else(|_| name.to_owned());
        Ok(Line { shown, command: self.on_host(node, &words, Some(&thin)), container: None, nested: None })
    }

    fn settings(&self, node: &Node, script: &Script, number: usize) -> Settings {
        let task = self.task(node);
        let mut settings = Settings::new("task", words(script));
        settings.number = number;
        settings.terminal = *self.terminal.lock().unwrap_or_else(PoisonError::into_inner);
        let own = task.env.iter().map(|(name, value)| format!("{name}={value}"));
        let arguments = script.env.iter().map(|(name, value)| format!("{name}={value}"));
        settings.env = own.chain(arguments).chain([format!("WHARF_TASK={}", task.id())]).collect();
        settings
    }

    fn in_container(&self, node: &Node, number: usize) -> Result<Vec<Line>, TaskError> {
        let dir = self.dir(node)?;
        let (place, ready) = self.ready(dir)?;
        let io = |source| TaskError::Io { file: self.workspace.root.clone(), source };
        let state = StateDir::open(self.workspace).map_err(io)?;
        let owner = Owner::current();
        let launch =
            Launch { workspace: self.workspace, place: &place, dir, ready: &ready, state: &state, owner: &owner };
        let mut lines = Vec::new();
        for (index, (shown, script)) in self.scripts(node).into_iter().enumerate() {
            // Numbers of one node's containers stay apart from those of others.
            let mut settings = self.settings(node, &script, number * 1000 + index);
            settings.workdir = Some(self.in_dir(node, dir));
            let container = place.client().map(|client| (client.clone(), launch.name(&settings)));
            let nested = nested::open(&launch, &mut settings)?;
            lines.push(Line { shown, command: launch.command(&settings)?, container, nested });
        }
        Ok(lines)
    }

    /// The image of a dir, made where it is not there. One at a time: the others of the same dir wait for it.
    fn ready(&self, dir: &RunnableDir) -> Result<(Place, Ready), TaskError> {
        let owner = self.workspace.image_owner(dir)?;
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        let place = match &images.place {
            Some(place) => place.clone(),
            None => {
                let picked = pick(self.workspace)?;
                self.listener.on(Event::Note(picked.why));
                images.place.insert(picked.place).clone()
            }
        };
        if let Some(ready) = images.ready.get(&owner.address) {
            return Ok((place, ready.clone()));
        }
        let wish = Wish { stage: StageWish::Auto, ..Wish::default() };
        let demand = Demand { workspace: self.workspace, place: &place, wish: &wish, stop: self.stop };
        let outcome: Mutex<Option<Result<Ready, ImageError>>> = Mutex::default();
        ensure(&demand, &[owner], self.listener, &|_, result| {
            *outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        })?;
        match outcome.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(result) => {
                let ready = result?;
                images.ready.insert(owner.address.clone(), ready.clone());
                Ok((place, ready))
            }
            None => Err(TaskError::Stopped),
        }
    }
}

/// The words that start a script.
fn words(script: &Script) -> Vec<String> {
    let mut words = vec!["sh".to_owned(), "-c".to_owned(), script.text.clone()];
    if !script.parameters.is_empty() {
        words.push("sh".to_owned());
        words.extend(script.parameters.iter().cloned());
    }
    words
}
