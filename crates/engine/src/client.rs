//! A container engine that was found, and its verbs. Building and running have files of their own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde_json::Value;
use wharf_process::{Command, Output};

use crate::api;
use crate::environment::Environment;
use crate::error::EngineError;
use crate::kind::Kind;
use crate::platform::Platform;
use crate::registry;

/// A container engine: docker or podman.
#[derive(Debug, Clone)]
pub struct Client {
    kind: Kind,
    program: PathBuf,
    socket: Option<PathBuf>,
    environment: Environment,
    pub(crate) native: Arc<OnceLock<Platform>>,
}

/// An image that the engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Content id, `sha256:…`.
    pub id: String,
    /// Names with tags.
    pub references: Vec<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Size in bytes, layers shared with others included.
    pub size: u64,
    /// What it runs on; `None` where that was not asked (a listing does not say it) or is not known.
    pub platform: Option<Platform>,
}

/// What is asked of few images only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageDetails {
    /// Content id, `sha256:…`.
    pub id: String,
    /// Ids of its layers, the lowest first.
    pub layers: Vec<String>,
    /// Names with the digest by which a registry knows it; empty for one that was made here.
    pub digests: Vec<String>,
}

/// A container that the engine has, running or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Full id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Image it was started from, as it was named then.
    pub image: String,
    /// `running`, `exited`, `created`, …
    pub state: String,
    /// The engine's own words, such as `Up 3 minutes`.
    pub status: String,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

impl Client {
    pub(crate) fn new(kind: Kind, program: PathBuf, socket: Option<PathBuf>, environment: Environment) -> Self {
        Self { kind, program, socket, environment, native: Arc::default() }
    }

    /// One that nobody has looked for: for plans that ask it nothing.
    #[must_use]
    pub fn unasked(kind: Kind, environment: Environment) -> Self {
        Self::new(kind, kind.word().into(), None, environment)
    }

