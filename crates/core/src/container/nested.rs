//! Containers from containers: `[run] docker`.
//!
//! *Sibling*: the container gets a socket that a proxy of this process serves in front of the engine's own. What is made
//! through it carries labels that lead to the run, and is removed with it; after a kill, the next Wharf finds it by them.
//! Paths of the container are translated, so that mounts name what they mean. *Child*: an engine in the container itself,
//! started by a script before the command. See `docs/design/nested-containers.md`.

use std::collections::BTreeMap;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};
use wharf_engine::siblings::{Socket, label_values, remove_labelled};
use wharf_engine::{Client, Kind, Proxy, Rules};

use super::editor::{self, Folder};
use super::error::ContainerError;
use super::owner::{Life, Owner};
use super::running::Scope;
use super::{Launch, OWNER, PARENT, PARENT_OWNER, ROOT, Settings, VERB, WORKSPACE};
use crate::config::DockerMode;
use crate::image::place::Place;
use crate::image::stage;
use crate::workspace::Workspace;

const CHILD: &str = include_str!("child.sh");
/// Lets programs of the host be found that are lent, after those of the image.
const SIBLING: &str = r#"PATH="$PATH:/opt/wharf/bin"; export PATH; exec "$@""#;
/// Where clients look for an engine.
const SOCKET: &str = "/var/run/docker.sock";
/// Where programs of the host are lent.
const BIN: &str = "/opt/wharf/bin";
/// Variable in a container with the host's engine: what the host calls the folder that is mounted there.
const HOST_ROOT: &str = "WHARF_HOST_ROOT";
/// Where the proxy of an editor's container listens, in a file system of its own.
const SERVED: &str = "/opt/wharf/engine/docker.sock";
const SERVE: &str = include_str!("editor_sibling.sh");
/// Whose it is what such a container makes: no process of this machine's.
const EDITOR: &str = "editor";
/// What a sibling is for, as the label says it.
const PURPOSE: &str = "sibling";
/// What an engine in a container needs beyond what containers have: it mounts, and makes networks. `MKNOD`, `SYS_CHROOT` and
/// `NET_RAW` it has anyway.
pub const CAPABILITIES: [&str; 2] = ["SYS_ADMIN", "NET_ADMIN"];

/// Devices that every container may use in Docker, and that Podman leaves out: those of a container inside are less than those
/// of its own.
const DEVICES: [&str; 4] = ["c *:* m", "b *:* m", "c 5:1 rwm", "c 10:200 rwm"];

/// What serves a container that can start others; ends with it, and removes what it made.
#[derive(Debug)]
pub struct Nested {
    _proxy: Proxy,
    socket: Socket,
    folder: PathBuf,
    label: String,
}

