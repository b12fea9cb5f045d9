//! What can go wrong with a thin environment.

use std::io;
use std::path::PathBuf;

use wharf_engine::host::HostError;

/// A thin environment that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ThinEnvError {
    /// A requirements file cannot be read.
    #[error("`{}`, which {stated} names, cannot be read", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Where it is named, such as `wharf.toml:7`.
        stated: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A line that means something else in each place.
    #[error("`{text}` at {origin} is a path: a thin environment is shared by all workspaces with the same needs")]
    Local {
        /// The line.
        text: String,
        /// Its file and line.
        origin: String,
    },
    /// A line that includes a file which is not on this machine.
    #[error("`{text}` at {origin} includes a file from the network: what it says cannot be told from here")]
    Remote {
        /// The line.
        text: String,
        /// Its file and line.
        origin: String,
    },
    /// It could not be made.
    #[error("the thin environment could not be made: {source}")]
    Host {
        /// Why.
        source: Box<HostError>,
        /// The folder of environments.
        venvs: PathBuf,
    },
}

impl ThinEnvError {
    /// The next command to type, or what to change.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } => {
                Some("set `requirements` in the table `[thin-env]`, or `git checkout` the file".to_owned())
            }
            Self::Local { .. } => {
                Some("name a published package; code of the workspace is found through PYTHONPATH".to_owned())
            }
            Self::Remote { .. } => Some("copy the file into the repo and include the copy".to_owned()),
            Self::Host { source, venvs } => match &**source {
                HostError::Cache { .. } => Some(format!(
                    "make `{}` writable, or choose other folders: `export WHARF_DATA_DIR=DIR WHARF_CACHE_DIR=DIR`",
                    venvs.display()
                )),
                HostError::Install { tail, .. } if is_offline(tail) => {
                    Some("is the package index reachable? once made, the environment needs no network".to_owned())
                }
                other => other.hint(),
            },
        }
    }

    /// Whether an installer ran and failed, rather than something being missing on this machine.
    #[must_use]
    pub fn is_install(&self) -> bool {
        matches!(self, Self::Host { source, .. } if matches!(**source, HostError::Install { .. }))
    }
}

/// Whether uv's or pip's last words are about the network.
fn is_offline(tail: &str) -> bool {
    let words =
        ["error sending request", "tcp connect error", "NewConnectionError", "dns error", "Failed to establish"];
    words.iter().any(|word| tail.contains(word))
}
