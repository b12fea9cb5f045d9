//! Moves the floating tag of a stage to a version that was released before, or forward again.
//!
//! Only names move: the version's own tag, the Git tag and the checkout stay. So this decides what is had by whoever pulls
//! `infra:dev` or `infra:prod`; `wharf run`, `bash` and `test` take the version that the checkout states.

use semver::Version;
use wharf_engine::{Client, Platform, Registry, Repository};

use super::ReleaseError;
use crate::image::push::point;
use crate::image::registry::repository;
use crate::image::{Stage, WantedPlatform, stage};
use crate::runnable_dir::RunnableDir;

/// What is to be rolled back, and to what.
#[derive(Debug, Clone, Copy)]
pub struct Rollback<'a> {
    /// The dir.
    pub dir: &'a RunnableDir,
    /// `dev` or `prod`.
    pub stage: Stage,
    /// The version that the floating tag is to name.
    pub to: &'a Version,
}

/// What it is done with.
#[derive(Debug, Clone, Copy)]
pub struct Way<'a> {
    /// The engine.
    pub client: &'a Client,
    /// The session with registries.
    pub session: &'a Registry,
}

/// A floating tag that moves, or is there already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// One of a registry.
    Registry {
        /// Where.
        repository: Repository,
        /// What it will name.
        digest: String,
        /// The version that it names now, where that is known.
        from: Option<String>,
        /// Whether it names it already.
        is_there: bool,
    },
    /// One of the engine.
    Engine {
        /// The name.
        name: String,
        /// Id of the image that it will name.
        id: String,
        /// Whether it names it already.
        is_there: bool,
    },
}

impl Move {
    /// The reference of a version at its registry.
    fn reference(&self, tag: &str) -> Option<String> {
        match self {
            Self::Registry { repository, .. } => Some(format!("{repository}:{tag}")),
            Self::Engine { .. } => None,
        }
    }
}

/// Finds the version everywhere, verifies what registries have of it, and says what would move.
///
/// # Errors
/// Where the version is missing, or not whole, in any registry: then none may move.
pub fn plan_rollback(rollback: &Rollback<'_>, way: &Way<'_>) -> Result<Vec<Move>, ReleaseError> {
    let Rollback { dir, stage, to } = *rollback;
    let mut moves: Vec<Move> = Vec::new();
    let tag = stage.tag_of(dir, "", to);
    let mut places: Vec<Repository> = Vec::new();
    for registry in &dir.config.registry.push {
        let repository = repository(registry, &dir.name)?;
        if !places.contains(&repository) {
            places.push(repository);
        }
    }
    if places.is_empty() {
        return Err(ReleaseError::NoRegistry { dir: dir.address.to_string() });
    }
    for repository in places {
        let reference = repository.tag(&tag)?;
        let Some(found) = way.session.digest(&reference)? else {
            let found = versions(&way.session.tags(&repository)?, stage);
            return Err(missing(rollback, &repository.to_string(), &found));
        };
        way.session.verify(&reference, &found.digest)?;
        let floating = repository.tag(stage.word())?;
        let now = way.session.digest(&floating)?;
        let from = way.session.config_labels(&floating, None)?;
        let from = from.and_then(|config| config.labels.get(stage::VERSION).cloned());
        way.session.may_push(&repository)?;
        let is_there = now.is_some_and(|now| now.digest == found.digest);
        moves.push(Move::Registry { repository, digest: found.digest, from, is_there });
    }
    let known: Vec<String> = moves.iter().filter_map(|one| one.reference(&tag)).collect();
    moves.extend(in_engine(rollback, way, &known)?);
    Ok(moves)
}

/// What moves in the engine: the floating name of each platform whose image of the version is here, made here or fetched
/// under one of the references `known`.
fn in_engine(rollback: &Rollback<'_>, way: &Way<'_>, known: &[String]) -> Result<Vec<Move>, ReleaseError> {
    let Rollback { dir, stage, to } = *rollback;
    let native = way.client.native_platform()?;
    let mut platforms: Vec<Platform> = vec![native];
    platforms.extend(dir.config.image.platforms.iter().copied().filter(|platform| *platform != native));
    let mut moves = Vec::new();
    for platform in platforms {
        let wanted = WantedPlatform { platform, native };
        let name = format!("{}:{}", dir.name, wanted.tag(stage.word()));
        let now = way.client.image(&name)?.map(|image| image.id);
        let own = format!("{}:{}", dir.name, wanted.tag(&stage.tag_of(dir, "", to)));
        for reference in [&own].into_iter().chain(known) {
            if let Some((_, image)) = way.client.image_for(reference, platform)? {
                let is_there = now.as_ref() == Some(&image.id);
                moves.push(Move::Engine { name, id: image.id, is_there });
                break;
            }
        }
    }
    Ok(moves)
}

/// Moves them: registries first, each read back, then the engine's.
///
/// # Errors
/// When a registry or the engine refuses; the same call goes on.
pub fn move_back(rollback: &Rollback<'_>, way: &Way<'_>, moves: &[Move]) -> Result<(), ReleaseError> {
    for one in moves {
        match one {
            Move::Registry { repository, digest, is_there: false, .. } => {
                point(way.session, repository, digest, rollback.stage.word())?;
            }
            Move::Engine { name, id, is_there: false } => way.client.tag(id, name)?,
            _ => {}
        }
    }
    Ok(())
}

/// Names of the engine that go on naming another version, since that one's image is not here.
///
/// # Errors
/// When the engine does not answer.
pub fn left_behind(rollback: &Rollback<'_>, way: &Way<'_>, moves: &[Move]) -> Result<Option<String>, ReleaseError> {
    let name = format!("{}:{}", rollback.dir.name, rollback.stage);
    let moves_here = moves.iter().any(|one| matches!(one, Move::Engine { name: moved, .. } if *moved == name));
    Ok(if moves_here { None } else { way.client.image(&name)?.map(|_| name) })
}

/// The versions of a stage among tags, newest first.
fn versions(tags: &[String], stage: Stage) -> Vec<Version> {
    let prefix = format!("{stage}-");
    let mut found: Vec<Version> =
        tags.iter().filter_map(|tag| Version::parse(tag.strip_prefix(&prefix)?).ok()).filter(is_version).collect();
    found.sort_by(|a, b| b.cmp(a));
    found
}

/// A tag for one platform reads like a pre-release (`1.2.0-arm64`).
fn is_version(version: &Version) -> bool {
    let text = version.pre.as_str();
    let last = text.rsplit('-').next().unwrap_or_default();
    !["amd64", "arm64", "386", "ppc64le", "s390x", "riscv64", "arm"].contains(&last)
        && !text.ends_with("arm-v7")
        && !text.ends_with("arm-v6")
}

fn missing(rollback: &Rollback<'_>, place: &str, found: &[Version]) -> ReleaseError {
    let found = match found {
        [] => "none".to_owned(),
        some => some.iter().take(20).map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    ReleaseError::NoVersion {
        dir: rollback.dir.address.to_string(),
        stage: rollback.stage.to_string(),
        wanted: rollback.to.to_string(),
        place: format!("in {place}"),
        found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_tags_of_platforms() {
        let tags =
            ["dev", "dev-1.2.0", "dev-1.2.0-amd64", "dev-1.10.0", "dev-1.2.0-arm-v7", "prod-2.0.0", "dev-1.3.0-rc.1"];
        let found = versions(&tags.map(str::to_owned), Stage::Dev);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, ["1.10.0", "1.3.0-rc.1", "1.2.0"]);
    }
}
