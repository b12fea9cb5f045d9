//! Containers that wait, with pytest loaded, for the next round of `wharf test --watch`.
//!
//! One for each runnable dir, started the first time that its turn comes, kept as long as all that decides it is the same (image,
//! variables, mounts, the plugin), and removed when the watch ends. `wharf_warm.py` in it forks a child for each round. It speaks on
//! the same standard output as the plugin, with a nonce of its own, and only between rounds, so each byte belongs to one round.
//! What cannot be kept warm runs as it always does.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ChildStdin;
use std::sync::mpsc::{Receiver, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use wharf_engine::{Client, Terminal};
use wharf_process::{Chunk, Exit, Running, Stopper, Stream};

use super::cache::Key;
use super::container::{Handle, Order, Reader};
use super::dispatch::Signal;
use super::event::DirIndex;
use super::stream::{Piece, Splitter};
use crate::container::{ContainerError, PLUGIN, Settings, WARM_SERVER};
use crate::image::place::Place;

/// Numbers of these containers begin here: others of the same process have smaller ones.
const FIRST: usize = 10_000;

/// How long the end of one of these containers is waited for.
const LEAVE: Duration = Duration::from_secs(10);

/// The containers of one watch. Those that are left when it is dropped are removed.
#[derive(Debug, Default)]
pub struct Warm {
    servers: Mutex<BTreeMap<String, Arc<Server>>>,
    started: Mutex<usize>,
}

/// One container.
#[derive(Debug)]
struct Server {
    key: Key,
    input: Mutex<Option<ChildStdin>>,
    container: Option<(Client, String)>,
    stopper: Mutex<Option<Stopper>>,
    state: Mutex<State>,
    /// Is closed when it is over.
    over: Mutex<Option<Receiver<()>>>,
}

struct State {
    splitter: Splitter,
    round: Option<Round>,
    is_over: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

/// What runs in it now.
struct Round {
    index: DirIndex,
    reader: Arc<Reader>,
    sender: SyncSender<Signal>,
}

impl Warm {
    /// Starts the container of the order's dir, unless one runs that is as it has to be.
    pub(super) fn prepare(&self, order: &Order<'_>) {
        // What cannot be started says so when it is needed.
        let _ = self.server(order);
    }

    /// Runs the order in its dir's container; `None` where it has none and must start one.
    pub(super) fn begin(
        &self,
        order: &Order<'_>,
        reader: &Arc<Reader>,
        sender: &SyncSender<Signal>,
    ) -> Option<(Stopper, Option<(Client, String)>)> {
        let server = self.server(order).ok()?;
        let stopper = (*server.stopper.lock().ok()?)?;
        let round = Round { index: order.index, reader: Arc::clone(reader), sender: sender.clone() };
        {
            let mut state = server.lock();
            if state.is_over {
                return None;
            }
            state.round = Some(round);
        }
        let asked = server.ask(&order.request());
        if asked.is_none() && server.lock().round.take().is_some() {
            return None;
        }
        Some((stopper, server.container.clone()))
    }

    fn server(&self, order: &Order<'_>) -> Result<Arc<Server>, ContainerError> {
        let mut settings = order.waiting();
        let key = order.waiting_key(&settings)?;
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let dir = order.launch.dir.address.to_string();
        if let Some(server) = servers.get(&dir)
            && server.key == key
            && !server.lock().is_over
        {
            return Ok(Arc::clone(server));
        }
        if let Some(old) = servers.remove(&dir) {
            old.end();
        }
        settings.number = {
            let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
            *started += 1;
            FIRST + *started
        };
        let server = Server::start(order, settings, key)?;
        servers.insert(dir, Arc::clone(&server));
        Ok(server)
    }
}

impl Drop for Warm {
    fn drop(&mut self) {
        let servers = std::mem::take(&mut *self.servers.lock().unwrap_or_else(PoisonError::into_inner));
        thread::scope(|scope| {
            for server in servers.values() {
                scope.spawn(|| server.end());
            }
        });
    }
}

impl Server {
    fn start(order: &Order<'_>, mut settings: Settings, key: Key) -> Result<Arc<Self>, ContainerError> {
        let nonce = format!("{}-warm-{}", order.nonce, settings.number);
        settings.env.push(format!("WHARF_WARM={nonce}"));
        let command = order.launch.command(&settings)?;
        let container = order.launch.place.client().map(|client| (client.clone(), order.launch.name(&settings)));
        let (ends, over) = channel::<()>();
        let server = Arc::new(Self {
            key,
            over: Mutex::new(Some(over)),
            input: Mutex::default(),
            container,
            stopper: Mutex::default(),
            state: Mutex::new(State { splitter: Splitter::new(&nonce), round: None, is_over: false }),
        });
        let sink = Arc::clone(&server);
        let failed = |source| ContainerError::Io {
            dir: order.launch.dir.address.to_string(),
            source: std::io::Error::other(source),
        };
        let (running, input) = command.converse(move |chunk| sink.take(&chunk)).map_err(failed)?;
        if let (Ok(mut mine), Ok(mut stopper)) = (server.input.lock(), server.stopper.lock()) {
            *mine = input;
            *stopper = Some(running.stopper());
        }
        let registered = order.register(&command, running.id());
        let waited = Arc::clone(&server);
        thread::spawn(move || {
            waited.wait(running);
            drop((registered, ends));
        });
        Ok(server)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask(&self, request: &str) -> Option<()> {
        let mut input = self.input.lock().ok()?;
        let pipe = input.as_mut()?;
        pipe.write_all(request.as_bytes()).and_then(|()| pipe.write_all(b"\n")).and_then(|()| pipe.flush()).ok()
    }

    fn take(&self, chunk: &Chunk) {
        let mut state = self.lock();
        if chunk.stream == Stream::Stderr {
            // Before the first round, or of the engine's own program.
            if let Some(round) = &state.round {
                round.reader.take(chunk);
            }
            return;
        }
        for piece in state.splitter.take(&chunk.bytes) {
            match piece {
                Piece::Output(bytes) => {
                    if let Some(round) = &state.round {
                        round.reader.take(&Chunk { stream: Stream::Stdout, bytes });
                    }
                }
                Piece::Event(json) => {
                    if let Some(code) = code_of(&json) {
                        let exit = match (code, &self.container) {
                            (0.., _) => Exit::Code(code),
                            (_, None) => Exit::Signal(-code),
                            (_, Some(_)) => Exit::Code(128 - code),
                        };
                        finish(&mut state, exit);
                    }
                }
            }
        }
    }

    fn wait(&self, running: Running) {
        let exit = running.wait().unwrap_or(Exit::Code(-1));
        let mut state = self.lock();
        state.is_over = true;
        finish(&mut state, exit);
        drop(state);
        if let (Some((client, name)), Exit::Code(125 | -1) | Exit::Signal(_)) = (&self.container, exit) {
            let _ = client.remove(std::slice::from_ref(name));
        }
    }

    /// Ends it, with what runs in it, and waits for that.
    fn end(&self) {
        if self.lock().is_over {
            return;
        }
        match (&self.container, self.stopper.lock().ok().and_then(|stopper| *stopper)) {
            // Whether it was removed or is being removed, the engine's program ends when it is.
            (Some((client, name)), _) => drop(client.remove(std::slice::from_ref(name))),
            (None, Some(stopper)) => {
                stopper.kill();
            }
            (None, None) => {}
        }
        if let Ok(mut input) = self.input.lock() {
            input.take();
        }
        let over = self.over.lock().ok().and_then(|mut over| over.take());
        if let Some(over) = over {
            let _ = over.recv_timeout(LEAVE);
        }
    }
}

/// The status that a round ended with, where `json` tells that.
fn code_of(json: &[u8]) -> Option<i32> {
    let value: serde_json::Value = serde_json::from_slice(json).ok()?;
    if value.get("event")? != "round" {
        return None;
    }
    i32::try_from(value.get("code")?.as_i64()?).ok()
}

fn finish(state: &mut State, exit: Exit) {
    if let Some(Round { index, reader, sender }) = state.round.take() {
        let (tail, problem) = reader.finish();
        let _ = sender.send(Signal::Ended { index, exit, tail, problem });
    }
}

impl Order<'_> {
    /// What waits for rounds.
    fn waiting(&self) -> Settings {
        let script = match self.launch.place {
            Place::Host(_) => self.plugin.join(WARM_SERVER.0).display().to_string(),
            Place::Containers(_) => format!("{PLUGIN}/{}", WARM_SERVER.0),
        };
        let mut settings = Settings::new("test", vec!["python3".into(), script]);
        settings.terminal = Terminal::Input;
        settings.env = self.env.to_vec();
        settings.env.push("PYTHONUNBUFFERED=1".into());
        settings.plugin = Some(self.plugin.to_path_buf());
        settings.log = Some(self.log.to_path_buf());
        settings
    }

    fn waiting_key(&self, settings: &Settings) -> Result<Key, ContainerError> {
        let mut parts = self.launch.circumstances(settings)?;
        parts.push(("plugin".into(), self.plugin.display().to_string()));
        parts.push(("image".into(), self.launch.ready.reference.clone()));
        Ok(Key::of_dir(&parts))
    }

    /// One round, as a line.
    fn request(&self) -> String {
        let argv: Vec<String> = self.settings().command.into_iter().skip_while(|word| word != "-p").collect();
        let alone = matches!(self.launch.place, Place::Containers(_));
        serde_json::json!({ "argv": argv, "plugin": self.plugin_settings().to_string(), "alone": alone }).to_string()
    }

    /// Runs it in a container that waits, where there is one.
    pub(super) fn start_warm(&self, reader: &Arc<Reader>, sender: &SyncSender<Signal>) -> Option<Handle> {
        let (stopper, container) = self.warm?.begin(self, reader, sender)?;
        Some(Handle { stopper, container, reader: Arc::clone(reader) })
    }
}
