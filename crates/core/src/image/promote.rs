//! From a local image to the team's: `local` to `dev`.
//!
//! What was tested is what is released: the promoted image has the tested one's layers and differs in labels alone. It is
//! made by a build of one step from the tested image, and refused where its layers came out as others.
//!
//! [`plan`] looks at what the engine has and decides; [`apply`] makes the image and its names.

use std::collections::BTreeMap;

use wharf_engine::{BuildFailure, BuildSpec, Builder, Client, Details, EngineError, Image, Kind, Platform};

use super::choice::{Checkout, Choice, StageWish, Wish, choose, is_reference};
use super::context;
use super::ensure::shown;
use super::error::ImageError;
use super::platform::{self, WantedPlatform};
use super::spec::{DOCKERFILE, ImageSpec};
use super::stage::{self, Stage};
use super::tested::{self, Tested};
use crate::runnable_dir::RunnableDir;
use crate::workspace::{Lock, Patience, StateDir, Workspace};

/// What is to be promoted.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The engine.
    pub client: &'a Client,
    /// Where records of tests are.
    pub state: &'a StateDir,
    /// The dir, which owns its image.
    pub dir: &'a RunnableDir,
    /// What is known of its tests.
    pub tests: Tests,
    /// Whether they matter.
    pub proof: Proof<'a>,
    /// For which platform, where not the engine's own.
    pub platform: Option<Platform>,
    /// What becomes of the name that follows the newest one.
    pub follow: Follow,
}

/// What becomes of the name that follows the newest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// It moves to what is promoted.
    Now,
    /// It stays: a release moves it when registries have what it will point to.
    Later,
}

/// Whether a dir has tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tests {
    /// It has.
    Some,
    /// No file of it is named like a test.
    None,
}

/// What an image needs to be promoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof<'a> {
    /// Its dir's whole suite passed on it.
    Needed,
    /// These tests passed just now, on the image that they name.
    Given(&'a Tested),
    /// Nothing; a label says so.
    Waived,
}

/// What speaks for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// Its tests passed.
    Tested(Tested),
    /// Its dir has no tests.
    NoTests,
    /// Nothing: somebody said that it will do.
    Untested,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promotion {
    /// The team's image of this version has this content already.
    Already {
        /// Its reference.
        reference: String,
        /// The name that follows the newest one, where it is to be moved here, and the image's id.
        floating: Option<(String, String)>,
    },
    /// An image is made.
    Make(Box<Making>),
}

/// An image to be made from a local one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Making {
    /// The local image.
    pub from: Details,
    /// What people call it.
    pub from_reference: String,
    /// Name and tag of the new one.
    pub tag: String,
    /// The name that follows the newest one, where it moves.
    pub floating: Option<String>,
    /// Labels that the new one gets on top.
    pub labels: BTreeMap<String, String>,
    /// What speaks for it.
    pub basis: Basis,
}

/// Why an image is not promoted.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// No local image is made from what is checked out.
    #[error("there is no local image of `{dir}` that matches the checkout")]
    NoLocal {
        /// Address of the dir.
        dir: String,
    },
    /// Its tests did not pass on it.
    #[error("the tests of `{dir}` have not passed on {image} ({id})")]
    Untested {
        /// Address of the dir.
        dir: String,
        /// The local image.
        image: String,
        /// Start of its id.
        id: String,
    },
    /// The version is taken.
    #[error("`{tag}` is there already, and has other content than the checkout's image")]
    Taken {
        /// Address of the dir.
        dir: String,
        /// Name and tag.
        tag: String,
    },
    /// The dir uses the image of another one.
    #[error("`{dir}` has no image of its own, it takes that of `{owner}`")]
    NotOwner {
        /// Address of the dir.
        dir: String,
        /// The dir whose image it is.
        owner: String,
    },
    /// The new image came out different.
    #[error("the image made from {from} does not have its layers, so it was not named `{tag}`")]
    OtherLayers {
        /// The local image.
        from: String,
        /// What would have been its name.
        tag: String,
    },
    /// An image cannot be read or made.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl From<EngineError> for PromoteError {
    fn from(error: EngineError) -> Self {
        Self::Image(error.into())
    }
}

impl PromoteError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoLocal { dir } => Some(format!("build it and test it with `wharf test --stage local --dir {dir}`")),
            Self::Untested { dir, .. } => Some(format!(
                "test it with `wharf test --stage local --dir {dir}`, or promote it with `--untested`, which its label says then"
            )),
            Self::Taken { dir, .. } => {
                Some(format!("give the change a version of its own with `wharf version bump {dir} -m TEXT`"))
            }
            Self::NotOwner { owner, .. } => Some(format!("promote that one with `wharf image promote {owner}`")),
            Self::OtherLayers { .. } => Some("it may have been built anew just now: try again".into()),
            Self::Image(error) => error.hint(),
        }
    }
}

