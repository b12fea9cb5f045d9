//! Which real engines the tests run on, and the images that are there for them.

use std::fmt;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::place::target_dir;
use crate::sandbox::containers_conf;

/// An engine that Wharf can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// Docker Engine.
    Docker,
    /// Podman.
    Podman,
    /// No containers: a venv per runnable dir.
    Host,
}

impl EngineKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Docker, Self::Podman, Self::Host];

    /// The word for `--engine`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Host => "host",
        }
    }

    /// Does it run containers?
    pub fn has_containers(self) -> bool {
        self != Self::Host
    }
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The engines to test with: `WHARF_TEST_ENGINES` (`docker,host`), else all three. Each is there: this fails where one is not.
#[track_caller]
pub fn engines() -> Vec<EngineKind> {
    let wanted = std::env::var("WHARF_TEST_ENGINES").unwrap_or_default();
    let engines = parse(&wanted).unwrap_or_else(|word| panic!("WHARF_TEST_ENGINES names an unknown engine `{word}`"));
    for engine in &engines {
        require(*engine);
    }
    engines
}

/// Fails, with the command that helps, where an engine or the tests' base image is not there.
#[track_caller]
pub fn require(engine: EngineKind) {
    static FOUND: [OnceLock<Result<(), String>>; 3] = [const { OnceLock::new() }; 3];
    if let Err(message) = FOUND[engine as usize].get_or_init(|| check(engine)) {
        panic!("{message}");
    }
}

/// The image that sample workspaces are based on: `WHARF_TEST_BASE`, else the one that `cargo xtask base-image` makes.
pub fn base_image() -> String {
    let given = std::env::var("WHARF_TEST_BASE").ok().filter(|name| !name.is_empty());
    given.unwrap_or_else(|| "wharf-test/python:bookworm".to_owned())
}

/// An image with a shell and without Python, made by `cargo xtask base-image`.
pub fn empty_image() -> &'static str {
    "wharf-test/empty:bookworm"
}

/// An image with PostgreSQL, which it starts, and Redis, made by `cargo xtask base-image`.
pub fn services_image() -> &'static str {
    "wharf-test/services:bookworm"
}

fn check(engine: EngineKind) -> Result<(), String> {
    let name = engine.name();
    if engine == EngineKind::Host {
        let works = succeeds("python3", &["-c", "import ensurepip, venv"]);
        return works
            .then_some(())
            .ok_or_else(|| "no `python3` with venv is here\n\nhint: `cargo xtask engine`".to_owned());
    }
    if !succeeds(name, &["info"]) {
        return Err(format!("the engine `{name}` does not answer\n\nhint: make it ready with `cargo xtask engine`"));
    }
    let base = base_image();
    if !succeeds(name, &["image", "inspect", &base]) {
        return Err(format!(
            "the engine `{name}` has no image `{base}`\n\nhint: make it with `cargo xtask base-image`"
        ));
    }
    Ok(())
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.envs(containers_conf(&target_dir()).map(|conf| ("CONTAINERS_CONF", conf)));
    command.status().is_ok_and(|status| status.success())
}

/// Engines by their names between commas, all for none; the word that is none else.
fn parse(text: &str) -> Result<Vec<EngineKind>, String> {
    let words: Vec<&str> = text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Ok(EngineKind::ALL.to_vec());
    }
    let engine =
        |word: &str| EngineKind::ALL.into_iter().find(|engine| engine.name() == word).ok_or_else(|| word.to_owned());
    words.into_iter().map(engine).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_named_between_commas() {
        assert_eq!(parse(""), Ok(EngineKind::ALL.to_vec()));
        assert_eq!(parse("host, docker"), Ok(vec![EngineKind::Host, EngineKind::Docker]));
        assert_eq!(parse("docker,lxc"), Err("lxc".to_owned()));
    }
}
