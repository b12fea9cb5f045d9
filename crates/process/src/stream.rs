//! A child whose output is handed over as it comes, and which can be stopped with all that it started.
//!
//! Two threads read its pipes. When the child has ended but something it started still holds a pipe open,
//! the readers are given a moment and then the whole group is killed, so that waiting always ends.

use std::io::Read;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::error::ProcessError;
use crate::group::{Alive, Exit, send};

const LINGER: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_micros(500);

/// Which of a child's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Some bytes that a child wrote.
#[derive(Debug, Clone)]
pub struct Chunk {
    /// Where it wrote them.
    pub stream: Stream,
    /// The bytes, cut wherever the pipe cut them.
    pub bytes: Vec<u8>,
}

/// A child that runs.
#[derive(Debug)]
pub struct Running {
    program: String,
    child: Child,
    pid: Pid,
    readers: Arc<AtomicUsize>,
    _alive: Alive,
}

/// Stops a child from another thread.
#[derive(Debug, Clone, Copy)]
pub struct Stopper(Pid);

impl Stopper {
    /// Asks the child and all of its group to end (SIGTERM). False when nothing is left of it.
    #[allow(clippy::must_use_candidate)]
    pub fn ask(self) -> bool {
        send(self.0, Signal::TERM)
    }

    /// Interrupts the child's group, as ctrl-C does (SIGINT). False when nothing is left of it.
    #[allow(clippy::must_use_candidate)]
    pub fn interrupt(self) -> bool {
        send(self.0, Signal::INT)
    }

    /// Kills the child's group. False when nothing is left of it.
    #[allow(clippy::must_use_candidate)]
    pub fn kill(self) -> bool {
        send(self.0, Signal::KILL)
    }
}

impl Running {
    pub(crate) fn new(program: String, mut child: Child, sink: impl Fn(Chunk) + Send + Sync + 'static) -> Self {
        let pid = Pid::from_child(&child);
        let readers = Arc::new(AtomicUsize::new(2));
        let sink = Arc::new(sink);
        let pipes: [(Stream, Option<Box<dyn Read + Send>>); 2] = [
            (Stream::Stdout, child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>)),
            (Stream::Stderr, child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>)),
        ];
        for (stream, pipe) in pipes {
            let left = Arc::clone(&readers);
            let sink = Arc::clone(&sink);
            thread::spawn(move || {
                if let Some(pipe) = pipe {
                    read_all(stream, pipe, &*sink);
                }
                drop(sink);
                left.fetch_sub(1, Ordering::Release);
            });
        }
        Self { program, child, pid, readers, _alive: Alive::enter(pid) }
    }

    /// The child's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A handle to stop it from elsewhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper(self.pid)
    }

    /// Waits until it has ended and all it wrote has been handed over.
    ///
    /// # Errors
    /// When the system loses track of it.
    pub fn wait(mut self) -> Result<Exit, ProcessError> {
        let status = self.child.wait();
        let deadline = Instant::now() + LINGER;
        let mut killed = false;
        while self.readers.load(Ordering::Acquire) > 0 {
            if Instant::now() > deadline {
                if killed {
                    break;
                }
                killed = true;
                send(self.pid, Signal::KILL);
                thread::sleep(Duration::from_millis(200));
            }
            thread::sleep(POLL);
        }
        match status {
            Ok(status) => Ok(status.into()),
            Err(source) => Err(ProcessError::Wait { program: self.program, source }),
        }
    }
}

fn read_all(stream: Stream, mut pipe: impl Read, sink: &(impl Fn(Chunk) + ?Sized)) {
    let mut buffer = vec![0_u8; 32 * 1024];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => sink(Chunk { stream, bytes: buffer[..count].to_vec() }),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}
