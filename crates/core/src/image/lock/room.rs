//! Where a manager runs: a container of the image's first stages, or the host. The same scripts run in both; they find these
//! variables: `W`, the folder that is shared with Wharf; `CACHE`, one that outlives the run; `PYTHON`, the interpreter; `UV` and `POETRY`, the programs; and `VENV`, an
//! environment of that interpreter, which scripts make where it is not there.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;
use wharf_engine::host::{HostTools, InstallStep, Venv, VenvSpec};
use wharf_engine::{Client, EngineLog, Entrypoint, Mount, RunSpec, Terminal, User};
use wharf_process::{Command, Exit};

use super::resolve::Order;
use super::{LockError, Target, tools};
use crate::config::mask_credentials;
use crate::event::{Event, ImageState};
use crate::image::python::Manager;
use crate::image::secrets::{self, Secrets};
use crate::image::{Place, stage};

/// Where the shared folder is in a container.
const SHARED: &str = "/wharf";
const PRELUDE: &str = "set -e; if [ -s /run/wharf/env ]; then . /run/wharf/env; fi\n";

/// Where a manager runs.
pub(super) struct Room<'a> {
    order: &'a Order<'a>,
    folder: TempDir,
    body: Body<'a>,
    hide: Vec<String>,
}

enum Body<'a> {
    Container(Box<Container<'a>>),
    Host { tools: &'a HostTools, venv: Venv, program: PathBuf },
}

/// What containers are started with.
struct Container<'a> {
    client: &'a Client,
    image: String,
    secrets: Secrets,
    cache: PathBuf,
}

/// What a manager said.
pub(super) struct Said {
    /// Whether it ended well.
    pub(super) is_success: bool,
    /// Both of its outputs, credentials hidden.
    pub(super) text: String,
}

impl<'a> Room<'a> {
    /// Gets the image or environment ready.
    pub(super) fn open(order: &'a Order<'a>, target: &Target) -> Result<Self, LockError> {
        let folder = tempfile::Builder::new().prefix("wharf-lock-").tempdir()?;
        for name in ["home", "tree"] {
            fs_err::create_dir(folder.path().join(name))?;
        }
        let body = match order.place {
            Place::Containers(client) => {
                let secrets = secrets::gather(order.workspace, order.dir)?;
                let tools = tools::ensure(order, client, target, &secrets)?;
                let cache = order.workspace.surroundings.cache.join("resolver").join(&tools.key);
                fs_err::create_dir_all(&cache)?;
                Body::Container(Box::new(Container { client, image: tools.image, secrets, cache }))
            }
            Place::Host(tools) => on_host(order, tools, target)?,
        };
        let build = &order.dir.config.build;
        let urls = build.index_url.iter().chain(&build.extra_index_urls).map(|url| url.expose().to_owned());
        let hide = urls.filter_map(|url| credentials(&url)).collect();
        Ok(Self { order, folder, body, hide })
    }

    /// The folder that is shared with the manager.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a script.
    pub(super) fn run(&self, script: &str, args: &[String]) -> Result<Said, LockError> {
        let command = match &self.body {
            Body::Container(container) => container.client.run_command(&self.spec(container, script, args)),
            Body::Host { tools, venv, program } => {
                let shared = self.folder.path();
                let command = Command::new("/bin/sh").args(["-c", &format!("set -e\n{script}"), "sh"]);
                tools
                    .prepare(command.args(args.iter().cloned()))
                    .cwd(shared)
                    .env("W", shared)
                    .env("CACHE", shared)
                    .env("PYTHON", venv.bin().join("python"))
                    .env("VENV", &venv.path)
                    .env("VIRTUAL_ENV", &venv.path)
                    .env("UV", program)
                    .env("POETRY", program)
                    .env("UV_PROJECT_ENVIRONMENT", shared.join("project"))
                    .env("POETRY_VIRTUALENVS_CREATE", "false")
            }
        };
        let output = command.run()?;
        let text = format!("{}{}", output.text(), String::from_utf8_lossy(&output.stderr));
        Ok(Said { is_success: output.exit == Exit::Code(0), text: self.hidden(&text) })
    }

    /// `text` without credentials of package indexes.
    pub(super) fn hidden(&self, text: &str) -> String {
        let masked = mask_credentials(text).into_owned();
        self.hide.iter().fold(masked, |text, secret| text.replace(secret.as_str(), "***"))
    }

    /// A lock as it may be kept: addresses in it without credentials.
    pub(super) fn kept(&self, text: &str) -> String {
        self.hide.iter().fold(text.to_owned(), |text, secret| text.replace(&format!("{secret}@"), ""))
    }

