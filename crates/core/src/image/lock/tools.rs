//! The image that a manager runs in: the first stages of the dir's own Dockerfile, where uv and Poetry have the versions that
//! builds use, and pip the Python.

use std::collections::BTreeMap;
use std::path::Path;

use wharf_engine::{BuildFailure, BuildSpec, Client};

use super::resolve::Order;
use super::{LockError, Target};
use crate::event::{Event, ImageState};
use crate::image::brought::Ground;
use crate::image::context::File;
use crate::image::dockerfile::{self, Recipe};
use crate::image::python::{Dependencies, Install, Manager};
use crate::image::secrets::Secrets;
use crate::image::spec::DOCKERFILE;
use crate::image::stage::Stage;
use crate::image::{ImageError, context, copies, spec, stage};
use crate::runnable_dir::DEVOPS;
use crate::workspace::StateDir;

/// A Dockerfile up to the stage that is wanted of it.
struct Start {
    text: String,
    target: &'static str,
    files: BTreeMap<String, File>,
    /// Id of its base image, where the engine has it.
    base: String,
}

/// An image with the manager, and a short word for it that changes when it does.
pub(super) struct Tools {
    /// Its id.
    pub(super) image: String,
    /// The word.
    pub(super) key: String,
}

/// Finds the image, or builds it.
pub(super) fn ensure(
    order: &Order<'_>,
    client: &Client,
    target: &Target,
    secrets: &Secrets,
) -> Result<Tools, LockError> {
    let start = start(order, client, target)?;
    let key = start.key();
    let tag = format!("wharf-tools:{key}");
    if let Some(image) = client.image(&tag)? {
        return Ok(Tools { image: image.id, key });
    }
    build(order, client, &start, secrets)?;
    let image = client.image(&tag)?.map(|image| image.id).unwrap_or(tag);
    Ok(Tools { image, key })
}

fn start(order: &Order<'_>, client: &Client, target: &Target) -> Result<Start, LockError> {
    let wanted = if target.manager == Manager::Pip { "base" } else { "tools" };
    let (dir, address) = (order.dir, order.dir.address.as_str());
    let mut files = BTreeMap::new();
    if let Some(text) = spec::read_own(dir)?.filter(|text| has_stage(text, wanted)) {
        copies::collect(&Ground::of(order.workspace, dir, Stage::Dev)?, &text, &mut files)?;
        return Ok(Start { text, target: wanted, files, base: String::new() });
    }
    for script in &dir.config.os.scripts {
        let path = format!("{DEVOPS}/{script}");
        files.insert(path.clone(), context::read(address, &order.workspace.root, &dir.path, Path::new(&path))?);
    }
    let Some(base) = spec::base(dir)? else {
        return Err(LockError::Nothing { dir: address.to_owned() });
    };
    let recipe = Recipe {
        base,
        python: dir.config.python.version.as_ref().map(|version| version.value.as_str()),
        config: &dir.config,
        dependencies: &wanting(target.manager),
    };
    let text = dockerfile::generate(&recipe);
    let end = text.find("\nFROM base AS dev\n").unwrap_or(text.len());
    let base = client.image(base)?.map(|image| image.id).unwrap_or_default();
    Ok(Start { text: text[..end].to_owned(), target: wanted, files, base })
}

/// Dependencies that make the Dockerfile bring the manager.
fn wanting(manager: Manager) -> Dependencies {
    let nothing = Vec::new;
    let dev = match manager {
        Manager::Uv => {
            vec![Install::UvSync { groups: nothing(), extras: nothing(), main: true, package: None }]
        }
        Manager::Poetry => vec![Install::PoetrySync { groups: nothing(), extras: nothing() }],
        Manager::Pip | Manager::None => Vec::new(),
    };
    let (files, prod, local, sources, notes) = Default::default();
    Dependencies { manager, files, dev, prod, local, sources, notes }
}

fn has_stage(dockerfile: &str, stage: &str) -> bool {
    dockerfile.lines().any(|line| {
        let words: Vec<String> = line.split_whitespace().map(str::to_ascii_lowercase).collect();
        words.first().is_some_and(|word| word == "from") && words.windows(2).any(|pair| pair == ["as", stage])
    })
}

impl Start {
    /// A hash of all that decides the image.
    fn key(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut field = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
        };
        field(self.text.as_bytes());
        field(self.base.as_bytes());
        for (path, file) in &self.files {
            field(path.as_bytes());
            field(&file.bytes);
        }
        hasher.finalize().to_hex()[..20].to_owned()
    }
}

fn build(order: &Order<'_>, client: &Client, start: &Start, secrets: &Secrets) -> Result<(), LockError> {
    let key = start.key();
    let tag = format!("wharf-tools:{key}");
    let folder = tempfile::Builder::new().prefix("wharf-build-").tempdir()?;
    context::stage(folder.path(), &start.text, &start.files)?;
    let build = BuildSpec {
        context: folder.path().to_path_buf(),
        dockerfile: DOCKERFILE.into(),
        target: Some(start.target.into()),
        tag: tag.clone(),
        labels: BTreeMap::from([(stage::TOOLS.to_owned(), key)]),
        args: BTreeMap::new(),
        secrets: secrets.files.clone(),
        platform: None,
        timestamp: None,
        no_cache: false,
    };
    let dir = order.dir.address.to_string();
    let log = StateDir::open(order.workspace)?.folder("logs")?.join(format!("lock-{}.log", order.dir.slug()));
    let lines = std::sync::Mutex::new(String::new());
    let on_line = |line: &str| {
        if let Ok(mut lines) = lines.lock() {
            lines.push_str(&format!("{line}\n"));
        }
        let state = ImageState::Building { image: tag.clone(), step: line.to_owned() };
        order.listener.on(Event::Image { dir: dir.clone(), state });
    };
    let built = client.build(client.builder()?, &build, &on_line);
    fs_err::write(&log, lines.into_inner().unwrap_or_default())?;
    built.map_err(|failure| match failure {
        BuildFailure::Engine(error) => error.into(),
        BuildFailure::Step { summary, tail } => {
            ImageError::Build { dir: dir.clone(), summary, lines: tail, log }.into()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dockerfile_brings_the_manager() {
        assert!(has_stage("FROM x AS base\nFROM base as Tools\n", "tools"));
        assert!(!has_stage("FROM x AS base\n# FROM base AS tools\n", "tools"));
        assert_eq!(wanting(Manager::Pip).dev, []);
        assert!(matches!(wanting(Manager::Uv).dev[..], [Install::UvSync { .. }]));
        assert!(matches!(wanting(Manager::Poetry).dev[..], [Install::PoetrySync { .. }]));
    }
}
