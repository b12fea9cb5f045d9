//! Makes sure of the images that a command needs, in parallel.
//!
//! What decides each image is read, the engine is asked once what it has, and only what is missing is fetched or
//! built. Each owner's outcome is handed over as soon as it is known, so that its tests can start while others still
//! build. Two processes that need the same image build it once: a lock per inputs hash makes the second one wait and
//! then find it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use wharf_engine::host::Venv;
use wharf_engine::{Builder, Client, EngineError, Image, Platform, Retry, Transfer};

use super::build::{Order, build};
use super::choice::{Checkout, Choice, StageWish, Wish};
use super::error::ImageError;
use super::host;
use super::place::Place;
use super::platform::{self, WantedPlatform};
use super::prod::ProdSpec;
use super::pull::is_missing;
use super::spec::ImageSpec;
use super::stage::{self, Stage};
use crate::config::{BuildCache, LayerKind};
use crate::event::{Event, ImageState, Listener};
use crate::runnable_dir::RunnableDir;
use crate::workspace::{Lock, Patience, StateDir, Workspace};

/// An image, or what stands in for one, that can be used now.
#[derive(Debug, Clone)]
pub struct Ready {
    /// What people call it.
    pub reference: String,
    /// Why it is this one.
    pub why: String,
    /// The thing itself.
    pub body: Body,
    /// What the checkout asks for.
    pub spec: Arc<ImageSpec>,
    /// The image's own labels; empty where there is none.
    pub labels: BTreeMap<String, String>,
}

impl Ready {
    /// Whether it is a prod image, which has its code in it.
    #[must_use]
    pub fn is_prod(&self) -> bool {
        self.labels.get(stage::STAGE).is_some_and(|word| word == Stage::Prod.word())
    }
}

/// What commands run in.
#[derive(Debug, Clone)]
pub enum Body {
    /// An image, by id.
    Image(String),
    /// An environment on the host.
    Venv(Venv),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Demand<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// Where commands will run.
    pub place: &'a Place,
    /// Which stage and version.
    pub wish: &'a Wish,
    /// Set when nothing more may be started.
    pub stop: &'a AtomicBool,
}

/// Called with each owner's outcome, from several threads.
pub type OnReady<'a> = dyn Fn(&RunnableDir, Result<Ready, ImageError>) + Sync + 'a;

/// Makes sure of the images of `owners`, each of which must own one.
///
/// # Errors
/// When the engine cannot even say what it has. What fails for one owner goes to `on_ready`.
pub fn ensure(
    demand: &Demand<'_>,
    owners: &[&RunnableDir],
    listener: &dyn Listener,
    on_ready: &OnReady<'_>,
) -> Result<(), ImageError> {
    let stock = Stock::new(demand, owners.len())?;
    let next = AtomicUsize::new(0);
    let jobs = jobs(demand.workspace).min(owners.len());
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while let Some(dir) = owners.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if demand.stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let outcome = one(demand, &stock, dir, listener);
                    if let Err(error) = &outcome {
                        let log = error.log().map(std::path::Path::to_path_buf);
                        let state = ImageState::Failed { cause: error.to_string(), log };
                        listener.on(Event::Image { dir: dir.address.to_string(), state });
                    }
                    on_ready(dir, outcome);
                }
            });
        }
    });
    Ok(())
}

/// What the engine has, asked once.
struct Stock {
    /// All images of Wharf's; for one owner alone not asked for before its own inputs find none.
    images: OnceLock<Vec<Image>>,
    bases: Mutex<BTreeMap<String, Option<String>>>,
    builder: OnceLock<Builder>,
    logs: PathBuf,
}

impl Stock {
    fn new(demand: &Demand<'_>, owners: usize) -> Result<Self, ImageError> {
        let logs = StateDir::open(demand.workspace)?.folder("logs")?;
        let stock = Self { images: OnceLock::new(), bases: Mutex::default(), builder: OnceLock::new(), logs };
        if let Place::Containers(client) = demand.place
            && !(owners == 1 && demand.wish.is_by_inputs())
        {
            stock.images(client)?;
        }
        Ok(stock)
    }

    fn images(&self, client: &Client) -> Result<&[Image], EngineError> {
        match self.images.get() {
            Some(images) => Ok(images),
            None => {
                let images = client.images(stage::INPUTS)?;
                Ok(self.images.get_or_init(|| images))
            }
        }
    }

