//! Running outside programs. Refuses to use a shell.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::{Failure, Outcome};

/// An outside program with its arguments, that prints as one could type it.
pub struct Program {
    command: Command,
}

impl Program {
    /// A program found on `PATH`, or by its path.
    pub fn new(name: impl AsRef<OsStr>) -> Self {
        Self { command: Command::new(name) }
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

    /// Sets where it runs.
    pub fn cwd(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Sets one variable.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Sets variables.
    pub fn envs<'a, I: IntoIterator<Item = &'a (String, OsString)>>(mut self, variables: I) -> Self {
        self.command.envs(variables.into_iter().map(|(name, value)| (name, value)));
        self
    }

    /// Runs it to the end with this terminal's input and output; an exit code other than 0 is a failure.
    pub fn run(mut self) -> Outcome {
        let status = self.command.status().map_err(|error| self.cannot_start(&error))?;
        self.judge(status, "")
    }

    /// As `run`, with both of its outputs on our standard output.
    pub fn run_on_stdout(mut self) -> Outcome {
        let stdout = std::io::stdout().as_fd().try_clone_to_owned()?;
        let status = self.command.stderr(Stdio::from(stdout)).status().map_err(|error| self.cannot_start(&error))?;
        self.judge(status, "")
    }

    /// As `run`, with both of its outputs on our standard error.
    pub fn run_on_stderr(mut self) -> Outcome {
        let stderr = std::io::stderr().as_fd().try_clone_to_owned()?;
        let status = self.command.stdout(Stdio::from(stderr)).status().map_err(|error| self.cannot_start(&error))?;
        self.judge(status, "")
    }

    /// Runs it with no input and gives back its trimmed standard output; what it said is in the failure.
    pub fn read(mut self) -> Outcome<String> {
        let output = self.command.stdin(Stdio::null()).output().map_err(|error| self.cannot_start(&error))?;
        self.judge(output.status, String::from_utf8_lossy(&output.stderr).trim())?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Runs it silently: did it end with exit code 0? A program that is not there did not.
    pub fn succeeds(mut self) -> bool {
        self.command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.command.status().is_ok_and(|status| status.success())
    }

    /// Starts it with no input and both outputs in `log`, and leaves it running. Gives back its process id.
    pub fn start_detached(mut self, log: &Path) -> Outcome<u32> {
        let log = fs_err::File::create(log)?.into_parts().0;
        self.command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = self.command.spawn().map_err(|error| self.cannot_start(&error))?;
        Ok(child.id())
    }

    fn judge(&self, status: ExitStatus, said: &str) -> Outcome {
        if status.success() {
            return Ok(());
        }
        let said = if said.is_empty() { String::new() } else { format!("\n{said}") };
        Err(Failure::failed(format!("`{}` failed: {status}{said}", self.line())))
    }

    fn cannot_start(&self, error: &std::io::Error) -> Failure {
        Failure::not_ready(format!("cannot start `{}`: {error}", self.line()))
    }

    /// The command line, for messages.
    pub fn line(&self) -> String {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }
}

/// The program's path, where it is on `PATH` or in a system folder that a user's `PATH` often lacks.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(system).map(|dir| dir.join(name)).find(|file| file.is_file())
}
