//! Signals to this process, as messages.

use std::sync::mpsc::{Receiver, channel};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::Signals;

/// Installs handlers for SIGINT, SIGTERM and SIGHUP; each one that arrives becomes a message with its number.
///
/// # Errors
/// When the system refuses the handlers.
pub fn listen() -> std::io::Result<Receiver<i32>> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
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
