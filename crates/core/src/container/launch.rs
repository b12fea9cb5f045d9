//! From a runnable dir and a command to the line that starts it, in a container or on the host.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wharf_engine::{Client, EngineLog, Mount, Platform, RunSpec, Terminal, User};
use wharf_process::Command;

use super::error::ContainerError;
use super::site::{self, Site};
use super::{IMAGE, LOG, Neighbours, OWNER, Owner, PLUGIN, ROOT, SITE, VERB, WORKSPACE};
use crate::config::{DockerMode, Located, Variable, Volume};
use crate::image::place::Place;
use crate::image::site::{Seen, python_path};
use crate::image::{Ready, ensure::Body, platform, stage};
use crate::runnable_dir::RunnableDir;
use crate::shell_env::{Standpoint, team_variables};
use crate::workspace::{StateDir, Workspace};

/// Something to run for a runnable dir.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// Where it runs.
    pub place: &'a Place,
    /// Whose code and settings it has.
    pub dir: &'a RunnableDir,
    /// What it runs in.
    pub ready: &'a Ready,
    /// Where Wharf's own files are.
    pub state: &'a StateDir,
    /// Who starts it.
    pub owner: &'a Owner,
}

/// What a command line says about one run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What it is for: `run`, `bash`, `test`.
    pub verb: &'static str,
    /// Tells it from others of the same process.
    pub number: usize,
    /// The command and its arguments.
    pub command: Vec<String>,
    /// How it is joined to the terminal.
    pub terminal: Terminal,
    /// Further variables: `NAME=value`, or `NAME` to pass the caller's on.
    pub env: Vec<String>,
    /// Further mounts, as the engines write them.
    pub volumes: Vec<String>,
    /// Ports, as the engines write them.
    pub ports: Vec<String>,
    /// User, where not the caller.
    pub user: Option<String>,
    /// Network, where not the configured one.
    pub network: Option<String>,
    /// Folder to start in, where not the runnable dir: absolute in the container, or relative to the dir.
    pub workdir: Option<String>,
    /// Further labels; they win over Wharf's own.
    pub labels: BTreeMap<String, String>,
    /// Host folder of the pytest plugin, where it is needed.
    pub plugin: Option<PathBuf>,
    /// Further read-only files: host path and path in the container.
    pub files: Vec<(PathBuf, String)>,
    /// File of the host that gets all that it prints; the engine keeps none of it then.
    pub log: Option<PathBuf>,
    /// Time between being asked to end and being killed.
    pub grace: Duration,
    /// Services that it can reach.
    pub neighbours: Option<Neighbours>,
    /// Further options, as the engine's program takes them.
    pub options: Vec<String>,
    /// Whether it is for any machine: what this one lacks is not left out.
    pub portable: bool,
}

impl Settings {
    /// A plain run of `command`.
    #[must_use]
    pub fn new(verb: &'static str, command: Vec<String>) -> Self {
        Self {
            verb,
            number: 0,
            command,
            terminal: Terminal::None,
            env: Vec::new(),
            volumes: Vec::new(),
            ports: Vec::new(),
            user: None,
            network: None,
            workdir: None,
            labels: BTreeMap::new(),
            plugin: None,
            files: Vec::new(),
            log: None,
            grace: Duration::from_secs(10),
            neighbours: None,
            options: Vec::new(),
            portable: false,
        }
    }
}

/// Variables that a command on the host is lent. As in a container, all others stay out unless the configuration names
/// them, so that tests do not depend on the shell they were started from.
const LENT: [&str; 24] = [
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TERM",
    "COLORTERM",
    "TZ",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "NO_COLOR",
    "CI",
];

pub(super) fn is_lent(name: &str) -> bool {
    LENT.contains(&name) || name.starts_with("LC_") || name.starts_with("XDG_")
}

/// In what containers of one stage differ from those of another.
struct Inside {
    mounts: Vec<Mount>,
    env: BTreeMap<String, String>,
    /// Where the command starts, where nothing else is asked for; the image's own choice where it is empty.
    workdir: String,
    /// Who runs it, where nobody else is asked for.
    user: User,
}

/// A file or folder of the host, to be read only.
fn lent(host: &Path, container: &str) -> Mount {
    Mount { host: host.into(), container: container.into(), read_only: true }
}

fn lent_files(settings: &Settings) -> Vec<Mount> {
    let plugin = settings.plugin.iter().map(|plugin| lent(plugin, PLUGIN));
    plugin.chain(settings.files.iter().map(|(host, container)| lent(host, container))).collect()
}

