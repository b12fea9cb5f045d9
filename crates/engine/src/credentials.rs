//! Log-ins to registries, as the engines' own programs keep them: in a file, or in a credential helper.
//!
//! Needed only where Wharf itself speaks to an engine's API or to a registry; the engines' own programs read theirs.
//! Sources: docker-login(1), "Credential stores", "Credential helpers", and the helpers' protocol (the server's name on
//! standard input, JSON on standard output); containers-auth.json(5).

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bollard::auth::DockerCredentials;
use serde_json::Value;
use wharf_process::Command;

use crate::environment::Environment;
use crate::kind::Kind;

/// Docker Hub's name in `config.json`.
const HUB: &str = "https://index.docker.io/v1/";
const PATIENCE: Duration = Duration::from_secs(10);

/// A log-in. Its secret is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Login {
    /// The user; `<token>` where the secret is an identity token.
    pub(crate) user: String,
    secret: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

impl Login {
    /// As the `Authorization` header has it (RFC 7617).
    pub(crate) fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.secret)))
    }

    /// The identity token, where that is what the secret is.
    pub(crate) fn identity_token(&self) -> Option<&str> {
        (self.user == "<token>").then_some(self.secret.as_str())
    }

    /// As the engine's API takes it in `X-Registry-Auth`.
    pub(crate) fn header(&self, registry: &str) -> String {
        let value = match self.identity_token() {
            Some(token) => serde_json::json!({ "serveraddress": registry, "identitytoken": token }),
            None => serde_json::json!({ "serveraddress": registry, "username": self.user, "password": self.secret }),
        };
        base64::engine::general_purpose::URL_SAFE.encode(value.to_string())
    }

    fn credentials(&self, registry: &str) -> DockerCredentials {
        let serveraddress = Some(registry.to_owned());
        match self.identity_token() {
            Some(token) => {
                DockerCredentials { serveraddress, identitytoken: Some(token.into()), ..DockerCredentials::default() }
            }
            None => DockerCredentials {
                serveraddress,
                username: Some(self.user.clone()),
                password: Some(self.secret.clone()),
                ..DockerCredentials::default()
            },
        }
    }
}

/// The log-in that the engine `kind` would use for a repository, by the registry's name and the path in it.
pub(crate) fn find(kind: Kind, environment: &Environment, host: &str, path: &str) -> Option<Login> {
    if kind == Kind::Podman {
        let mut files = environment.podman_auth_files().into_iter();
        return files.find_map(|file| in_podman(&read(&file)?, host, path));
    }
    let registry = if host == "docker.io" { HUB } else { host };
    in_docker(&read(&environment.docker_config_file()?)?, registry)
}

/// Log-ins for the registries that a Dockerfile's `FROM` lines name, by the name that BuildKit asks for.
pub(crate) fn for_dockerfile(environment: &Environment, dockerfile: &str) -> HashMap<String, DockerCredentials> {
    let Some(config) = environment.docker_config_file().and_then(|file| read(&file)) else { return HashMap::new() };
    let found = registries(dockerfile).into_iter().filter_map(|registry| {
        let login = in_docker(&config, &registry)?;
        Some((registry.clone(), login.credentials(&registry)))
    });
    found.collect()
}

fn read(file: &Path) -> Option<Value> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

fn in_docker(config: &Value, registry: &str) -> Option<Login> {
    from_helper(config, registry).or_else(|| from_file(config, registry))
}

/// Podman looks for the repository's own log-in first, then for those of the paths above it, then for the registry's.
fn in_podman(config: &Value, host: &str, path: &str) -> Option<Login> {
    let mut key = format!("{host}/{path}");
    loop {
        if let Some(login) = entry(config, &key) {
            return Some(login);
        }
        match key.rsplit_once('/') {
            Some((shorter, _)) if shorter.len() >= host.len() => key.truncate(shorter.len()),
            _ => break,
        }
    }
    in_docker(config, host).or_else(|| (host == "docker.io").then(|| in_docker(config, HUB)).flatten())
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

fn from_helper(config: &Value, registry: &str) -> Option<Login> {
    let named = config.pointer("/credHelpers").and_then(|helpers| helpers.get(registry));
    let helper = named.or_else(|| config.get("credsStore"))?.as_str().filter(|helper| !helper.is_empty())?;
    let command = Command::new(format!("docker-credential-{helper}")).arg("get").input(registry).limit(PATIENCE);
    let output = command.run().ok().filter(|output| output.exit.is_success())?;
    let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
    let text = |key: &str| answer.get(key)?.as_str().map(str::to_owned);
    Some(Login { user: text("Username")?, secret: text("Secret")? })
}

/// Older programs wrote the registry's name as a URL.
fn from_file(config: &Value, registry: &str) -> Option<Login> {
    let forms = [registry.to_owned(), format!("https://{registry}"), format!("http://{registry}")];
    let ends = ["", "/", "/v1/", "/v2/"];
    forms.iter().find_map(|form| ends.iter().find_map(|end| entry(config, &format!("{form}{end}"))))
}

fn entry(config: &Value, key: &str) -> Option<Login> {
    let entry = config.get("auths")?.get(key)?;
    let token = entry.get("identitytoken").and_then(Value::as_str).filter(|token| !token.is_empty());
    if let Some(token) = token {
        return Some(Login { user: "<token>".into(), secret: token.into() });
    }
    let plain = STANDARD.decode(entry.get("auth")?.as_str()?).ok()?;
    let plain = String::from_utf8(plain).ok()?;
    let (user, secret) = plain.split_once(':')?;
    Some(Login { user: user.into(), secret: secret.trim_end_matches('\0').into() })
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

    #[test]
    fn podman_prefers_the_nearest_log_in() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("auth.json");
        let text = r#"{"auths":{"r.io":{"auth":"YWxsOng="},"r.io/acme":{"auth":"YWNtZTp4"}}}"#;
        std::fs::write(&file, text).unwrap();
        let environment = Environment { registry_auth_file: Some(file), ..Environment::default() };
        let user = |path: &str| find(Kind::Podman, &environment, "r.io", path).map(|login| login.user);
        assert_eq!((user("acme/infra"), user("other/x")), (Some("acme".into()), Some("all".into())));
        assert_eq!(find(Kind::Podman, &environment, "r.i", "x"), None);
        assert_eq!(find(Kind::Docker, &environment, "r.io", "acme/infra"), None);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let login = Login { user: "ada".into(), secret: "3cret".into() };
        assert!(!format!("{login:?}").contains("3cret"));
        assert_eq!(login.basic(), "Basic YWRhOjNjcmV0");
    }
}
