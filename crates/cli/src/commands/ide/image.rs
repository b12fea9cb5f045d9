//! `wharf ide image`.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use wharf_core::config::DockerMode;
use wharf_core::container::editor::{self, Folder, GROUP, PROFILE};
use wharf_core::container::nested::{Lent, editor_programs};
use wharf_core::container::{Launch, Neighbours, Owner, Settings};
use wharf_core::ide::IMAGE_TAG;
use wharf_core::image::Place;
use wharf_core::image::ensure::Body;
use wharf_core::image::stage::INPUTS;
use wharf_core::service::{self, Lifetime, Order};
use wharf_core::workspace::StateDir;
use wharf_engine::{Client, RunSpec, Twin};

use super::super::data;
use super::super::interrupt::Interrupt;
use super::super::job::Job;
use super::super::run::Options;
use crate::context::Context;
use crate::exit::Failure;

/// Stands where a container is to find a program that the host has not.
const NO_PROGRAM: &str = "#!/bin/sh\necho \"the host has no such program: ${0##*/}\" >&2\nexit 127\n";

/// Gets the image that `wharf bash` would take, and gives the tag that `devcontainer.json` names to a twin of it that runs as the
/// caller; starts the services of `[run] services`. The devcontainers tools call this before they start a container.
///
/// Services stay until `wharf down`.
#[derive(Debug, clap::Args)]
pub(super) struct Image {
    /// Whose; without it, that of the runnable dir that holds the current folder.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: Option<String>,
    /// The network in which the container is to find the services; made where there is none.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
}

impl Image {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let dir = match &self.dir {
            Some(text) => workspace.dir(text)?,
            None => workspace.here()?,
        };
        let place = context.place(&workspace)?;
        let Place::Containers(client) = &place else {
            return Err(Failure::environment("engine `host` has no images, and editors' containers need one")
                .hint("use `--engine docker`, or `wharf ide generate vscode`, which works without containers too"));
        };
        let options = Options::of(&[])?;
        let settings = Settings::new("bash", Vec::new());
        let interrupt = Interrupt::listen()?;
        let job = Job {
            context,
            workspace: &workspace,
            place: &place,
            dir,
            options: &options,
            settings,
            secret: None,
            interrupt,
        };
        let ready = job.ready()?;
        let (state, owner) = (StateDir::open(&workspace)?, Owner::current());
        let launch = Launch { workspace: &workspace, place: &place, dir, ready: &ready, state: &state, owner: &owner };
        let tag = self.image(&launch, client)?;
        let neighbours = self.services(&job, client, &owner)?;
        if editor::has_env(dir) {
            let folder = Folder::of(&workspace, dir);
            put(&folder.env(), |fresh| Ok(fs_err::write(fresh, launch.editor_env(neighbours.as_ref()))?))?;
        }
        data::line(&tag)?;
        Ok(0)
    }

    /// Makes the image and all files that the container is to have.
    fn image(&self, launch: &Launch<'_>, client: &Client) -> Result<String, Failure> {
        let Launch { workspace, dir, ready, .. } = launch;
        let Body::Image(image) = &ready.body else {
            return Err(Failure::environment(format!("`{}` has no image", dir.address)));
        };
        let folder = Folder::of(workspace, dir);
        let settings = launch.editor_settings(&folder);
        let spec = launch.spec(client, image, &settings)?;
        if let Some(site) = editor::site(&spec) {
            link(&folder.site(), &site.host)?;
        }
        let mode = dir.config.run.nested.docker;
        let group = match mode {
            DockerMode::Sibling => Some(lend(launch, client, &settings, &folder)?),
            _ => None,
        };
        if mode != DockerMode::None {
            programs(launch, client, &folder)?;
        }
        let tag = format!("{}:{IMAGE_TAG}", workspace.image_owner(dir)?.name);
        client.make_twin(&twin(launch, &spec, (image, &tag), group))?;
        Ok(tag)
    }

    /// Starts what the dir asks for, and keeps it.
    fn services(&self, job: &Job<'_>, client: &Client, owner: &Owner) -> Result<Option<Neighbours>, Failure> {
        let Job { context, workspace, place, dir, .. } = *job;
        service::check(workspace, place, dir, &dir.config.run.services)?;
        let plan = service::plan(workspace, dir, &dir.config.run.services)?;
        let up = service::up_network(workspace, dir);
        match &self.network {
            Some(network) => service::share(client, workspace, dir, network)?,
            None if plan.is_empty() => {}
            None => context.talk.warning(&format!(
                "no network is named in which `{}` could find its services; `wharf ide generate devcontainer` writes its file anew",
                dir.address
            )),
        }
        if plan.is_empty() {
            return Ok(None);
        }
        let started = service::start(&Order {
            workspace,
            place,
            dir,
            shown: dir.address.as_str(),
            plan: &plan,
            lifetime: Lifetime::Kept,
            network: &up,
            verb: "up",
            owner,
            stop: job.interrupt.stop(),
            logs: None,
            listener: &context.talk,
        })?;
        context.talk.note(&format!("the services stay until `wharf down --dir {}`", dir.address));
        Ok(Some(started.neighbours))
    }
}

