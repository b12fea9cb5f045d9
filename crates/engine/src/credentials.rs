//! Log-ins to registries, as the `docker` program keeps them: in `config.json`, or in a credential helper.
//!
//! Needed only where Wharf itself speaks to the engine (a BuildKit session); the engines' own programs read theirs.
//! Sources: docker-login(1), "Credential stores", "Credential helpers", and the helpers' protocol (the server's name on
//! standard input, JSON on standard output).

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use bollard::auth::DockerCredentials;
use serde_json::Value;
use wharf_process::Command;

use crate::environment::Environment;

/// Docker Hub's name in `config.json`.
const HUB: &str = "https://index.docker.io/v1/";
const PATIENCE: Duration = Duration::from_secs(10);

/// Log-ins for the registries that a Dockerfile's `FROM` lines name, by the name that BuildKit asks for.
pub(crate) fn for_dockerfile(environment: &Environment, dockerfile: &str) -> HashMap<String, DockerCredentials> {
    let Some(config) = read_config(environment) else { return HashMap::new() };
    let found = registries(dockerfile).into_iter().filter_map(|registry| {
        let credentials = from_helper(&config, &registry).or_else(|| from_file(&config, &registry))?;
        Some((registry, credentials))
    });
    found.collect()
}

fn read_config(environment: &Environment) -> Option<Value> {
    let folder = environment.docker_config.clone();
    let folder: PathBuf = folder.or_else(|| environment.home.as_ref().map(|home| home.join(".docker")))?;
    serde_json::from_slice(&std::fs::read(folder.join("config.json")).ok()?).ok()
}

/// A reference's first part is a registry when it has a dot or a colon, or is `localhost` (the rule of Docker's
/// reference grammar); else it is Docker Hub's.
fn registries(dockerfile: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in dockerfile.lines() {
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(|word| word.eq_ignore_ascii_case("from")) {
            continue;
        }
        let Some(image) = words.find(|word| !word.starts_with("--")) else { continue };
        let registry = image.split_once('/').map(|(first, _)| first);
        let registry = registry.filter(|first| first.contains(['.', ':']) || *first == "localhost");
        found.insert(registry.filter(|name| *name != "docker.io").unwrap_or(HUB).to_owned());
    }
    found
}

fn from_helper(config: &Value, registry: &str) -> Option<DockerCredentials> {
    let named = config.pointer("/credHelpers").and_then(|helpers| helpers.get(registry));
    let helper = named.or_else(|| config.get("credsStore"))?.as_str().filter(|helper| !helper.is_empty())?;
    let command = Command::new(format!("docker-credential-{helper}")).arg("get").input(registry).limit(PATIENCE);
    let output = command.run().ok().filter(|output| output.exit.is_success())?;
    let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
    let text = |key: &str| answer.get(key)?.as_str().map(str::to_owned);
    Some(credentials(registry, &text("Username")?, &text("Secret")?))
}

fn from_file(config: &Value, registry: &str) -> Option<DockerCredentials> {
    let auths = config.get("auths")?;
    let entry = auths.get(registry).or_else(|| auths.get(format!("https://{registry}")))?;
    if let Some(token) = entry.get("identitytoken").and_then(Value::as_str) {
        return Some(credentials(registry, "<token>", token));
    }
    let auth = entry.get("auth")?.as_str()?;
    let plain = base64::engine::general_purpose::STANDARD.decode(auth).ok()?;
    let plain = String::from_utf8(plain).ok()?;
    let (name, password) = plain.split_once(':')?;
    Some(credentials(registry, name, password.trim_end_matches('\0')))
}

/// A user called `<token>` means that the secret is an identity token.
fn credentials(registry: &str, name: &str, secret: &str) -> DockerCredentials {
    let serveraddress = Some(registry.to_owned());
    if name == "<token>" {
        return DockerCredentials {
            serveraddress,
            identitytoken: Some(secret.to_owned()),
            ..DockerCredentials::default()
        };
    }
    DockerCredentials {
        serveraddress,
        username: Some(name.to_owned()),
        password: Some(secret.to_owned()),
        ..DockerCredentials::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_told_from_names() {
        let text = "FROM --platform=x ghcr.io/a/b:1 AS base\nFROM python:3\nfrom localhost:5000/x\nFROM base\nRUN from";
        let found: Vec<String> = registries(text).into_iter().collect();
        assert_eq!(found, ["ghcr.io", HUB, "localhost:5000"]);
    }

    #[test]
    fn reads_what_docker_login_writes() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.json"), r#"{"auths":{"r.example:5000":{"auth":"YWRhOnMzY3JldA=="}}}"#)
            .unwrap();
        let environment = Environment { docker_config: Some(dir.path().into()), ..Environment::default() };
        let found = for_dockerfile(&environment, "FROM r.example:5000/base");
        let login = &found["r.example:5000"];
        assert_eq!((login.username.as_deref(), login.password.as_deref()), (Some("ada"), Some("s3cret")));
        assert!(for_dockerfile(&environment, "FROM other.example/base").is_empty());
    }
}
