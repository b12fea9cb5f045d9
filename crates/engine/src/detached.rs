//! Containers that run on their own: what is asked of them while they do.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Client, is_missing, text};
use crate::error::EngineError;
use crate::run::RunSpec;
use crate::socket;

/// Lines of a log that are read at most.
const LINES: &str = "100000";

/// How a container stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Whether it runs.
    pub running: bool,
    /// What its health check says, where its image has one: `starting`, `healthy`, `unhealthy`.
    pub health: Option<String>,
    /// The code it ended with, where it has.
    pub exit_code: i64,
    /// Its address in each of its networks, by the network's name.
    pub addresses: BTreeMap<String, Ipv4Addr>,
    /// Ports that its image or whoever started it names, by number: the port of the host where it is published.
    pub ports: BTreeMap<u16, Option<u16>>,
}

/// The end of a time that something may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// One that is `time` from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        Self(Instant::now() + time)
    }

    /// What is left of it.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// What came of a command that was run in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ran {
    /// It ended.
    Ended {
        /// With this code.
        code: i64,
        /// All that it printed.
        output: Vec<u8>,
    },
    /// It took longer than its limit.
    OverTime,
}

impl Client {
    /// Starts a container and does not wait for its end.
    ///
    /// # Errors
    /// When the engine refuses. There may be a container then that was made and not started.
    pub fn start_detached(&self, spec: &RunSpec) -> Result<(), EngineError> {
        self.answer("start a container", &self.run_command(spec)).map(drop)
    }

    /// Starts a container again that has ended, with all that it has stored.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn start_again(&self, name: &str) -> Result<(), EngineError> {
        self.ask("start a container again", &["start", name]).map(drop)
    }

    /// How a container stands; `None` where there is none of this name.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn standing(&self, name: &str) -> Result<Option<Standing>, EngineError> {
        let verb = "inspect a container";
        if let Some(socket) = self.socket() {
            let answer = socket::at(socket).get(&format!("/containers/{}/json", socket::escaped(name)))?;
            if answer.status == 404 {
                return Ok(None);
            }
            return Ok(Some(standing(&answer.good(verb)?.json())));
        }
        match self.ask(verb, &["container", "inspect", name]) {
            Ok(output) => Ok(self.json(verb, &output)?.first().map(standing)),
            Err(EngineError::Refused { detail, .. }) if is_missing(&detail) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Runs a command in a container, as whoever its image says, and waits for its end, `limit` long at most. What takes
    /// longer is left alone: engines cannot end a single command.
    ///
    /// # Errors
    /// When the container does not run, or the engine refuses.
    pub fn run_in(&self, name: &str, command: &[&str], limit: Duration) -> Result<Ran, EngineError> {
        let verb = "run a command in a container";
        let Some(socket) = self.socket() else {
            let line = self.command().args(["exec", name]).args(command.iter().copied()).limit(limit);
            return match line.run() {
                Ok(output) => {
                    let code = i64::from(output.exit.shell_code());
                    Ok(Ran::Ended { code, output: [output.stdout, output.stderr].concat() })
                }
                Err(wharf_process::ProcessError::TimedOut { .. }) => Ok(Ran::OverTime),
                Err(error) => Err(self.process(error)),
            };
        };
        let wish = json!({ "AttachStdout": true, "AttachStderr": true, "Cmd": command });
        let made = socket::at(socket).post(&format!("/containers/{}/exec", socket::escaped(name)), Some(&wish))?;
        let id = text(&made.good(verb)?.json(), "Id");
        let start = json!({ "Detach": false, "Tty": false });
        let answer = match socket::at(socket).limit(limit).post(&format!("/exec/{id}/start"), Some(&start)) {
            Ok(answer) => answer.good(verb)?,
            Err(EngineError::NotRunning { detail, .. }) if detail.starts_with("no answer within") => {
                return Ok(Ran::OverTime);
            }
            Err(error) => return Err(error),
        };
        let ended = socket::at(socket).get(&format!("/exec/{id}/json"))?.good(verb)?.json();
        let code = ended.get("ExitCode").and_then(Value::as_i64).unwrap_or(-1);
        Ok(Ran::Ended { code, output: socket::without_heads(&answer.body) })
    }

    /// The last part of what a container has printed, as far as the engine keeps it.
    ///
    /// # Errors
    /// When there is no such container, or the engine keeps no log.
    pub fn printed(&self, name: &str) -> Result<Vec<u8>, EngineError> {
        let verb = "show a container's log";
        if let Some(socket) = self.socket() {
            let path = format!("/containers/{}/logs?stdout=1&stderr=1&tail={LINES}", socket::escaped(name));
            return Ok(socket::without_heads(&socket::at(socket).get(&path)?.good(verb)?.body));
        }
        let output = self.ask(verb, &["logs", "--tail", LINES, name])?;
        Ok([output.stdout, output.stderr].concat())
    }

    /// Removes containers with their volumes at once, killing those that run: as [`Client::remove`], without the program where
    /// the engine is on a socket.
    ///
    /// # Errors
    /// When the engine refuses; a container that is already gone is no error.
    pub fn discard(&self, names: &[String]) -> Result<(), EngineError> {
        let Some(socket) = self.socket() else { return self.remove(names) };
        let discard = |name: &String| {
            let path = format!("/containers/{}?force=1&v=1", socket::escaped(name));
            let answer = socket::at(socket).delete(&path)?;
            match answer.good("remove a container") {
                Err(EngineError::Refused { detail, .. }) if is_missing(&detail) || detail.contains("in progress") => {
                    Ok(())
                }
                other => other.map(drop),
            }
        };
        std::thread::scope(|scope| {
            let discards: Vec<_> = names.iter().map(|name| scope.spawn(|| discard(name))).collect();
            let gone = |discard: std::thread::ScopedJoinHandle<'_, Result<(), EngineError>>| discard.join();
            discards.into_iter().map(gone).try_for_each(|outcome| outcome.unwrap_or(Ok(())))
        })
    }
}

