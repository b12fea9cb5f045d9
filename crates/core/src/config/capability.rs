//! What a marked test may need of the place that it runs in.

use std::fmt;

use super::form::is_variable_name;

/// Something that a place has or lacks, `[test.requires]` names one a marker. Whether it is there is found out in the container,
/// because that is where the tests are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capability {
    /// An engine can be reached: `DOCKER_HOST` or one of the usual sockets answers.
    Docker,
    /// There is a way out: a route other than to itself.
    Network,
    /// A device of a GPU is there.
    Gpu,
    /// This variable is set, and not to nothing.
    Env(String),
    /// This program is on `PATH`.
    Command(String),
    /// A host of this name is known, and answers on the port where one is given.
    Service(String, Option<u16>),
}

impl Capability {
    /// Reads `docker`, `network`, `gpu`, `env:NAME`, `command:NAME`, `service:NAME` or `service:NAME:PORT`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_word = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'))
        };
        match text.split_once(':') {
            None => match text {
                "docker" => Some(Self::Docker),
                "network" => Some(Self::Network),
                "gpu" => Some(Self::Gpu),
                _ => None,
            },
            Some(("env", name)) => is_variable_name(name).then(|| Self::Env(name.to_owned())),
            Some(("command", name)) => is_word(name).then(|| Self::Command(name.to_owned())),
            Some(("service", rest)) => {
                let (name, port) = rest.split_once(':').map_or((rest, None), |(name, port)| (name, Some(port)));
                let port =
                    port.map(|port| port.parse().ok().filter(|port| *port > 0)).map_or(Some(None), |p| p.map(Some));
                port.filter(|_| is_word(name)).map(|port| Self::Service(name.to_owned(), port))
            }
            Some(_) => None,
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Docker => f.write_str("docker"),
            Self::Network => f.write_str("network"),
            Self::Gpu => f.write_str("gpu"),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::Command(name) => write!(f, "command:{name}"),
            Self::Service(name, None) => write!(f, "service:{name}"),
            Self::Service(name, Some(port)) => write!(f, "service:{name}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        for text in ["docker", "network", "gpu", "env:AWS_PROFILE", "command:psql", "service:db", "service:db:5432"] {
            assert_eq!(Capability::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "dockr",
            "env:",
            "env:A-B",
            "command:",
            "command:a b",
            "service:",
            "service:db:0",
            "service:db:x",
            "x:y",
        ] {
            assert_eq!(Capability::parse(text), None, "{text}");
        }
    }
}
