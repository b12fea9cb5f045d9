//! Networks of an engine, found again by their labels.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wharf_process::Command;

use crate::client::{Client, is_missing, string_map, text};
use crate::error::EngineError;
use crate::kind::Kind;
use crate::socket;

/// A network that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Name.
    pub name: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

impl Client {
    /// Makes a network of which containers are members by choice.
    ///
    /// # Errors
    /// When the engine refuses: there is one of this name, or no range of addresses is free.
    pub fn create_network(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
        let verb = "create a network";
        let Some(socket) = self.socket() else {
            return self.answer(verb, &self.create_network_command(name, labels)).map(drop);
        };
        let wish = json!({ "Name": name, "CheckDuplicate": true, "Labels": labels });
        socket::at(socket).post("/networks/create", Some(&wish))?.good(verb).map(drop)
    }

    /// The command for [`Client::create_network`].
    #[must_use]
    pub fn create_network_command(&self, name: &str, labels: &BTreeMap<String, String>) -> Command {
        let labels = labels.iter().flat_map(|(name, value)| ["--label".to_owned(), format!("{name}={value}")]);
        self.command().args(["network", "create"]).args(labels).arg(name.to_owned())
    }

    /// Removes a network.
    ///
    /// # Errors
    /// When a container is still in it; one that is already gone is no error.
    pub fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        let verb = "remove a network";
        let done = match self.socket() {
            Some(socket) => {
                let path = format!("/networks/{}", socket::escaped(name));
                socket::at(socket).delete(&path).and_then(|answer| answer.good(verb)).map(drop)
            }
            None => self.answer(verb, &self.remove_network_command(name)).map(drop),
        };
        match done {
            Err(EngineError::Refused { detail, .. }) if is_missing(&detail) => Ok(()),
            other => other,
        }
    }

    /// The command for [`Client::remove_network`].
    #[must_use]
    pub fn remove_network_command(&self, name: &str) -> Command {
        self.command().args(["network", "rm", name])
    }

    /// Adds a container to a further network, where others find it as `alias`.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn join_network(&self, network: &str, container: &str, alias: &str) -> Result<(), EngineError> {
        let verb = "add a container to a network";
        let Some(socket) = self.socket() else {
            return self.ask(verb, &["network", "connect", "--alias", alias, network, container]).map(drop);
        };
        let path = format!("/networks/{}/connect", socket::escaped(network));
        let wish = json!({ "Container": container, "EndpointConfig": { "Aliases": [alias] } });
        socket::at(socket).post(&path, Some(&wish))?.good(verb).map(drop)
    }

    /// Ids of the containers that are in a network, those that do not run as well. Engines would remove it under these, which could
    /// then never be started again.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn members_of(&self, network: &str) -> Result<Vec<String>, EngineError> {
        let filter = format!("network={network}");
        let found = self.ask("list containers", &["ps", "--all", "--quiet", "--filter", &filter])?.text();
        Ok(found.split_whitespace().map(str::to_owned).collect())
    }

    /// Networks that carry this label (`name` or `name=value`).
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn networks(&self, label: &str) -> Result<Vec<Network>, EngineError> {
        let verb = "list networks";
        if let Some(socket) = self.socket() {
            let filters = socket::escaped(&json!({ "label": [label] }).to_string());
            let answer = socket::at(socket).get(&format!("/networks?filters={filters}"))?.good(verb)?.json();
            return Ok(answer.as_array().into_iter().flatten().map(network).collect());
        }
        let filter = format!("label={label}");
        if self.kind() == Kind::Podman {
            let output = self.ask_podman(verb, &["network", "ls", "--filter", &filter, "--format", "json"])?;
            return Ok(self.json(verb, &output)?.iter().map(network).collect());
        }
        let ids = self.ask(verb, &["network", "ls", "--quiet", "--filter", &filter])?.text();
        if ids.trim().is_empty() {
            return Ok(Vec::new());
        }
        let mut args = vec!["network", "inspect"];
        args.extend(ids.split_whitespace());
        match self.ask(verb, &args) {
            Ok(output) => Ok(self.json(verb, &output)?.iter().map(network).collect()),
            // One went meanwhile.
            Err(EngineError::Refused { detail, .. }) if is_missing(&detail) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Makes a volume with labels; one that is there stays as it is.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn create_volume(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
        let verb = "create a volume";
        if let Some(socket) = self.socket() {
            let wish = json!({ "Name": name, "Labels": labels });
            return socket::at(socket).post("/volumes/create", Some(&wish))?.good(verb).map(drop);
        }
        match self.answer(verb, &self.create_volume_command(name, labels)) {
            Err(EngineError::Refused { detail, .. }) if detail.contains("already exists") => Ok(()),
            other => other.map(drop),
        }
    }

    /// The command for [`Client::create_volume`].
    #[must_use]
    pub fn create_volume_command(&self, name: &str, labels: &BTreeMap<String, String>) -> Command {
        let labels = labels.iter().flat_map(|(name, value)| ["--label".to_owned(), format!("{name}={value}")]);
        self.command().args(["volume", "create"]).args(labels).arg(name.to_owned())
    }

    /// Names of the volumes that carry all these labels (`name` or `name=value`).
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn volumes(&self, labels: &[String]) -> Result<Vec<String>, EngineError> {
        let filters: Vec<String> = labels.iter().map(|label| format!("label={label}")).collect();
        let mut words = vec!["volume", "ls", "--quiet"];
        filters.iter().for_each(|filter| words.extend(["--filter", filter]));
        let found = self.ask("list volumes", &words)?.text();
        Ok(found.split_whitespace().map(str::to_owned).collect())
    }

    /// Removes volumes that carry all these labels.
    ///
    /// # Errors
    /// When the engine does not answer, or a container uses one.
    pub fn remove_volumes(&self, labels: &[String]) -> Result<(), EngineError> {
        self.volumes(labels)?.iter().try_for_each(|name| self.remove_volume(name))
    }

    /// Removes a volume; one that is not there is no error.
    ///
    /// # Errors
    /// When a container uses it.
    pub fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        match self.ask("remove a volume", &["volume", "rm", name]) {
            Err(EngineError::Refused { detail, .. }) if is_missing(&detail) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// Docker writes its keys in capitals, Podman in small letters.
fn network(value: &Value) -> Network {
    let name = [text(value, "Name"), text(value, "name")].concat();
    let labels = value.get("Labels").or_else(|| value.get("labels"));
    Network { name, labels: labels.map(string_map).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_engines_networks_are_understood() {
        let docker = network(&json!({"Name": "a", "Labels": {"x": "y"}}));
        let podman = network(&json!({"name": "a", "labels": {"x": "y"}, "driver": "bridge"}));
        assert_eq!(docker, podman);
        assert_eq!(network(&json!({"name": "b"})).labels, BTreeMap::new());
    }
}
