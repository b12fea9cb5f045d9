//! Engines: which are here, which work, how they build, what a killed Wharf left in them.

use std::path::PathBuf;

use wharf_core::config::ImageSource;
use wharf_core::container::{Scope, running};
use wharf_core::image::place::{self, Place};
use wharf_core::image::spec::DOCKERFILE;
use wharf_core::workspace::Workspace;
use wharf_engine::{Client, EngineError, Kind};

use super::check::{Check, Status};
use super::fix::{Package, install};
use super::tools::Tool;
use crate::context::Context;

/// The engines of this machine.
pub(super) struct Found<'a> {
    context: &'a Context,
    docker: Result<Place, EngineError>,
    podman: Result<Place, EngineError>,
    host: Option<Place>,
    wanted: Option<Kind>,
    bases: Vec<String>,
}

impl<'a> Found<'a> {
    pub(super) fn detect(context: &'a Context, workspace: Option<&Workspace>) -> Self {
        let open = |kind| place::open(kind, &context.surroundings);
        let (docker, podman) = std::thread::scope(|scope| {
            let docker = scope.spawn(|| open(Kind::Docker));
            let podman = open(Kind::Podman);
            (docker.join().unwrap_or(Err(EngineError::Absent(Kind::Docker))), podman)
        });
        let named = workspace.and_then(|workspace| workspace.config.engine.kind.as_ref());
        let wanted = named.map(|named| named.value);
        let bases = workspace.map(bases).unwrap_or_default();
        Self { context, docker, podman, host: open(Kind::Host).ok(), wanted, bases }
    }

    /// The container engines that work.
    pub(super) fn clients(&self) -> impl Iterator<Item = &Client> {
        [&self.docker, &self.podman].into_iter().filter_map(|found| found.as_ref().ok()?.client())
    }

    /// The client that commands will use, where it is one.
    fn taken(&self) -> Option<&Client> {
        let mut clients = self.clients();
        match self.wanted {
            Some(kind) => clients.find(|client| client.kind() == kind),
            None => clients.next(),
        }
    }

    pub(super) fn checks(&self, python: &Tool, uv: &Tool) -> Vec<Check> {
        let host_works = python.works || uv.works;
        let any = host_works || self.clients().next().is_some();
        let mut checks = vec![
            self.engine("docker", Kind::Docker, &self.docker, any),
            self.engine("podman", Kind::Podman, &self.podman, any),
        ];
        checks.extend(self.podman_init());
        checks.push(self.host(host_works, any));
        checks.extend(self.build());
        checks.extend(self.bases());
        checks
    }

    /// How bad it is that an engine does not work: it stops tests where the user wants just this one, or none works.
    fn severity(&self, kind: Kind, any: bool) -> Status {
        if self.wanted == Some(kind) || !any { Status::Bad } else { Status::Warn }
    }

    fn engine(&self, name: &'static str, kind: Kind, found: &Result<Place, EngineError>, any: bool) -> Check {
        let severity = self.severity(kind, any);
        let package = if kind == Kind::Podman { Package::Podman } else { Package::Docker };
        match found {
            Ok(place) => {
                let version = place.client().and_then(|client| client.version().ok());
                let taken = if self.taken().is_some_and(|client| client.kind() == kind) {
                    ", the one that is used"
                } else {
                    ""
                };
                Check::ok(name, format!("{} works{taken}", version.unwrap_or_else(|| "it".into())))
            }
            Err(EngineError::Absent(_)) if severity == Status::Warn => Check::ok(name, "not installed, and not needed"),
            Err(EngineError::Absent(_)) => {
                Check::new(name, severity, "not installed").fix(install(package, self.context))
            }
            Err(error) => {
                let check = Check::new(name, severity, error.to_string());
                match (error, kind) {
                    (EngineError::NotRunning { .. }, Kind::Docker) if self.is_docker_host_set() => {
                        check.fix("unset DOCKER_HOST")
                    }
                    (EngineError::NotRunning { .. }, Kind::Docker) => check.fix("sudo systemctl start docker"),
                    (EngineError::NoPermission { .. }, _) => {
                        check.fix("sudo usermod -aG docker \"$USER\" && newgrp docker")
                    }
                    _ => check.fix(format!("{kind} info")),
                }
            }
        }
    }

