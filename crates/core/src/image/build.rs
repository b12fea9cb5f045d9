//! Builds one image.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use wharf_engine::{BuildFailure, BuildSpec, Builder, Client, Kind, Rewrite, Times};

use super::error::ImageError;
use super::pin;
use super::platform::WantedPlatform;
use super::prod::ProdSpec;
use super::spec::{DOCKERFILE, ImageSpec};
use super::stage::{self, Stage};
use super::{context, secrets};
use crate::config::BuildCache;
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
    /// The code that goes in, for a prod image; without it the image is a local one.
    pub prod: Option<&'a ProdSpec>,
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
        let tag = self.stage().tag_of(self.dir, &self.workspace.surroundings.user, &self.dir.version);
        format!("{}:{}", self.spec.name, self.wanted.tag(&tag))
    }

    /// Stage of the image that will be made.
    #[must_use]
    pub fn stage(&self) -> Stage {
        if self.prod.is_some() { Stage::Prod } else { Stage::Local }
    }

    /// Labels of the image that will be made.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([
            ("org.opencontainers.image.title".to_owned(), self.spec.name.clone()),
            (stage::VERSION.to_owned(), self.stage().version_of(self.dir, &self.dir.version).to_string()),
            (stage::INPUTS.to_owned(), self.spec.inputs.clone()),
            (stage::DIR.to_owned(), self.spec.dir.clone()),
            (stage::STAGE.to_owned(), self.stage().word().to_owned()),
            (stage::NAME.to_owned(), self.spec.name.clone()),
            (stage::PLATFORM.to_owned(), self.wanted.platform.to_string()),
        ]);
        if let Some(base) = self.base {
            labels.insert(stage::BASE.to_owned(), base.to_owned());
        }
        labels.extend(self.prod.map(ProdSpec::labels).unwrap_or_default());
        labels
    }

    fn log(&self) -> PathBuf {
        self.logs.join(format!("{}.log", self.wanted.tag(&format!("image-{}", self.dir.slug()))))
    }
}

/// Builds the image; its log goes to a file and, line by line, to the listener. Gives the labels that it has.
///
/// # Errors
/// When a step fails, a secret cannot be had, or the engine refuses.
pub fn build(
    client: &Client,
    builder: Builder,
    order: &Order<'_>,
    listener: &dyn Listener,
) -> Result<BTreeMap<String, String>, ImageError> {
    let folder = tempfile::Builder::new().prefix("wharf-build-").tempdir()?;
    let Some(prod) = order.prod else {
        context::stage(folder.path(), &order.spec.dockerfile, &order.spec.files)?;
        let spec = BuildSpec { tag: order.tag(), labels: order.labels(), ..blank(order, folder.path()) };
        run(client, builder, order, spec, listener)?;
        return Ok(order.labels());
    };
    if order.spec.own {
        lend_name(client, order)?;
    }
    let pinned = pin::pin(client, order.spec, order.wanted)?;
    context::stage(folder.path(), &pinned.dockerfile, &order.spec.files)?;
    prod.stage(folder.path())?;
    let mut labels = order.labels();
    labels.extend(pinned.labels.clone());
    let spec = BuildSpec { args: prod.args_of_build(), ..blank(order, folder.path()) };
    if client.kind() == Kind::Podman {
        let timestamp = Some(prod.code.time);
        run(
            client,
            builder,
            order,
            BuildSpec { tag: order.tag(), labels: labels.clone(), timestamp, ..spec },
            listener,
        )?;
    } else {
        // Without labels yet: one that is left by a kill is never taken for an image of ours.
        let from = format!("wharf-build:{}", order.wanted.tag(&order.spec.inputs));
        run(client, builder, order, BuildSpec { tag: from.clone(), ..spec }, listener)?;
        let built = client.image_details(&from)?.unwrap_or_default();
        let base_layers = pinned.layers_in(&built.layers);
        let (tag, labels) = (order.tag(), labels.clone());
        client.rewrite(&Rewrite { from, tag, labels, base_layers, times: times(order, prod) })?;
    }
    if pin::moved(client, &pinned, order.wanted)? {
        return Err(ImageError::Moved { dir: order.spec.dir.clone() });
    }
    Ok(labels)
}

/// Where a Dockerfile starts from an image of this dir by its name in a registry, and that one is here without it, it gets the name.
/// Without a registry it must be here.
fn lend_name(client: &Client, order: &Order<'_>) -> Result<(), ImageError> {
    let own = format!("{}:", order.spec.name);
    for base in pin::bases(&order.spec.dockerfile) {
        let Some((_, tag)) = base.rsplit_once('/') else {
            if base.starts_with(&own) && client.image(&base)?.is_none() {
                return Err(ImageError::NoDev { dir: order.spec.dir.clone(), wanted: base });
            }
            continue;
        };
        if tag.starts_with(&own)
            && client.image(&base)?.is_none()
            && let Some(image) = client.image(tag)?
        {
            client.tag(&image.id, &base)?;
        }
    }
    Ok(())
}

/// The times that the files of a prod image get.
fn times(order: &Order<'_>, prod: &ProdSpec) -> Times {
    let code = [prod.args.get("WHARF_SRC").cloned().unwrap_or_default(), super::site::SITE.to_owned()];
    // Where code lies is known of a generated Dockerfile alone; with an own one all that is new gets the commit's time.
    let others = if order.spec.own { prod.code.time } else { prod.time_of_packages() };
    Times { created: prod.code.time, created_text: prod.time_text(), code: code.into(), others }
}

/// What all builds have in common.
fn blank(order: &Order<'_>, context: &Path) -> BuildSpec {
    BuildSpec {
        context: context.to_path_buf(),
        dockerfile: DOCKERFILE.into(),
        target: order.spec.target.clone().map(|_| order.stage().target().into()),
        tag: String::new(),
        labels: BTreeMap::new(),
        args: order.spec.args.clone(),
        secrets: BTreeMap::new(),
        platform: Some(order.wanted.platform),
        timestamp: None,
        no_cache: order.dir.config.build.cache.value == BuildCache::None,
    }
}

fn run(
    client: &Client,
    builder: Builder,
    order: &Order<'_>,
    mut spec: BuildSpec,
    listener: &dyn Listener,
) -> Result<(), ImageError> {
    let secrets = secrets::gather(order.workspace, order.dir)?;
    spec.secrets = secrets.files.clone();
    let tag = order.tag();
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