    /// Which engine it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The engine's program.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Docker's local socket, where that is how it is reached.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.socket.as_deref()
    }

    /// Whether it opens ports of this machine, as far as its settings say.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self.kind {
            Kind::Docker => self.socket.is_some(),
            Kind::Podman => self.environment.container_host.as_deref().is_none_or(|host| host.starts_with("unix:")),
            Kind::Host => true,
        }
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The engine's program, without arguments yet. By its plain word, so that a plan can be pasted.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(self.kind.word())
    }

    /// Images that carry this label (`name` or `name=value`), with a value that is not empty.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn images(&self, label: &str) -> Result<Vec<Image>, EngineError> {
        let mut images = self.labelled(label)?;
        images.retain(|image| image.labels.get(label).is_none_or(|value| !value.is_empty()));
        Ok(images)
    }

    fn labelled(&self, label: &str) -> Result<Vec<Image>, EngineError> {
        if let Some(socket) = &self.socket {
            return api::images(socket, label);
        }
        let filter = format!("label={label}");
        if self.kind == Kind::Podman {
            let output = self.ask_podman("list images", &["images", "--filter", &filter, "--format", "json"])?;
            let mut images: Vec<Image> = self.json("list images", &output)?.iter().map(podman_image).collect();
            // An image that has several names is listed once for each, every time with all of them.
            images.sort_by(|a, b| a.id.cmp(&b.id));
            images.dedup_by(|a, b| a.id == b.id);
            return Ok(images);
        }
        let ids = self.ask("list images", &["image", "ls", "--quiet", "--no-trunc", "--filter", &filter])?.text();
        let mut ids: Vec<&str> = ids.split_whitespace().collect();
        ids.sort_unstable();
        ids.dedup();
        self.inspect_images(&ids)
    }

    /// The image that has this name or id, if the engine has it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn image(&self, reference: &str) -> Result<Option<Image>, EngineError> {
        if let Some(socket) = &self.socket {
            return api::image(socket, reference);
        }
        match self.inspect_images(&[reference]) {
            Ok(mut found) => Ok(found.pop()),
            Err(EngineError::Refused { detail, .. }) if is_missing(&detail) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// More of the image that has this name or id, if the engine has it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn image_details(&self, reference: &str) -> Result<Option<ImageDetails>, EngineError> {
        let output = match self.ask("inspect an image", &["image", "inspect", reference]) {
            Ok(output) => output,
            Err(EngineError::Refused { detail, .. }) if is_missing(&detail) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(self.json("inspect an image", &output)?.first().map(|value| ImageDetails {
            id: format!("sha256:{}", text(value, "Id").trim_start_matches("sha256:")),
            layers: strings(value.pointer("/RootFS/Layers")),
            digests: strings(value.get("RepoDigests")),
        }))
    }

    fn inspect_images(&self, references: &[&str]) -> Result<Vec<Image>, EngineError> {
        if references.is_empty() {
            return Ok(Vec::new());
        }
        let mut args = vec!["image", "inspect"];
        args.extend(references);
        let output = self.ask("inspect images", &args)?;
        Ok(self.json("inspect images", &output)?.iter().map(inspected_image).collect())
    }

    /// Containers, running or not, that carry all these labels (`name` or `name=value`).
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn containers(&self, labels: &[String]) -> Result<Vec<Container>, EngineError> {
        if let Some(socket) = &self.socket {
            return api::containers(socket, labels);
        }
        let filters: Vec<String> = labels.iter().map(|label| format!("label={label}")).collect();
        let mut args = vec!["ps", "--all", "--no-trunc"];
        for filter in &filters {
            args.extend(["--filter", filter]);
        }
        if self.kind == Kind::Podman {
            args.extend(["--format", "json"]);
            let output = self.ask_podman("list containers", &args)?;
            return Ok(self.json("list containers", &output)?.iter().map(podman_container).collect());
        }
        args.extend(["--format", "{{json .}}"]);
        let output = self.ask("list containers", &args)?.text();
        let lines = output.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| {
                let value = serde_json::from_str(line).map_err(|error| self.nonsense("list containers", &error))?;
                Ok(docker_container(&value))
            })
            .collect()
    }

    /// Asks containers to end, and kills those that have not after `grace`.
    ///
    /// # Errors
    /// When the engine refuses; a container that is already gone is no error.
    pub fn stop(&self, ids: &[String], grace: Duration) -> Result<(), EngineError> {
        self.on_containers("stop containers", &self.stop_command(ids, grace), ids)
    }

    /// The command for [`Client::stop`].
    #[must_use]
    pub fn stop_command(&self, ids: &[String], grace: Duration) -> Command {
        self.command().args(["stop", "--time"]).arg(grace.as_secs().to_string()).args(ids.iter().cloned())
    }

    /// Sends a signal, by number, to what runs in a container.
    ///
    /// # Errors
    /// When there is no such container, or the engine refuses.
    pub fn signal(&self, id: &str, signal: i32) -> Result<(), EngineError> {
        self.ask("signal a container", &["kill", "--signal", &signal.to_string(), id]).map(drop)
    }

    /// Removes containers, killing them first where they run.
    ///
    /// # Errors
    /// When the engine refuses; a container that is already gone is no error.
    pub fn remove(&self, ids: &[String]) -> Result<(), EngineError> {
        let verb = "remove containers";
        match self.on_containers(verb, &self.remove_command(ids), ids) {
            // Podman leaves those that others of them need, as `podman-compose` makes them.
            Err(EngineError::Refused { detail, .. }) if detail.contains("dependent containers") => {
                let all = self.command().args(["rm", "--force", "--volumes", "--time", "0", "--depend", "--ignore"]);
                self.on_containers(verb, &all.args(ids.iter().cloned()), ids)
            }
            other => other,
        }
    }

    /// The command for [`Client::remove`]. Podman would ask a running container to end and wait for it, 10 s long.
    #[must_use]
    pub fn remove_command(&self, ids: &[String]) -> Command {
        let command = self.command().args(["rm", "--force", "--volumes"]);
        let command = if self.kind == Kind::Podman { command.args(["--time", "0"]) } else { command };
        command.args(ids.iter().cloned())
    }

    fn on_containers(&self, verb: &str, command: &Command, ids: &[String]) -> Result<(), EngineError> {
        if ids.is_empty() {
            return Ok(());
        }
        match self.answer(verb, command) {
            Ok(_) => Ok(()),
            Err(EngineError::Refused { detail, .. }) if is_missing(&detail) || detail.contains("in progress") => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Gives an image one more name.
    ///
    /// # Errors
    /// When the engine refuses.
    pub fn tag(&self, id: &str, reference: &str) -> Result<(), EngineError> {
        self.ask("name an image", &["tag", id, reference]).map(drop)
    }

    /// Takes one name away from a Docker image that has others; without it there already nothing happens.
    pub(crate) fn take_name(&self, reference: &str) -> Result<(), EngineError> {
        match self.ask("take a name away from an image", &["image", "rm", "--no-prune", reference]) {
            Err(EngineError::Refused { detail, .. }) if is_missing(&detail) => Ok(()),
            other => other.map(drop),
        }
    }

    /// What an image runs on.
    ///
    /// # Errors
    /// When there is no such image, or the engine does not answer.
    pub fn platform_of(&self, reference: &str) -> Result<registry::Platform, EngineError> {
        let output = self.ask("inspect an image", &["image", "inspect", reference])?;
        let value = self.json("inspect an image", &output)?.into_iter().next().unwrap_or_default();
        let architecture = text(&value, "Architecture");
        if architecture.is_empty() {
            return Err(self.nonsense("inspect an image", &"an image without architecture"));
        }
        let (os, variant) = (text(&value, "Os"), text(&value, "Variant"));
        Ok(registry::Platform { os, architecture, variant: Some(variant) }.canonical())
    }

    /// The command that shows a container's log.
    #[must_use]
    pub fn logs_command(&self, id: &str, follow: bool) -> Command {
        let command = self.command().arg("logs");
        let command = if follow { command.arg("--follow") } else { command };
        command.arg(id)
    }

    /// Version of the engine.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub fn version(&self) -> Result<String, EngineError> {
        let field = if self.kind == Kind::Podman { "{{.Client.Version}}" } else { "{{.Server.Version}}" };
        Ok(self.ask("say its version", &["version", "--format", field])?.text().trim().to_owned())
    }

    pub(crate) fn ask(&self, verb: &str, args: &[&str]) -> Result<Output, EngineError> {
        self.answer(verb, &self.command().args(args.iter().copied()))
    }

    /// Podman reads its storage without a lock over all of it: a listing fails when another process removes something
    /// meanwhile. Asked again, it answers.
    pub(crate) fn ask_podman(&self, verb: &str, args: &[&str]) -> Result<Output, EngineError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.ask(verb, args) {
                Err(EngineError::Refused { detail, .. }) if tries < 6 && is_missing(&detail) => {
                    std::thread::sleep(Duration::from_millis(50 * tries));
                }
                other => return other,
            }
        }
    }

    pub(crate) fn answer(&self, verb: &str, command: &Command) -> Result<Output, EngineError> {
        let output = command.run().map_err(|source| self.process(source))?;
        if output.exit.is_success() {
            Ok(output)
        } else {
            Err(EngineError::classify(self.kind, verb, &output.error_text()))
        }
    }

    pub(crate) fn process(&self, source: wharf_process::ProcessError) -> EngineError {
        EngineError::Process { kind: self.kind, source }
    }

    fn nonsense(&self, verb: &str, error: &dyn std::fmt::Display) -> EngineError {
        EngineError::Answer { kind: self.kind, verb: verb.into(), detail: error.to_string() }
    }

    pub(crate) fn json(&self, verb: &str, output: &Output) -> Result<Vec<Value>, EngineError> {
        let value: Option<Vec<Value>> =
            serde_json::from_slice(&output.stdout).map_err(|error| self.nonsense(verb, &error))?;
        Ok(value.unwrap_or_default())
    }
}

