//! `devcontainer.json` (containers.dev/implementors/json_reference): one a runnable dir, in `.devcontainer/<slug>/` at the root.
//!
//! # Theory of operation
//! The file is committed, so nothing of one machine may stand in it. The container is planned as for `wharf bash`, but
//! [`portable`](crate::container::Settings::portable); then the root and the home folder become variables that the devcontainers tools
//! fill in. Whose container it is cannot be said in such a file: before it starts, `wharf ide image DIR` gets the image that `wharf bash`
//! would take and gives the tag below to a twin of it that runs as the caller. It also makes what else is of this machine: links, a
//! file of variables, and a network with the dir's services, whose name the devcontainers tools make from the file's place.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use wharf_engine::{Client, Kind, Mount, RunSpec};

use super::IdeError;
use crate::container::editor::{Folder, READY, has_env, is_wrapped};
use crate::container::{Launch, Neighbours, Owner, SITE, Settings};
use crate::generated::{Generated, MARK};
use crate::image::ensure::Body;
use crate::image::place::environment;
use crate::image::{ImageSpec, Place, Ready};
use crate::runnable_dir::RunnableDir;
use crate::service;
use crate::workspace::{StateDir, Workspace};

/// The tag, beside an image's name, of the twin that runs as the caller.
pub const IMAGE_TAG: &str = "editor";
const ROOT: &str = "${localWorkspaceFolder}";
const HOME: &str = "${localEnv:HOME}";
const USER: &str = "${localEnv:USER}";
/// Another one for each file and each place of a clone (containers.dev/implementors/json_reference, "Variables").
const NETWORK: &str = "wharf-editor-${devcontainerId}";

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
    #[serde(skip_serializing_if = "Option::is_none")]
    override_command: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    post_start_command: Option<&'static str>,
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
    let services = &dir.config.run.services;
    service::check(workspace, &place, dir, services)?;
    let network = (!services.is_empty()).then(|| NETWORK.to_owned());
    let neighbours = network.map(|network| Neighbours { network: Some(network), ..Neighbours::default() });
    let settings = Settings { neighbours, ..launch.editor_settings(&Folder::of(workspace, dir)) };
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
    let links = Folder::of(workspace, dir);
    let folder = |mount: &Mount| match mount.container.as_str() {
        SITE => anywhere(&links.site().display().to_string()),
        _ => anywhere(&mount.host.display().to_string()),
    };
    let mut env = spec.env.clone();
    for name in ["USER", "LOGNAME"] {
        env.insert(name.to_owned(), USER.to_owned());
    }
    if let Some(root) = env.get_mut("WHARF_HOST_ROOT") {
        ROOT.clone_into(root);
    }
    for (name, source) in &dir.config.layout.pass_as {
        env.entry(name.clone()).or_insert_with(|| format!("${{localEnv:{source}}}"));
    }
    let mut initialize = ["wharf", "ide", "image", &dir.address.anywhere()].map(str::to_owned).to_vec();
    initialize.extend(spec.network.iter().filter(|name| *name == NETWORK).map(|name| format!("--network={name}")));
    let mut arguments = spec.options.clone();
    let mut add = |option: &str, value: String| arguments.extend([option.to_owned(), value]);
    spec.volumes.iter().for_each(|volume| add("--volume", anywhere(volume)));
    spec.passed_env.iter().for_each(|name| add("--env", name.clone()));
    spec.ports.iter().for_each(|port| add("--publish", port.clone()));
    spec.network.iter().for_each(|network| add("--network", network.clone()));
    if has_env(dir) {
        add("--env-file", anywhere(&links.env().display().to_string()));
    }
    let is_wrapped = is_wrapped(dir);
    Devcontainer {
        name: format!("{}: {}", workspace.name, dir.address),
        initialize_command: initialize,
        image: spec.image.clone(),
        workspace_mount: root.iter().map(|mount| field(ROOT, &mount.container, false)).collect(),
        workspace_folder: spec.workdir.clone(),
        mounts: others.iter().map(|mount| field(&folder(mount), &mount.container, mount.read_only)).collect(),
        container_env: env,
        run_args: arguments,
        init: true,
        override_command: is_wrapped.then_some(false),
        post_start_command: is_wrapped.then_some(READY),
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
