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
    /// `CONTAINER_HOST`: Podman's service, where it is not to start containers itself.
    pub container_host: Option<String>,
    /// `REGISTRY_AUTH_FILE`: Podman's file of log-ins.
    pub registry_auth_file: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// `XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<PathBuf>,
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

    /// The folder of the user's own configuration.
    #[must_use]
    pub fn config_home(&self) -> Option<PathBuf> {
        self.xdg_config_home.clone().or_else(|| self.home.as_ref().map(|home| home.join(".config")))
    }

    /// Docker's `config.json`.
    #[must_use]
    pub fn docker_config_file(&self) -> Option<PathBuf> {
        let folder = self.docker_config.clone().or_else(|| self.home.as_ref().map(|home| home.join(".docker")))?;
        Some(folder.join("config.json"))
    }

    /// The files in which Podman looks for log-ins, in its order (containers-auth.json(5)).
    #[must_use]
    pub fn podman_auth_files(&self) -> Vec<PathBuf> {
        if let Some(file) = &self.registry_auth_file {
            return vec![file.clone()];
        }
        let runtime = self.runtime_dir.clone().map(|runtime| runtime.join("containers"));
        let runtime = runtime.unwrap_or_else(|| PathBuf::from(format!("/run/containers/{}", self.user.0)));
        let mut files = vec![runtime.join("auth.json")];
        files.extend(self.config_home().map(|config| config.join("containers/auth.json")));
        files.extend(self.docker_config_file());
        files
    }

    fn is_in_home(&self, socket: &std::path::Path) -> bool {
        self.home.as_ref().is_some_and(|home| self.user.0 != 0 && socket.starts_with(home.join(".docker/run")))
    }

    fn current_context(&self) -> Option<String> {
        let text = std::fs::read(self.docker_config_file()?).ok()?;
        let config: serde_json::Value = serde_json::from_slice(&text).ok()?;
        config.get("currentContext")?.as_str().map(str::to_owned)
    }
}