    fn spec(&self, container: &Container<'_>, script: &str, args: &[String]) -> RunSpec {
        let Container { image, secrets, cache, .. } = container;
        let mount = |host: &Path, container: &str, read_only| Mount {
            host: host.to_owned(),
            container: container.to_owned(),
            read_only,
        };
        let mut mounts = vec![mount(self.folder.path(), SHARED, false), mount(cache, "/wharf-cache", false)];
        for (name, at) in [("wharf-env", "/run/wharf/env"), ("wharf-ca", "/run/wharf/ca.pem")] {
            mounts.extend(secrets.files.get(name).map(|file| mount(file, at, true)));
        }
        let mut command = vec!["/bin/sh".to_owned(), "-c".to_owned(), format!("{PRELUDE}{script}"), "sh".to_owned()];
        command.extend(args.iter().cloned());
        let mut labels = self.order.labels.clone();
        labels.insert(stage::DIR.to_owned(), self.order.dir.address.to_string());
        RunSpec {
            image: image.clone(),
            name: name(&self.order.dir.name),
            command,
            entrypoint: Entrypoint::Cleared,
            mounts,
            env: container_env(),
            passed_env: Vec::new(),
            workdir: SHARED.to_owned(),
            user: User::Caller,
            network: None,
            ports: Vec::new(),
            labels,
            terminal: Terminal::None,
            stop_grace: Duration::from_secs(10),
            platform: None,
            volumes: Vec::new(),
            log: EngineLog::None,
            detached: false,
            alias: None,
            hosts: Vec::new(),
            options: Vec::new(),
        }
    }
}

fn container_env() -> BTreeMap<String, String> {
    let pairs = [
        ("W", SHARED),
        ("CACHE", "/wharf-cache"),
        ("HOME", "/wharf/home"),
        ("PYTHON", "python3"),
        ("VENV", "/wharf/venv"),
        ("VIRTUAL_ENV", "/wharf/venv"),
        ("UV", "/opt/wharf/tools/bin/uv"),
        ("POETRY", "/opt/wharf/tools/bin/poetry"),
        ("UV_PROJECT_ENVIRONMENT", "/wharf/project"),
        ("UV_PYTHON_DOWNLOADS", "never"),
        ("UV_CACHE_DIR", "/wharf-cache/uv"),
        ("PIP_CACHE_DIR", "/wharf-cache/pip"),
        ("POETRY_CACHE_DIR", "/wharf-cache/poetry"),
        ("POETRY_VIRTUALENVS_CREATE", "false"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// An empty environment of the wanted Python in the host's cache, with pip where that resolves, and the other managers' programs.
fn on_host<'a>(order: &Order<'_>, tools: &'a HostTools, target: &Target) -> Result<Body<'a>, LockError> {
    let dir = order.dir.address.to_string();
    let mut on_line = |line: &str| {
        let state = ImageState::Building { image: "tools of its lock".into(), step: line.to_owned() };
        order.listener.on(Event::Image { dir: dir.clone(), state });
    };
    let (key, steps) = match target.manager {
        Manager::Uv | Manager::Poetry => ("lock", Vec::new()),
        Manager::Pip | Manager::None => ("lock-pip", vec![InstallStep::Packages { names: vec!["pip".into()] }]),
    };
    let python = order.dir.config.python.version.as_ref().map(|version| version.value.clone());
    let spec = VenvSpec { key: key.into(), python, files: BTreeMap::new(), steps };
    let venv = tools.ensure(&spec, &mut on_line)?;
    let program = match target.manager {
        Manager::Uv => tools.uv_program(&mut on_line)?,
        Manager::Poetry => tools.poetry_program(&mut on_line)?,
        Manager::Pip | Manager::None => venv.bin().join("pip"),
    };
    Ok(Body::Host { tools, venv, program })
}

/// A name for a container that no other has.
fn name(image: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{image}-lock-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// `user:password` of `https://user:password@host/…`.
fn credentials(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (credentials, _) = rest.split(['/', '?', '#']).next()?.rsplit_once('@')?;
    (!credentials.is_empty()).then(|| credentials.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_found_in_addresses() {
        assert_eq!(credentials("https://me:s3cret@pypi.example.org/simple").as_deref(), Some("me:s3cret"));
        assert_eq!(credentials("https://t0ken@host").as_deref(), Some("t0ken"));
        assert_eq!(credentials("https://pypi.example.org/@scope/simple"), None);
    }
}
