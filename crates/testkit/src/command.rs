//! A program under test, before it starts.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::output::Output;
use crate::running::{Input, Running};
use crate::terminal::{Size, Terminal};

/// How long a program may take unless the test says otherwise.
const DEADLINE: Duration = Duration::from_secs(120);

/// A program with a cleared environment, in a process group of its own.
pub struct WharfCommand {
    command: Command,
    input: Input,
    deadline: Duration,
}

impl WharfCommand {
    pub(crate) fn new(program: &Path, variables: &[(OsString, OsString)], cwd: &Path) -> Self {
        let mut command = Command::new(program);
        command.env_clear().envs(variables.iter().map(|(name, value)| (name, value))).current_dir(cwd);
        Self { command, input: Input::None, deadline: DEADLINE }
    }

    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, args: I) -> Self {
        self.command.args(args);
        self
    }

    /// Sets one variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes one variable away.
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Sets where it starts.
    pub fn cwd(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Gives it this input, then its end. Without, it has none.
    pub fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = Input::Bytes(input.into());
        self
    }

    /// Leaves its input open, for `Running::send`.
    pub fn stdin_open(mut self) -> Self {
        self.input = Input::Open;
        self
    }

    /// Sets how long it may take in all; 120 s without.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs it to its end. Past the deadline, kills its group and fails with what it had said.
    #[track_caller]
    pub fn run(self) -> Output {
        self.spawn().wait()
    }

    /// Starts it, for tests that do something meanwhile.
    #[track_caller]
    pub fn spawn(mut self) -> Running {
        let line = self.line();
        self.command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.command.stdin(if matches!(self.input, Input::None) { Stdio::null() } else { Stdio::piped() });
        let child = self.command.spawn().unwrap_or_else(|error| panic!("cannot start `{line}`: {error}"));
        Running::new(child, line, self.input, self.deadline)
    }

    /// Starts it in a terminal of its own, of this many rows and columns.
    #[track_caller]
    pub fn spawn_in_terminal(self, rows: u16, columns: u16) -> Terminal {
        let line = self.line();
        Terminal::start(&self.command, line, Size { rows, columns }, self.deadline)
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }
}
