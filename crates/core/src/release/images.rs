//! The images of a release in the engine: built or found, and promoted.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use wharf_engine::Platform;

use super::{Passed, ReleaseError, Request};
use crate::event::Listener;
use crate::image::choice::Wish;
use crate::image::ensure::{Body, Demand};
use crate::image::promote::{self, Follow, Proof, Tests};
use crate::image::{ImageError, Ready, Stage, WantedPlatform, ensure, stage};

/// Name and tag of the version's image for a platform, as the engine has it: `infra:dev-1.2.0-arm64`.
pub(super) fn reference(request: &Request<'_>, platform: Platform) -> Result<String, ReleaseError> {
    Ok(format!("{}:{}", request.dir.name, wanted(request, platform)?.tag(&request.tag())))
}

/// The name that follows the newest one, likewise: `infra:dev-arm64`.
pub(super) fn floating(request: &Request<'_>, platform: Platform) -> Result<String, ReleaseError> {
    Ok(format!("{}:{}", request.dir.name, wanted(request, platform)?.tag(request.stage.word())))
}

fn wanted(request: &Request<'_>, platform: Platform) -> Result<WantedPlatform, ReleaseError> {
    Ok(WantedPlatform { platform, native: request.client.native_platform()? })
}

/// Whether the engine still has all of them.
pub(super) fn are_here(request: &Request<'_>, ids: &BTreeMap<String, String>) -> Result<bool, ReleaseError> {
    for id in ids.values() {
        if request.client.image(id)?.is_none() {
            return Ok(false);
        }
    }
    Ok(!ids.is_empty())
}

/// The image that the engine has under the version's name, where it was made from these inputs.
///
/// # Errors
/// [`ReleaseError::Taken`] where a dev image of that name was made from others. A prod image that nobody has sent yet may
/// be an earlier attempt at the version.
pub(super) fn existing(
    request: &Request<'_>,
    platform: Platform,
    inputs: &str,
) -> Result<Option<String>, ReleaseError> {
    let reference = reference(request, platform)?;
    let Some(image) = request.client.image(&reference)? else { return Ok(None) };
    let there = image.labels.get(stage::INPUTS).cloned().unwrap_or_default();
    if there == inputs {
        return Ok(Some(image.id));
    }
    if request.stage == Stage::Prod {
        return Ok(None);
    }
    let dir = request.dir.address.to_string();
    Err(ReleaseError::Taken { dir, reference, there, here: inputs.to_owned() })
}

/// Makes sure of an image for each platform; gives their ids. One that has the version's name already is taken as it is.
pub(super) fn build(
    request: &Request<'_>,
    inputs: &str,
    listener: &dyn Listener,
    stop: &AtomicBool,
) -> Result<BTreeMap<String, String>, ReleaseError> {
    let mut built = BTreeMap::new();
    for platform in request.platforms()? {
        let id = match existing(request, platform, inputs)? {
            Some(id) => id,
            None => build_one(request, platform, listener, stop)?,
        };
        built.insert(platform.to_string(), id);
    }
    Ok(built)
}

fn build_one(
    request: &Request<'_>,
    platform: Platform,
    listener: &dyn Listener,
    stop: &AtomicBool,
) -> Result<String, ReleaseError> {
    let wish = Wish { stage: request.build_wish(), platform: Some(platform), ..Wish::default() };
    let demand = Demand { workspace: request.workspace, place: request.place, wish: &wish, stop };
    let outcome: Mutex<Option<Result<Ready, ImageError>>> = Mutex::default();
    ensure(&demand, &[request.dir], listener, &|_, result| {
        if let Ok(mut outcome) = outcome.lock() {
            *outcome = Some(result);
        }
    })?;
    let ready = outcome.into_inner().ok().flatten().ok_or(ReleaseError::Interrupted)??;
    match ready.body {
        Body::Image(id) => {
            if request.stage == Stage::Prod {
                // One that has the same content under another name gets this version's.
                request.client.tag(&id, &reference(request, platform)?)?;
            }
            Ok(id)
        }
        Body::Venv(_) => Err(ImageError::HostCannot { what: "release images".into() }.into()),
    }
}

/// `local` becomes `dev`, for each platform. The name that follows the newest stays where it is. Gives the ids.
pub(super) fn promote(
    request: &Request<'_>,
    built: &BTreeMap<String, String>,
    passed: &Passed,
) -> Result<BTreeMap<String, String>, ReleaseError> {
    let Request { workspace, client, state, dir, .. } = *request;
    let mut images = BTreeMap::new();
    for platform in request.platforms()? {
        let reference = reference(request, platform)?;
        let known = built.get(&platform.to_string());
        if client.image(&reference)?.map(|image| image.id).as_ref() != known {
            let proof = passed.tests.as_ref().map_or(Proof::Waived, Proof::Given);
            let tests = if passed.tests.is_some() { Tests::Some } else { Tests::None };
            let native = client.native_platform()?;
            // What is tested is one platform's image; the label of the others says that they are not.
            let proof = if platform == request.tested_platform()? { proof } else { Proof::Waived };
            let platform = (platform != native).then_some(platform);
            let ask = promote::Request { workspace, client, state, dir, tests, proof, platform, follow: Follow::Later };
            promote::apply(&ask)?;
        }
        let image = client.image(&reference)?;
        let image = image.ok_or_else(|| ReleaseError::Gone { dir: dir.address.to_string(), id: reference })?;
        images.insert(platform.to_string(), image.id);
    }
    Ok(images)
}