impl Launch<'_> {
    /// The line that starts it. Writes the small files that are lent to it; starts nothing.
    ///
    /// # Errors
    /// When those files cannot be made.
    pub fn command(&self, settings: &Settings) -> Result<Command, ContainerError> {
        match (self.place, &self.ready.body) {
            (Place::Containers(client), Body::Image(id)) => {
                Ok(self.with_passed_as(client.run_command(&self.spec(client, id, settings)?)))
            }
            (_, Body::Venv(venv)) => self.on_host(venv, settings),
            (Place::Host(_), Body::Image(image)) => Err(ContainerError::Unknown(image.clone())),
        }
    }

    /// Name of the container.
    #[must_use]
    pub fn name(&self, settings: &Settings) -> String {
        let id = &self.workspace.id[..6];
        format!("wharf-{id}-{}-{}-{}-{}", self.dir.slug(), settings.verb, self.owner.short(), settings.number)
    }

    /// What of the configuration cannot be done here, a line each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let address = &self.dir.address;
        let mut lines: Vec<String> = self
            .missing_volumes()
            .iter()
            .filter(|(volume, _)| !volume.value.optional)
            .map(|(_, path)| format!("`{}` is not there, so it is not mounted into `{address}`", path.display()))
            .collect();
        if matches!(self.place, Place::Host(_)) {
            if !self.ready.spec.os.is_empty() {
                lines.push(format!(
                    "`{address}` asks for {}, which engine host does not install",
                    self.ready.spec.os.join(", ")
                ));
            }
            let run = &self.dir.config.run;
            let asked = [
                ("volumes", !run.volumes.is_empty()),
                ("ports", !run.ports.is_empty()),
                ("network", run.network.is_some()),
                ("docker = \"child\"", run.nested.docker == DockerMode::Child),
            ];
            let asked: Vec<&str> = asked.iter().filter(|(_, asked)| *asked).map(|(name, _)| *name).collect();
            if !asked.is_empty() {
                lines.push(format!(
                    "`{address}` asks for `[run]` {}, which engine host does not have",
                    asked.join(", ")
                ));
            }
            if self.ready.spec.own {
                lines.push(format!("`{address}` has its own Dockerfile, which engine host does not use"));
            }
        }
        lines
    }

    /// The container that it runs in. Writes the small files that are lent to it.
    ///
    /// # Errors
    /// When those files cannot be made.
    pub fn spec(&self, client: &Client, image: &str, settings: &Settings) -> Result<RunSpec, ContainerError> {
        if self.ready.is_prod() {
            return Ok(self.in_prod(client, image, settings));
        }
        let package = self.packages(Seen::InContainer)?;
        let mut mounts = vec![Mount {
            host: self.workspace.root.clone(),
            container: self.workspace.mount_point(),
            read_only: false,
        }];
        mounts.extend(self.git_mount().filter(|_| !settings.portable));
        mounts.extend(package.iter().map(|site| lent(&site.folder, SITE)));
        mounts.extend(lent_files(settings));
        let mut env = BTreeMap::from([
            ("PYTHONPATH".to_owned(), self.python_path(package.as_ref(), settings, Seen::InContainer).join(":")),
            ("WHARF_DIR".to_owned(), self.dir.address.to_string()),
            ("WHARF_ROOT".to_owned(), self.workspace.mount_point()),
            ("WHARF_WORKSPACE".to_owned(), self.workspace.name.clone()),
            ("USER".to_owned(), self.workspace.surroundings.user.clone()),
            ("LOGNAME".to_owned(), self.workspace.surroundings.user.clone()),
        ]);
        // Bytecode holds paths. Kept apart, that of containers does not mislead a Python on the host that finds it
        // beside the code (pytest's rewritten tests would show files in `/src`).
        if !self.state.stands_in() {
            let cache = self.workspace.in_container(&self.state.path().join("pycache"));
            env.insert("PYTHONPYCACHEPREFIX".to_owned(), cache);
        }
        env.extend(self.team_variables(Seen::InContainer));
        let inside = Inside { mounts, env, workdir: self.workspace.in_container(&self.dir.path), user: User::Caller };
        Ok(self.container(client, image, settings, inside))
    }

    /// What containers of all stages have in common.
    fn container(&self, client: &Client, image: &str, settings: &Settings, inside: Inside) -> RunSpec {
        let Inside { mounts, mut env, workdir, user } = inside;
        let mut passed = Vec::new();
        if settings.terminal == Terminal::Full {
            passed.push("TERM".to_owned());
        }
        self.variables(settings, &mut env, &mut passed);
        if settings.portable {
            self.of_seat().iter().for_each(|(name, _)| drop(env.remove(name)));
        } else {
            passed.extend(self.passed_as().into_iter().map(|(name, _)| name));
        }
        let (entrypoint, command) = self.entry(settings);
        let here = self.workspace.in_container(&self.dir.path);
        let workdir = match &settings.workdir {
            None => workdir,
            Some(path) if path.starts_with('/') => path.clone(),
            Some(path) => format!("{here}/{path}"),
        };
        let run = &self.dir.config.run;
        RunSpec {
            image: image.to_owned(),
            name: self.name(settings),
            command,
            entrypoint,
            mounts,
            env,
            passed_env: passed,
            workdir,
            user: settings.user.clone().map_or(user, User::Named),
            network: settings.joined().or_else(|| run.network.clone()),
            ports: run.ports.iter().filter(|_| settings.verb != "test").chain(&settings.ports).cloned().collect(),
            labels: self.labels(settings),
            terminal: settings.terminal,
            stop_grace: settings.grace,
            platform: self.foreign_platform(client),
            volumes: self.volumes(settings),
            log: if settings.log.is_some() { EngineLog::None } else { EngineLog::Kept },
            detached: false,
            alias: None,
            hosts: settings.neighbours.as_ref().map(|neighbours| neighbours.hosts.clone()).unwrap_or_default(),
            options: settings.options.clone(),
        }
    }

    /// The platform to name: where it is the engine's own, a plan is easier to read without.
    fn foreign_platform(&self, client: &Client) -> Option<Platform> {
        let platform = platform::labelled(&self.ready.labels)?;
        client.native_platform().is_ok_and(|native| native != platform).then_some(platform)
    }

    /// A prod image as it is: its own code, user, folder and `PYTHONPATH`; nothing of the work tree is in it.
    fn in_prod(&self, client: &Client, image: &str, settings: &Settings) -> RunSpec {
        // The folder: that of the dir whose image it is; of another dir that uses it, its own.
        let is_own = self.ready.spec.dir == self.dir.address.as_str() || settings.verb == "test";
        let inside = Inside {
            mounts: lent_files(settings),
            env: BTreeMap::new(),
            workdir: if is_own { String::new() } else { self.workspace.in_container(&self.dir.path) },
            user: User::Image,
        };
        self.container(client, image, settings, inside)
    }

    fn on_host(&self, venv: &wharf_engine::host::Venv, settings: &Settings) -> Result<Command, ContainerError> {
        let package = self.packages(Seen::OnHost)?;
        let mut env = BTreeMap::from([
            ("PYTHONPATH".to_owned(), self.python_path(package.as_ref(), settings, Seen::OnHost).join(":")),
            ("WHARF_DIR".to_owned(), self.dir.address.to_string()),
            ("WHARF_ROOT".to_owned(), self.workspace.root.display().to_string()),
            ("WHARF_WORKSPACE".to_owned(), self.workspace.name.clone()),
        ]);
        let mut passed = Vec::new();
        env.extend(self.team_variables(Seen::OnHost));
        self.variables(settings, &mut env, &mut passed);
        let mut command = venv.command(&settings.command).env_clear();
        for (name, value) in &self.workspace.surroundings.variables {
            let known = name.to_str().is_some_and(|name| is_lent(name) || passed.iter().any(|passed| passed == name));
            if known && name != "PATH" {
                command = command.pass_env(name, value);
            }
        }
        if let Some(site) = &package {
            let bins = [site.folder.join("bin"), venv.bin()];
            let rest = self.workspace.surroundings.variable("PATH").unwrap_or_default();
            let path: Vec<String> = bins.iter().map(|bin| bin.display().to_string()).chain([rest.to_owned()]).collect();
            command = command.env("PATH", path.join(":"));
        }
        for (name, value) in env {
            command = command.env(name, value);
        }
        let folder = settings.workdir.as_ref().map_or_else(|| self.dir.path.clone(), |path| self.dir.path.join(path));
        Ok(command.cwd(folder))
    }

    pub(super) fn packages(&self, seen: Seen) -> Result<Option<Site>, ContainerError> {
        site::packages(self.workspace, self.state, self.dir, &self.ready.spec.dependencies.local, seen)
    }

    /// The super-repo's root, each sub-repo's root, then what only this dir needs.
    pub(super) fn python_path(&self, package: Option<&Site>, settings: &Settings, seen: Seen) -> Vec<String> {
        let roots = package.map(|site| site.import_roots.as_slice()).unwrap_or_default();
        let mut path = python_path(self.workspace, roots, seen);
        // Generated images also have a `.pth` file that makes the mounted folder a site folder, for processes that drop
        // `PYTHONPATH`.
        if let Some(site) = package {
            path.push(match seen {
                Seen::InContainer => SITE.to_owned(),
                Seen::OnHost => site.folder.display().to_string(),
            });
        }
        if let Some(plugin) = &settings.plugin {
            path.push(match seen {
                Seen::InContainer => PLUGIN.to_owned(),
                Seen::OnHost => plugin.display().to_string(),
            });
        }
        path
    }

    /// The variables of `[setenv]`. What leads into the workspace is written as it is seen from there.
    pub(super) fn team_variables(&self, seen: Seen) -> BTreeMap<String, String> {
        let (workspace, dir) = (self.workspace, self.dir);
        let standpoint = match seen {
            Seen::InContainer => Standpoint {
                root: workspace.mount_point().into(),
                dir: workspace.in_container(&dir.path).into(),
                home: None,
                workspace: workspace.name.clone(),
            },
            Seen::OnHost => Standpoint {
                root: workspace.root.clone().into(),
                dir: dir.path.clone().into(),
                home: workspace.surroundings.home.clone().map(Into::into),
                workspace: workspace.name.clone(),
            },
        };
        let shown = |value: OsString| match seen {
            Seen::InContainer if Path::new(&value).starts_with(&workspace.root) => {
                workspace.in_container(Path::new(&value))
            }
            _ => value.to_string_lossy().into_owned(),
        };
        let variables = team_variables(&dir.config.setenv, &standpoint);
        variables.into_iter().map(|(name, value)| (name, shown(value))).collect()
    }

    pub(super) fn variables(&self, settings: &Settings, env: &mut BTreeMap<String, String>, passed: &mut Vec<String>) {
        self.own_variables(env);
        for variable in &self.dir.config.run.env {
            match variable {
                Variable::Set { name, value } => {
                    env.insert(name.clone(), value.clone());
                }
                // Which names that means is another thing on each machine.
                Variable::PassedOn(name) if settings.portable && name.contains('*') => {}
                Variable::PassedOn(name) => passed.extend(self.names_of(name)),
            }
        }
        env.extend(settings.neighbours.iter().flat_map(|neighbours| neighbours.env.clone()));
        for text in &settings.env {
            match text.split_once('=') {
                Some((name, value)) => {
                    env.insert(name.to_owned(), value.to_owned());
                }
                None => passed.push(text.clone()),
            }
        }
        passed.retain(|name| {
            settings.portable || self.workspace.surroundings.variables.iter().any(|(known, _)| known == name.as_str())
        });
    }

    pub(super) fn volumes(&self, settings: &Settings) -> Vec<String> {
        let missing = self.missing_volumes();
        let configured = self.dir.config.run.volumes.iter().filter_map(|volume| {
            let value = &volume.value;
            let host = if value.is_named() {
                value.host.clone()
            } else {
                let path = self.workspace.places.path(&value.host, &volume.origin);
                if missing.iter().any(|(_, known)| *known == path) && !settings.portable {
                    return None;
                }
                path.display().to_string()
            };
            let options =
                if value.options.is_empty() { String::new() } else { format!(":{}", value.options.join(",")) };
            Some(format!("{host}:{}{options}", value.container))
        });
        configured.chain(settings.volumes.iter().map(|volume| self.absolute(volume))).collect()
    }

    /// A mount from the command line: its host path may start where the user stands, or with `~`.
    fn absolute(&self, volume: &str) -> String {
        let Some((host, rest)) = volume.split_once(':') else { return volume.to_owned() };
        let home = self.workspace.surroundings.home.as_deref();
        match (host.strip_prefix("~/"), home) {
            (Some(below), Some(home)) => format!("{}:{rest}", home.join(below).display()),
            _ if host.starts_with('.') => format!("{}:{rest}", self.workspace.surroundings.here.join(host).display()),
            _ => volume.to_owned(),
        }
    }

    fn missing_volumes(&self) -> Vec<(&Located<Volume>, PathBuf)> {
        let volumes = self.dir.config.run.volumes.iter().filter(|volume| !volume.value.is_named());
        let paths = volumes.map(|volume| (volume, self.workspace.places.path(&volume.value.host, &volume.origin)));
        paths.filter(|(_, path)| !path.exists()).collect()
    }

    /// The Git folder, where it is outside of the work tree (a worktree): seen at the same path.
    fn git_mount(&self) -> Option<Mount> {
        let common = self.workspace.git.common_dir();
        let outside = !common.starts_with(&self.workspace.root);
        outside.then(|| Mount { container: common.display().to_string(), host: common, read_only: false })
    }

    fn labels(&self, settings: &Settings) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([
            (WORKSPACE.to_owned(), self.workspace.id.clone()),
            (ROOT.to_owned(), self.workspace.root.display().to_string()),
            (stage::DIR.to_owned(), self.dir.address.to_string()),
            (VERB.to_owned(), settings.verb.to_owned()),
            (OWNER.to_owned(), self.owner.to_string()),
            (IMAGE.to_owned(), self.ready.reference.clone()),
        ]);
        labels.extend(settings.log.iter().map(|log| (LOG.to_owned(), log.display().to_string())));
        labels.extend(settings.labels.clone());
        labels
    }
}
