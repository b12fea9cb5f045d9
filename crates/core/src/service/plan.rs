//! Which services are asked for and in which order they start. Pure but for [`identity`], which asks the engine for ids of images.

use std::path::PathBuf;

use wharf_engine::Client;

use super::error::ServiceError;
use super::image;
use crate::config::{Origin, ServiceConfig, Variable, nearest_word};
use crate::runnable_dir::{DEVOPS, RunnableDir};
use crate::workspace::Workspace;

/// A service that is to be started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Its name, by which others reach it.
    pub name: String,
    /// What the configuration says of it.
    pub config: ServiceConfig,
}

/// The services that somebody asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServicePlan {
    /// Those that the configuration describes, such that each stands behind all that it needs.
    pub services: Vec<Planned>,
    /// The Compose file and the services in it, where some are asked for.
    pub compose: Option<(PathBuf, Vec<String>)>,
}

impl ServicePlan {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && self.compose.is_none()
    }

    /// Names of all of them, in the order of their start.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let composed = self.compose.iter().flat_map(|(_, names)| names);
        composed.chain(self.services.iter().map(|service| &service.name)).map(String::as_str)
    }
}

/// Plans what `names` of a dir mean.
///
/// # Errors
/// When a name means nothing, services need each other, or two of them cannot be told apart.
pub fn plan(workspace: &Workspace, dir: &RunnableDir, names: &[String]) -> Result<ServicePlan, ServiceError> {
    let mut planner = Planner { workspace, dir, plan: ServicePlan::default(), above: Vec::new() };
    for name in names {
        planner.add(name)?;
    }
    planner.check_variables()?;
    Ok(planner.plan)
}

struct Planner<'a> {
    workspace: &'a Workspace,
    dir: &'a RunnableDir,
    plan: ServicePlan,
    /// Those that need what is being added, the outermost first.
    above: Vec<String>,
}

impl Planner<'_> {
    fn add(&mut self, name: &str) -> Result<(), ServiceError> {
        let dir = self.dir.address.to_string();
        if let Some(first) = self.above.iter().position(|above| above == name) {
            let mut names = self.above.split_off(first);
            names.push(name.to_owned());
            return Err(ServiceError::Cycle { dir, names });
        }
        if self.plan.names().any(|known| known == name) {
            return Ok(());
        }
        let services = &self.dir.config.services;
        if let Some(config) = services.named.get(name) {
            self.above.push(name.to_owned());
            for needed in &config.needs {
                self.add(needed)?;
            }
            self.above.pop();
            self.plan.services.push(Planned { name: name.to_owned(), config: config.clone() });
            return Ok(());
        }
        if let Some(file) = &services.compose {
            let path = place(self.workspace, &file.value, &file.origin);
            if !path.is_file() {
                return Err(ServiceError::Missing { name: name.to_owned(), path });
            }
            self.plan.compose.get_or_insert_with(|| (path, Vec::new())).1.push(name.to_owned());
            return Ok(());
        }
        let known: Vec<String> = services.named.keys().cloned().collect();
        let words: Vec<&str> = known.iter().map(String::as_str).collect();
        let nearest = nearest_word(name, &words).map(|near| near.to_string());
        Err(ServiceError::Unknown { dir, name: name.to_owned(), needed_by: self.above.last().cloned(), known, nearest })
    }

    /// Names that become one variable: `my-db` and `my_db`.
    fn check_variables(&self) -> Result<(), ServiceError> {
        let names: Vec<&str> = self.plan.names().collect();
        for (index, first) in names.iter().enumerate() {
            if let Some(second) = names[index + 1..].iter().find(|second| variable(second) == variable(first)) {
                return Err(ServiceError::Clash {
                    dir: self.dir.address.to_string(),
                    first: (*first).to_owned(),
                    second: (*second).to_owned(),
                    why: format!("both would be `{}_HOST`", variable(first)),
                });
            }
        }
        Ok(())
    }
}

/// The start of the variables that say where a service is.
pub(super) fn variable(name: &str) -> String {
    format!("WHARF_SERVICE_{}", name.to_uppercase().replace('-', "_"))
}