    fn is_docker_host_set(&self) -> bool {
        self.context.surroundings.variable("DOCKER_HOST").is_some()
    }

    /// Podman starts containers with an init process only where it finds this program, and Debian's package merely
    /// recommends it. Where it is looked for: podman-run(1), `--init-path`, and containers.conf(5), `helper_binaries_dir`.
    fn podman_init(&self) -> Option<Check> {
        self.clients().find(|client| client.kind() == Kind::Podman)?;
        let folders = ["/usr/libexec/podman", "/usr/local/libexec/podman", "/usr/lib/podman", "/usr/local/lib/podman"];
        let path = place::environment(&self.context.surroundings).search_path;
        let mut folders = folders.map(PathBuf::from).into_iter().chain(std::env::split_paths(&path));
        let configured = self.context.surroundings.variable("CONTAINERS_CONF");
        let named = configured.and_then(|file| std::fs::read_to_string(file).ok());
        // Elsewhere than on Linux it is in Podman's own virtual machine.
        if !cfg!(target_os = "linux")
            || named.is_some_and(|text| text.contains("init_path"))
            || folders.any(|folder| folder.join("catatonit").is_file())
        {
            return None;
        }
        let check = Check::warn("podman", "`catatonit` was not found: containers run without an init process");
        Some(check.fix(install(Package::Init, self.context)))
    }

    fn host(&self, works: bool, any: bool) -> Check {
        if works {
            let taken = match (self.wanted, self.taken()) {
                (Some(Kind::Host), _) | (None, None) => ", the one that is used",
                _ => "",
            };
            return Check::ok("host", format!("works, without isolation{taken}"));
        }
        let check =
            Check::new("host", self.severity(Kind::Host, any), "no Python that can make environments, and no uv");
        check.fix(install(Package::Python, self.context))
    }

    /// How images are built by the engine that is used.
    fn build(&self) -> Option<Check> {
        let client = self.taken()?;
        Some(match client.builder() {
            Ok(builder) => Check::ok("build", builder.describe()),
            Err(error) => Check::warn("build", error.to_string()).fix(install(Package::Buildx, self.context)),
        })
    }

    /// Whether the engine that is used has the base images. Whether they could be fetched is not tried.
    fn bases(&self) -> Vec<Check> {
        let Some(client) = self.taken() else { return Vec::new() };
        let check = |base: &String| match client.image(base) {
            Ok(Some(_)) => Check::ok("base image", format!("`{base}` is here")),
            Ok(None) => Check::warn("base image", format!("`{base}` is not here yet, it is fetched when needed"))
                .fix(client.command().arg("pull").arg(base).to_string()),
            Err(error) => Check::warn("base image", error.to_string()),
        };
        self.bases.iter().map(check).collect()
    }

    /// What a killed Wharf left behind in this workspace.
    pub(super) fn leftovers(&self, workspace: Option<&Workspace>) -> Option<Check> {
        let workspace = workspace?;
        let containers = [&self.docker, &self.podman].into_iter().filter_map(|found| found.as_ref().ok());
        let places = containers.chain(&self.host);
        let mut left = Vec::new();
        for place in places {
            // An engine that does not answer has a finding of its own.
            let entries = running::list(workspace, place, Scope::Workspace).unwrap_or_default();
            let orphans = entries.iter().filter(|entry| entry.orphan).count();
            if orphans > 0 {
                left.push(format!("{orphans} in {}", place.kind()));
            }
        }
        Some(if left.is_empty() {
            Check::ok("leftovers", "none")
        } else {
            Check::warn("leftovers", format!("of a Wharf that was killed: {}", left.join(", "))).fix("wharf prune")
        })
    }
}

/// The base images that generated Dockerfiles of the workspace start from, each once.
fn bases(workspace: &Workspace) -> Vec<String> {
    let generated = workspace
        .dirs
        .iter()
        .filter(|dir| dir.config.layout.dockerfile.is_none() && !dir.devops().join(DOCKERFILE).is_file());
    let mut bases: Vec<String> = generated
        .filter_map(|dir| match &dir.config.image.source {
            ImageSource::Base(base) => Some(base.value.clone()),
            ImageSource::From(_) => None,
        })
        .collect();
    bases.sort();
    bases.dedup();
    bases
}
