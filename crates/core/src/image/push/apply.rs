//! Pushes items to their registries, several at once; a registry that fails does not hold up the others.

use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use semver::Version;
use wharf_engine::registry::PlatformEntry;
use wharf_engine::{Client, EngineError, Registry, RegistryError, Repository, Transfer};

use super::super::error::{ImageError, Taken};
use super::super::stage;
use super::plan::{Item, Local};
use super::standing::{Standing, Target, entry, is_index, standing};

/// How many images are sent at once: each sends several layers by itself.
const JOBS: usize = 4;

/// Told of each move of an image: the item, the reference under which it goes up, and the news.
pub type OnMove<'a> = dyn Fn(&Item, &str, &Transfer) + Sync + 'a;

/// What was done for one item at one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// The version's tag there.
    pub reference: String,
    /// Its digest, verified.
    pub digest: String,
    /// Whether anything was sent or written but the floating tag.
    pub sent: bool,
    /// What became of the floating tag.
    pub floating: Floating,
}

/// What became of a floating tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Floating {
    /// It was not looked at.
    Left,
    /// It was there already.
    Same,
    /// This tag moved.
    Moved(&'static str),
    /// It stays at a newer version.
    Newer {
        /// The tag.
        tag: &'static str,
        /// Its version.
        version: Version,
    },
}

/// What came of one item at one registry.
#[derive(Debug)]
pub struct Outcome {
    /// Address of the dir.
    pub dir: String,
    /// The place.
    pub repository: Repository,
    /// What was done, or why not.
    pub result: Result<Done, ImageError>,
}

/// What a push goes through, and who is told.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// The engine that has the images.
    pub client: &'a Client,
    /// The session with the registries.
    pub session: &'a Registry,
    /// Set when nothing more may be started.
    pub stop: &'a AtomicBool,
    /// Told of each move.
    pub on: &'a OnMove<'a>,
    /// Told of each reference that went up, or failed to.
    pub on_sent: &'a (dyn Fn(&str) + Sync),
    /// How far to go.
    pub reach: Reach,
}

/// How far a push goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// To the version's tag; nothing is read back yet.
    Version,
    /// To the floating tag, over what was read back.
    Floating,
}

impl fmt::Debug for Way<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way").field("client", self.client).field("session", self.session).finish_non_exhaustive()
    }
}

/// Pushes surveyed items; gives what came of each at each registry, in their order.
#[must_use]
pub fn push(way: &Way<'_>, surveyed: Vec<(Item, Vec<Target>)>) -> Vec<Outcome> {
    let mut jobs: Vec<(Item, Target)> = Vec::new();
    for (item, targets) in surveyed {
        jobs.extend(targets.into_iter().map(|target| (item.clone(), target)));
    }
    let outcomes: Vec<Mutex<Option<Outcome>>> = jobs.iter().map(|_| Mutex::default()).collect();
    let jobs: Vec<Mutex<Option<(Item, Target)>>> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..JOBS.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { return };
                    let Some((item, target)) = job.lock().ok().and_then(|mut job| job.take()) else { continue };
                    if way.stop.load(Ordering::Relaxed) {
                        return;
                    }
                    let Target { repository, standing } = target;
                    let work = Work { way, item: &item, repository: &repository };
                    let result = standing.map_err(ImageError::from).and_then(|standing| work.run(standing));
                    let outcome = Outcome { dir: item.dir.clone(), repository: repository.clone(), result };
                    if let Some(Ok(mut slot)) = outcomes.get(index).map(Mutex::lock) {
                        *slot = Some(outcome);
                    }
                }
            });
        }
    });
    outcomes.into_iter().filter_map(|slot| slot.into_inner().ok().flatten()).collect()
}

struct Work<'a> {
    way: &'a Way<'a>,
    item: &'a Item,
    repository: &'a Repository,
}

