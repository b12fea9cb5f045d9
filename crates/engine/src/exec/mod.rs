//! A command in a container that runs already.
//!
//! Over Docker's API where the engine listens on a local socket (the program alone takes 20 to 40 ms), else by the engine's
//! program. Either way the command first writes its process id to a file in the container, so that it can be sent signals:
//! the engines have no verb for that.

mod api;
mod terminal;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use wharf_process::Command;

use crate::client::Client;
use crate::error::EngineError;
use crate::run::{Terminal, User};

/// Folder in the container for the files with process ids; it must be writable by whoever runs commands.
pub const PIDS: &str = "/run/wharf";

/// A command to run in a container that runs already.
#[derive(Debug, Clone)]
pub struct ExecSpec {
    /// Name of the container.
    pub container: String,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// Name of the file in [`PIDS`] that gets its process id.
    pub token: String,
    /// Variables with their values.
    pub env: BTreeMap<String, String>,
    /// Variables whose values come from the caller's environment and are never shown.
    pub passed_env: Vec<(String, OsString)>,
    /// Folder it starts in; empty for the container's own.
    pub workdir: String,
    /// Who runs.
    pub user: User,
    /// How it is joined to the terminal.
    pub terminal: Terminal,
}

/// What becomes of standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// There is none.
    None,
    /// This process's own.
    Own,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exec {
    /// It ended with this code.
    Ended(i32),
    /// There is no such container, or nothing can be started in it any more.
    NoContainer,
    /// Nobody reads its output any more.
    Unread,
}

/// Writes the process id down and becomes the command.
const WRAPPER: &str = r#"echo $$ 2>/dev/null >"/run/wharf/$1"; shift; exec "$@""#;

impl ExecSpec {
    fn argv(&self) -> Vec<String> {
        let wrapper = ["/bin/sh", "-c", WRAPPER, "wharf", &self.token].map(str::to_owned);
        wrapper.into_iter().chain(self.command.iter().cloned()).collect()
    }
}

impl Client {
    /// Runs it with this process's own terminal, input and output, over the API; `None` where there is no local socket, for
    /// which [`Client::exec_command`] is.
    ///
    /// # Errors
    /// When the engine does not answer, or refuses.
    pub fn exec(&self, spec: &ExecSpec) -> Option<Result<Exec, EngineError>> {
        self.socket().map(|socket| api::run(socket, spec, self.user_value(&spec.user)))
    }

    /// The engine's command line for it.
    #[must_use]
    pub fn exec_command(&self, spec: &ExecSpec) -> Command {
        let mut command = self.command().arg("exec");
        command = match spec.terminal {
            Terminal::None => command,
            Terminal::Input => command.arg("--interactive"),
            Terminal::Full => command.arg("--interactive").arg("--tty"),
        };
        if let Some(user) = self.user_value(&spec.user) {
            command = command.arg("--user").arg(user);
        }
        if !spec.workdir.is_empty() {
            command = command.arg("--workdir").arg(spec.workdir.clone());
        }
        for (name, value) in &spec.env {
            command = command.arg("--env").arg(format!("{name}={value}"));
        }
        for (name, _) in &spec.passed_env {
            command = command.arg("--env").arg(name.clone());
        }
        command.arg(spec.container.clone()).args(spec.argv())
    }

    /// Whether there is a container of this name, and it runs.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn is_running(&self, name: &str) -> Result<bool, EngineError> {
        if let Some(socket) = self.socket() {
            return api::is_running(socket, name);
        }
        match self.ask("inspect a container", &["container", "inspect", "--format", "{{.State.Running}}", name]) {
            Ok(output) => Ok(output.text().trim() == "true"),
            Err(EngineError::Refused { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends a signal, by number, to a command that was started by [`Client::exec`] or [`Client::exec_command`]. It waits a
    /// moment for one that is only about to start. False where there is none.
    #[must_use]
    pub fn exec_signal(&self, container: &str, token: &str, signal: i32) -> bool {
        let script = r#"f=/run/wharf/$1 i=0; until [ -s "$f" ] || [ $i = 20 ]; do i=$((i+1)); sleep 0.1; done
read -r p 2>/dev/null <"$f" && kill -"$2" "$p""#;
        self.exec_script(container, script, &[token, &signal.to_string()])
    }

    /// Ends a command that nobody waits for any more, with all of its process group: ask, wait a moment, kill. False where
    /// there was none.
    #[must_use]
    pub fn exec_end(&self, container: &str, token: &str) -> bool {
        let script = r#"read -r p 2>/dev/null <"/run/wharf/$1" && [ -d "/proc/$p" ] || exit 1
kill -TERM -- "-$p" 2>/dev/null || kill -TERM "$p"
i=0; while [ -d "/proc/$p" ] && [ $i != 10 ]; do i=$((i+1)); sleep 0.1; done
kill -KILL -- "-$p" 2>/dev/null; kill -KILL "$p" 2>/dev/null; true"#;
        self.exec_script(container, script, &[token])
    }

    fn exec_script(&self, container: &str, script: &str, arguments: &[&str]) -> bool {
        let words = ["/bin/sh", "-c", script, "wharf"].into_iter().chain(arguments.iter().copied());
        if let Some(socket) = self.socket() {
            let words: Vec<String> = words.map(str::to_owned).collect();
            return api::quietly(socket, container, &words).is_ok_and(|code| code == 0);
        }
        let command = self.command().args(["exec", "--user", "0:0", container]).args(words);
        let output = command.limit(Duration::from_secs(60)).run();
        output.is_ok_and(|output| output.exit.is_success())
    }
}