    /// Picks among what is here. An engine takes long to list hundreds of images, so that one owner's are asked for alone:
    /// inputs that match are chosen the same, whatever else is here.
    fn pick(
        &self,
        client: &Client,
        spec: &ImageSpec,
        pick: impl Fn(&[Image]) -> Result<Choice, EngineError>,
    ) -> Result<Choice, EngineError> {
        if self.images.get().is_none()
            && let found @ Choice::Use { .. } = pick(&client.images(&format!("{}={}", stage::INPUTS, spec.inputs))?)?
        {
            return Ok(found);
        }
        pick(self.images(client)?)
    }

    fn base(&self, client: &Client, spec: &ImageSpec, wanted: WantedPlatform) -> Option<String> {
        let base = spec.base.as_deref()?;
        let mut bases = self.bases.lock().ok()?;
        let known = bases.entry(base.to_owned());
        known.or_insert_with(|| platform::base(client, spec, wanted).ok().flatten()).clone()
    }

    fn builder(&self, client: &Client) -> Result<Builder, EngineError> {
        match self.builder.get() {
            Some(builder) => Ok(*builder),
            None => {
                let builder = client.builder()?;
                Ok(*self.builder.get_or_init(|| builder))
            }
        }
    }
}

/// How many images are built at once: each build uses several cores by itself.
fn jobs(workspace: &Workspace) -> usize {
    let cores = thread::available_parallelism().map_or(2, std::num::NonZero::get);
    workspace.config.build.jobs.map_or(cores.clamp(2, 4), std::num::NonZero::get)
}

fn one(demand: &Demand<'_>, stock: &Stock, dir: &RunnableDir, listener: &dyn Listener) -> Result<Ready, ImageError> {
    match demand.place {
        Place::Host(tools) => {
            refuse_on_host(demand.wish)?;
            host::ensure(tools, &ImageSpec::read(demand.workspace, dir)?, listener)
        }
        Place::Containers(_) => in_engine(demand, stock, dir, &Wanted::read(demand, dir)?, listener),
    }
}

/// What decides the image that is wanted.
pub(super) struct Wanted {
    pub spec: Arc<ImageSpec>,
    pub prod: Option<ProdSpec>,
}

impl Wanted {
    pub(super) fn read(demand: &Demand<'_>, dir: &RunnableDir) -> Result<Self, ImageError> {
        if matches!(demand.wish.stage, StageWish::BuildProd | StageWish::Only(Stage::Prod)) {
            let prod = ProdSpec::read(demand.workspace, dir)?;
            return Ok(Self { spec: Arc::clone(&prod.image), prod: Some(prod) });
        }
        Ok(Self { spec: Arc::new(ImageSpec::read(demand.workspace, dir)?), prod: None })
    }
}

/// An image that is not here, and that may not be built by the way.
pub(super) fn not_here(dir: &RunnableDir, wanted: String, found: String, wish: &Wish) -> ImageError {
    let dir = dir.address.to_string();
    match (wish.stage, &wish.version) {
        (StageWish::Only(Stage::Prod), None) => ImageError::NoProd { dir, wanted, found },
        _ => ImageError::NotHere { dir, wanted, found },
    }
}

/// The host has one environment per set of dependencies: no stages, no versions.
pub(super) fn refuse_on_host(wish: &Wish) -> Result<(), ImageError> {
    match (wish.stage, &wish.version) {
        (StageWish::BuildProd, _) => Err(ImageError::HostCannot { what: "build a prod image".into() }),
        (StageWish::Only(stage), _) if stage != Stage::Local => {
            Err(ImageError::HostCannot { what: format!("use a {stage} image") })
        }
        (_, Some(version)) => Err(ImageError::HostCannot { what: format!("use the image of version {version}") }),
        _ if wish.platform.is_some_and(|platform| Some(platform) != Platform::of_this_machine()) => {
            Err(ImageError::HostCannot { what: "run programs of another platform".into() })
        }
        _ => Ok(()),
    }
}

