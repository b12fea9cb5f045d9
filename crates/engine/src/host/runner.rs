//! Runs an installer: its lines go to the caller and to a log, the last ones into the error.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use wharf_process::{Chunk, Command, Exit, ProcessError, Stream};

use super::HostTools;
use super::error::HostError;

const TAIL: usize = 30;
const HIDDEN: &str = "***";

/// Variables of the user that would lead an installer away from the environment it is told to fill.
const MISLEADING: [&str; 14] = [
    "PYTHONHOME",
    "PYTHONPATH",
    "__PYVENV_LAUNCHER__",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_PYTHON",
    "UV_TARGET",
    "UV_PREFIX",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "VIRTUAL_ENV",
];

impl HostTools {
    /// The command with what every installer gets: the search path, the caller's extra variables, none that mislead.
    pub(super) fn dress(&self, command: Command) -> Command {
        self.dress_for(command, None)
    }

    /// As [`HostTools::dress`], for the environment at `venv`.
    pub(super) fn dress_for(&self, mut command: Command, venv: Option<&Path>) -> Command {
        for (name, value) in &self.env {
            command = command.secret_env(name, value);
        }
        for name in MISLEADING {
            command = command.env_remove(name);
        }
        command = command.env("PATH", &self.search_path).env("PIP_USER", "0").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        match venv {
            Some(venv) => command.env("VIRTUAL_ENV", venv).env_remove("UV_PROJECT_ENVIRONMENT"),
            None => command,
        }
    }

    /// User and password in the values of the extra variables, to be hidden wherever an installer says them.
    fn credentials(&self) -> Vec<String> {
        let values = self.env.iter().map(|(_, value): &(OsString, OsString)| value.to_string_lossy());
        let mut found: Vec<String> =
            values.flat_map(|value| value.split_whitespace().filter_map(credentials_of).collect::<Vec<_>>()).collect();
        found.sort_by_key(|text| std::cmp::Reverse(text.len()));
        found
    }
}

/// `user:password` of `https://user:password@host/…`, where there is a password or token.
fn credentials_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (credentials, _) = authority.rsplit_once('@')?;
    (!credentials.is_empty()).then(|| credentials.to_owned())
}

/// Runs one command after the other for one environment.
pub(super) struct Runner<'a, 'l> {
    tools: &'a HostTools,
    venv: PathBuf,
    log: File,
    log_path: PathBuf,
    hide: Vec<String>,
    tail: VecDeque<String>,
    on_line: &'a mut (dyn FnMut(&str) + 'l),
}

enum Message {
    Chunk(Chunk),
    Ended(Result<Exit, ProcessError>),
}

impl<'a, 'l> Runner<'a, 'l> {
    /// For the environment at `venv`; starts the log `logs/<name>.log` anew.
    pub(super) fn new(
        tools: &'a HostTools,
        venv: &Path,
        name: &str,
        on_line: &'a mut (dyn FnMut(&str) + 'l),
    ) -> Result<Self, HostError> {
        let logs = tools.cache.join("logs");
        std::fs::create_dir_all(&logs).map_err(HostError::cache(&logs))?;
        let log_path = logs.join(format!("{name}.log"));
        let log = File::create(&log_path).map_err(HostError::cache(&log_path))?;
        let (venv, hide) = (venv.to_owned(), tools.credentials());
        Ok(Self { tools, venv, log, log_path, hide, tail: VecDeque::new(), on_line })
    }

    /// Where the log is.
    pub(super) fn log(&self) -> &Path {
        &self.log_path
    }

    /// Whether the last command said `text` among its last lines.
    pub(super) fn said(&self, text: &str) -> bool {
        self.tail.iter().any(|line| line.contains(text))
    }

    /// Runs it to its end. The command is shown without what [`HostTools::dress`] adds.
    pub(super) fn run(&mut self, command: &Command) -> Result<(), HostError> {
        self.tail.clear();
        let shown = self.hidden(&command.to_string());
        self.write(&format!("$ {shown}"));
        let exit = self.stream(&self.tools.dress_for(command.clone(), Some(&self.venv)))?;
        self.write(&format!("# {exit}"));
        if exit.is_success() {
            return Ok(());
        }
        let tail = self.tail.make_contiguous().join("\n");
        Err(HostError::Install { command: shown, exit, tail, log: self.log_path.clone() })
    }

    fn stream(&mut self, command: &Command) -> Result<Exit, HostError> {
        let (sender, messages) = channel();
        let chunks = sender.clone();
        let running = command.stream(move |chunk| {
            let _gone = chunks.send(Message::Chunk(chunk));
        })?;
        std::thread::spawn(move || sender.send(Message::Ended(running.wait())));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        for message in messages {
            match message {
                Message::Chunk(Chunk { stream: Stream::Stdout, bytes }) => self.lines(&mut out, &bytes),
                Message::Chunk(Chunk { stream: Stream::Stderr, bytes }) => self.lines(&mut err, &bytes),
                Message::Ended(exit) => {
                    self.lines(&mut out, b"\n");
                    self.lines(&mut err, b"\n");
                    return Ok(exit?);
                }
            }
        }
        unreachable!("the waiting thread always says how the command ended")
    }

    fn lines(&mut self, pending: &mut Vec<u8>, bytes: &[u8]) {
        pending.extend_from_slice(bytes);
        while let Some(end) = pending.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let line: Vec<u8> = pending.drain(..=end).collect();
            let line = self.hidden(String::from_utf8_lossy(&line[..end]).trim_end());
            if !line.is_empty() {
                self.line(&line);
            }
        }
    }

    fn line(&mut self, line: &str) {
        self.write(line);
        (self.on_line)(line);
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.to_owned());
    }

    fn hidden(&self, text: &str) -> String {
        self.hide.iter().fold(text.to_owned(), |text, secret| text.replace(secret, HIDDEN))
    }

    /// A log that cannot be written (disk full) shows soon enough in the installer's own words.
    fn write(&mut self, line: &str) {
        let _written = writeln!(self.log, "{line}");
    }

    /// Says a line of Wharf's own to the caller.
    pub(super) fn say(&mut self, line: &str) {
        self.write(line);
        (self.on_line)(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_in_addresses() {
        assert_eq!(credentials_of("https://me:s3cret@pypi.example.org/simple").as_deref(), Some("me:s3cret"));
        assert_eq!(credentials_of("https://t0ken@host").as_deref(), Some("t0ken"));
        assert_eq!(credentials_of("https://pypi.example.org/@scope/simple"), None);
        assert_eq!(credentials_of("plain"), None);
    }
}
