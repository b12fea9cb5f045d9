//! What ctrl-C and `kill` do while tasks run: within two seconds nothing is left of all that was started.
//!
//! Every process below this one is asked, then told, then killed, whatever group or session it is in; containers are
//! removed by their engine.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use wharf_engine::Client;

use crate::exit::Failure;

/// From a signal to the next, harder one.
const ASKED: Duration = Duration::from_millis(400);
const TOLD: Duration = Duration::from_millis(500);
/// How long an engine may take to remove a container.
const REMOVED: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(25);
const STEPS: u32 = 24;

/// The signals of this process, taken over.
#[derive(Debug, Clone)]
pub(super) struct Stopping {
    stop: Arc<AtomicBool>,
    containers: Arc<Mutex<Vec<(Client, String)>>>,
    /// Whether commands share this process's group, so that a terminal's ctrl-C has reached them.
    shares: Arc<AtomicBool>,
    has_ended: Arc<AtomicBool>,
}

impl Stopping {
    /// Takes the signals over.
    pub(super) fn listen() -> Result<Self, Failure> {
        wharf_process::adopt_orphans();
        let signals = wharf_process::signals::listen()?;
        let this = Self {
            stop: Arc::default(),
            containers: Arc::default(),
            shares: Arc::default(),
            has_ended: Arc::default(),
        };
        let mine = this.clone();
        std::thread::spawn(move || {
            for signal in signals {
                if mine.stop.swap(true, Ordering::Relaxed) {
                    wharf_process::signal_descendants(Signal::KILL.as_raw());
                    std::process::exit(130);
                }
                let ending = mine.clone();
                std::thread::spawn(move || ending.end(signal));
            }
        });
        Ok(this)
    }

    /// Set when nothing more may be started.
    pub(super) fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn share(&self, shares: bool) {
        self.shares.store(shares, Ordering::Relaxed);
    }

    pub(super) fn add(&self, client: Client, container: String) {
        self.containers.lock().unwrap_or_else(PoisonError::into_inner).push((client, container));
    }

    /// Waits until nothing is left of what was started. A command that has ended may have left others.
    pub(super) fn finish(&self) {
        for _ in 0..STEPS * 4 {
            if self.has_ended.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(STEP);
        }
    }

    fn end(&self, signal: i32) {
        if signal != Signal::INT.as_raw() || !self.shares.load(Ordering::Relaxed) {
            wharf_process::signal_descendants(signal);
        }
        let is_gone = wait(ASKED);
        self.remove_containers();
        if !is_gone {
            wharf_process::signal_descendants(Signal::TERM.as_raw());
            wait(TOLD);
            for _ in 0..STEPS {
                if wharf_process::signal_descendants(Signal::KILL.as_raw()) == 0 {
                    break;
                }
                std::thread::sleep(STEP);
            }
        }
        self.has_ended.store(true, Ordering::Relaxed);
        // Whoever waits for commands has been told by now.
        std::thread::sleep(STEP * 10);
        std::process::exit(130);
    }

    fn remove_containers(&self) {
        let containers = std::mem::take(&mut *self.containers.lock().unwrap_or_else(PoisonError::into_inner));
        std::thread::scope(|scope| {
            for (client, container) in &containers {
                // It may be gone already.
                scope.spawn(move || client.remove_command(std::slice::from_ref(container)).limit(REMOVED).run());
            }
        });
    }
}

/// Waits until nothing is left, at most so long; whether nothing is.
fn wait(limit: Duration) -> bool {
    let start = Instant::now();
    while wharf_process::count_descendants() > 0 {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(STEP);
    }
    true
}