impl Drop for Nested {
    fn drop(&mut self) {
        // What cannot be removed now is found by its labels later.
        let _ = remove_labelled(self.socket.path(), &self.label);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Changes `settings` so that the container gets what the configuration asks for; the result has to live as long as it.
///
/// # Errors
/// When the engine has no socket to lend, or the proxy cannot be made.
pub fn open(launch: &Launch<'_>, settings: &mut Settings) -> Result<Option<Nested>, ContainerError> {
    let Place::Containers(client) = launch.place else { return Ok(None) };
    match launch.dir.config.run.nested.docker {
        DockerMode::None => Ok(None),
        DockerMode::Child => {
            child(launch, client, settings);
            settings.files.extend(lent_programs(launch, client));
            Ok(None)
        }
        // The proxy of the Wharf outside serves these, too: they are made through it.
        DockerMode::Sibling if launch.workspace.surroundings.variable(HOST_ROOT).is_some() => {
            show(launch, settings);
            Ok(None)
        }
        DockerMode::Sibling => {
            let failed = |source| ContainerError::Io { dir: launch.dir.address.to_string(), source };
            let folder = socket_folder(launch).map_err(failed)?;
            let lent = client.lent_socket(&folder).inspect_err(|_| {
                let _ = std::fs::remove_dir_all(&folder);
            })?;
            let path = folder.join("docker.sock");
            let name = launch.name(settings);
            let programs = sibling(launch, settings, client, &path);
            let rules = rules(launch, settings, &name, &path, &programs);
            let proxy = Proxy::open(&path, lent.path(), rules).map_err(failed)?;
            Ok(Some(Nested { _proxy: proxy, socket: lent, folder, label: format!("{PARENT}={name}") }))
        }
    }
}

/// Changes `settings` for a line to paste: with the engine's own socket, since nobody would serve another.
pub fn show(launch: &Launch<'_>, settings: &mut Settings) {
    let Place::Containers(client) = launch.place else { return };
    match launch.dir.config.run.nested.docker {
        DockerMode::None => {}
        DockerMode::Child => {
            child(launch, client, settings);
            settings.files.extend(lent_programs(launch, client));
        }
        DockerMode::Sibling => {
            let usual = if client.kind() == Kind::Podman { "/run/podman/podman.sock" } else { SOCKET };
            let socket = client.socket().unwrap_or(Path::new(usual)).to_path_buf();
            sibling(launch, settings, client, &socket);
        }
    }
}

/// Lends socket, programs and variables; gives where each program is on the host.
fn sibling(launch: &Launch<'_>, settings: &mut Settings, client: &Client, socket: &Path) -> Vec<(PathBuf, String)> {
    settings.options.extend(["--mount".to_owned(), format!("type=bind,source={},target={SOCKET}", socket.display())]);
    let command = std::mem::take(&mut settings.command);
    settings.command = ["/bin/sh", "-c", SIBLING, "wharf"].map(str::to_owned).into_iter().chain(command).collect();
    settings.env.splice(0..0, sibling_env(launch, SOCKET));
    let programs = lent_programs(launch, client);
    settings.files.extend(programs.iter().cloned());
    programs
}

/// Variables of a container with the host's engine, which is reached at `socket`.
fn sibling_env(launch: &Launch<'_>, socket: &str) -> Vec<String> {
    let mut env = vec![format!("DOCKER_HOST=unix://{socket}")];
    if !launch.ready.is_prod() {
        let outside = launch.workspace.surroundings.variable(HOST_ROOT).map(str::to_owned);
        let root = outside.unwrap_or_else(|| launch.workspace.root.display().to_string());
        env.push(format!("{HOST_ROOT}={root}"));
        if !launch.state.stands_in() {
            // What a Wharf in there lends to its containers must be known on the host.
            let cache = launch.workspace.in_container(&launch.state.path().join("nested"));
            env.push(format!("WHARF_CACHE_DIR={cache}"));
        }
    }
    env
}

/// Changes `settings` for a container that an editor starts: links of `folder` stand for what is of this machine, and a proxy is
/// served in the container, since no `wharf` of the host lives as long.
pub(super) fn for_editor(launch: &Launch<'_>, settings: &mut Settings, folder: &Folder) {
    let Place::Containers(client) = launch.place else { return };
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    match launch.dir.config.run.nested.docker {
        DockerMode::None => return,
        DockerMode::Child => child(launch, client, settings),
        DockerMode::Sibling => {
            settings.files.push((folder.socket(), SOCKET.to_owned()));
            let own = format!("type=tmpfs,target={},tmpfs-mode=1777", SERVED.trim_end_matches("/docker.sock"));
            settings.options.extend(words(&["--mount", &own, "--group-add", editor::GROUP]));
            settings.env.splice(0..0, sibling_env(launch, SERVED));
            let lent = launch.workspace.in_container(&folder.rules());
            let script: Vec<&str> = SERVE.lines().filter(|line| !line.starts_with('#')).collect();
            let command = std::mem::take(&mut settings.command);
            settings.command = words(&["/bin/sh", "-c", &script.join("\n"), "wharf", &lent]);
            settings.command.extend(command);
        }
    }
    settings.files.extend(["docker", "wharf"].map(|name| (folder.program(name), format!("{BIN}/{name}"))));
}

/// How a container that an editor started is lent the engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lent {
    /// Where its proxy listens.
    pub listens: PathBuf,
    /// The engine's socket in the container.
    pub engine: PathBuf,
    /// What the proxy changes.
    pub rules: Rules,
}

impl Lent {
    /// For the container of an editor, of an engine whose socket on the host is `socket`.
    #[must_use]
    pub fn to_editor(launch: &Launch<'_>, settings: &Settings, client: &Client, socket: &Path) -> Self {
        let name = format!("wharf-{}-{}-{EDITOR}", &launch.workspace.id[..6], launch.dir.slug());
        let mut rules = rules(launch, settings, &name, socket, &lent_programs(launch, client));
        rules.labels.insert(PARENT_OWNER.to_owned(), EDITOR.to_owned());
        rules.defaults.insert(OWNER.to_owned(), EDITOR.to_owned());
        rules.paths.push((SERVED.into(), socket.to_path_buf()));
        Self { listens: SERVED.into(), engine: SOCKET.into(), rules }
    }

