//! What containers may do with engines, and how long they are kept warm.

use std::time::Duration;

use super::duration::parse_duration;
use super::merge::Resolved;
use super::value::Value;

/// Whether containers can start containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DockerMode {
    /// They cannot.
    #[default]
    None,
    /// With the engine of the host: what they start runs beside them.
    Sibling,
    /// With an engine of their own.
    Child,
}

impl DockerMode {
    /// Reads it as it is written in the configuration.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "none" => Some(Self::None),
            "sibling" => Some(Self::Sibling),
            "child" => Some(Self::Child),
            _ => None,
        }
    }

    /// As it is written in the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sibling => "sibling",
            Self::Child => "child",
        }
    }
}

/// The keys of table `run` about these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NestedConfig {
    /// How long a container is kept for the next command; `None`: not at all.
    pub warm: Option<Duration>,
    /// Whether containers can start containers.
    pub docker: DockerMode,
    /// Whether one with an engine of its own is privileged.
    pub child_privileged: bool,
}

impl NestedConfig {
    pub(super) fn read(resolved: &Resolved) -> Self {
        let text = |path: &str| resolved.get(path).and_then(|(value, _)| value.as_text()).unwrap_or_default();
        Self {
            warm: parse_duration(text("run.warm")),
            docker: DockerMode::parse(text("run.docker")).unwrap_or_default(),
            child_privileged: resolved
                .get("run.child-privileged")
                .and_then(|(value, _)| Value::as_boolean(value))
                .unwrap_or_default(),
        }
    }
}