fn in_engine(
    demand: &Demand<'_>,
    stock: &Stock,
    dir: &RunnableDir,
    decided: &Wanted,
    listener: &dyn Listener,
) -> Result<Ready, ImageError> {
    let spec = Arc::clone(&decided.spec);
    let Place::Containers(client) = demand.place else {
        return Err(ImageError::HostCannot { what: "build images".into() });
    };
    let wanted = WantedPlatform::of(client, demand.wish)?;
    let base = stock.base(client, &spec, wanted);
    let user = &demand.workspace.surroundings.user;
    let checkout =
        Checkout { version: &dir.version, user, dev_patch: dir.config.layout.dev_patch, base: base.as_deref(), wanted };
    let pick = |images: &[Image]| platform::pick(client, (&spec, demand.wish), &checkout, images);
    let tell = |state| listener.on(Event::Image { dir: dir.address.to_string(), state });
    let ready = |image: &Image, why: &str| Ready {
        reference: shown(image),
        why: why.to_owned(),
        body: Body::Image(image.id.clone()),
        spec: Arc::clone(&spec),
        labels: platform::labels(image),
    };
    let choice = if is_forced(dir) {
        Choice::Make { why: "asked for without what earlier builds left".into() }
    } else {
        stock.pick(client, &spec, pick)?
    };
    if let Choice::Use { image, why } = choice {
        let (image, why) = match better(demand, (client, wanted), dir, (&spec, &image), listener) {
            Some(better) => (better, PULLED.to_owned()),
            None => (under_own_name(demand, (client, wanted), dir, &spec, &image), why),
        };
        tell(ImageState::Found { image: shown(&image), why: why.clone() });
        return Ok(ready(&image, &why));
    }
    if !is_forced(dir)
        && let Some(pulled) = pull(demand, (client, wanted), dir, &spec, listener)?
    {
        tell(ImageState::Ready { image: shown(&pulled), why: PULLED.into() });
        return Ok(ready(&pulled, PULLED));
    }
    let why = match choice {
        Choice::Make { why } | Choice::Use { why, .. } => why,
        Choice::Missing { tag, found } => {
            return Err(not_here(dir, format!("{}:{tag}", spec.name), found, demand.wish));
        }
    };
    let file = demand.workspace.surroundings.cache.join("locks").join(wanted.tag(&format!("image-{}", spec.inputs)));
    let _lock = Lock::take(&file, "a build", Patience::Wait).ok();
    if !is_forced(dir)
        && let Choice::Use { image, .. } = pick(&client.images(stage::INPUTS)?)?
    {
        let why = "built by another process just now";
        tell(ImageState::Ready { image: shown(&image), why: why.into() });
        return Ok(ready(&image, why));
    }
    wanted.check(client)?;
    let order = Order {
        workspace: demand.workspace,
        dir,
        spec: &spec,
        prod: decided.prod.as_ref(),
        base: base.as_deref(),
        wanted,
        logs: &stock.logs,
    };
    make((client, stock), &order, &spec, &why, listener)
}

/// Why an image that was just fetched is the one.
const PULLED: &str = "pulled, its inputs match the checkout";

/// Builds one image, which nobody has yet.
fn make(
    (client, stock): (&Client, &Stock),
    order: &Order<'_>,
    spec: &Arc<ImageSpec>,
    why: &str,
    listener: &dyn Listener,
) -> Result<Ready, ImageError> {
    let tell = |state| listener.on(Event::Image { dir: order.dir.address.to_string(), state });
    tell(ImageState::Building { image: order.tag(), step: why.to_owned() });
    // Not as the image has them: some versions of Podman give what comes whole from their cache the labels of before.
    let labels = build(client, stock.builder(client)?, order, listener)?;
    let built = client.image(&order.tag())?.ok_or_else(|| EngineError::Answer {
        kind: client.kind(),
        verb: "build".into(),
        detail: format!("`{}` is not there after its build", order.tag()),
    })?;
    let why = format!("built now: {why}");
    tell(ImageState::Ready { image: order.tag(), why: why.clone() });
    Ok(Ready { reference: order.tag(), why, body: Body::Image(built.id), spec: Arc::clone(spec), labels })
}

/// The registry's prod image of this very code, where the one here is of other code. A registry that cannot be reached
/// leaves what is here.
fn better(
    demand: &Demand<'_>,
    place: (&Client, WantedPlatform),
    dir: &RunnableDir,
    (spec, image): (&ImageSpec, &Image),
    listener: &dyn Listener,
) -> Option<Image> {
    if !may_be_outdone(demand, spec, image) {
        return None;
    }
    let better = pull(demand, place, dir, spec, listener).ok().flatten();
    better.filter(|pulled| pulled.labels.get(stage::INPUTS) == Some(&spec.inputs))
}

/// Whether the caller asked for a build, whatever is here: by a flag, for configuration says how, not when.
pub(super) fn is_forced(dir: &RunnableDir) -> bool {
    let cache = &dir.config.build.cache;
    cache.value == BuildCache::None && cache.origin.layer == LayerKind::Flags
}

