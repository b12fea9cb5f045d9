//! What a container lent the engine's socket needs of the engine: its socket, and the removal of what was made through it.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use wharf_process::Running;

use crate::client::Client;
use crate::error::EngineError;
use crate::kind::Kind;
use crate::socket;

/// How long Podman's own server may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// An engine's socket, with the server behind it where it was started for us.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    server: Option<Running>,
}

impl Socket {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.stopper().kill();
        }
    }
}

impl Client {
    /// The engine's socket. Docker's is there or not; for Podman a server is started in `folder` where none listens, which
    /// ends by itself after a minute without connections.
    ///
    /// # Errors
    /// When there is none on this machine, or it does not answer: the error says what was looked for.
    pub fn lent_socket(&self, folder: &Path) -> Result<Socket, EngineError> {
        let absent = |detail: String| EngineError::NoSocket { kind: self.kind(), detail };
        if self.kind() == Kind::Docker {
            let Some(path) = self.socket() else {
                return Err(absent(
                    "it is reached through a context or a remote host, which have no socket here".into(),
                ));
            };
            let opened = UnixStream::connect(path);
            opened.map_err(|error| absent(format!("{}: {error}", path.display())))?;
            return Ok(Socket { path: path.to_path_buf(), server: None });
        }
        let user = self.environment().user.0;
        let usual = match &self.environment().runtime_dir {
            Some(runtime) if user != 0 => runtime.join("podman/podman.sock"),
            _ => PathBuf::from("/run/podman/podman.sock"),
        };
        if UnixStream::connect(&usual).is_ok() {
            return Ok(Socket { path: usual, server: None });
        }
        let path = folder.join("podman.sock");
        let command =
            self.command().args(["system", "service", "--time", "60"]).arg(format!("unix://{}", path.display()));
        let server = command.stream(|_| {}).map_err(|error| absent(error.to_string()))?;
        let socket = Socket { path, server: Some(server) };
        let deadline = Instant::now() + PATIENCE;
        while UnixStream::connect(&socket.path).is_err() {
            if Instant::now() > deadline {
                return Err(absent(format!("`{command}` does not listen")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(socket)
    }
}

/// Removes containers, networks and volumes that carry a label (`name=value`), over an engine's socket; how many there were.
///
/// # Errors
/// When the engine does not answer, or says why something stays.
pub fn remove_labelled(socket: &Path, label: &str) -> Result<usize, EngineError> {
    let filter = socket::escaped(&serde_json::json!({ "label": [label] }).to_string());
    let mut count = 0;
    let list = |path: String| -> Result<Value, EngineError> {
        Ok(socket::at(socket).get(&path)?.good("list what has a label")?.json())
    };
    let mut remove = |path: String| -> Result<(), EngineError> {
        let answer = socket::at(socket).delete(&path)?;
        count += 1;
        match answer.status {
            // 409: it is being removed already.
            404 | 409 => Ok(()),
            _ => answer.good("remove what has a label").map(drop),
        }
    };
    for id in names(&list(format!("/containers/json?all=1&filters={filter}"))?, "Id") {
        remove(format!("/containers/{id}?force=1&v=1"))?;
    }
    for id in names(&list(format!("/networks?filters={filter}"))?, "Id") {
        remove(format!("/networks/{id}"))?;
    }
    let volumes = list(format!("/volumes?filters={filter}"))?;
    for name in names(volumes.get("Volumes").unwrap_or(&Value::Null), "Name") {
        remove(format!("/volumes/{}?force=1", socket::escaped(&name)))?;
    }
    Ok(count)
}

/// Values of one label, each once, of the networks and volumes that have it.
///
/// # Errors
/// When the engine does not answer.
pub fn label_values(socket: &Path, filter: &str, label: &str) -> Result<Vec<String>, EngineError> {
    let filter = socket::escaped(&serde_json::json!({ "label": [filter] }).to_string());
    let mut values = Vec::new();
    for (path, inner) in [("/networks", None), ("/volumes", Some("Volumes"))] {
        let list = socket::at(socket).get(&format!("{path}?filters={filter}"))?.json();
        let list = inner.map_or(&list, |inner| list.get(inner).unwrap_or(&Value::Null));
        let labels = list.as_array().into_iter().flatten().filter_map(|one| one.get("Labels")?.get(label)?.as_str());
        values.extend(labels.map(str::to_owned));
    }
    values.sort();
    values.dedup();
    Ok(values)
}

fn names(list: &Value, name: &str) -> Vec<String> {
    let entries = list.as_array().into_iter().flatten();
    entries.filter_map(|entry| entry.get(name)?.as_str().map(str::to_owned)).collect()
}
