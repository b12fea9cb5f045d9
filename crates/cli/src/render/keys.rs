//! What is typed while a frame is redrawn in place.
//!
//! A terminal echoes ctrl-C as `^C` where the cursor is: at the end of the frame's last, full line, so the cursor wraps to
//! the next one and what clears the frame misses its first line. While a [`QuietKeys`] lives the terminal does not spell
//! control characters out; nothing else of its settings changes.

use std::os::fd::AsFd;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// Keeps control characters off the screen until it is dropped.
pub struct QuietKeys<F: AsFd> {
    terminal: F,
    before: Option<Termios>,
}

impl<F: AsFd> QuietKeys<F> {
    /// Asks this of `terminal`, if it is one and ours: a job in the background would be stopped for changing it.
    pub fn on(terminal: F) -> Self {
        Self::without(terminal, LocalModes::ECHOCTL)
    }

    /// The same, and each key is heard when it is pressed and not shown; ctrl-C stays what it is.
    pub fn one_by_one(terminal: F) -> Self {
        Self::without(terminal, LocalModes::ECHOCTL | LocalModes::ICANON | LocalModes::ECHO)
    }

    fn without(terminal: F, modes: LocalModes) -> Self {
        let before = in_foreground(&terminal).then(|| tcgetattr(&terminal).ok()).flatten();
        if let Some(before) = &before {
            let mut quiet = before.clone();
            quiet.local_modes.remove(modes);
            // Without it the view is less neat, no more.
            let _ = tcsetattr(&terminal, OptionalActions::Now, &quiet);
        }
        Self { terminal, before }
    }
}

impl<F: AsFd> Drop for QuietKeys<F> {
    fn drop(&mut self) {
        if let Some(before) = self.before.take()
            && in_foreground(&self.terminal)
        {
            let _ = tcsetattr(&self.terminal, OptionalActions::Now, &before);
        }
    }
}

fn in_foreground(terminal: &impl AsFd) -> bool {
    tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp())
}