/// Both engines' `container inspect`.
fn standing(value: &Value) -> Standing {
    let state = value.get("State").unwrap_or(&Value::Null);
    let networks = value.pointer("/NetworkSettings/Networks").and_then(Value::as_object);
    let address = |network: &Value| text(network, "IPAddress").parse::<Ipv4Addr>().ok();
    let mut ports = BTreeMap::new();
    for table in ["/Config/ExposedPorts", "/NetworkSettings/Ports"] {
        for (port, bound) in value.pointer(table).and_then(Value::as_object).into_iter().flatten() {
            let Some(port) = port.split('/').next().and_then(|port| port.parse::<u16>().ok()) else { continue };
            let host = bound.pointer("/0/HostPort").and_then(Value::as_str).and_then(|host| host.parse().ok());
            let known: &mut Option<u16> = ports.entry(port).or_default();
            *known = known.or(host);
        }
    }
    Standing {
        running: state.get("Running").and_then(Value::as_bool).unwrap_or(false),
        health: state.pointer("/Health/Status").and_then(Value::as_str).map(str::to_owned),
        exit_code: state.get("ExitCode").and_then(Value::as_i64).unwrap_or(-1),
        addresses: networks
            .into_iter()
            .flatten()
            .filter_map(|(name, network)| Some((name.clone(), address(network)?)))
            .collect(),
        ports,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_engines_say_is_understood() {
        let said = json!({
            "State": {"Running": true, "ExitCode": 0},
            "Config": {"ExposedPorts": {"5432/tcp": {}, "80/tcp": {}}},
            "NetworkSettings": {
                "Networks": {"n": {"IPAddress": "172.18.0.2"}, "none": {"IPAddress": ""}},
                "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "49153"}], "5432/tcp": null}
            }
        });
        let standing = standing(&said);
        assert!(standing.running);
        assert_eq!(standing.addresses, BTreeMap::from([("n".into(), Ipv4Addr::new(172, 18, 0, 2))]));
        assert_eq!(standing.ports, BTreeMap::from([(80, Some(49153)), (5432, None)]));
        assert_eq!(super::standing(&json!({})), Standing { exit_code: -1, ..Standing::default() });
    }
}