    /// Serves it, until what is returned is dropped.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub fn serve(&self) -> std::io::Result<Proxy> {
        Proxy::open(&self.listens, &self.engine, self.rules.clone())
    }
}

/// The host's programs that the container of an editor finds, by name.
#[must_use]
pub fn editor_programs(launch: &Launch<'_>, client: &Client) -> Vec<(PathBuf, String)> {
    let name = |inside: String| inside.rsplit('/').next().unwrap_or_default().to_owned();
    lent_programs(launch, client).into_iter().map(|(host, inside)| (host, name(inside))).collect()
}

fn child(launch: &Launch<'_>, client: &Client, settings: &mut Settings) {
    let surroundings = &launch.workspace.surroundings;
    let caller = format!("{}:{}", surroundings.ids.0, surroundings.ids.1);
    let user = settings.user.replace("0:0".to_owned()).unwrap_or(caller);
    let command = std::mem::take(&mut settings.command);
    let script: Vec<&str> = CHILD.lines().filter(|line| !line.trim_start().starts_with("# ")).collect();
    let words = ["/bin/sh", "-c", &script.join("\n"), "wharf-child", &user].map(str::to_owned);
    settings.command = words.into_iter().chain(command).collect();
    settings.env.splice(0..0, [format!("DOCKER_HOST=unix://{SOCKET}")]);
    if launch.dir.config.run.nested.child_privileged {
        settings.options.push("--privileged".to_owned());
    } else {
        for capability in CAPABILITIES {
            settings.options.extend(["--cap-add".to_owned(), capability.to_owned()]);
        }
        // The default filter forbids `pivot_root` and others that a container's start needs.
        for option in ["seccomp=unconfined", "apparmor=unconfined"] {
            settings.options.extend(["--security-opt".to_owned(), option.to_owned()]);
        }
        if client.kind() == Kind::Podman && surroundings.ids.0 == 0 {
            for device in DEVICES {
                settings.options.extend(["--device-cgroup-rule".to_owned(), device.to_owned()]);
            }
        }
        // It may not set it itself: `/proc/sys` is read-only.
        settings.options.extend(["--sysctl", "net.ipv4.ip_forward=1"].map(str::to_owned));
    }
    // Its storage: an overlay cannot lie on another. It goes with the container.
    settings.options.extend(["--volume", "/var/lib/docker"].map(str::to_owned));
}

/// Wharf itself, and Docker's client where that is what the host has.
fn lent_programs(launch: &Launch<'_>, client: &Client) -> Vec<(PathBuf, String)> {
    let mut programs = Vec::new();
    if client.kind() == Kind::Docker {
        programs.push((client.program().to_path_buf(), format!("{BIN}/docker")));
    }
    programs.extend(launch.workspace.surroundings.program.iter().map(|own| (own.clone(), format!("{BIN}/wharf"))));
    programs
}

