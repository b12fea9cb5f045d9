//! Builds one image.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use wharf_engine::{BuildFailure, BuildSpec, Builder, Client};

use super::error::ImageError;
use super::platform::WantedPlatform;
use super::spec::{DOCKERFILE, ImageSpec};
use super::stage::{self, Stage};
use super::{context, secrets};
use crate::event::{Event, ImageState, Listener};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// What a build of one image needs.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The dir that owns the image.
    pub dir: &'a RunnableDir,
    /// What decides it.
    pub spec: &'a ImageSpec,
    /// Id of the base image, where the engine has it.
    pub base: Option<&'a str>,
    /// The platform that it is for.
    pub wanted: WantedPlatform,
    /// Folder for logs.
    pub logs: &'a Path,
}

impl Order<'_> {
    /// Name and tag of the image that will be made.
    #[must_use]
    pub fn tag(&self) -> String {
        let tag = Stage::Local.tag(&self.workspace.surroundings.user, &self.dir.version);
        format!("{}:{}", self.spec.name, self.wanted.tag(&tag))
    }

    /// Labels of the image that will be made.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([
            ("org.opencontainers.image.title".to_owned(), self.spec.name.clone()),
            ("org.opencontainers.image.version".to_owned(), self.dir.version.to_string()),
            (stage::INPUTS.to_owned(), self.spec.inputs.clone()),
            (stage::DIR.to_owned(), self.spec.dir.clone()),
            (stage::STAGE.to_owned(), Stage::Local.word().to_owned()),
            (stage::NAME.to_owned(), self.spec.name.clone()),
            (stage::PLATFORM.to_owned(), self.wanted.platform.to_string()),
        ]);
        if let Some(base) = self.base {
            labels.insert(stage::BASE.to_owned(), base.to_owned());
        }
        labels
    }

    fn log(&self) -> PathBuf {
        self.logs.join(format!("{}.log", self.wanted.tag(&format!("image-{}", self.dir.slug()))))
    }
}

/// Builds the local image; its log goes to a file and, line by line, to the listener.
///
/// # Errors
/// When a step fails, a secret cannot be had, or the engine refuses.
pub fn build(client: &Client, builder: Builder, order: &Order<'_>, listener: &dyn Listener) -> Result<(), ImageError> {
    let folder = tempfile::Builder::new().prefix("wharf-build-").tempdir()?;
    context::stage(folder.path(), &order.spec.dockerfile, &order.spec.files)?;
    let secrets = secrets::gather(order.workspace, order.dir)?;
    let tag = order.tag();
    let spec = BuildSpec {
        context: folder.path().to_path_buf(),
        dockerfile: DOCKERFILE.into(),
        target: Some(Stage::Local.target().into()),
        tag: tag.clone(),
        labels: order.labels(),
        args: BTreeMap::new(),
        secrets: secrets.files.clone(),
        platform: Some(order.wanted.platform),
    };
    let log_path = order.log();
    let log = Mutex::new(fs_err::File::create(&log_path)?);
    let on_line = |line: &str| {
        if let Ok(mut log) = log.lock() {
            // The log is a courtesy: a full disk must not fail a build.
            let _ = writeln!(log, "{line}");
        }
        let state = ImageState::Building { image: tag.clone(), step: line.to_owned() };
        listener.on(Event::Image { dir: order.spec.dir.clone(), state });
    };
    client.build(builder, &spec, &on_line).map_err(|failure| match failure {
        BuildFailure::Engine(error) => error.into(),
        BuildFailure::Step { summary, tail } => ImageError::Build {
            dir: order.spec.dir.clone(),
            summary: readable(&summary),
            lines: tail,
            log: log_path.clone(),
        },
    })
}

/// A builder's summary of a failed step without what every generated step begins with.
fn readable(summary: &str) -> String {
    let words = summary.split_whitespace().filter(|word| !word.starts_with("--mount=") && *word != "\\");
    let mut text = words.collect::<Vec<_>>().join(" ");
    // BuildKit repeats the whole step in its error.
    if let Some((step, rest)) = text.split_once(": executor failed running [") {
        let end = rest.rsplit_once("]: ").map_or("", |(_, end)| end);
        text = format!("{step}: {end}");
    }
    for noise in super::dockerfile::NOISE {
        text = text.replace(noise, "");
    }
    text
}