/// A path that the configuration of services names: from the folder of the file that does, or, where it is not there, from the
/// runnable dir of that file.
pub(super) fn place(workspace: &Workspace, text: &str, origin: &Origin) -> PathBuf {
    let path = workspace.places.path(text, origin);
    let base = origin.base_dir().filter(|base| base.ends_with(DEVOPS)).and_then(|base| base.parent());
    match base.map(|base| workspace.root.join(base).join(text)) {
        Some(other) if !path.exists() && other.exists() => other,
        _ => path,
    }
}

/// What must be the same for services to be the same, for whoever asks whether all is as it was. Values may be secret: they are
/// there to be hashed.
#[must_use]
pub fn identity(workspace: &Workspace, plan: &ServicePlan, client: Option<&Client>) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    for Planned { name, config } in &plan.services {
        let image = match (&config.image, &config.build) {
            (Some(image), _) => {
                let found = client.and_then(|client| client.image(image).ok().flatten());
                found.map_or_else(|| image.clone(), |image| image.id)
            }
            (None, Some(folder)) => image::hash(&place(workspace, folder, &config.origin)).unwrap_or_default(),
            (None, None) => String::new(),
        };
        let mut text =
            format!("{image} {:?} {:?} {:?} {:?}", config.command, config.volumes, config.needs, config.ready);
        for variable in &config.env {
            let value = match variable {
                Variable::Set { value, .. } => Some(value.as_str()),
                Variable::PassedOn(name) => workspace.surroundings.variable(name),
            };
            text.push_str(&format!(" {}={value:?}", variable.name()));
        }
        parts.push((format!("service {name}"), text));
    }
    if let Some((file, names)) = &plan.compose {
        let content = std::fs::read(file).unwrap_or_default();
        parts.push((format!("services {}", names.join(" ")), blake3::hash(&content).to_hex().to_string()));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Surroundings, discover};

    /// The names in their order, or the error, of what is asked for in a dir with these tables.
    fn planned(toml: &str, names: &[&str]) -> Result<Vec<String>, String> {
        let sandbox = wharf_testkit::Sandbox::new();
        let repo = wharf_testkit::sample::workspace(&sandbox).dir("app", |dir| dir.toml(toml)).build();
        let surroundings = Surroundings {
            here: repo.path().to_owned(),
            cache: sandbox.path().join("cache"),
            ..Surroundings::default()
        };
        let workspace = discover(surroundings).unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let plan = plan(&workspace, &workspace.dirs[0], &names).map_err(|error| error.to_string())?;
        Ok(plan.names().map(str::to_owned).collect())
    }

    #[test]
    fn what_is_needed_comes_first_and_once() {
        let toml = "[services.web]\nimage = 'a'\nneeds = ['db', 'queue']\n[services.queue]\nimage = 'a'\nneeds = ['db']\n\
                    [services.db]\nimage = 'a'\n[services.other]\nimage = 'a'\n";
        assert_eq!(planned(toml, &["web", "db"]).unwrap(), ["db", "queue", "web"]);
        assert_eq!(planned(toml, &[]).unwrap(), [""; 0]);
        assert_eq!(planned(toml, &["bd"]).unwrap_err(), "no service of `app` is named `bd`");
    }

    #[test]
    fn one_word_in_a_list_is_one_word() {
        let sandbox = wharf_testkit::Sandbox::new();
        let toml = "[services.list]\nimage = 'a'\ncommand = ['/my own/server -x']\n\
                    [services.line]\nimage = 'a'\ncommand = '/server -x'\n";
        let repo = wharf_testkit::sample::workspace(&sandbox).dir("app", |dir| dir.toml(toml)).build();
        let cache = sandbox.path().join("cache");
        let workspace =
            discover(Surroundings { here: repo.path().to_owned(), cache, ..Surroundings::default() }).unwrap();
        let command = |name: &str| workspace.dirs[0].config.services.named[name].command.clone();
        assert_eq!(command("list"), ["/my own/server -x"]);
        assert_eq!(command("line"), ["/server", "-x"]);
    }

    #[test]
    fn circles_are_refused_however_small() {
        let toml = "[services.a]\nimage = 'a'\nneeds = ['a']\n";
        assert_eq!(planned(toml, &["a"]).unwrap_err(), "services of `app` need each other: a → a");
        let unknown = "[services.a]\nimage = 'a'\nneeds = ['b']\n";
        assert_eq!(planned(unknown, &["a"]).unwrap_err(), "no service of `app` is named `b`, which `a` needs");
    }
}
