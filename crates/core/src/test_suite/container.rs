//! Starts the container of one dir's tests and turns what it prints into messages.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use wharf_engine::{Client, Terminal};
use wharf_process::{Chunk, Command, Exit, Stopper, Stream};

use super::cache::Key;
use super::dispatch::Signal;
use super::event::DirIndex;
use super::message::Assembler;
use super::spread::DirShard;
use super::stream::{Piece, Splitter};
use super::warm::Warm;
use crate::container::beside::{BESIDE, RUNNER};
use crate::container::{ContainerError, Launch, Neighbours, Owner, PLUGIN, Settings, live, log, nested};
use crate::image::place::Place;
use crate::service::{ServicePlan, identity};

/// Lines of a container's own output that are kept for messages.
const TAIL: usize = 20;

/// What the tests of one dir are started with.
pub(super) struct Order<'a> {
    pub index: DirIndex,
    pub launch: Launch<'a>,
    pub number: usize,
    pub arguments: &'a [String],
    pub select: Option<PathBuf>,
    pub leave_out: Option<PathBuf>,
    /// The test lists, as the plugin reads them.
    pub lists: Option<PathBuf>,
    /// What they say.
    pub listed: Option<String>,
    /// Further settings of the plugin, by name.
    pub more: serde_json::Map<String, serde_json::Value>,
    /// A list of whose files are whose, and what it is of.
    pub shard: Option<(PathBuf, &'a DirShard)>,
    pub plugin: &'a Path,
    pub cache_dir: Option<String>,
    /// Test tools for a prod image, which has none.
    pub beside: Option<PathBuf>,
    /// How many test files the dir has in the work tree.
    pub test_files: usize,
    pub timeout: Option<Duration>,
    pub grace: Duration,
    pub run: u32,
    pub nonce: String,
    pub log: &'a Path,
    /// Whether coverage is measured.
    pub coverage: bool,
    /// A line for the head of pytest's own output.
    pub header: String,
    /// Whether it is recorded what test files depend on.
    pub record: bool,
    /// Further variables, as [`Settings::env`] has them.
    pub env: &'a [String],
    /// Services that run for it.
    pub neighbours: Option<Neighbours>,
    /// Which these are.
    pub services: &'a ServicePlan,
    /// Containers that wait for rounds, in a watch.
    pub warm: Option<&'a Warm>,
}

/// Where the selection lies in a container.
const SELECT: &str = "/opt/wharf/select.txt";
/// Where the list of files that are left out lies in a container.
const LEAVE_OUT: &str = "/opt/wharf/leave-out.txt";

/// Where the test lists lie in a container.
const LISTS: &str = "/opt/wharf/lists.json";
/// Where the list of whose files are whose lies in a container.
const SHARD: &str = "/opt/wharf/shard.txt";

/// A container that runs.
pub(super) struct Handle {
    pub stopper: Stopper,
    pub container: Option<(Client, String)>,
    pub reader: Arc<Reader>,
}

impl Handle {
    /// Writes what is gathered of its output to its log, so that whoever reads along sees it. Not while a reader has it:
    /// then the next time will do.
    pub fn flush_log(&self) {
        if let Ok(mut state) = self.reader.state.try_lock() {
            state.full |= state.log.flush().is_err();
        }
    }

    /// Interrupts the tests, as ctrl-C does, without waiting.
    pub fn interrupt(&self) {
        match self.container.clone() {
            Some((client, name)) => {
                thread::spawn(move || client.command().args(["kill", "--signal", "INT", &name]).run());
            }
            None => {
                self.stopper.interrupt();
            }
        }
    }

    /// Ends the tests at once. For a container it gives what could not be cleaned up.
    pub fn kill(&self) -> Option<String> {
        let left = self
            .container
            .as_ref()
            .and_then(|(client, name)| client.remove(std::slice::from_ref(name)).is_err().then(|| name.clone()));
        self.stopper.kill();
        left
    }
}

