//! Services of a Compose file, through the engine's Compose tool.
//!
//! The file is rendered by the tool itself, without fixed names and ports, and started as a project of its own in the network
//! of the other services; labels come in through a second file, so that all of it is found and removed like any other container.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::{Map, Value, json};
use wharf_engine::{Client, EngineError, Kind};
use wharf_process::Command;

use super::error::ServiceError;
use super::ready::{self, Probe};
use super::rendered::{self, Form, Rendered};
use super::start::{Lifetime, Order};
use super::started::Member;
use crate::container::{IMAGE, NETWORK, SERVICE, networks};
use crate::event::Event;

/// How long a service of a Compose file may take to be healthy.
const HEALTHY_WITHIN: Duration = Duration::from_secs(120);

/// How services of a Compose file are started.
#[derive(Debug)]
pub(super) struct Composed<'a> {
    words: Vec<&'static str>,
    file: &'a Path,
    names: &'a [String],
    rendered: Rendered,
    additions: Value,
    project: String,
    /// Options of the tool.
    options: &'static [&'static str],
}

/// The Compose tool of an engine: the command and its first words.
fn tool(client: &Client, file: &Path) -> Result<Vec<&'static str>, ServiceError> {
    let works = |words: &[&str]| {
        // Early `podman-compose` cannot render a file; `docker` without the plugin shows any help.
        let look: &[&str] = if client.kind() == Kind::Podman { &["config", "--help"] } else { &["version"] };
        let look = Command::new(words[0]).args(words[1..].iter().chain(look).copied());
        look.run().is_ok_and(|output| output.exit.is_success())
    };
    let known: &[&[&'static str]] = match client.kind() {
        Kind::Podman => &[&["podman-compose"]],
        Kind::Docker | Kind::Host => &[&["docker", "compose"], &["docker-compose"]],
    };
    let found = known.iter().find(|words| works(words)).map(|words| words.to_vec());
    found.ok_or_else(|| ServiceError::NoComposeTool { file: file.to_owned(), kind: client.kind() })
}

fn command(words: &[&str], file: &Path) -> Command {
    let folder = file.parent().unwrap_or(file);
    Command::new(words[0]).args(words[1..].iter().copied()).cwd(folder)
}

/// Reads a Compose file with its tool, as of a project: names of volumes and networks that the file does not state begin with that
/// of the project, and Compose's second version writes them out.
fn render(words: &[&str], file: &Path, project: &str, lifetime: Lifetime) -> Result<Rendered, ServiceError> {
    let output = command(words, file).args(["-p", project]).arg("-f").arg(file).arg("config").run();
    let bad = |detail: String| ServiceError::Compose { file: file.to_owned(), detail };
    let output = output.map_err(|error| bad(error.to_string()))?;
    if !output.exit.is_success() {
        return Err(bad(tail(&output.error_text())));
    }
    let folder = file.parent().unwrap_or(file);
    Ok(rendered::read(&output.text(), folder, lifetime != Lifetime::Tests))
}

fn tail(text: &str) -> String {
    ready::last_lines(text.as_bytes(), 12).join("\n  ")
}

/// Reads the file and says how services of it are started.
///
/// # Errors
/// When there is no tool that could read it, or it does not describe them.
pub(super) fn plan<'a>(
    order: &Order<'a>,
    client: &Client,
    (file, names): (&'a Path, &'a [String]),
    labels: &BTreeMap<String, String>,
) -> Result<Composed<'a>, ServiceError> {
    let words = tool(client, file)?;
    let project = networks::project(order.network);
    let rendered = render(&words, file, &project, order.lifetime)?;
    check(order, file, names, &rendered)?;
    let additions = additions(order.network, names, &rendered, labels);
    // A pod would be left when its containers go, and holds nothing that they need.
    let options: &[&str] = if client.kind() == Kind::Podman { &["--in-pod", "false"] } else { &[] };
    Ok(Composed { words, file, names, rendered, additions, project, options })
}

impl Composed<'_> {
    /// Names of images that are built for this project alone.
    pub fn images(&self) -> Vec<String> {
        let built = self.rendered.services.iter().filter(|service| service.is_built).map(|service| &service.name);
        built.flat_map(|name| [format!("{}_{name}", self.project), format!("{}-{name}", self.project)]).collect()
    }

    fn command(&self) -> Command {
        command(&self.words, self.file).args(self.options.iter().copied()).args(["-p", &self.project])
    }

    fn up(&self, plain: &Path, ours: &Path) -> Command {
        // What was built for another state of the folder is not what the file means.
        let up = self.command().arg("-f").arg(plain).arg("-f").arg(ours).args(["up", "--detach", "--build"]);
        up.args(self.names.iter().cloned())
    }

    /// The lines that start them, to paste: the second file comes through a pipe. What the file itself says of names and ports stays.
    pub fn lines(&self) -> [String; 1] {
        let ours = Command::new("printf").args(["%s"]).arg(self.additions.to_string());
        [format!("{ours} | ({})", self.up(self.file, Path::new("/dev/stdin")))]
    }

    /// The lines that end them.
    pub fn lines_after(&self) -> [String; 1] {
        [self.command().arg("-f").arg(self.file).args(["down", "--volumes"]).to_string()]
    }
}

