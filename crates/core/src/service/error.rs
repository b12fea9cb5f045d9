//! Why services cannot be had.

use std::fmt;
use std::path::PathBuf;

use wharf_engine::EngineError;

/// Why services cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// One is asked for that nobody describes.
    #[error("no service of `{dir}` is named `{name}`{}", .needed_by.as_ref().map(|by| format!(", which `{by}` needs")).unwrap_or_default())]
    Unknown {
        /// Address of the dir.
        dir: String,
        /// What is asked for.
        name: String,
        /// The service that needs it, where not a user.
        needed_by: Option<String>,
        /// All that are there.
        known: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// Services that need each other.
    #[error("services of `{dir}` need each other: {}", .names.join(" → "))]
    Cycle {
        /// Address of the dir.
        dir: String,
        /// Their names, the first one again at the end.
        names: Vec<String>,
    },
    /// Two services cannot be told apart.
    #[error("services `{first}` and `{second}` of `{dir}` clash: {why}")]
    Clash {
        /// Address of the dir.
        dir: String,
        /// The one.
        first: String,
        /// The other.
        second: String,
        /// In what.
        why: String,
    },
    /// The dir's own network keeps it from those of services.
    #[error("`{dir}` joins the network `{network}`, so it cannot reach services, which are in one of their own")]
    OtherNetwork {
        /// Address of the dir.
        dir: String,
        /// The network.
        network: String,
    },
    /// There is no engine that could run them.
    #[error("services of `{dir}` need a container engine, and neither docker nor podman works here")]
    NoEngine {
        /// Address of the dir.
        dir: String,
    },
    /// A folder or file that the configuration names is not there.
    #[error("`{path}` of service `{name}` is not there", path = .path.display())]
    Missing {
        /// Name of the service.
        name: String,
        /// The path.
        path: PathBuf,
    },
    /// Its image could not be built.
    #[error("the image of service `{name}` could not be built: {summary}")]
    Build {
        /// Name of the service.
        name: String,
        /// The builder's last lines.
        summary: String,
    },
    /// The engine did not start it.
    #[error("service `{name}` could not be started: {source}")]
    NotStarted {
        /// Name of the service.
        name: String,
        /// What the engine said.
        source: EngineError,
    },
    /// It was started and did not get ready.
    #[error("service `{name}` did not get ready: {why}{}", shown(.tail))]
    NotReady {
        /// Name of the service.
        name: String,
        /// In what.
        why: NotReady,
        /// The last lines that it printed.
        tail: Vec<String>,
    },
    /// There is nothing that could read a Compose file.
    #[error("`{file}` needs a Compose tool, and engine {kind} has none here", file = .file.display())]
    NoComposeTool {
        /// The Compose file.
        file: PathBuf,
        /// Which engine.
        kind: wharf_engine::Kind,
    },
    /// The Compose tool does not accept the file.
    #[error("Compose file `{file}` cannot be used: {detail}", file = .file.display())]
    Compose {
        /// The Compose file.
        file: PathBuf,
        /// What the tool said.
        detail: String,
    },
    /// The engine failed or refused.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file could not be written.
    #[error("a file of services could not be written: {0}")]
    Io(#[from] std::io::Error),
    /// The user has stopped it.
    #[error("interrupted")]
    Stopped,
}

/// In what a service did not get ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotReady {
    /// It ended with this code.
    Ended(i64),
    /// The time was over.
    OverTime {
        /// How long it was waited for, in seconds.
        seconds: u64,
        /// What was waited for and how the last try went.
        last: String,
    },
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended(code) => write!(f, "it ended with code {code}"),
            Self::OverTime { seconds, last } => write!(f, "{last}, {seconds} s long"),
        }
    }
}

fn shown(tail: &[String]) -> String {
    match tail {
        [] => "; it printed nothing".to_owned(),
        lines => format!("\n  {}", lines.join("\n  ")),
    }
}

impl ServiceError {
    /// What is wrong, on one line.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::NotReady { name, why, tail } => {
                let last = tail.last().map(|line| format!(" ({line})")).unwrap_or_default();
                format!("service `{name}` did not get ready: {why}{last}")
            }
            other => other.to_string().lines().next().unwrap_or_default().to_owned(),
        }
    }

    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unknown { nearest: Some(near), .. } => format!("did you mean `{near}`?"),
            Self::Unknown { known, .. } if known.is_empty() => {
                "describe it in `[services.NAME]` of `devops/wharf.toml`".to_owned()
            }
            Self::Unknown { known, .. } => format!("there are {}", known.join(", ")),
            Self::Cycle { .. } => "take one of these out of `needs`".to_owned(),
            Self::Clash { .. } => "give one of them another name".to_owned(),
            Self::OtherNetwork { .. } => "leave `network` out; or run without services".to_owned(),
            Self::NoEngine { .. } => "install docker or podman; `wharf doctor` says what is wrong with one".to_owned(),
            Self::NoComposeTool { kind: wharf_engine::Kind::Podman, .. } => {
                "install `podman-compose`, 1.1 or newer: `pip install podman-compose`".to_owned()
            }
            Self::NoComposeTool { .. } => {
                "install the package `docker-compose-plugin`, or `docker-compose` of Debian and Ubuntu".to_owned()
            }
            Self::NotReady { why: NotReady::OverTime { .. }, .. } => {
                "see that its `ready` is right; or give it longer with `ready-timeout`".to_owned()
            }
            Self::NotStarted { source: EngineError::Refused { detail, .. }, .. } if is_port_taken(detail) => {
                "let a free port be taken with `auto:` in front of the container's".to_owned()
            }
            Self::NotStarted { source, .. } | Self::Engine(source) => return source.hint(),
            _ => return None,
        })
    }

    /// Whether it is the configuration that is wrong.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Unknown { .. }
                | Self::Cycle { .. }
                | Self::Clash { .. }
                | Self::OtherNetwork { .. }
                | Self::Missing { .. }
                | Self::Compose { .. }
        )
    }
}

fn is_port_taken(detail: &str) -> bool {
    ["already allocated", "already in use"].iter().any(|words| detail.contains(words))
}
