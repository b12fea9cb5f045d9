//! Where commands run: in containers of an engine, or on the host.

use std::path::PathBuf;

use wharf_engine::host::HostTools;
use wharf_engine::{Client, EngineError, Environment, Kind, detect};

use super::secrets;
use crate::config::Config;
use crate::thin_env;
use crate::workspace::{Surroundings, Workspace};

/// Where commands run.
#[derive(Debug, Clone)]
pub enum Place {
    /// In containers.
    Containers(Box<Client>),
    /// On the host, in cached environments.
    Host(Box<HostTools>),
}

/// A place, and why it was taken.
#[derive(Debug, Clone)]
pub struct Picked {
    /// The place.
    pub place: Place,
    /// One line for people.
    pub why: String,
}

impl Place {
    /// Which engine it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Containers(client) => client.kind(),
            Self::Host(_) => Kind::Host,
        }
    }

    /// The client of a container engine, where it is one.
    #[must_use]
    pub fn client(&self) -> Option<&Client> {
        match self {
            Self::Containers(client) => Some(client),
            Self::Host(_) => None,
        }
    }
}

/// Picks the engine that the configuration names, else the first that works.
///
/// # Errors
/// When the one that is named does not work.
pub fn pick(workspace: &Workspace) -> Result<Picked, EngineError> {
    if let Some(named) = &workspace.config.engine.kind {
        let kind = named.value;
        return Ok(Picked {
            place: open_in(workspace, kind)?,
            why: format!("engine {kind}, as {} says{}", named.origin, apart(kind)),
        });
    }
    let mut reasons = Vec::new();
    for kind in [Kind::Docker, Kind::Podman] {
        match open_in(workspace, kind) {
            Ok(place) => {
                let why = if reasons.is_empty() {
                    format!("engine {kind}, the first that works")
                } else {
                    format!("engine {kind}, the first that works ({})", reasons.join(", "))
                };
                return Ok(Picked { place, why });
            }
            Err(EngineError::Absent(kind)) => reasons.push(format!("{kind} is not installed")),
            Err(EngineError::NotRunning { kind, .. }) => reasons.push(format!("{kind} does not answer")),
            Err(EngineError::NoPermission { kind, .. }) => reasons.push(format!("this user may not use {kind}")),
            Err(_) => reasons.push(format!("{kind} does not work")),
        }
    }
    let why = format!(
        "engine host ({}): one environment per set of dependencies, OS packages are not isolated",
        reasons.join(", ")
    );
    Ok(Picked { place: open_in(workspace, Kind::Host)?, why })
}

/// Opens one engine with the workspace's own settings.
fn open_in(workspace: &Workspace, kind: Kind) -> Result<Place, EngineError> {
    let mut place = open(kind, &workspace.surroundings)?;
    if let Place::Host(tools) = &mut place {
        let variables = secrets::index_variables(&workspace.config.build);
        tools.env.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
    Ok(place)
}

/// What has to be said of the host engine, plainly.
fn apart(kind: Kind) -> &'static str {
    if kind == Kind::Host { "; OS packages are not isolated" } else { "" }
}

/// Opens one engine.
///
/// # Errors
/// When it does not work.
pub fn open(kind: Kind, surroundings: &Surroundings) -> Result<Place, EngineError> {
    if kind == Kind::Host {
        return Ok(Place::Host(Box::new(host_tools(surroundings))));
    }
    Ok(Place::Containers(Box::new(detect(kind, &environment(surroundings))?)))
}

/// What engines need to know of the surroundings.
#[must_use]
pub fn environment(surroundings: &Surroundings) -> Environment {
    let text = |name: &str| surroundings.variable(name).map(str::to_owned);
    Environment {
        search_path: search_path(surroundings),
        home: surroundings.home.clone(),
        docker_host: text("DOCKER_HOST"),
        container_host: text("CONTAINER_HOST").filter(|host| !host.is_empty()),
        docker_context: text("DOCKER_CONTEXT"),
        docker_config: text("DOCKER_CONFIG").map(PathBuf::from),
        registry_auth_file: text("REGISTRY_AUTH_FILE").map(PathBuf::from),
        runtime_dir: text("XDG_RUNTIME_DIR").map(PathBuf::from),
        xdg_config_home: text("XDG_CONFIG_HOME").map(PathBuf::from),
        user: surroundings.ids,
    }
}

fn search_path(surroundings: &Surroundings) -> std::ffi::OsString {
    let found = surroundings.variables.iter().find(|(name, _)| name == "PATH");
    found.map(|(_, value)| value.clone()).unwrap_or_default()
}

/// What the host offers for making thin environments, with the package indexes that `config` names.
#[must_use]
pub fn thin_env_tools(config: &Config, surroundings: &Surroundings) -> HostTools {
    let mut tools = host_tools(surroundings);
    let variables = secrets::index_variables(&config.build);
    tools.env.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
    thin_env::tools(tools, &surroundings.data)
}

/// What the host offers for making environments.
#[must_use]
pub fn host_tools(surroundings: &Surroundings) -> HostTools {
    let search_path = search_path(surroundings);
    let uv = std::env::split_paths(&search_path).map(|folder| folder.join("uv")).find(|file| file.is_file());
    let env = ["HOME", "PYENV_ROOT", "PYENV_VERSION"].iter().filter_map(|name| {
        let value = surroundings.variable(name)?;
        Some((name.into(), value.into()))
    });
    HostTools { cache: surroundings.cache.clone(), venvs: None, uv, env: env.collect(), search_path }
}
