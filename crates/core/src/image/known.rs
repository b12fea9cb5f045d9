//! The image that was used last, where it still is the one: asked for alone, since a listing of all takes the engine long.

use std::sync::Arc;
use std::thread;

use super::choice::{Checkout, Choice};
use super::ensure::{Body, Demand, Ready, is_forced, shown};
use super::error::ImageError;
use super::place::Place;
use super::platform::{self, WantedPlatform};
use super::spec::ImageSpec;
use crate::runnable_dir::RunnableDir;

/// The image with this id, where it is what [`super::ensure()`] would take for its content; `None` where all have to be
/// looked at.
///
/// # Errors
/// When the files that decide the image cannot be read, or the engine does not answer.
pub fn known(demand: &Demand<'_>, dir: &RunnableDir, id: &str) -> Result<Option<Ready>, ImageError> {
    let Place::Containers(client) = demand.place else { return Ok(None) };
    if is_forced(dir) {
        return Ok(None);
    }
    let (spec, image) = thread::scope(|scope| {
        let native = scope.spawn(|| client.native_platform());
        let image = scope.spawn(|| client.image(id));
        let spec = ImageSpec::read(demand.workspace, dir);
        let (_, image) = (native.join(), image.join());
        (spec, image.ok().and_then(Result::ok).flatten())
    });
    let (spec, Some(image)) = (Arc::new(spec?), image) else { return Ok(None) };
    let wanted = WantedPlatform::of(client, demand.wish)?;
    let base = platform::base(client, &spec, wanted).ok().flatten();
    let user = &demand.workspace.surroundings.user;
    let dev_patch = dir.config.layout.dev_patch;
    let checkout = Checkout { version: &dir.version, user, dev_patch, base: base.as_deref(), wanted };
    let choice = platform::pick(client, (&spec, demand.wish), &checkout, std::slice::from_ref(&image))?;
    let Choice::Use { image, why } = choice else { return Ok(None) };
    let (reference, labels) = (shown(&image), platform::labels(&image));
    Ok(Some(Ready { reference, why, body: Body::Image(image.id), spec, labels }))
}
