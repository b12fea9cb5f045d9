//! Which images of a workspace's runnable dirs there are.

use std::collections::BTreeMap;

use serde::Serialize;
use wharf_engine::{Client, EngineError, Image, Platform};

use super::error::ImageError;
use super::host;
use super::place::Place;
use super::platform::platform_of;
use super::prod::ProdSpec;
use super::spec::ImageSpec;
use super::stage;
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// An image of a runnable dir, or the environment that stands in for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Address of the dir that would use it: it has its name, or the same content under another one.
    pub dir: String,
    /// Name, without registry and tag.
    pub name: String,
    /// Name with tag, and registry where it has one; on the host the environment's short name.
    pub reference: String,
    /// Tag; empty on the host.
    pub tag: String,
    /// `local`, `dev` or `prod`.
    pub stage: String,
    /// Version.
    pub version: String,
    /// What it runs on, such as `linux/arm64`.
    pub platform: String,
    /// Whether it is made from what is checked out; `None` where that cannot be read.
    pub matches: Option<bool>,
    /// Content id, or the environment's folder.
    pub id: String,
    /// Size in bytes, shared layers included; 0 where it is not known.
    pub size: u64,
    /// When it was made, in seconds since 1970; 0 where it is not known.
    pub created: i64,
}

/// Lists those of the dirs that own an image, by name, the newest first.
///
/// # Errors
/// When the engine does not answer.
pub fn list(workspace: &Workspace, place: &Place) -> Result<Vec<Listed>, ImageError> {
    let owners = workspace.dirs.iter().filter(|dir| dir.image_from().is_none());
    let mut found: Vec<Listed> = match place {
        Place::Containers(client) => {
            let images = client.images(stage::INPUTS)?;
            let native = client.native_platform()?;
            let mut found: Vec<Listed> = owners.flat_map(|dir| of_dir(workspace, dir, &images)).collect();
            platforms(client, native, &images, &mut found)?;
            found
        }
        Place::Host(tools) => owners
            .filter_map(|dir| {
                let spec = ImageSpec::read(workspace, dir).ok()?;
                let ready = host::find(tools, &spec)?;
                let super::ensure::Body::Venv(venv) = &ready.body else { return None };
                Some(Listed {
                    dir: dir.address.to_string(),
                    name: dir.name.clone(),
                    reference: ready.reference.clone(),
                    tag: String::new(),
                    stage: stage::Stage::Local.word().into(),
                    version: dir.version.to_string(),
                    platform: Platform::of_this_machine().map(|here| here.to_string()).unwrap_or_default(),
                    matches: Some(true),
                    id: venv.path.display().to_string(),
                    size: 0,
                    created: 0,
                })
            })
            .collect(),
    };
    found.sort_by(|a, b| (&a.name, -a.created, &a.reference).cmp(&(&b.name, -b.created, &b.reference)));
    Ok(found)
}

/// Says of each image what it runs on. A listing of the engine does not say it, so those without a label are asked for.
fn platforms(client: &Client, native: Platform, images: &[Image], found: &mut [Listed]) -> Result<(), EngineError> {
    let mut known: BTreeMap<String, Platform> = BTreeMap::new();
    for listed in found {
        let platform = match known.get(&listed.id) {
            Some(platform) => *platform,
            None => {
                let image = images.iter().find(|image| image.id == listed.id);
                let asked = match image.and_then(platform_of) {
                    Some(platform) => Some(platform),
                    None => client.image(&listed.id)?.and_then(|image| image.platform),
                };
                asked.unwrap_or(native)
            }
        };
        listed.platform = platform.to_string();
        known.insert(listed.id.clone(), platform);
    }
    Ok(())
}

fn of_dir(workspace: &Workspace, dir: &RunnableDir, images: &[Image]) -> Vec<Listed> {
    let label = |image: &Image, name: &str| image.labels.get(name).cloned().unwrap_or_default();
    let inputs = ImageSpec::read(workspace, dir).ok().map(|spec| spec.inputs);
    // All code is read for it, so only where there is something to compare.
    let is_prod = |image: &Image| label(image, stage::STAGE) == stage::Stage::Prod.word();
    let any_prod = images.iter().any(|image| label(image, stage::NAME) == dir.name && is_prod(image));
    let of_prod = if any_prod { ProdSpec::read(workspace, dir).ok() } else { None };
    let of_prod = of_prod.map(|spec| spec.image.inputs.clone());
    let is_mine = |image: &&Image| {
        label(image, stage::NAME) == dir.name
            || inputs.as_ref().is_some_and(|mine| *mine == label(image, stage::INPUTS))
    };
    let mine = images.iter().filter(is_mine);
    let mut listed = Vec::new();
    for image in mine {
        // What a failed build left has labels but no name; what others built on an image, its labels and another name.
        listed.extend(image.references.iter().filter(|reference| stage::is_tagged(reference)).map(|reference| {
            let reference = reference.trim_start_matches("localhost/");
            let tag = reference.rsplit('/').next().and_then(|last| last.split_once(':')).map_or("", |(_, tag)| tag);
            Listed {
                dir: dir.address.to_string(),
                name: label(image, stage::NAME),
                reference: reference.to_owned(),
                tag: tag.to_owned(),
                stage: label(image, stage::STAGE),
                version: label(image, "org.opencontainers.image.version"),
                platform: String::new(),
                matches: if is_prod(image) { &of_prod } else { &inputs }
                    .as_ref()
                    .map(|inputs| *inputs == label(image, stage::INPUTS)),
                id: image.id.clone(),
                size: image.size,
                created: image.created,
            }
        }));
    }
    listed
}
