//! Finds an engine and says in an error why it cannot be used.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use wharf_process::Command;

use crate::client::Client;
use crate::environment::Environment;
use crate::error::EngineError;
use crate::kind::Kind;

const PATIENCE: Duration = Duration::from_secs(20);

/// A client of `kind`, after the cheapest check that it works: a connection to Docker's local socket (under a
/// millisecond), else a question to the engine's own program. `Kind::Host` has no client and is an error here.
///
/// # Errors
/// [`EngineError::Absent`], [`EngineError::NotRunning`] or [`EngineError::NoPermission`].
pub fn detect(kind: Kind, environment: &Environment) -> Result<Client, EngineError> {
    let program = find(kind, environment).ok_or(EngineError::Absent(kind))?;
    match (kind, environment.docker_socket()) {
        (Kind::Docker, Some(socket)) => {
            knock(&socket)?;
            Ok(Client::new(kind, program, Some(socket), environment.clone()))
        }
        _ => {
            let client = Client::new(kind, program, None, environment.clone());
            ask(&client)?;
            Ok(client)
        }
    }
}

fn find(kind: Kind, environment: &Environment) -> Option<std::path::PathBuf> {
    if kind == Kind::Host {
        return None;
    }
    which::which_in(kind.word(), Some(&environment.search_path), "/").ok()
}

fn knock(socket: &Path) -> Result<(), EngineError> {
    let kind = Kind::Docker;
    let Err(error) = UnixStream::connect(socket) else { return Ok(()) };
    let detail = format!("{}: {error}", socket.display());
    Err(match error.kind() {
        ErrorKind::PermissionDenied => EngineError::NoPermission { kind, detail },
        _ => EngineError::NotRunning { kind, detail },
    })
}

fn ask(client: &Client) -> Result<(), EngineError> {
    let format = match client.kind() {
        Kind::Podman => "{{.Client.Version}}",
        _ => "{{.Server.Version}}",
    };
    let command: Command = client.command().args(["version", "--format", format]).limit(PATIENCE);
    let output = command.run().map_err(|source| EngineError::Process { kind: client.kind(), source })?;
    if output.exit.is_success() {
        return Ok(());
    }
    match EngineError::classify(client.kind(), "say its version", &output.error_text()) {
        EngineError::Refused { kind, detail, .. } => Err(EngineError::NotRunning { kind, detail }),
        other => Err(other),
    }
}
