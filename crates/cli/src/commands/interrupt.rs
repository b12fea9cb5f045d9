//! What ctrl-C and `kill` do to a command that builds first and then hands the terminal over.
//!
//! While Wharf itself works, the first signal stops what it started and lets it clean up; the second ends it at once.
//! While a child has the terminal, ctrl-C is the child's own affair (the terminal sends it to both), and other
//! signals are passed on to it, or to its container where the child cannot be trusted to do so.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::exit::Failure;

/// Time to clean up after a signal.
const PATIENCE: Duration = Duration::from_secs(5);
const SIGINT: i32 = Signal::INT.as_raw();

/// The signals of this process, taken over.
#[derive(Debug, Clone)]
pub(super) struct Interrupt {
    stop: Arc<AtomicBool>,
    child: Arc<Mutex<Option<Child>>>,
}

/// Sends a signal to what a child runs; false where that cannot be done.
pub(super) type Relay = Arc<dyn Fn(i32) -> bool + Send + Sync>;

/// A child that has the terminal.
#[derive(Clone)]
struct Child {
    /// `None`: it is no process of this machine, and gets no signal but through the relay.
    pid: Option<Pid>,
    relay: Option<Relay>,
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child").field("pid", &self.pid).finish_non_exhaustive()
    }
}

impl Interrupt {
    /// Takes the signals over.
    pub(super) fn listen() -> Result<Self, Failure> {
        let signals = wharf_process::signals::listen()?;
        let this = Self { stop: Arc::default(), child: Arc::default() };
        let mine = this.clone();
        std::thread::spawn(move || {
            for signal in signals {
                mine.take(signal);
            }
        });
        Ok(this)
    }

    /// Set when nothing more may be started.
    pub(super) fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// Fails where a signal came.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failure { code: 130, message: "interrupted".into(), hint: None });
        }
        Ok(())
    }

    /// From now on a child has the terminal. It gets signals itself unless `relay` takes them.
    pub(super) fn hand_over(&self, child: u32, relay: Option<Relay>) {
        if let Ok(mut slot) = self.child.lock() {
            let pid = i32::try_from(child).ok().and_then(Pid::from_raw);
            *slot = pid.map(|pid| Child { pid: Some(pid), relay });
        }
    }

    /// From now on all signals go through `relay`.
    pub(super) fn relay_all(&self, relay: Relay) {
        if let Ok(mut slot) = self.child.lock() {
            *slot = Some(Child { pid: None, relay: Some(relay) });
        }
    }

    /// What had the signals has ended.
    pub(super) fn take_back(&self) {
        if let Ok(mut slot) = self.child.lock() {
            *slot = None;
        }
    }

    fn take(&self, signal: i32) {
        let child = self.child.lock().map_or(None, |child| child.clone());
        match child {
            Some(child) if signal != SIGINT || child.pid.is_none() => {
                let taken = child.relay.is_some_and(|relay| relay(signal));
                if let (Some(pid), Some(signal)) = (child.pid, Signal::from_named_raw(signal).filter(|_| !taken)) {
                    // It may have ended just now.
                    let _ = kill_process(pid, signal);
                }
            }
            Some(_) => {}
            None if self.stop.swap(true, Ordering::Relaxed) => std::process::exit(130),
            None => {
                wharf_process::ask_all();
                std::thread::spawn(|| {
                    std::thread::sleep(PATIENCE / 2);
                    wharf_process::kill_all();
                    std::thread::sleep(PATIENCE / 2);
                    std::process::exit(130);
                });
            }
        }
    }
}
