//! Two images side by side: what was added, removed, changed.

use std::collections::BTreeMap;
use std::path::Path;

use semver::Version;
use serde::Serialize;
use wharf_engine::{Client, Image};

use super::change::{Change, Extent, Versions, compare};
use super::choice::{StageWish, Wish};
use super::ensure::{self, Body, Demand, Ready};
use super::error::ImageError;
use super::packages::{self, Contents};
use super::plan::{self, Step};
use super::stage::{self, Stage};
use super::{Place, host};
use crate::event::Listener;
use crate::runnable_dir::RunnableDir;
use crate::workspace::{Workspace, WorkspaceError};

/// What one side of a comparison is.
#[derive(Debug, Clone)]
pub enum Side<'a> {
    /// The image that a dir's commands would run in now.
    Current(&'a RunnableDir),
    /// The dir's image of this version: the team's, else one's own.
    Version(&'a RunnableDir, Version),
    /// The dir's newest image of this stage.
    Stage(&'a RunnableDir, Stage),
    /// An image by reference or id; on the host, the folder of an environment.
    Image(String),
}

/// Reads `DIR`, `DIR@X.Y.Z`, `DIR@dev`, or an image's reference or id. A dir of that name counts for more than an image.
///
/// # Errors
/// When the dir before `@` has no image of its own to be found.
pub fn side<'a>(workspace: &'a Workspace, text: &str) -> Result<Side<'a>, WorkspaceError> {
    if let Ok(dir) = workspace.dir(text) {
        return Ok(Side::Current(workspace.image_owner(dir)?));
    }
    if let Some((dir, what)) = text.rsplit_once('@')
        && !what.contains(':')
        && let Ok(dir) = workspace.dir(dir)
    {
        let owner = workspace.image_owner(dir)?;
        if let Ok(stage) = what.parse() {
            return Ok(Side::Stage(owner, stage));
        }
        if let Ok(version) = Version::parse(what) {
            return Ok(Side::Version(owner, version));
        }
    }
    if text.starts_with("//") {
        return workspace.dir(text).map(Side::Current);
    }
    Ok(Side::Image(text.to_owned()))
}

/// What is said of one side as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// What people call it.
    pub image: String,
    /// Its id, or the environment's folder.
    pub id: String,
    /// Id of its base image, where it is known.
    pub base: Option<String>,
    /// Version of its Python.
    pub python: Option<String>,
    /// Platform; none on the host.
    pub platform: Option<String>,
    /// Size in bytes, shared layers included; 0 where it is not known.
    pub size: u64,
}

/// Two sides and what differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// The first.
    pub a: Facts,
    /// The second.
    pub b: Facts,
    /// Whether both are one image.
    pub same: bool,
    /// Python packages that commands see.
    pub python: Vec<Change>,
    /// Python packages in other places.
    pub python_elsewhere: Vec<Change>,
    /// OS packages.
    pub os: Vec<Change>,
    /// Variables.
    pub env: Vec<Change>,
    /// What could not be read.
    pub notes: Vec<String>,
}

impl Comparison {
    /// Whether nothing that was read differs.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        [&self.python, &self.python_elsewhere, &self.os, &self.env]
            .iter()
            .all(|changes| changes.iter().all(Change::is_equal))
            && (&self.a.base, &self.a.python, &self.a.platform) == (&self.b.base, &self.b.python, &self.b.platform)
    }
}

/// What a comparison needs.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The demand that images are looked for with; its wish does not count.
    pub demand: Demand<'a>,
    /// Labels of the containers that are made to read images.
    pub labels: &'a BTreeMap<String, String>,
    /// Who is told how it goes.
    pub listener: &'a dyn Listener,
}

/// What was read of one side.
struct Read {
    facts: Facts,
    env: Versions,
    contents: Contents,
}

/// Compares two sides.
///
/// # Errors
/// When one cannot be had or read.
pub fn diff(request: &Request<'_>, sides: [&Side<'_>; 2], extent: Extent) -> Result<Comparison, ImageError> {
    let (a, b) = std::thread::scope(|scope| {
        let second = scope.spawn(|| read(request, sides[1]));
        let first = read(request, sides[0]);
        let second = second.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (first, second)
    });
    let (a, b) = (a?, b?);
    let both = |of: fn(&Read) -> &Versions| compare(of(&a), of(&b), extent);
    let mut notes: Vec<String> = Vec::new();
    for side in [&a, &b] {
        notes.extend(side.contents.notes.iter().map(|note| format!("{}: {note}", side.facts.image)));
    }
    Ok(Comparison {
        same: a.facts.id == b.facts.id,
        python: both(|side| &side.contents.packages),
        python_elsewhere: both(|side| &side.contents.elsewhere),
        os: both(|side| &side.contents.os),
        env: both(|side| &side.env),
        a: a.facts,
        b: b.facts,
        notes,
    })
}

