//! A command as a value: built, printed, then run.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::error::ProcessError;
use crate::group::Exit;
use crate::stream::{Chunk, Running, Stream};

/// A program with its arguments, variables and folder. Printing it gives a line one could paste into a shell.
#[derive(Debug, Clone)]
pub struct Command {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Variable)>,
    clear: bool,
    cwd: Option<PathBuf>,
    input: Option<Vec<u8>>,
    limit: Option<Duration>,
}

#[derive(Debug, Clone)]
enum Variable {
    Set(OsString),
    Hidden(OsString),
    Passed(OsString),
    Removed,
}

/// What a captured command left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// All of its standard output.
    pub stdout: Vec<u8>,
    /// All of its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text, damaged bytes replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The last lines of standard error, for a message.
    #[must_use]
    pub fn error_text(&self) -> String {
        tail(&String::from_utf8_lossy(&self.stderr), 8)
    }
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.trim_end().lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

impl Command {
    /// A command without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            clear: false,
            cwd: None,
            input: None,
            limit: None,
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable; it is shown when the command is printed.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Variable::Set(value.into())));
        self
    }

    /// Sets a variable whose value is never shown.
    #[must_use]
    pub fn secret_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Variable::Hidden(value.into())));
        self
    }

    /// Keeps a variable of the caller in an emptied environment ([`Command::env_clear`]); printed as `NAME="$NAME"`.
    #[must_use]
    pub fn pass_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Variable::Passed(value.into())));
        self
    }

    /// Takes a variable away.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Variable::Removed));
        self
    }

    /// Starts from an empty environment instead of the caller's.
    #[must_use]
    pub fn env_clear(mut self) -> Self {
        self.clear = true;
        self
    }

    /// Sets the folder it starts in.
    #[must_use]
    pub fn cwd(mut self, dir: impl Into<PathBuf>) -> Self {
        self.cwd = Some(dir.into());
        self
    }

    /// Gives it these bytes as standard input; without this it reads nothing.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Some(bytes.into());
        self
    }

    /// Kills it when it takes longer than this ([`Command::run`] only).
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Name of the program, for messages.
    #[must_use]
    pub fn program(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    /// The folder it starts in, where one was set.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.cwd.as_deref()
    }

    /// Runs it to its end with its output captured, whatever its exit code.
    ///
    /// # Errors
    /// When it cannot be started, is lost, or takes longer than its limit.
    pub fn run(&self) -> Result<Output, ProcessError> {
        let captured = Arc::new(Mutex::new((Vec::new(), Vec::new())));
        let sink = Arc::clone(&captured);
        let running = self.stream(move |chunk| {
            if let Ok(mut captured) = sink.lock() {
                match chunk.stream {
                    Stream::Stdout => captured.0.extend_from_slice(&chunk.bytes),
                    Stream::Stderr => captured.1.extend_from_slice(&chunk.bytes),
                }
            }
        })?;
        let stopper = running.stopper();
        let limit = self.limit;
        let (done, ended) = std::sync::mpsc::channel::<()>();
        let watchdog = limit.map(|limit| {
            std::thread::spawn(move || {
                let late = ended.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
                if late {
                    stopper.kill();
                }
                late
            })
        });
        let exit = running.wait()?;
        drop(done);
        if watchdog.is_some_and(|thread| thread.join().unwrap_or(false)) {
            return Err(ProcessError::TimedOut { command: self.to_string(), limit: limit.unwrap_or_default() });
        }
        let (stdout, stderr) = captured.lock().map(|mut both| std::mem::take(&mut *both)).unwrap_or_default();
        Ok(Output { exit, stdout, stderr })
    }

    /// Runs it to its end and takes any code but 0 for an error.
    ///
    /// # Errors
    /// As [`Command::run`], and [`ProcessError::Failed`].
    pub fn run_checked(&self) -> Result<Output, ProcessError> {
        let output = self.run()?;
        if output.exit.is_success() {
            Ok(output)
        } else {
            Err(ProcessError::Failed { command: self.to_string(), exit: output.exit, stderr: output.error_text() })
        }
    }

    /// Starts it; `sink` gets its output as it comes, from two threads at once.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn stream(&self, sink: impl Fn(Chunk) + Send + Sync + 'static) -> Result<Running, ProcessError> {
        let mut command = self.std();
        command
            .stdin(if self.input.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().map_err(|error| self.start_error(error))?;
        if let (Some(bytes), Some(mut pipe)) = (self.input.clone(), child.stdin.take()) {
            std::thread::spawn(move || pipe.write_all(&bytes));
        }
        Ok(Running::new(self.program(), child, sink))
    }

    /// The same with an input that is written to as long as it runs, and ends when it is dropped.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn converse(
        &self,
        sink: impl Fn(Chunk) + Send + Sync + 'static,
    ) -> Result<(Running, Option<process::ChildStdin>), ProcessError> {
        let mut command = self.std();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(|error| self.start_error(error))?;
        let input = child.stdin.take();
        Ok((Running::new(self.program(), child, sink), input))
    }

    /// Runs it with this process's own terminal, input and output, in this process's group, so that ctrl-C,
    /// window size and colours are the program's own affair.
    ///
    /// # Errors
    /// When it cannot be started or is lost.
    pub fn foreground(&self) -> Result<Exit, ProcessError> {
        self.foreground_with(|_| {})
    }

    /// The same; `on_start` gets the child's process id as soon as there is one.
    ///
    /// # Errors
    /// When it cannot be started or is lost.
    pub fn foreground_with(&self, on_start: impl FnOnce(u32)) -> Result<Exit, ProcessError> {
        let mut child = self.std().spawn().map_err(|error| self.start_error(error))?;
        on_start(child.id());
        let status = child.wait().map_err(|source| ProcessError::Wait { program: self.program(), source })?;
        Ok(status.into())
    }

    fn start_error(&self, source: std::io::Error) -> ProcessError {
        let folder_is_there = self.cwd.as_deref().is_none_or(Path::is_dir);
        if source.kind() == std::io::ErrorKind::NotFound && folder_is_there {
            ProcessError::NotFound { program: self.program() }
        } else {
            ProcessError::Start { program: self.program(), source }
        }
    }

    fn std(&self) -> process::Command {
        let mut command = process::Command::new(&self.program);
        command.args(&self.args);
        if self.clear {
            command.env_clear();
        }
        for (name, variable) in &self.env {
            match variable {
                Variable::Set(value) | Variable::Hidden(value) | Variable::Passed(value) => command.env(name, value),
                Variable::Removed => command.env_remove(name),
            };
        }
        if let Some(dir) = &self.cwd {
            command.current_dir(dir);
        }
        command
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(dir) = &self.cwd {
            write!(f, "cd {} && ", quote(dir.as_os_str()))?;
        }
        if self.clear {
            write!(f, "env -i ")?;
        }
        for (name, variable) in &self.env {
            match variable {
                Variable::Passed(_) => write!(f, "{0}=\"${0}\" ", name.to_string_lossy())?,
                Variable::Set(value) => write!(f, "{}={} ", name.to_string_lossy(), quote(value))?,
                Variable::Hidden(_) => write!(f, "{}=*** ", name.to_string_lossy())?,
                Variable::Removed => {}
            }
        }
        write!(f, "{}", quote(&self.program))?;
        for arg in &self.args {
            write!(f, " {}", quote(arg))?;
        }
        Ok(())
    }
}

