//! What engines need to know of the caller's environment. It enters here once, as a value.

use std::ffi::OsString;
use std::path::PathBuf;

/// The caller's environment, as far as engines care.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// `PATH`.
    pub search_path: OsString,
    /// Home folder.
    pub home: Option<PathBuf>,
    /// `DOCKER_HOST`.
    pub docker_host: Option<String>,
    /// `DOCKER_CONTEXT`.
    pub docker_context: Option<String>,
    /// `DOCKER_CONFIG`.
    pub docker_config: Option<PathBuf>,
    /// The caller's user id and group id.
    pub user: (u32, u32),
}

impl Environment {
    /// The local socket that the `docker` program would talk to, unless a context or a remote host is set.
    #[must_use]
    pub fn docker_socket(&self) -> Option<PathBuf> {
        if let Some(host) = self.docker_host.as_deref().filter(|host| !host.is_empty()) {
            return host.strip_prefix("unix://").map(PathBuf::from);
        }
        let named = self.docker_context.clone().filter(|name| !name.is_empty()).or_else(|| self.current_context());
        match named.as_deref() {
            None | Some("default") => Some(PathBuf::from("/var/run/docker.sock")),
            Some(_) => None,
        }
    }

    /// Whether the engine at this socket runs without root, where the container's root is the caller.
    #[must_use]
    pub fn docker_is_rootless(&self) -> bool {
        self.docker_socket().is_some_and(|socket| socket.starts_with("/run/user") || self.is_in_home(&socket))
    }

    fn is_in_home(&self, socket: &std::path::Path) -> bool {
        self.home.as_ref().is_some_and(|home| self.user.0 != 0 && socket.starts_with(home.join(".docker/run")))
    }

    fn current_context(&self) -> Option<String> {
        let folder = self.docker_config.clone().or_else(|| self.home.as_ref().map(|home| home.join(".docker")))?;
        let text = std::fs::read(folder.join("config.json")).ok()?;
        let config: serde_json::Value = serde_json::from_slice(&text).ok()?;
        config.get("currentContext")?.as_str().map(str::to_owned)
    }
}
