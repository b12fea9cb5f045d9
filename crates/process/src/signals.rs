//! Signals to this process, as messages.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

/// Whoever listens.
static LISTENERS: Mutex<Vec<Handle>> = Mutex::new(Vec::new());

/// Installs handlers for SIGINT, SIGTERM and SIGHUP; each one that arrives becomes a message with its number.
///
/// # Errors
/// When the system refuses the handlers.
pub fn listen() -> std::io::Result<Receiver<i32>> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner).push(signals.handle());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for signal in signals.forever() {
            if sender.send(signal).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// A message each time that the terminal has got another size.
///
/// # Errors
/// When the system refuses the handler.
pub fn listen_to_resizes() -> std::io::Result<Receiver<()>> {
    let mut signals = Signals::new([SIGWINCH])?;
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for _ in signals.forever() {
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Ends every [`listen`] so far: what is over must not answer to a signal that is meant for what comes next.
pub fn end_listening() {
    for listener in LISTENERS.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        listener.close();
    }
}
