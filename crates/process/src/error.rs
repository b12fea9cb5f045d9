//! What can go wrong with an outside program.

use std::io;
use std::time::Duration;

use crate::group::Exit;

/// An outside program that could not be started, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// There is no such program on the search path.
    #[error("program `{program}` was not found")]
    NotFound {
        /// Name as it was asked for.
        program: String,
    },
    /// It is there but could not be started.
    #[error("program `{program}` could not be started")]
    Start {
        /// Name as it was asked for.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It ended with another code than 0.
    #[error("`{command}` {exit}{}", if .stderr.is_empty() { String::new() } else { format!(": {}", .stderr) })]
    Failed {
        /// The command as one could paste it.
        command: String,
        /// How it ended.
        exit: Exit,
        /// The last lines that it wrote to standard error.
        stderr: String,
    },
    /// It did not end in the time given and was killed.
    #[error("`{command}` did not end within {} s", .limit.as_secs_f32())]
    TimedOut {
        /// The command as one could paste it.
        command: String,
        /// The time it was given.
        limit: Duration,
    },
    /// Waiting for it or reading from it failed.
    #[error("lost track of `{program}`")]
    Wait {
        /// Name as it was asked for.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl ProcessError {
    /// Whether the program is simply not installed.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }
}
