//! What a container is started with, as a value, and the engine's command line for it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use wharf_process::Command;

use crate::client::Client;
use crate::error::EngineError;
use crate::kind::Kind;
use crate::platform::Platform;

/// A folder or file of the host, seen in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path on the host; must be there.
    pub host: PathBuf,
    /// Absolute path in the container.
    pub container: String,
    /// Whether the container may only read it.
    pub read_only: bool,
}

/// How the container is joined to the caller's terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// No input.
    None,
    /// Standard input is piped through.
    Input,
    /// A terminal, with size, colours and ctrl-C.
    Full,
}

/// Who runs in the container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// The caller, by uid and gid, whatever the engine maps.
    Caller,
    /// As the image says.
    Image,
    /// What the user asked for, as the engine takes it.
    Named(String),
}

/// Whether the engine keeps what the container prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineLog {
    /// It does, as it is configured.
    Kept,
    /// It does not: whoever started the container reads it all. A second copy would only take time and disk.
    None,
}

/// What is started in the container first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entrypoint {
    /// The image's own.
    Image,
    /// None: the command itself.
    Cleared,
    /// This program of the container, with the command as its arguments.
    Program(String),
}

/// A container to start.
#[derive(Debug, Clone)]
pub struct RunSpec {
    /// Image id or reference.
    pub image: String,
    /// Name of the container.
    pub name: String,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// What is started first.
    pub entrypoint: Entrypoint,
    /// Folders of the host.
    pub mounts: Vec<Mount>,
    /// Variables with their values.
    pub env: BTreeMap<String, String>,
    /// Variables whose values come from the caller's environment and are never shown.
    pub passed_env: Vec<String>,
    /// Folder it starts in; empty for the image's own.
    pub workdir: String,
    /// Who runs.
    pub user: User,
    /// Network to join, where not the engine's default.
    pub network: Option<String>,
    /// Ports to open, as the engine takes them.
    pub ports: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// How it is joined to the terminal.
    pub terminal: Terminal,
    /// Time between being asked to end and being killed.
    pub stop_grace: Duration,
    /// Platform such as `linux/arm64`, where not the engine's own.
    pub platform: Option<Platform>,
    /// Volumes as the user wrote them, for the engine to read.
    pub volumes: Vec<String>,
    /// Whether the engine keeps what it prints.
    pub log: EngineLog,
    /// Whether it runs on its own: nobody waits for it, and it stays when it has ended.
    pub detached: bool,
    /// A name by which others in its network find it.
    pub alias: Option<String>,
    /// Further names of hosts that it knows, with their addresses.
    pub hosts: Vec<(String, String)>,
    /// Further options, as the engine's program takes them.
    pub options: Vec<String>,
}

impl Client {
    /// The command line that starts the container, removes it after its end, and lends it what the spec says.
    #[must_use]
    pub fn run_command(&self, spec: &RunSpec) -> Command {
        let mut command = self.command().args(["run", if spec.detached { "--detach" } else { "--rm" }]);
        // Without it the command is process 1, which ignores SIGTERM unless it handles it.
        if self.has_init() {
            command = command.arg("--init");
        }
        command = command.arg("--name").arg(spec.name.clone());
        command = match spec.terminal {
            Terminal::None => command,
            Terminal::Input => command.arg("--interactive"),
            Terminal::Full => command.arg("--interactive").arg("--tty"),
        };
        for (name, value) in &spec.labels {
            command = command.arg("--label").arg(format!("{name}={value}"));
        }
        command = self.with_user(command, &spec.user);
        if !spec.workdir.is_empty() {
            command = command.arg("--workdir").arg(spec.workdir.clone());
        }
        for mount in &spec.mounts {
            command = command.arg("--mount").arg(mount_field(mount));
        }
        for volume in &spec.volumes {
            command = command.arg("--volume").arg(volume.clone());
        }
        for (name, value) in &spec.env {
            command = command.arg("--env").arg(format!("{name}={value}"));
        }
        for name in &spec.passed_env {
            command = command.arg("--env").arg(name.clone());
        }
        for port in &spec.ports {
            command = command.arg("--publish").arg(port.clone());
        }
        if let Some(network) = &spec.network {
            command = command.arg("--network").arg(network.clone());
        }
        if let Some(alias) = &spec.alias {
            command = command.arg("--network-alias").arg(alias.clone());
        }
        for (name, address) in &spec.hosts {
            command = command.arg("--add-host").arg(format!("{name}:{address}"));
        }
        if let Some(platform) = &spec.platform {
            command = command.arg("--platform").arg(platform.to_string());
        }
        if spec.stop_grace != Duration::from_secs(10) {
            command = command.arg("--stop-timeout").arg(spec.stop_grace.as_secs().to_string());
        }
        if spec.log == EngineLog::None {
            command = command.args(["--log-driver", "none"]);
        }
        command = command.args(spec.options.iter().cloned());
        match &spec.entrypoint {
            Entrypoint::Image => {}
            Entrypoint::Cleared => command = command.arg("--entrypoint="),
            Entrypoint::Program(program) => command = command.arg(format!("--entrypoint={program}")),
        }
        command.arg(spec.image.clone()).args(spec.command.iter().cloned())
    }

    /// Starts a container whose spec has the option to go on by itself (`--detach`).
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn start(&self, spec: &RunSpec) -> Result<(), EngineError> {
        self.answer("start a container", &self.run_command(spec)).map(drop)
    }

    /// Docker brings its own; Podman looks for `catatonit` (containers.conf(5), `init_path` and its defaults).
    fn has_init(&self) -> bool {
        let places = ["/usr/libexec/podman", "/usr/local/libexec/podman", "/usr/lib/podman"];
        self.kind() == Kind::Docker || places.iter().any(|place| PathBuf::from(place).join("catatonit").is_file())
    }

    fn with_user(&self, command: Command, user: &User) -> Command {
        let keeps_id = *user == User::Caller && self.kind() == Kind::Podman && self.environment().user.0 != 0;
        let command = if keeps_id { command.arg("--userns=keep-id") } else { command };
        match self.user_value(user) {
            Some(user) => command.arg("--user").arg(user),
            None => command,
        }
    }

    /// The value of `--user`. Rootless engines map the container's root to the caller; rootless Podman can also keep the
    /// caller's id.
    pub(crate) fn user_value(&self, user: &User) -> Option<String> {
        let (uid, gid) = self.environment().user;
        match user {
            User::Image => None,
            User::Named(name) => Some(name.clone()),
            User::Caller if self.kind() == Kind::Docker && self.environment().docker_is_rootless() => {
                Some("0:0".to_owned())
            }
            User::Caller => Some(format!("{uid}:{gid}")),
        }
    }
}

/// The value of `--mount`: fields in CSV, so that a comma or a quote in a path is quoted (RFC 4180, as the
/// engines' own parsers read it).
fn mount_field(mount: &Mount) -> String {
    let source = csv(&format!("source={}", mount.host.display()));
    let target = csv(&format!("target={}", mount.container));
    let access = if mount.read_only { ",readonly" } else { "" };
    format!("type=bind,{source},{target}{access}")
}

fn csv(field: &str) -> String {
    if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_paths_for_the_engine() {
        let mount = Mount { host: "/a,b/\"c\"".into(), container: "/x".into(), read_only: true };
        assert_eq!(mount_field(&mount), "type=bind,\"source=/a,b/\"\"c\"\"\",target=/x,readonly");
    }
}
