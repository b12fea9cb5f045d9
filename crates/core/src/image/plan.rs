//! What [`ensure`](super::ensure) would do, without doing it: for `--dry-run`.

use std::sync::Arc;

use wharf_engine::{Client, Image};

use super::choice::{Checkout, Choice, StageWish};
use super::ensure::{Body, Demand, Ready, Wanted, is_forced, not_here, refuse_on_host, registry_reference, shown};
use super::error::ImageError;
use super::host;
use super::place::Place;
use super::platform::{self, WantedPlatform};
use super::spec::ImageSpec;
use super::stage::{self, Stage};
use crate::runnable_dir::RunnableDir;

/// What would be done for one owner.
#[derive(Debug, Clone)]
pub enum Step {
    /// This one would be used; nothing would be made.
    Use(Ready),
    /// It would be fetched or made.
    Make(Making),
}

/// Something that is not here yet.
#[derive(Debug, Clone)]
pub struct Making {
    /// What it would be called: name and tag of an image, or the environment's short name.
    pub reference: String,
    /// Why it is needed, for one line of talk.
    pub why: String,
    /// What decides it.
    pub spec: Arc<ImageSpec>,
    /// Reference that would be tried in the registry first.
    pub pull: Option<String>,
}

/// Plans for `owners`, in their order.
///
/// # Errors
/// When the engine does not answer, what decides an image cannot be read, or the one asked for is not to be had.
pub fn plan(demand: &Demand<'_>, owners: &[&RunnableDir]) -> Result<Vec<Step>, ImageError> {
    let images = match demand.place {
        Place::Containers(client) => client.images(stage::INPUTS)?,
        Place::Host(_) => Vec::new(),
    };
    owners.iter().map(|dir| one(demand, &images, dir)).collect()
}

fn one(demand: &Demand<'_>, images: &[Image], dir: &RunnableDir) -> Result<Step, ImageError> {
    match demand.place {
        Place::Host(tools) => {
            refuse_on_host(demand.wish)?;
            let spec = Arc::new(ImageSpec::read(demand.workspace, dir)?);
            Ok(match host::find(tools, &spec) {
                Some(ready) => Step::Use(ready),
                None => Step::Make(Making {
                    reference: host::name(&spec),
                    why: "there is none yet".into(),
                    spec,
                    pull: None,
                }),
            })
        }
        Place::Containers(client) => in_engine(demand, client, images, dir, Wanted::read(demand, dir)?.spec),
    }
}

fn in_engine(
    demand: &Demand<'_>,
    client: &Client,
    images: &[Image],
    dir: &RunnableDir,
    spec: Arc<ImageSpec>,
) -> Result<Step, ImageError> {
    let user = &demand.workspace.surroundings.user;
    let wanted = WantedPlatform::of(client, demand.wish)?;
    let base = platform::base(client, &spec, wanted)?;
    let pull = registry_reference(demand, dir, &spec);
    let checkout =
        Checkout { version: &dir.version, user, dev_patch: dir.config.layout.dev_patch, base: base.as_deref(), wanted };
    let choice = if is_forced(dir) {
        Choice::Make { why: "asked for without what earlier builds left".into() }
    } else {
        platform::pick(client, (&spec, demand.wish), &checkout, images)?
    };
    match choice {
        Choice::Use { image, why } => Ok(Step::Use(Ready {
            reference: shown(&image),
            why,
            labels: platform::labels(&image),
            body: Body::Image(image.id),
            spec,
        })),
        Choice::Make { why } => {
            let stage = if demand.wish.stage == StageWish::BuildProd { Stage::Prod } else { Stage::Local };
            let reference = format!("{}:{}", spec.name, wanted.tag(&stage.tag_of(dir, user, &dir.version)));
            Ok(Step::Make(Making { reference, why, spec, pull }))
        }
        Choice::Missing { tag, found } => {
            let wanted = format!("{}:{tag}", spec.name);
            match pull {
                Some(pull) if demand.wish.stage != StageWish::Only(Stage::Local) => {
                    let why = format!("`{wanted}` is needed, {found}");
                    Ok(Step::Make(Making { reference: pull.clone(), why, spec, pull: Some(pull) }))
                }
                _ => Err(not_here(dir, wanted, found, demand.wish)),
            }
        }
    }
}
