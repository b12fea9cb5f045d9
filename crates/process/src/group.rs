//! Process groups: the unit in which children are stopped. Knows every group that is alive.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Mutex;

use rustix::process::{Pid, Signal, kill_process_group};

static ALIVE: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
}

impl Exit {
    /// Whether it returned 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The code that a shell would show: 128 plus the signal's number for a signal.
    #[must_use]
    pub fn shell_code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

impl From<ExitStatus> for Exit {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Code(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Code(-1),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with code {code}"),
            Self::Signal(signal) => write!(f, "was ended by signal {signal}"),
        }
    }
}

/// A child's group in the list of those alive; leaves the list when dropped.
#[derive(Debug)]
pub(crate) struct Alive(Pid);

impl Alive {
    pub(crate) fn enter(pid: Pid) -> Self {
        if let Ok(mut alive) = ALIVE.lock() {
            alive.push(pid);
        }
        Self(pid)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        if let Ok(mut alive) = ALIVE.lock()
            && let Some(place) = alive.iter().position(|pid| *pid == self.0)
        {
            alive.swap_remove(place);
        }
    }
}

pub(crate) fn send(pid: Pid, signal: Signal) -> bool {
    kill_process_group(pid, signal).is_ok()
}

/// Asks every process group that this process started and that is still alive to end (SIGTERM). For the first ctrl-C.
pub fn ask_all() {
    all(Signal::TERM);
}

/// Kills every process group that this process started and that is still alive. For the second ctrl-C.
pub fn kill_all() {
    all(Signal::KILL);
}

fn all(signal: Signal) {
    let alive = ALIVE.lock().map(|alive| alive.clone()).unwrap_or_default();
    for pid in alive {
        send(pid, signal);
    }
}
