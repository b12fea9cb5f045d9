//! Starts, supervises and stops outside programs. Nobody else in Wharf spawns.
//!
//! - [`Command`] is a value: it can be printed as a line one could paste into a shell before it runs.
//! - [`Command::run`] captures, [`Command::stream`] hands output over as it comes, [`Command::foreground`]
//!   lends the terminal.
//! - Every captured or streamed child leads a process group of its own, so that it can be stopped with all
//!   that it started: ask, wait, kill. [`kill_all`] ends whatever is still alive.
//! - [`signal_descendants`] reaches all that this process started, whatever group it is in.
//! - [`signals`] turns SIGINT, SIGTERM and SIGHUP into messages.
//!
//! Refuses to know what the programs do.

mod command;
mod error;
mod group;
pub mod signals;
mod stream;
mod tree;

pub use command::{Command, Output};
pub use error::ProcessError;
pub use group::{Exit, ask_all, kill_all};
pub use stream::{Chunk, Running, Stopper, Stream};
pub use tree::{adopt_orphans, count_descendants, signal_descendants};