fn read(request: &Request<'_>, side: &Side<'_>) -> Result<Read, ImageError> {
    match request.demand.place {
        Place::Containers(client) => {
            let (shown, id) = find(request, client, side)?;
            let missing =
                || ImageError::NotHere { dir: shown.clone(), wanted: id.clone(), found: "which is gone".into() };
            let image = client.image(&id)?.ok_or_else(missing)?;
            of_image(request, client, shown, image)
        }
        Place::Host(tools) => {
            let (shown, folder) = match side {
                Side::Current(dir) => {
                    let spec = super::ImageSpec::read(request.demand.workspace, dir)?;
                    let ready = host::find(tools, &spec).ok_or_else(|| not_made(dir))?;
                    let Body::Venv(venv) = ready.body else { return Err(not_made(dir)) };
                    (ready.reference, venv.path)
                }
                Side::Image(text) => {
                    let folder = request.demand.workspace.surroundings.here.join(text);
                    if !folder.join("pyvenv.cfg").is_file() {
                        return Err(ImageError::NoImage { text: text.clone() });
                    }
                    (text.clone(), folder)
                }
                Side::Version(..) | Side::Stage(..) => {
                    return Err(ImageError::HostCannot { what: "compare versions of images".into() });
                }
            };
            of_venv(shown, &folder)
        }
    }
}

fn not_made(dir: &RunnableDir) -> ImageError {
    ImageError::NotMade { dir: dir.address.to_string() }
}

fn of_venv(shown: String, folder: &Path) -> Result<Read, ImageError> {
    let contents = packages::of_venv(folder)?;
    let facts = Facts {
        image: shown,
        id: folder.display().to_string(),
        base: None,
        python: contents.python.clone(),
        platform: None,
        size: 0,
    };
    Ok(Read { facts, env: Versions::new(), contents })
}

fn of_image(request: &Request<'_>, client: &Client, shown: String, image: Image) -> Result<Read, ImageError> {
    let contents = packages::of_image(request.demand.workspace, client, &image.id, request.labels)?;
    let settings = client.image_settings(&image.id)?;
    let facts = Facts {
        image: shown,
        base: image.labels.get(stage::BASE).cloned(),
        python: contents.python.clone(),
        platform: Some(settings.platform),
        size: image.size,
        id: image.id,
    };
    let env =
        settings.env.into_iter().map(|(name, value)| (name, crate::config::mask_credentials(&value).into_owned()));
    Ok(Read { facts, env: env.collect(), contents })
}

/// What a side is called, and its id.
fn find(request: &Request<'_>, client: &Client, side: &Side<'_>) -> Result<(String, String), ImageError> {
    let demand = &request.demand;
    match side {
        Side::Image(text) => match client.image(text)? {
            Some(image) => Ok((text.clone(), image.id)),
            None => Err(ImageError::NoImage { text: text.clone() }),
        },
        Side::Current(dir) => {
            let wish = Wish::default();
            match plan::plan(&Demand { wish: &wish, ..*demand }, &[*dir])?.pop() {
                Some(Step::Use(ready)) => id_of(ready).ok_or_else(|| not_made(dir)),
                _ => Err(not_made(dir)),
            }
        }
        Side::Version(dir, version) => {
            let user = &demand.workspace.surroundings.user;
            let tags = [Stage::Dev, Stage::Local].map(|stage| stage.tag_of(dir, user, version));
            match here(client, dir, &tags)? {
                Some(found) => Ok(found),
                None => fetched(
                    request,
                    dir,
                    &Wish { stage: StageWish::Auto, version: Some(version.clone()), ..Wish::default() },
                ),
            }
        }
        Side::Stage(dir, stage) => {
            let tags = if *stage == Stage::Local { vec![] } else { vec![stage.to_string()] };
            match here(client, dir, &tags)? {
                Some(found) => Ok(found),
                None if *stage == Stage::Local => {
                    let wish = Wish { stage: StageWish::Only(Stage::Local), ..Wish::default() };
                    match plan::plan(&Demand { wish: &wish, ..*demand }, &[*dir])?.pop() {
                        Some(Step::Use(ready)) => id_of(ready).ok_or_else(|| not_made(dir)),
                        _ => Err(not_made(dir)),
                    }
                }
                None => fetched(request, dir, &Wish { stage: StageWish::Only(*stage), ..Wish::default() }),
            }
        }
    }
}

fn id_of(ready: Ready) -> Option<(String, String)> {
    match ready.body {
        Body::Image(id) => Some((ready.reference, id)),
        Body::Venv(_) => None,
    }
}

/// The first of these tags of the dir's image that the engine has, with or without a registry before its name.
fn here(client: &Client, dir: &RunnableDir, tags: &[String]) -> Result<Option<(String, String)>, ImageError> {
    let images = client.images(stage::INPUTS)?;
    for tag in tags {
        let wanted = format!("{}:{tag}", dir.name);
        for image in &images {
            let is_it = |reference: &&String| reference.rsplit('/').next() == Some(wanted.as_str());
            if image.references.iter().any(|reference| is_it(&reference)) {
                return Ok(Some((wanted, image.id.clone())));
            }
        }
    }
    Ok(None)
}

/// An image of a stage or version that is named: taken from the registry, never built.
fn fetched(request: &Request<'_>, dir: &RunnableDir, wish: &Wish) -> Result<(String, String), ImageError> {
    let outcome = std::sync::Mutex::new(None);
    let keep = |_: &RunnableDir, result| {
        if let Ok(mut outcome) = outcome.lock() {
            *outcome = Some(result);
        }
    };
    ensure::ensure(&Demand { wish, ..request.demand }, &[dir], request.listener, &keep)?;
    let ready: Option<Result<Ready, ImageError>> = outcome.into_inner().unwrap_or(None);
    ready.transpose()?.and_then(id_of).ok_or_else(|| not_made(dir))
}
