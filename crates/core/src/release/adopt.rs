//! A version that a registry has already, made from the same inputs, as after a release that was stopped on another machine:
//! to build it again would give other ids, and so other content. It is fetched and gone on with.

use std::collections::BTreeMap;

use super::ground::Ground;
use super::run::Tools;
use super::{ReleaseError, Request, images};
use crate::event::Event;
use crate::image::stage;

/// Fetches what registries have of the version and the engine lacks; gives the platforms that were fetched, with ids.
pub(super) fn adopt(
    request: &Request<'_>,
    ground: &Ground,
    tools: &Tools<'_>,
) -> Result<BTreeMap<String, String>, ReleaseError> {
    let mut found = BTreeMap::new();
    let native = request.client.native_platform()?;
    for repository in request.repositories()? {
        let reference = repository.tag(&request.tag())?;
        let Some(manifest) = tools.session.try_manifest(&reference)? else { continue };
        for (_, config) in tools.session.images(&repository, &manifest)? {
            let wanted = request.platforms()?.into_iter().find(|one| one.to_string() == config.platform.to_string());
            let Some(platform) = wanted.filter(|one| !found.contains_key(&one.to_string())) else { continue };
            if config.labels.get(stage::INPUTS) != Some(&ground.inputs) {
                continue;
            }
            let own = images::reference(request, platform)?;
            if request.client.image(&own)?.is_some_and(|image| image.labels.get(stage::INPUTS) == Some(&ground.inputs))
            {
                continue;
            }
            let name = reference.to_string();
            tools.listener.on(Event::Note(format!("{}: {name} is there already, it is fetched", request.dir.address)));
            let name = if platform == native {
                request.client.pull(&name, &|_| {})?;
                name
            } else {
                request.client.pull_for(&name, platform, &|_| {})?.0
            };
            if let Some(image) = request.client.image(&name)? {
                request.client.tag(&image.id, &own)?;
                found.insert(platform.to_string(), image.id);
            }
        }
    }
    Ok(found)
}