/// Says what is to be done; changes nothing.
///
/// # Errors
/// When there is nothing to promote, nothing speaks for it, or the version is taken.
pub fn plan(request: &Request<'_>) -> Result<Promotion, PromoteError> {
    let Request { workspace, client, dir, .. } = *request;
    let owner = workspace.image_owner(dir).map_or(dir, |owner| owner);
    if owner.address != dir.address {
        return Err(PromoteError::NotOwner { dir: dir.address.to_string(), owner: owner.address.to_string() });
    }
    let spec = ImageSpec::read(workspace, dir)?;
    let images = client.images(stage::INPUTS)?;
    let wanted = WantedPlatform::of(client, &wish(request))?;
    let plain = Stage::Dev.tag_of(dir, &workspace.surroundings.user, &dir.version);
    let tag = format!("{}:{}", spec.name, wanted.tag(&plain));
    let floating = format!("{}:{}", spec.name, wanted.tag(Stage::Dev.word()));
    let existing = named(&images, &tag);
    let local = local(request, &spec, &images)?;
    let Some((image, basis)) = local else {
        return match existing {
            Some(image) if image.labels.get(stage::INPUTS) == Some(&spec.inputs) => {
                Ok(already(request, &tag, &floating, (&images, image)))
            }
            Some(_) => Err(PromoteError::Taken { dir: dir.address.to_string(), tag }),
            None => Err(PromoteError::NoLocal { dir: dir.address.to_string() }),
        };
    };
    let from = one(client, &image.id)?;
    if let Some(existing) = existing {
        let there = one(client, &existing.id)?;
        let same = there.layers == from.layers && there.labels.get(stage::INPUTS) == Some(&spec.inputs);
        if !same {
            return Err(PromoteError::Taken { dir: dir.address.to_string(), tag });
        }
        let proven = there.labels.contains_key(stage::UNTESTED) && basis != Basis::Untested;
        // One that a registry has is what the team uses: its labels stay as they are.
        if !proven || there.digests.iter().any(|digest| is_in_registry(digest)) {
            return Ok(already(request, &tag, &floating, (&images, existing)));
        }
    } else if basis == Basis::Untested && request.proof == Proof::Needed {
        let id = from.id.trim_start_matches("sha256:").chars().take(12).collect();
        return Err(PromoteError::Untested { dir: dir.address.to_string(), image: shown(image), id });
    }
    Ok(Promotion::Make(Box::new(Making {
        from_reference: shown(image),
        labels: labels(dir, &spec, &from.id, &basis),
        floating: (request.follow == Follow::Now).then_some(floating),
        from,
        tag,
        basis,
    })))
}

/// Does it, with the engine asked anew, so that of two at once the second one finds what the first has made.
///
/// # Errors
/// As for [`plan`]; and when the engine refuses.
pub fn apply(request: &Request<'_>) -> Result<Promotion, PromoteError> {
    let Request { workspace, client, dir, .. } = *request;
    let file = workspace.surroundings.cache.join("locks").join(format!("promote-{}", dir.name));
    let _lock = Lock::take(&file, "wharf image promote", Patience::Wait).ok();
    let promotion = plan(request)?;
    match &promotion {
        Promotion::Already { floating: Some((name, id)), .. } => client.tag(id, name)?,
        Promotion::Already { floating: None, .. } => {}
        Promotion::Make(making) => make(client, making)?,
    }
    Ok(promotion)
}

/// The local image to promote and what speaks for it: one that is tested before one that is not.
fn local<'i>(
    request: &Request<'_>,
    spec: &ImageSpec,
    images: &'i [Image],
) -> Result<Option<(&'i Image, Basis)>, ImageError> {
    let Request { workspace, client, state, dir, .. } = *request;
    let wish = wish(request);
    let wanted = WantedPlatform::of(client, &wish)?;
    let base = platform::base(client, spec, wanted)?;
    let user = &workspace.surroundings.user;
    let checkout =
        Checkout { version: &dir.version, user, dev_patch: dir.config.layout.dev_patch, base: base.as_deref(), wanted };
    let pick = |images: &[Image]| match choose(spec, &wish, &checkout, images) {
        Choice::Use { image, .. } => Some(image.id),
        Choice::Make { .. } | Choice::Missing { .. } => None,
    };
    let record = |id: &str| match request.proof {
        Proof::Given(tested) if tested.image == id => Some(tested.clone()),
        _ => tested::read(state, dir, id),
    };
    let tested: Vec<Image> = images.iter().filter(|image| record(&image.id).is_some()).cloned().collect();
    let Some(id) = pick(&tested).or_else(|| pick(images)) else { return Ok(None) };
    let basis = match (record(&id), request.tests) {
        (Some(record), _) => Basis::Tested(record),
        (None, Tests::None) => Basis::NoTests,
        (None, Tests::Some) => Basis::Untested,
    };
    Ok(images.iter().find(|image| image.id == id).map(|image| (image, basis)))
}

