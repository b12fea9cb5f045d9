//! Containers that an editor starts: what Wharf does around its own is done before them, or in them.
//!
//! # Theory of operation
//! What an editor reads is committed, so nothing of one machine may stand in it. It names links and files in
//! `.wharf/editor/<dir>/` instead ([`Folder`]), which are made before the container is. Where the container is to start with more than a
//! waiting command (the dir's own entry point, an engine), that is the command of its image: [`words`] are those of
//! `wharf bash`, with a script that waits in place of the shell. The script writes down which variables it was handed;
//! the image's `/etc/profile` reads them ([`PROFILE`]), so login shells have them, which editors ask for theirs.

use std::path::{Path, PathBuf};

use wharf_engine::{Entrypoint, Mount, RunSpec};

use super::launch::{Launch, Settings};
use super::{Neighbours, SITE, nested};
use crate::config::{DockerMode, Variable};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// The group, in the image, of those who may use the engine's socket.
pub const GROUP: &str = "wharf-engine";
/// What is added to `/etc/profile` of such an image. Editors give a login shell ten seconds.
pub const PROFILE: &str = include_str!("editor_profile.sh");
/// Waits until the container's command has come so far, five minutes at most: for whoever starts it.
pub const READY: &str = "tries=0; until [ -e /tmp/.wharf-environment ]; do tries=$((tries + 1)); [ $tries -le 3000 ] || exit 1; sleep 0.1; done";

const WAIT: &str = include_str!("editor_wait.sh");
/// A container that is started again has the file of before.
const FRESH: &str = r#"rm -f /tmp/.wharf-environment; exec "$@""#;

/// The folder with what one dir's editor files name: `.wharf/editor/<dir>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// That of `dir`.
    #[must_use]
    pub fn of(workspace: &Workspace, dir: &RunnableDir) -> Self {
        Self(workspace.root.join(".wharf/editor").join(dir.slug()))
    }

    /// Itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A link to the metadata of the dir's package: the folder itself has a name that changes.
    #[must_use]
    pub fn site(&self) -> PathBuf {
        self.0.join("site")
    }

    /// A link to the engine's socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.join("docker.sock")
    }

    /// A link to a program of the host.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.0.join("bin").join(name)
    }

    /// What the container's proxy changes: a [`Lent`](nested::Lent) as JSON.
    #[must_use]
    pub fn rules(&self) -> PathBuf {
        self.0.join("engine.json")
    }

    /// Variables of this machine, as `docker run --env-file` reads them.
    #[must_use]
    pub fn env(&self) -> PathBuf {
        self.0.join("env")
    }
}

/// Whether the dir's container starts with more than a command that waits.
#[must_use]
pub fn is_wrapped(dir: &RunnableDir) -> bool {
    dir.config.layout.entrypoint.is_some() || dir.config.run.nested.docker != DockerMode::None
}

/// Whether there are variables that only this machine can know.
#[must_use]
pub fn has_env(dir: &RunnableDir) -> bool {
    let is_pattern = |variable: &Variable| matches!(variable, Variable::PassedOn(name) if name.contains('*'));
    let is_of_seat = |text: &String| super::brought::is_of_seat(text);
    !dir.config.run.services.is_empty()
        || dir.config.run.env.iter().any(is_pattern)
        || dir.config.layout.variables.values().any(is_of_seat)
}

impl Launch<'_> {
    /// What `wharf bash` would start, with a command that waits in place of the shell.
    #[must_use]
    pub fn editor_settings(&self, folder: &Folder) -> Settings {
        let wait = ["/bin/sh", "-c", WAIT, "wharf-editor"].map(str::to_owned).to_vec();
        let mut settings = Settings { portable: true, ..Settings::new("bash", wait) };
        nested::for_editor(self, &mut settings, folder);
        settings
    }

    /// The text of [`Folder::env`].
    #[must_use]
    pub fn editor_env(&self, neighbours: Option<&Neighbours>) -> String {
        let mut lines: Vec<String> =
            self.of_seat().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        for variable in &self.dir.config.run.env {
            if let Variable::PassedOn(pattern) = variable
                && pattern.contains('*')
            {
                // Without a value it is the caller's, which thus lies nowhere.
                lines.extend(self.names_of(pattern));
            }
        }
        lines.extend(neighbours.iter().flat_map(|all| &all.env).map(|(name, value)| format!("{name}={value}")));
        lines.into_iter().map(|line| line + "\n").collect()
    }
}

/// What such a container's image has to start.
#[must_use]
pub fn words(spec: &RunSpec) -> Vec<String> {
    let program = match &spec.entrypoint {
        Entrypoint::Program(program) => Some(program.clone()),
        Entrypoint::Image | Entrypoint::Cleared => None,
    };
    let fresh = ["/bin/sh", "-c", FRESH, "wharf"].map(str::to_owned);
    fresh.into_iter().chain(program).chain(spec.command.iter().cloned()).collect()
}

/// The mount of the metadata of the dir's package, if it has one.
#[must_use]
pub fn site(spec: &RunSpec) -> Option<&Mount> {
    spec.mounts.iter().find(|mount| mount.container == SITE)
}