/// Starts services of a Compose file, and what they depend on, and waits until they are healthy.
pub(super) fn up(order: &Order<'_>, client: &Client, composed: &Composed<'_>) -> Result<Vec<Member>, ServiceError> {
    let Composed { file, names, .. } = composed;
    let say = |line: String| order.listener.on(Event::Services { dir: order.shown.to_owned(), line });
    say(format!("starting {} of {}", names.join(", "), file.file_name().unwrap_or_default().to_string_lossy()));
    let folder = tempfile::Builder::new().prefix("wharf-compose-").tempdir()?;
    let (plain, ours) = (folder.path().join("compose.yaml"), folder.path().join("wharf.json"));
    fs_err::write(&plain, &composed.rendered.text)?;
    fs_err::write(&ours, composed.additions.to_string())?;
    let output = composed.up(&plain, &ours).run();
    let output = output.map_err(|error| not_started(client, &names.join("`, `"), error.to_string()))?;
    if !output.exit.is_success() {
        return Err(not_started(client, &names.join("`, `"), tail(&output.error_text())));
    }
    members(order, client, names)
}

fn not_started(client: &Client, name: &str, detail: String) -> ServiceError {
    let source = EngineError::Refused { kind: client.kind(), verb: "start it with Compose".into(), detail };
    ServiceError::NotStarted { name: name.to_owned(), source }
}

fn check(order: &Order<'_>, file: &Path, names: &[String], rendered: &Rendered) -> Result<(), ServiceError> {
    let dir = order.dir.address.to_string();
    let has = |name: &str| rendered.services.iter().any(|known| known.name == name);
    if let Some(name) = names.iter().find(|name| !has(name)) {
        let known = rendered.services.iter().map(|service| service.name.clone());
        let known: Vec<String> = known.chain(order.dir.config.services.named.keys().cloned()).collect();
        let words: Vec<&str> = known.iter().map(String::as_str).collect();
        let nearest = crate::config::nearest_word(name, &words).map(|near| near.to_string());
        return Err(ServiceError::Unknown { dir, name: name.clone(), needed_by: None, known, nearest });
    }
    if let Some(twice) = order.plan.services.iter().find(|planned| has(&planned.name)) {
        let why = format!("one is in `[services]`, the other in `{}`", file.display());
        return Err(ServiceError::Clash { dir, first: twice.name.clone(), second: twice.name.clone(), why });
    }
    if order.stop.load(Ordering::Relaxed) { Err(ServiceError::Stopped) } else { Ok(()) }
}

/// Labels of all services; those that are asked for, and what says nothing else, are in our network. JSON is YAML.
fn additions(network: &str, names: &[String], rendered: &Rendered, labels: &BTreeMap<String, String>) -> Value {
    let mut services = Map::new();
    for service in &rendered.services {
        let name = &service.name;
        let mut labels = labels.clone();
        labels.insert(SERVICE.to_owned(), name.clone());
        labels.insert(IMAGE.to_owned(), format!("Compose service {name}"));
        // In a Compose file `$` starts a variable.
        labels.values_mut().for_each(|value| *value = value.replace('$', "$$"));
        let mut addition = json!({ "labels": labels });
        if names.contains(name) {
            // Not every tool puts a list and a table together.
            let as_table = service.networks == Some(Form::Table);
            addition["networks"] = if as_table { json!({ "default": null }) } else { json!(["default"]) };
        }
        services.insert(name.clone(), addition);
    }
    let mut whole = json!({ "services": services, "networks": { "default": { "external": true, "name": network } } });
    if let Some(version) = &rendered.version {
        whole["version"] = json!(version);
    }
    whole
}

/// The containers of services that were asked for, once they are healthy.
fn members(order: &Order<'_>, client: &Client, names: &[String]) -> Result<Vec<Member>, ServiceError> {
    let found = client.containers(&[format!("{NETWORK}={}", order.network)])?;
    let mut members = Vec::new();
    for container in found {
        let Some(name) = container.labels.get(SERVICE).filter(|name| names.contains(name)) else { continue };
        let place = (name.as_str(), container.name.as_str());
        ready::wait(client, place, Some(&Probe::Health), HEALTHY_WITHIN, &|| order.stop.load(Ordering::Relaxed))?;
        let standing = client.standing(&container.name)?.unwrap_or_default();
        members.push(Member { name: name.clone(), container: container.name, standing, port: None });
    }
    match names.iter().find(|name| !members.iter().any(|member| member.name == **name)) {
        Some(name) => Err(not_started(client, name, "Compose made no container for it".into())),
        None => Ok(members),
    }
}
