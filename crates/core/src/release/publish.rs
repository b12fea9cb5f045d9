//! What a release does at registries, and the Git tag that says that all is done.

use std::collections::BTreeMap;

use semver::Version;
use wharf_engine::registry::Platform;
use wharf_engine::{Registry, Repository};

use super::ground::{Ground, ORIGIN, git};
use super::record::Record;
use super::run::Tools;
use super::{ReleaseError, Request, images};
use crate::image::push::{self, Floating, Item, Local, Outcome, Reach, Way};
use crate::image::{ImageError, stage};

/// Whether this user may push to every registry, and the version is free there or made from these inputs.
pub(super) fn rights(request: &Request<'_>, ground: &Ground, session: &Registry) -> Result<(), ReleaseError> {
    for repository in request.repositories()? {
        session.may_push(&repository)?;
        let reference = repository.tag(&request.tag())?;
        let there = session.config_labels(&reference, None)?;
        let Some(there) = there.and_then(|config| config.labels.get(stage::INPUTS).cloned()) else { continue };
        if there != ground.inputs {
            let (dir, here) = (request.dir.address.to_string(), ground.inputs.clone());
            return Err(ReleaseError::Taken { dir, reference: reference.to_string(), there, here });
        }
    }
    Ok(())
}

/// The digest of the version's tag at each registry, where it is there.
pub(super) fn digests(
    request: &Request<'_>,
    session: &Registry,
) -> Result<BTreeMap<String, Option<String>>, ReleaseError> {
    let mut found = BTreeMap::new();
    for repository in request.repositories()? {
        let digest = session.digest(&repository.tag(&request.tag())?)?.map(|found| found.digest);
        found.insert(repository.to_string(), digest);
    }
    Ok(found)
}

/// Sends the images, and writes the version's tag at every registry; gives its digests.
pub(super) fn push(
    request: &Request<'_>,
    record: &Record,
    tools: &Tools<'_>,
) -> Result<BTreeMap<String, String>, ReleaseError> {
    let item = item(request, record)?;
    for local in &item.images {
        if request.client.image(&local.id)?.is_none() {
            return Err(ReleaseError::Gone { dir: item.dir, id: local.id.clone() });
        }
    }
    let targets = push::survey(tools.session, &item);
    let mut surveyed = vec![(item, targets)];
    push::refuse(&mut surveyed)?;
    let (client, session, stop) = (request.client, tools.session, tools.stop);
    let way = Way { client, session, stop, on: tools.on_move, on_sent: tools.on_sent, reach: Reach::Version };
    let outcomes = push::push(&way, surveyed);
    if tools.stop.load(std::sync::atomic::Ordering::Relaxed) {
        return Err(ReleaseError::Interrupted);
    }
    let all = outcomes.len();
    let (mut digests, mut failed) = (BTreeMap::new(), Vec::new());
    for Outcome { repository, result, .. } in outcomes {
        match result {
            Ok(done) => {
                digests.insert(repository.to_string(), done.digest);
            }
            Err(error @ ImageError::VersionTaken(_)) => return Err(error.into()),
            Err(error) if all == 1 => return Err(error.into()),
            Err(error) => failed.push(format!("{repository}: {error}")),
        }
    }
    if failed.is_empty() { Ok(digests) } else { Err(ReleaseError::Registries { failed, all }) }
}

/// Reads back all that the version's tag stands for, at every registry.
pub(super) fn verify(request: &Request<'_>, record: &Record, session: &Registry) -> Result<(), ReleaseError> {
    for repository in request.repositories()? {
        session.verify(&repository.tag(&request.tag())?, digest(record, &repository)?)?;
    }
    Ok(())
}

/// Moves the floating tags, at every registry, then in the engine. Gives what there is to say.
pub(super) fn float(request: &Request<'_>, record: &Record, session: &Registry) -> Result<Vec<String>, ReleaseError> {
    let item = item(request, record)?;
    let mut said = Vec::new();
    let mut stays = false;
    for repository in request.repositories()? {
        // One more look, for the time between: what is moved to is what was read back.
        let digest = digest(record, &repository)?;
        match push::float(session, &item, &repository, digest)? {
            Floating::Newer { tag, version } => {
                stays = true;
                said.push(format!("{repository}:{tag} stays at {version}"));
            }
            _ => said.push(format!("{repository}:{} is {digest} now", request.stage)),
        }
    }
    if !stays {
        for platform in request.platforms()? {
            if let Some(id) = record.images.get(&platform.to_string())
                && request.client.image(id)?.is_some()
            {
                request.client.tag(id, &images::floating(request, platform)?)?;
            }
        }
    }
    Ok(said)
}

fn digest<'r>(record: &'r Record, repository: &Repository) -> Result<&'r str, ReleaseError> {
    let found = record.digests.get(&repository.to_string());
    let gone = || ReleaseError::Gone { dir: record.dir.clone(), id: repository.to_string() };
    found.map(String::as_str).ok_or_else(gone)
}

fn item(request: &Request<'_>, record: &Record) -> Result<Item, ReleaseError> {
    let dir = request.dir.address.to_string();
    let mut locals = Vec::new();
    for platform in request.platforms()? {
        let reference = images::reference(request, platform)?;
        let id = record.images.get(&platform.to_string()).cloned();
        let id = id.ok_or_else(|| ReleaseError::Gone { dir: dir.clone(), id: reference.clone() })?;
        locals.extend(Platform::parse(&platform.to_string()).map(|platform| Local { platform, reference, id }));
    }
    locals.sort_by(|a, b| a.platform.cmp(&b.platform));
    let (name, version): (String, Version) =
        (request.dir.name.clone(), request.stage.version_of(request.dir, &request.dir.version));
    Ok(Item { dir, name, stage: request.stage, version, images: locals, repositories: request.repositories()? })
}

/// The Git tag, here and at `origin`. Gives what there is to say.
pub(super) fn tag(request: &Request<'_>, ground: &Ground) -> Result<String, ReleaseError> {
    let (git, tag) = (git(request), request.git_tag());
    let here = || git.commit(&format!("refs/tags/{tag}"));
    let failed = |verb, error: wharf_process::ProcessError| ReleaseError::Tagging {
        tag: tag.clone(),
        verb,
        said: wharf_git::GitError::from(error).said(),
    };
    if here().is_none() {
        let message = format!("{} {}", request.dir.name, request.dir.version);
        git.tag_command(&tag, &ground.commit, &message).run_checked().map_err(|error| failed("made", error))?;
    }
    ground.same(request, here(), String::new())?;
    if !git.has_remote(ORIGIN)? {
        return Ok(format!("{tag}, here alone: there is no remote `{ORIGIN}`"));
    }
    let place = || format!(" at {ORIGIN}");
    match git.remote_tag(ORIGIN, &tag)? {
        // Whoever was first has released the same commit.
        Some(found) => ground.same(request, Some(found), place())?,
        None => {
            if let Err(error) = git.push_tag_command(ORIGIN, &tag).run_checked() {
                // Somebody may have been quicker.
                let found = git.remote_tag(ORIGIN, &tag)?;
                ground.same(request, found.clone(), place())?;
                if found.is_none() {
                    return Err(failed("sent to origin", error));
                }
            }
        }
    }
    Ok(format!("{tag}, here and at {ORIGIN}"))
}