impl Order<'_> {
    /// What must be the same for a verdict of these tests to stand, beside the work tree.
    ///
    /// # Errors
    /// When small files that are lent to the container cannot be made.
    pub fn key(&self) -> Result<Key, ContainerError> {
        let mut plugin = self.plugin_settings();
        if let Some(plugin) = plugin.as_object_mut() {
            // Another in each run, or said otherwise.
            plugin.retain(|name, _| {
                !["nonce", "root", "select", "leave_out", "lists", "shard", "header"].contains(&name.as_str())
            });
        }
        let mut settings = self.settings();
        settings.env = self.env.to_vec();
        let mut parts = self.launch.circumstances(&settings)?;
        // Its name holds a hash of what is in it.
        let plugin_folder = self.plugin.file_name().unwrap_or_default().to_string_lossy().into_owned();
        parts.push(("plugin".into(), plugin_folder));
        parts.push(("settings".into(), plugin.to_string()));
        parts.extend(self.listed.clone().map(|lists| ("lists".into(), lists)));
        parts.extend(identity(self.launch.workspace, self.services, self.launch.place.client()));
        Ok(Key::of_dir(&parts))
    }

    pub(super) fn plugin_settings(&self) -> serde_json::Value {
        let on_host = matches!(self.launch.place, Place::Host(_));
        let root = if on_host {
            self.launch.workspace.root.display().to_string()
        } else {
            self.launch.workspace.mount_point()
        };
        // A container that waits has no files of one round mounted.
        let workspace = self.launch.workspace;
        let seen = |list: &Option<PathBuf>, inside: &str| {
            list.as_ref().map(|path| match self.warm {
                _ if on_host => path.display().to_string(),
                Some(_) => workspace.in_container(path),
                None => inside.to_owned(),
            })
        };
        let mut plugin = serde_json::json!({
            "nonce": self.nonce,
            "root": root,
            "select": seen(&self.select, SELECT),
            "leave_out": seen(&self.leave_out, LEAVE_OUT),
            "shard": self.shard.as_ref().and_then(|(list, shard)| Some(shard.setting(&seen(&Some(list.clone()), SHARD)?))),
            "timeout": self.timeout.map(|limit| limit.as_secs_f64()),
            "grace": self.grace.as_secs_f64(),
            "header": self.header,
            "record": self.record,
            "coverage": self.coverage,
        });
        if let serde_json::Value::Object(plugin) = &mut plugin {
            plugin.extend(self.lists.is_some().then(|| ("lists".to_owned(), seen(&self.lists, LISTS).into())));
            plugin.extend(self.more.clone());
        }
        plugin
    }

    pub(super) fn settings(&self) -> Settings {
        let on_host = matches!(self.launch.place, Place::Host(_));
        let plugin = self.plugin_settings();
        let mut command = vec!["python3".to_owned()];
        if self.beside.is_some() {
            let folder = self.launch.workspace.in_container(&self.launch.dir.path);
            command.extend([format!("{PLUGIN}/{RUNNER}"), folder, self.test_files.to_string()]);
        } else {
            command.extend(["-m", "pytest"].map(str::to_owned));
        }
        command.extend(["-p", "wharf_plugin"].map(str::to_owned));
        if let Some(cache) = &self.cache_dir {
            command.extend(["-o".to_owned(), format!("cache_dir={cache}")]);
        }
        command.extend(self.arguments.iter().cloned());
        let mut settings = Settings::new("test", command);
        settings.number = self.number;
        settings.terminal = Terminal::None;
        settings.env = vec![format!("WHARF_PLUGIN={plugin}"), "PYTHONUNBUFFERED=1".to_owned()];
        settings.env.extend_from_slice(self.env);
        settings.plugin = Some(self.plugin.to_path_buf());
        settings.neighbours.clone_from(&self.neighbours);
        settings.labels = BTreeMap::from([(crate::container::RUN.to_owned(), self.run.to_string())]);
        settings.grace = Duration::from_secs(3);
        settings.log = Some(self.log.to_path_buf());
        settings.files.extend(self.beside.iter().map(|tools| (tools.clone(), BESIDE.to_owned())));
        if !on_host && self.warm.is_none() {
            let shard = self.shard.as_ref().map(|(list, _)| list.clone());
            let lists = [
                (self.select.clone(), SELECT),
                (self.leave_out.clone(), LEAVE_OUT),
                (self.lists.clone(), LISTS),
                (shard, SHARD),
            ];
            let lists = lists.into_iter().filter_map(|(list, inside)| Some((list?, inside.to_owned())));
            settings.files.extend(lists);
        }
        settings
    }

    /// Starts it. All that happens from now on comes through `sender`.
    ///
    /// # Errors
    /// When it cannot be started at all.
    pub fn start(&self, sender: &SyncSender<Signal>) -> Result<Handle, ContainerError> {
        let dir = self.launch.dir.address.to_string();
        let failed = |source| ContainerError::Io { dir: dir.clone(), source };
        let mut settings = self.settings();
        let nested = nested::open(&self.launch, &mut settings)?;
        let command = self.launch.command(&settings)?;
        let mut log = BufWriter::new(log::open(self.log).map_err(failed)?);
        // The first line shows how to do the same by hand; the nonce is of no use to anyone else.
        writeln!(log, "$ {command}").map_err(failed)?;
        let reader = Arc::new(Reader {
            index: self.index,
            sender: sender.clone(),
            state: Mutex::new(State {
                splitter: Splitter::new(&self.nonce),
                assembler: Assembler::default(),
                log,
                full: false,
                tail: Tail::default(),
            }),
        });
        if let Some(handle) = self.start_warm(&reader, sender) {
            return Ok(handle);
        }
        let sink = Arc::clone(&reader);
        let running =
            command.stream(move |chunk| sink.take(&chunk)).map_err(|error| failed(std::io::Error::other(error)))?;
        let registered = self.register(&command, running.id());
        let handle = Handle {
            stopper: running.stopper(),
            container: self.launch.place.client().map(|client| (client.clone(), self.launch.name(&settings))),
            reader: Arc::clone(&reader),
        };
        let (index, sender) = (self.index, sender.clone());
        let left = handle.container.clone();
        thread::spawn(move || {
            let exit = running.wait().unwrap_or(Exit::Code(-1));
            drop(registered);
            // So ends the engine's program when it lost its container, which may well go on (docker run, "Exit status").
            if let (Some((client, name)), Exit::Code(125 | -1) | Exit::Signal(_)) = (left, exit) {
                let _ = client.remove(&[name]);
            }
            drop(nested);
            let (tail, problem) = reader.finish();
            let _ = sender.send(Signal::Ended { index, exit, tail, problem });
        });
        Ok(handle)
    }

    pub(super) fn register(&self, command: &Command, pid: u32) -> Option<live::Registered> {
        let Place::Host(tools) = self.launch.place else { return None };
        let group = live::Group {
            workspace: self.launch.workspace.id.clone(),
            dir: self.launch.dir.address.to_string(),
            verb: "test".into(),
            process: Owner::of(pid).to_string(),
            owner: self.launch.owner.to_string(),
            command: command.program(),
            log: Some(self.log.to_path_buf()),
        };
        live::register(&tools.cache, &group).ok()
    }
}