fn rules(launch: &Launch<'_>, settings: &Settings, name: &str, socket: &Path, programs: &[(PathBuf, String)]) -> Rules {
    let workspace = launch.workspace;
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let labels = [
        text(PARENT, name),
        text(PARENT_OWNER, &launch.owner.to_string()),
        text(WORKSPACE, &workspace.id),
        text(ROOT, &workspace.root.to_string_lossy()),
    ];
    let defaults =
        [text(OWNER, &launch.owner.to_string()), text(VERB, PURPOSE), text(stage::DIR, launch.dir.address.as_str())];
    let mut paths = vec![(PathBuf::from(workspace.mount_point()), workspace.root.clone())];
    paths.extend(["/var/run/docker.sock", "/run/docker.sock"].map(|inside| (inside.into(), socket.to_path_buf())));
    paths.extend(programs.iter().map(|(host, inside)| (PathBuf::from(inside), host.clone())));
    for volume in launch.volumes(settings) {
        let mut parts = volume.split(':');
        if let (Some(host), Some(inside)) = (parts.next().filter(|host| host.starts_with('/')), parts.next()) {
            paths.push((inside.into(), host.into()));
        }
    }
    Rules { labels: labels.into(), defaults: BTreeMap::from(defaults), paths }
}

/// A folder of this process for a socket that only the caller can enter. Paths of sockets are short (108 bytes, unix(7)), so
/// it is not in the cache.
fn socket_folder(launch: &Launch<'_>) -> std::io::Result<PathBuf> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let surroundings = &launch.workspace.surroundings;
    let runtime = surroundings.variable("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|runtime| runtime.is_dir());
    let base = runtime.unwrap_or_else(|| PathBuf::from("/tmp"));
    let mine = format!("wharf-{}-", surroundings.ids.0);
    for entry in std::fs::read_dir(&base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(&mine)?.rsplit_once('-')?.0.parse::<Owner>().ok());
        if owner.is_some_and(|owner| owner.life() == Life::Dead) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = base.join(format!("{mine}{}-{number}", launch.owner));
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Removes networks and volumes that were made through a proxy whose `wharf` is gone. Containers are found like all others.
/// Podman is asked only where `orphans` says that there is something: it takes long to answer.
pub fn remove_orphans(workspace: &Workspace, client: &Client, scope: Scope, orphans: bool) {
    if client.socket().is_none() && !orphans {
        return;
    }
    let Ok(folder) = tempfile::tempdir() else { return };
    let Ok(socket) = client.lent_socket(folder.path()) else { return };
    for owner in dead_owners(workspace, &socket, scope) {
        let _ = remove_labelled(socket.path(), &format!("{PARENT_OWNER}={owner}"));
    }
}

/// The commands that do the same as [`remove_orphans`] for an engine with a socket of its own, to paste.
#[must_use]
pub fn orphan_lines(workspace: &Workspace, client: &Client, scope: Scope) -> Vec<String> {
    let Some(Ok(folder)) = client.socket().map(|_| tempfile::tempdir()) else { return Vec::new() };
    let Ok(socket) = client.lent_socket(folder.path()) else { return Vec::new() };
    let (owners, program) = (dead_owners(workspace, &socket, scope), client.command());
    let line = |owner: &String, noun: &str| {
        let label = format!("label={PARENT_OWNER}={owner}");
        format!("{program} {noun} ls --quiet --filter {label} | xargs -r {program} {noun} rm")
    };
    owners.iter().flat_map(|owner| ["network", "volume"].map(|noun| line(owner, noun))).collect()
}

/// Owners that are gone of what was made through a proxy.
fn dead_owners(workspace: &Workspace, socket: &Socket, scope: Scope) -> Vec<String> {
    let filter = match scope {
        Scope::Workspace => format!("{WORKSPACE}={}", workspace.id),
        Scope::All => WORKSPACE.to_owned(),
    };
    let mut owners = label_values(socket.path(), &filter, PARENT_OWNER).unwrap_or_default();
    owners.retain(|owner| owner.parse::<Owner>().is_ok_and(|owner| owner.life() == Life::Dead));
    owners
}
