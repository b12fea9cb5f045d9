//! `devcontainer.json` (containers.dev/implementors/json_reference): one a runnable dir, in `.devcontainer/<slug>/` at the root.
//!
//! # Theory of operation
//! The file is committed, so nothing of one machine may stand in it. The container is planned as for `wharf bash`, but
//! [`portable`](crate::container::Settings::portable); then the root and the home folder become variables that the devcontainers tools
//! fill in. Whose container it is cannot be said in such a file: before it starts, `wharf ide image DIR` gets the image that `wharf bash`
//! would take and gives the tag below to a twin of it that runs as the caller.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use wharf_engine::{Client, Kind, Mount, RunSpec};

use super::IdeError;
use crate::config::DockerMode;
use crate::container::{Launch, Owner, SITE, Settings};
use crate::generated::{Generated, MARK};
use crate::image::ensure::Body;
use crate::image::place::environment;
use crate::image::{ImageSpec, Place, Ready};
use crate::runnable_dir::RunnableDir;
use crate::workspace::{StateDir, Workspace};

/// The tag, beside an image's name, of the twin that runs as the caller.
pub const IMAGE_TAG: &str = "editor";
const ROOT: &str = "${localWorkspaceFolder}";
const HOME: &str = "${localEnv:HOME}";
const USER: &str = "${localEnv:USER}";

/// The order of the fields is that of the file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Devcontainer {
    name: String,
    initialize_command: Vec<String>,
    image: String,
    workspace_mount: String,
    workspace_folder: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mounts: Vec<String>,
    container_env: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    run_args: Vec<String>,
    init: bool,
    #[serde(rename = "updateRemoteUserUID")]
    update_remote_user_uid: bool,
    customizations: serde_json::Value,
}

/// The file for each of `dirs`.
///
/// # Errors
/// When what decides an image cannot be read.
pub fn devcontainers(workspace: &Workspace, dirs: &[&RunnableDir]) -> Result<Vec<Generated>, IdeError> {
    dirs.iter().map(|dir| devcontainer(workspace, dir)).collect()
}

/// Keys of the dir's configuration that `wharf bash` heeds and such a file cannot say.
#[must_use]
pub fn unheeded(dir: &RunnableDir) -> Vec<&'static str> {
    let config = &dir.config;
    [
        ("run.docker", config.run.nested.docker != DockerMode::None),
        ("run.entrypoint", config.layout.entrypoint.is_some()),
        ("run.services", !config.run.services.is_empty()),
    ]
    .into_iter()
    .filter_map(|(key, is_set)| is_set.then_some(key))
    .collect()
}

fn devcontainer(workspace: &Workspace, dir: &RunnableDir) -> Result<Generated, IdeError> {
    let owner = workspace.image_owner(dir)?;
    let image = format!("{}:{IMAGE_TAG}", owner.name);
    let client = Client::unasked(Kind::Docker, environment(&workspace.surroundings));
    let place = Place::Containers(Box::new(client.clone()));
    let ready = Ready {
        reference: image.clone(),
        why: String::new(),
        body: Body::Image(image.clone()),
        spec: Arc::new(ImageSpec::read(workspace, owner)?),
        labels: BTreeMap::new(),
    };
    let (state, me) = (StateDir::peek(workspace), Owner::current());
    let launch = Launch { workspace, place: &place, dir, ready: &ready, state: &state, owner: &me };
    let settings = Settings { portable: true, ..Settings::new("bash", Vec::new()) };
    let spec = launch.spec(&client, &image, &settings)?;
    let file = described(workspace, dir, &spec);
    let json = serde_json::to_string_pretty(&file).unwrap_or_default();
    let head = format!("// Written by `wharf ide generate devcontainer` ({MARK}) from `{}`.\n", dir.address.anywhere());
    let path = workspace.root.join(".devcontainer").join(dir.slug()).join("devcontainer.json");
    Ok(Generated::new(path, &format!("{head}{json}\n")))
}

fn described(workspace: &Workspace, dir: &RunnableDir, spec: &RunSpec) -> Devcontainer {
    let anywhere = |text: &str| portable(workspace, text);
    let (root, others): (Vec<&Mount>, Vec<&Mount>) = spec.mounts.iter().partition(|mount| mount.host == workspace.root);
    let folder = |mount: &Mount| match mount.container.as_str() {
        SITE => format!("{ROOT}/{}", site_link(dir).display()),
        _ => anywhere(&mount.host.display().to_string()),
    };
    let mut env = spec.env.clone();
    for name in ["USER", "LOGNAME"] {
        env.insert(name.to_owned(), USER.to_owned());
    }
    let mut arguments = Vec::new();
    let mut add = |option: &str, value: String| arguments.extend([option.to_owned(), value]);
    spec.volumes.iter().for_each(|volume| add("--volume", anywhere(volume)));
    spec.passed_env.iter().for_each(|name| add("--env", name.clone()));
    spec.ports.iter().for_each(|port| add("--publish", port.clone()));
    spec.network.iter().for_each(|network| add("--network", network.clone()));
    Devcontainer {
        name: format!("{}: {}", workspace.name, dir.address),
        initialize_command: ["wharf", "ide", "image", &dir.address.anywhere()].map(str::to_owned).to_vec(),
        image: spec.image.clone(),
        workspace_mount: root.iter().map(|mount| field(ROOT, &mount.container, false)).collect(),
        workspace_folder: spec.workdir.clone(),
        mounts: others.iter().map(|mount| field(&folder(mount), &mount.container, mount.read_only)).collect(),
        container_env: env,
        run_args: arguments,
        init: true,
        update_remote_user_uid: false,
        customizations: serde_json::json!({ "vscode": {
            "extensions": ["ms-python.python"],
            "settings": {
                "python.defaultInterpreterPath": "/venv/bin/python",
                "python.testing.pytestEnabled": true,
                "python.testing.unittestEnabled": false,
            },
        } }),
    }
}

/// Where `wharf ide image` leaves a link to the metadata of the dir's package, from the root: the folder itself has a name that changes.
#[must_use]
pub fn site_link(dir: &RunnableDir) -> PathBuf {
    Path::new(".wharf/editor").join(dir.slug()).join("site")
}

/// A path that starts with the root or the home folder, for any machine.
fn portable(workspace: &Workspace, text: &str) -> String {
    let home = workspace.surroundings.home.as_deref();
    let places = [(Some(workspace.root.as_path()), ROOT), (home, HOME)];
    for (place, name) in places.iter().filter_map(|(place, name)| Some(((*place)?.to_str()?, name))) {
        if let Some(rest) = text.strip_prefix(place).filter(|rest| rest.is_empty() || rest.starts_with(['/', ':'])) {
            return format!("{name}{rest}");
        }
    }
    text.to_owned()
}

/// A mount as `docker run --mount` reads it: fields of CSV (RFC 4180).
fn field(source: &str, target: &str, read_only: bool) -> String {
    let csv = |text: String| {
        if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
    };
    let access = if read_only { ",readonly" } else { "" };
    format!("type=bind,{},{}{access}", csv(format!("source={source}")), csv(format!("target={target}")))
}