pub(super) struct Reader {
    index: DirIndex,
    sender: SyncSender<Signal>,
    state: Mutex<State>,
}

struct State {
    splitter: Splitter,
    assembler: Assembler,
    log: BufWriter<File>,
    full: bool,
    tail: Tail,
}

impl Reader {
    pub(super) fn take(&self, chunk: &Chunk) {
        let Ok(mut state) = self.state.lock() else { return };
        if chunk.stream == Stream::Stderr {
            state.output(&chunk.bytes);
            return;
        }
        let mut signals = Vec::new();
        for piece in state.splitter.take(&chunk.bytes) {
            match piece {
                Piece::Output(bytes) => state.output(&bytes),
                Piece::Event(json) => match state.assembler.take(&json) {
                    Ok(Some(message)) => signals.push(Signal::Message { index: self.index, message }),
                    Ok(None) => {}
                    Err(problem) => signals.push(Signal::Problem(problem)),
                },
            }
        }
        drop(state);
        // Blocks while the dispatcher is behind: the container waits on its pipe, memory does not grow.
        for signal in signals {
            let _ = self.sender.send(signal);
        }
    }

    pub(super) fn finish(&self) -> (Vec<String>, Option<String>) {
        let Ok(mut state) = self.state.lock() else { return (Vec::new(), None) };
        if let Some(Piece::Output(bytes)) = state.splitter.finish() {
            state.output(&bytes);
        }
        let full = state.log.flush().is_err() || state.full;
        (state.tail.lines(), full.then(|| "its log is not complete: the disk is full or not writable".to_owned()))
    }
}

impl State {
    fn output(&mut self, bytes: &[u8]) {
        self.full |= self.log.write_all(bytes).is_err();
        self.tail.take(bytes);
    }
}

/// The last lines of a stream, each cut to a length, however long the lines are.
#[derive(Default)]
struct Tail {
    lines: VecDeque<String>,
    open: Vec<u8>,
}

impl Tail {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = 500_usize.saturating_sub(self.open.len());
            self.open.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.open)).trim_end().to_owned();
        if !line.is_empty() {
            if self.lines.len() == TAIL {
                self.lines.pop_front();
            }
            self.lines.push_back(line);
        }
    }

    fn lines(&mut self) -> Vec<String> {
        self.close();
        self.lines.drain(..).collect()
    }
}
