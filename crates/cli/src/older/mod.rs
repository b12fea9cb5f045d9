//! The names that people typed before Wharf: `wharf` called through a link named `i`, `invoke` or `main_pytest.py`.
//!
//! Owns what these names and options mean as `wharf` command lines, and runs those in this process. Refuses to do anything that
//! no `wharf` command does.
//!
//! # Theory of operation
//! [`words`] cuts a command line into tasks, as invoke does. Each task that [`table`] has a row for becomes command lines, by the
//! row's own function, which is pure; [`Standing`] is all it knows of the place. These lines are parsed by the same parser as any
//! other and dispatched one after the other. All other tasks are handed to the real `invoke`, untouched.

mod containers;
mod help;
mod images;
mod line;
mod option;
mod pytest;
mod repos;
mod run;
mod standing;
mod table;
#[cfg(test)]
mod tests;
mod words;

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

pub use line::{Line, Refusal, Translation};
pub use option::{Fate, Kind, Opt};
pub use standing::Standing;
pub use table::{Row, rows};

/// The names of links that `wharf` heeds.
pub const LINKS: [&str; 3] = ["i", "invoke", "main_pytest.py"];

/// The program that a link stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// `i` and `invoke`.
    Invoke,
    /// `main_pytest.py`.
    MainPytest,
}

impl Program {
    /// The program that `name`, the first word of a command line, stands for; `None` for `wharf` itself.
    #[must_use]
    pub fn of(name: &OsStr) -> Option<Self> {
        match Path::new(name).file_name()?.to_str()? {
            "i" | "invoke" => Some(Self::Invoke),
            "main_pytest.py" => Some(Self::MainPytest),
            _ => None,
        }
    }
}

/// Runs the command line of a link, whose name is its first word; `None` where it is none.
#[must_use]
pub fn run() -> Option<ExitCode> {
    let mut words = std::env::args_os();
    let program = Program::of(&words.next()?)?;
    let words = words.map(|word| word.to_string_lossy().into_owned()).collect();
    Some(crate::exit::code(run::run(program, words)))
}