/// Whether the registry may have a prod image of this very code, and the one here is not.
fn may_be_outdone(demand: &Demand<'_>, spec: &ImageSpec, image: &Image) -> bool {
    let is_asked = demand.wish.stage == StageWish::Only(Stage::Prod) && demand.wish.version.is_none();
    is_asked && image.labels.get(stage::INPUTS) != Some(&spec.inputs)
}

/// Fetches the team's image of the required version, where a registry is configured; `None` where it does not have
/// it or its inputs are not those of the checkout.
fn pull(
    demand: &Demand<'_>,
    (client, wanted): (&Client, WantedPlatform),
    dir: &RunnableDir,
    spec: &ImageSpec,
    listener: &dyn Listener,
) -> Result<Option<Image>, ImageError> {
    let Some(reference) = registry_reference(demand, dir, spec) else { return Ok(None) };
    let pulling = ImageState::Pulling { image: reference.clone() };
    listener.on(Event::Image { dir: dir.address.to_string(), state: pulling });
    let on = |news: &Transfer| {
        if let Transfer::Retry(Retry { what, next, of, .. }) = news {
            listener.on(Event::Note(format!("{}: {what} is pulled again, try {next} of {of}", dir.address)));
        }
    };
    let pulled = if wanted.is_native() {
        client.pull(&reference, &on).map(|()| reference.clone())
    } else {
        client.pull_for(&reference, wanted.platform, &|_| {}).map(|(name, _)| name)
    };
    let name = match pulled {
        Ok(name) => name,
        Err(EngineError::NoPlatform { .. }) => return Ok(None),
        Err(error) if is_missing(&error) => return Ok(None),
        // What could not be asked may have it: another image will do, but not in silence.
        Err(EngineError::NoImage { detail, .. }) => {
            let detail = detail.lines().next().unwrap_or_default();
            listener.on(Event::Warning(format!("{}: `{reference}` cannot be pulled: {detail}", dir.address)));
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let image = client.image(&name)?.filter(|image| wanted.fits(image));
    let explicit = demand.wish.stage != StageWish::Auto || demand.wish.version.is_some();
    Ok(image.filter(|image| explicit || image.labels.get(stage::INPUTS) == Some(&spec.inputs)))
}

/// The image that would do, as the registry calls it; `None` where no registry is configured or none is wanted.
pub(super) fn registry_reference(demand: &Demand<'_>, dir: &RunnableDir, spec: &ImageSpec) -> Option<String> {
    let registry = dir.config.registry.pull.as_ref()?;
    let stage = match demand.wish.stage {
        StageWish::Auto => Stage::Dev,
        StageWish::Only(Stage::Local) | StageWish::BuildProd => return None,
        StageWish::Only(stage) => stage,
    };
    let version = demand.wish.version.as_ref().unwrap_or(&dir.version);
    let tag = stage.tag_of(dir, &demand.workspace.surroundings.user, version);
    Some(format!("{}/{}:{tag}", registry.trim_end_matches('/'), spec.name))
}

/// Images are found by what decides them, so one that another dir or another workspace built will do as it is. It also
/// gets the dir's own tag, so that nobody wonders whose image this is.
fn under_own_name(
    demand: &Demand<'_>,
    (client, wanted): (&Client, WantedPlatform),
    dir: &RunnableDir,
    spec: &ImageSpec,
    image: &Image,
) -> Image {
    let mut image = image.clone();
    let stage = match demand.wish.stage {
        StageWish::BuildProd => Stage::Prod,
        StageWish::Only(Stage::Prod) => return image,
        _ => Stage::Local,
    };
    let own = format!("{}:", spec.name);
    if image.references.iter().any(|reference| reference.rsplit('/').next().is_some_and(|name| name.starts_with(&own)))
    {
        return image;
    }
    let tag = wanted.tag(&stage.tag_of(dir, &demand.workspace.surroundings.user, &dir.version));
    let tag = format!("{own}{tag}");
    // A name is a courtesy: the image is used by its id.
    if client.tag(&image.id, &tag).is_ok() {
        image.references.insert(0, tag);
        image.references.truncate(1);
    }
    image
}

pub(super) fn shown(image: &Image) -> String {
    let first = image.references.iter().min_by_key(|reference| reference.len());
    let first = first.map(|reference| reference.trim_start_matches("localhost/").to_owned());
    first.unwrap_or_else(|| image.id.trim_start_matches("sha256:").chars().take(12).collect())
}