fn quote(text: &OsStr) -> String {
    let text = text.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| text.to_string(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn prints_as_pasteable_shell() {
        let command = Command::new("docker").args(["run", "a b", "$HOME"]).env("A", "x y").secret_env("T", "s3cret");
        assert_eq!(command.to_string(), "A='x y' T=*** docker run 'a b' '$HOME'");
    }

    #[test]
    fn captures_output_and_code() {
        let output = Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]).run().unwrap();
        assert_eq!(output.exit, Exit::Code(3));
        assert_eq!(output.text(), "out\n");
        assert_eq!(output.error_text(), "err");
    }

    #[test]
    fn hands_input_over() {
        let output = Command::new("cat").input("hello").run().unwrap();
        assert_eq!(output.text(), "hello");
    }

    #[test]
    fn names_a_missing_program() {
        let error = Command::new("no-such-program-here").run().unwrap_err();
        assert!(error.is_not_found());
    }

    #[test]
    fn a_limit_kills_the_whole_group() {
        let start = Instant::now();
        let error =
            Command::new("sh").args(["-c", "sleep 60 & sleep 60"]).limit(Duration::from_millis(200)).run().unwrap_err();
        assert!(matches!(error, ProcessError::TimedOut { .. }));
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_daemon_that_keeps_the_pipe_open_does_not_hang_us() {
        let start = Instant::now();
        let output = Command::new("sh").args(["-c", "sleep 60 & echo done"]).run().unwrap();
        assert_eq!(output.text(), "done\n");
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}
