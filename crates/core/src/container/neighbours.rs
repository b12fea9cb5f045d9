//! What a container needs so that it reaches services.

use super::Settings;

/// What a container needs so that it reaches services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Neighbours {
    /// The network that they are in; `None`: they are reached from the host.
    pub network: Option<String>,
    /// Their addresses by name, for engines whose networks do not know names.
    pub hosts: Vec<(String, String)>,
    /// Variables that say where they are: `WHARF_SERVICE_<NAME>_HOST` and `_PORT`.
    pub env: Vec<(String, String)>,
}

impl Settings {
    /// The network to join, where not the configured one.
    pub(super) fn joined(&self) -> Option<String> {
        self.network.clone().or_else(|| self.neighbours.as_ref()?.network.clone())
    }
}