fn wish(request: &Request<'_>) -> Wish {
    Wish { stage: StageWish::Only(Stage::Local), platform: request.platform, ..Wish::default() }
}

fn already(request: &Request<'_>, tag: &str, floating: &str, (images, image): (&[Image], &Image)) -> Promotion {
    let is_there = named(images, floating).is_some_and(|there| there.id == image.id);
    let moves = request.follow == Follow::Now && !is_there;
    let floating = moves.then(|| (floating.to_owned(), image.id.clone()));
    let reference = image.references.iter().find(|reference| is_reference(reference, tag)).cloned();
    let reference = reference.map_or_else(|| shown(image), |name| name.trim_start_matches("localhost/").to_owned());
    Promotion::Already { reference, floating }
}

/// The image of that name, without a registry before it rather than with one.
fn named<'i>(images: &'i [Image], name: &str) -> Option<&'i Image> {
    let has = |image: &Image, local: bool| {
        image.references.iter().any(|reference| {
            let reference = reference.trim_start_matches("localhost/");
            if local { reference == name } else { is_reference(reference, name) }
        })
    };
    images.iter().find(|image| has(image, true)).or_else(|| images.iter().find(|image| has(image, false)))
}

/// Whether a digest is one that a registry gave: Podman has some of its own, and so has Docker's newer store.
fn is_in_registry(digest: &str) -> bool {
    digest.contains('/') && !digest.starts_with("localhost/")
}

fn one(client: &Client, id: &str) -> Result<Details, EngineError> {
    client.details(&[id])?.pop().ok_or_else(|| EngineError::Answer {
        kind: client.kind(),
        verb: "inspect images".into(),
        detail: format!("it says nothing of `{id}`"),
    })
}

fn labels(dir: &RunnableDir, spec: &ImageSpec, from: &str, basis: &Basis) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from([
        (stage::TITLE.to_owned(), spec.name.clone()),
        (stage::VERSION.to_owned(), Stage::Dev.version_of(dir, &dir.version).to_string()),
        (stage::INPUTS.to_owned(), spec.inputs.clone()),
        (stage::DIR.to_owned(), spec.dir.clone()),
        (stage::NAME.to_owned(), spec.name.clone()),
        (stage::STAGE.to_owned(), Stage::Dev.word().to_owned()),
        (stage::PROMOTED_FROM.to_owned(), from.to_owned()),
    ]);
    if *basis == Basis::Untested {
        labels.insert(stage::UNTESTED.to_owned(), "true".to_owned());
    }
    labels
}

fn make(client: &Client, making: &Making) -> Result<(), PromoteError> {
    let folder = tempfile::Builder::new().prefix("wharf-promote-").tempdir().map_err(ImageError::from)?;
    // By name: BuildKit takes no id. Whether the name still meant that image is seen by the layers.
    let dockerfile = format!("FROM {}\n", making.from_reference);
    context::stage(folder.path(), &dockerfile, &BTreeMap::new()).map_err(ImageError::from)?;
    let spec = BuildSpec {
        context: folder.path().to_path_buf(),
        dockerfile: DOCKERFILE.into(),
        target: None,
        tag: format!("{}:promoting", making.tag.split(':').next().unwrap_or_default()),
        labels: making.labels.clone(),
        args: BTreeMap::new(),
        secrets: BTreeMap::new(),
        platform: making.from.platform.parse().ok(),
        timestamp: None,
        no_cache: false,
    };
    client.build(builder(client)?, &spec, &|_| {}).map_err(|failure| match failure {
        BuildFailure::Engine(error) => ImageError::from(error),
        BuildFailure::Step { summary, .. } => {
            EngineError::Refused { kind: client.kind(), verb: "label an image".into(), detail: summary }.into()
        }
    })?;
    let made = one(client, &spec.tag)?;
    let same = made.layers == making.from.layers;
    let named = if same {
        let names = [Some(&making.tag), making.floating.as_ref()].into_iter().flatten();
        names.into_iter().try_for_each(|name| client.tag(&made.id, name))
    } else {
        Ok(())
    };
    client.remove_image(&spec.tag)?;
    named?;
    if same {
        Ok(())
    } else {
        Err(PromoteError::OtherLayers { from: making.from_reference.clone(), tag: making.tag.clone() })
    }
}

/// A builder that sees the engine's own images, which one of buildx in a container of its own does not.
fn builder(client: &Client) -> Result<Builder, EngineError> {
    if client.kind() == Kind::Docker && client.socket().is_some() { Ok(Builder::Session) } else { client.builder() }
}