impl Work<'_> {
    fn run(&self, found: Standing) -> Result<Done, ImageError> {
        let tagged = self.repository.tag(&self.item.tag())?;
        let (digest, sent) = match found {
            Standing::Same { digest } => (digest, false),
            Standing::Absent => (self.complete(Vec::new())?, true),
            Standing::Lacking { there } => (self.complete(there)?, true),
            Standing::Other { platform, here, there } => {
                return Err(taken(self.item, self.repository, platform, here, there));
            }
        };
        let floating = match self.way.reach {
            Reach::Version => Floating::Left,
            Reach::Floating => {
                self.way.session.verify(&tagged, &digest)?;
                float(self.way.session, self.item, self.repository, &digest)?
            }
        };
        Ok(Done { reference: tagged.to_string(), digest, sent, floating })
    }

    /// Sends what is missing, then writes the version's tag over it.
    fn complete(&self, mut entries: Vec<PlatformEntry>) -> Result<String, ImageError> {
        for local in &self.item.images {
            if !entries.iter().any(|entry| entry.platform == local.platform) {
                let sent = self.send(local).map_err(|error| self.explained(error))?;
                entries.push(sent);
            }
        }
        // Somebody may have pushed the same version meanwhile.
        match standing(self.way.session, self.item, self.repository)? {
            Standing::Same { digest } => return Ok(digest),
            Standing::Other { platform, here, there } => {
                return Err(taken(self.item, self.repository, platform, here, there));
            }
            Standing::Lacking { there } => {
                for entry in there {
                    if !entries.iter().any(|known| known.platform == entry.platform) {
                        entries.push(entry);
                    }
                }
            }
            Standing::Absent => {}
        }
        let tag = self.item.tag();
        Ok(match entries.as_slice() {
            [only] => self.way.session.retag(&self.repository.digest(&only.digest)?, &tag)?,
            several => self.way.session.put_index(self.repository, &tag, several)?,
        })
    }

    /// Sends one platform's image under its own tag, unless it is there.
    fn send(&self, local: &Local) -> Result<PlatformEntry, ImageError> {
        let reference = self.repository.tag(&self.item.platform_tag(&local.platform))?;
        if let Some(entry) = self.sent(&reference, local)?.filter(|entry| entry.platform == local.platform) {
            return Ok(entry);
        }
        let name = reference.to_string();
        let pushed = self.way.client.push_as(&local.id, &name, &|news| (self.way.on)(self.item, &name, news));
        (self.way.on_sent)(&name);
        pushed?;
        let sent = self.sent(&reference, local)?.ok_or_else(|| {
            let (expected, found) = (local.id.clone(), "another image".to_owned());
            ImageError::from(RegistryError::Mismatch { reference: reference.into(), expected, found })
        })?;
        if sent.platform != local.platform {
            return Err(ImageError::OtherPlatform {
                reference: local.reference.clone(),
                said: local.platform.to_string(),
                is: sent.platform.to_string(),
            });
        }
        Ok(sent)
    }

    /// The image under a platform's tag, where it is this one.
    fn sent(&self, reference: &wharf_engine::Reference, local: &Local) -> Result<Option<PlatformEntry>, ImageError> {
        let Some(manifest) = self.way.session.try_manifest(reference)? else { return Ok(None) };
        if is_index(&manifest) {
            return Ok(None);
        }
        let config = self.way.session.images(self.repository, &manifest)?.into_iter().next().map(|(_, config)| config);
        let same = config.filter(|config| [&config.id, &manifest.digest].contains(&&local.id));
        Ok(same.map(|config| entry(&manifest, &config)))
    }

    /// Engines say of a registry that fails no more than its status; the registry itself says why.
    fn explained(&self, error: ImageError) -> ImageError {
        let ImageError::Engine(EngineError::Refused { .. }) = &error else { return error };
        match self.way.session.may_push(self.repository) {
            Err(better) => better.into(),
            Ok(()) => error,
        }
    }
}

/// Moves the floating tag to the version, which has this digest, unless it stands at a newer one.
///
/// # Errors
/// When the registry refuses, or has something else there afterwards.
pub fn float(session: &Registry, item: &Item, repository: &Repository, digest: &str) -> Result<Floating, ImageError> {
    let word = item.stage.word();
    let floating = repository.tag(word)?;
    if let Some(found) = session.digest(&floating)? {
        if found.digest == digest {
            return Ok(Floating::Same);
        }
        let config = session.config_labels(&floating, None)?;
        let version = config.and_then(|config| Version::parse(config.labels.get(stage::VERSION)?).ok());
        if let Some(version) = version.filter(|version| *version > item.version) {
            return Ok(Floating::Newer { tag: word, version });
        }
    }
    point(session, repository, digest, word)?;
    Ok(Floating::Moved(word))
}

/// Makes `tag` name what has this digest, and reads it back.
///
/// # Errors
/// When the registry refuses, or has something else there afterwards.
pub fn point(session: &Registry, repository: &Repository, digest: &str, tag: &str) -> Result<(), ImageError> {
    session.retag(&repository.digest(digest)?, tag)?;
    let reference = repository.tag(tag)?;
    match session.digest(&reference)? {
        Some(found) if found.digest == digest => Ok(()),
        found => {
            let found = found.map_or_else(|| "not there".to_owned(), |found| found.digest);
            let expected = digest.to_owned();
            Err(RegistryError::Mismatch { reference: reference.into(), expected, found }.into())
        }
    }
}

/// The refusal of a version that is there with other content.
pub(super) fn taken(item: &Item, repository: &Repository, platform: String, here: String, there: String) -> ImageError {
    let reference = format!("{repository}:{}", item.tag());
    ImageError::VersionTaken(Box::new(Taken { dir: item.dir.clone(), reference, platform, here, there }))
}

/// The first reason not to push anything of what was surveyed: a version that is taken, or a right that is missing. A registry
/// that only cannot be reached holds up nobody but itself.
///
/// # Errors
/// That reason.
pub fn refuse(surveyed: &mut [(Item, Vec<Target>)]) -> Result<(), ImageError> {
    for (item, targets) in &mut *surveyed {
        for target in targets {
            if let Ok(Standing::Other { platform, here, there }) = &target.standing {
                return Err(taken(item, &target.repository, platform.clone(), here.clone(), there.clone()));
            }
        }
    }
    let targets = surveyed.iter_mut().flat_map(|(_, targets)| targets);
    for target in targets {
        if target.standing.as_ref().is_err_and(RegistryError::is_about_rights) {
            // The session is not used for this target any more: the reason may be taken out of it.
            let standing = std::mem::replace(&mut target.standing, Ok(Standing::Absent));
            standing.map(drop)?;
        }
    }
    Ok(())
}