/// The twin of an image that starts what `spec` says.
fn twin<'a>(launch: &Launch<'_>, spec: &RunSpec, named: (&'a str, &'a str), group: Option<u32>) -> Twin<'a> {
    let is_wrapped = editor::is_wrapped(launch.dir);
    let mut labels = Vec::new();
    if launch.dir.config.run.nested.docker == DockerMode::Child {
        // The container starts as root: its engine needs that. Who works in it stands here (containers.dev/implementors/spec,
        // "Image Metadata").
        let (uid, gid) = launch.workspace.surroundings.ids;
        let metadata = serde_json::json!([{ "remoteUser": format!("{uid}:{gid}") }]);
        labels.push(("devcontainer.metadata", metadata.to_string()));
    }
    Twin {
        image: named.0,
        reference: named.1,
        // It is not one of those that commands choose from.
        without: INPUTS,
        user: spec.user.clone(),
        command: if is_wrapped { editor::words(spec) } else { vec!["true".to_owned()] },
        group: group.map(|number| (GROUP, number)),
        profile: is_wrapped.then_some(PROFILE),
        labels,
    }
}

/// Lends the engine's socket by a link, and says what is changed on the way; gives the socket's group.
fn lend(launch: &Launch<'_>, client: &Client, settings: &Settings, folder: &Folder) -> Result<u32, Failure> {
    fs_err::create_dir_all(folder.path())?;
    let lent = client.lent_socket(folder.path())?;
    if lent.path().starts_with(folder.path()) {
        return Err(Failure::environment("the engine listens on no socket, and nobody could keep one for an editor")
            .hint("`systemctl --user enable --now podman.socket` lets it listen"));
    }
    link(&folder.socket(), lent.path())?;
    let rules = serde_json::to_vec(&Lent::to_editor(launch, settings, client, lent.path()))
        .map_err(|error| Failure::environment(error.to_string()))?;
    put(&folder.rules(), |fresh| Ok(fs_err::write(fresh, &rules)?))?;
    Ok(fs_err::metadata(lent.path())?.gid())
}

/// Links to programs of the host.
fn programs(launch: &Launch<'_>, client: &Client, folder: &Folder) -> Result<(), Failure> {
    let there = editor_programs(launch, client);
    for name in ["docker", "wharf"] {
        match there.iter().find(|(_, known)| known == name) {
            Some((program, _)) => link(&folder.program(name), program)?,
            None => put(&folder.program(name), |fresh| {
                fs_err::write(fresh, NO_PROGRAM)?;
                Ok(fs_err::set_permissions(fresh, std::fs::Permissions::from_mode(0o755))?)
            })?,
        }
    }
    Ok(())
}

/// Makes a link that `devcontainer.json` mounts lead to where something is on this machine.
fn link(link: &Path, target: &Path) -> Result<(), Failure> {
    if std::fs::read_link(link).is_ok_and(|there| there == target) {
        return Ok(());
    }
    put(link, |fresh| Ok(symlink(target, fresh)?))
}

/// Makes a file under another name and gives it its own.
fn put(path: &Path, make: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    fs_err::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let fresh = folder.join(format!(".{name}-{}", std::process::id()));
    make(&fresh)?;
    fs_err::rename(&fresh, path)?;
    Ok(())
}