pub(crate) fn is_missing(detail: &str) -> bool {
    let detail = detail.to_lowercase();
    ["no such", "not known", "not found", "no container with", "file does not exist"]
        .iter()
        .any(|word| detail.contains(word))
}

pub(crate) fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(crate) fn strings(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn string_map(value: &Value) -> BTreeMap<String, String> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
}

/// Both engines' `image inspect`; the creation time is text there and left out.
fn inspected_image(value: &Value) -> Image {
    let labels = value.pointer("/Config/Labels").or_else(|| value.get("Labels"));
    Image {
        id: format!("sha256:{}", text(value, "Id").trim_start_matches("sha256:")),
        references: strings(value.get("RepoTags")),
        labels: labels.map(string_map).unwrap_or_default(),
        created: 0,
        size: value.get("Size").and_then(Value::as_u64).unwrap_or(0),
        platform: Platform::from_words(&text(value, "Os"), &text(value, "Architecture"), &text(value, "Variant")),
    }
}

fn podman_image(value: &Value) -> Image {
    Image {
        id: format!("sha256:{}", text(value, "Id").trim_start_matches("sha256:")),
        references: strings(value.get("Names")),
        labels: value.get("Labels").map(string_map).unwrap_or_default(),
        created: value.get("Created").and_then(Value::as_i64).unwrap_or(0),
        size: value.get("Size").and_then(Value::as_u64).unwrap_or(0),
        platform: None,
    }
}

fn podman_container(value: &Value) -> Container {
    Container {
        id: text(value, "Id"),
        name: strings(value.get("Names")).into_iter().next().unwrap_or_default(),
        image: text(value, "Image"),
        state: text(value, "State"),
        status: text(value, "Status"),
        created: value.get("Created").and_then(Value::as_i64).unwrap_or(0),
        labels: value.get("Labels").map(string_map).unwrap_or_default(),
    }
}

/// `docker ps` prints labels as `a=b,c=d`; Wharf's own labels have no comma in their values.
fn docker_container(value: &Value) -> Container {
    let labels = text(value, "Labels");
    let pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
    Container {
        id: text(value, "ID"),
        name: text(value, "Names"),
        image: text(value, "Image"),
        state: text(value, "State"),
        status: text(value, "Status"),
        created: 0,
        labels: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_elsewhere_opens_no_port_here() {
        let client = |kind, socket: Option<&str>, host: Option<&str>| {
            let environment = Environment { container_host: host.map(str::to_owned), ..Environment::default() };
            Client::new(kind, "engine".into(), socket.map(PathBuf::from), environment)
        };
        assert!(client(Kind::Docker, Some("/var/run/docker.sock"), None).is_local());
        assert!(!client(Kind::Docker, None, None).is_local());
        assert!(client(Kind::Podman, None, None).is_local());
        assert!(client(Kind::Podman, None, Some("unix:///run/podman/podman.sock")).is_local());
        assert!(!client(Kind::Podman, None, Some("ssh://root@elsewhere/run/podman/podman.sock")).is_local());
    }
}
