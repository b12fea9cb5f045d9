//! What would be pushed: the images that are here under the names that promote and builds give them.

use semver::Version;
use wharf_engine::registry::Platform;
use wharf_engine::{Client, Image, Repository};

use super::super::error::ImageError;
use super::super::registry::repository;
use super::super::stage::{self, Stage};
use crate::runnable_dir::RunnableDir;

/// An image that is here, of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Local {
    /// What it runs on.
    pub platform: Platform,
    /// Name and tag.
    pub reference: String,
    /// Content id.
    pub id: String,
}

/// One version of a dir's image in one stage, with where it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Address of the dir.
    pub dir: String,
    /// Name of the image.
    pub name: String,
    /// Stage, `dev` or `prod`.
    pub stage: Stage,
    /// Version.
    pub version: Version,
    /// Its images, by platform.
    pub images: Vec<Local>,
    /// Where it goes.
    pub repositories: Vec<Repository>,
}

impl Item {
    /// The version's tag: `dev-1.2.0`.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{}-{}", self.stage, self.version)
    }

    /// The tag under which one platform's image goes up: `dev-1.2.0-arm64`.
    #[must_use]
    pub fn platform_tag(&self, platform: &Platform) -> String {
        format!("{}-{}", self.tag(), platform.suffix())
    }
}

/// Why nothing of a dir is pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Skip {
    /// No image of its version is here, in none of the stages that were asked for.
    NoImage,
    /// No registry is configured.
    NoRegistry,
}

/// What is planned for one dir: an item for each stage that is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Address of the dir.
    pub dir: String,
    /// Its version.
    pub version: Version,
    /// What to push, or why nothing.
    pub items: Result<Vec<Item>, Skip>,
}

/// Plans for `owners`, in their order: images of `stages`, to `to` or else to the registries of each one's `registry.push`.
///
/// # Errors
/// When the engine does not answer, or no registry accepts a name.
pub fn plan(
    client: &Client,
    owners: &[&RunnableDir],
    stages: &[Stage],
    to: &[String],
) -> Result<Vec<Planned>, ImageError> {
    let images = client.images(stage::NAME)?;
    owners.iter().map(|dir| one(client, dir, &images, stages, to)).collect()
}

fn one(
    client: &Client,
    dir: &RunnableDir,
    images: &[Image],
    stages: &[Stage],
    to: &[String],
) -> Result<Planned, ImageError> {
    let registries = if to.is_empty() { &dir.config.registry.push } else { to };
    let mut repositories = Vec::new();
    for registry in registries {
        let repository = repository(registry, &dir.name)?;
        if !repositories.contains(&repository) {
            repositories.push(repository);
        }
    }
    let (name, version) = (dir.name.clone(), dir.version.clone());
    let planned = |items| Planned { dir: dir.address.to_string(), version: version.clone(), items };
    if repositories.is_empty() {
        return Ok(planned(Err(Skip::NoRegistry)));
    }
    let mut items = Vec::new();
    for stage in stages {
        let mut item = Item {
            dir: dir.address.to_string(),
            name: name.clone(),
            stage: *stage,
            version: stage.version_of(dir, &version),
            images: Vec::new(),
            repositories: repositories.clone(),
        };
        item.images = locals(client, images, &item)?;
        if !item.images.is_empty() {
            // Also shows a tag that no registry takes, such as one of a version with build metadata.
            item.repositories.iter().try_for_each(|repository| repository.tag(&item.tag()).map(drop))?;
            items.push(item);
        }
    }
    Ok(planned(if items.is_empty() { Err(Skip::NoImage) } else { Ok(items) }))
}

/// The images of an item: its tag, and its tag with a platform's suffix.
fn locals(client: &Client, images: &[Image], item: &Item) -> Result<Vec<Local>, ImageError> {
    let mut found: Vec<Local> = Vec::new();
    for (image, reference, rest) in named(images, item) {
        let labelled = image.labels.get(stage::PLATFORM).and_then(|text| Platform::parse(text));
        let platform = match labelled {
            Some(platform) => platform,
            None => client.platform_of(reference)?,
        };
        let belongs = rest.is_empty() || rest == format!("-{}", platform.suffix());
        if belongs && !found.iter().any(|known| known.platform == platform) {
            found.push(Local { platform, reference: reference.to_owned(), id: image.id.clone() });
        }
    }
    found.sort_by(|a, b| a.platform.cmp(&b.platform));
    Ok(found)
}

/// Images with a local name that is the item's tag or begins with it, with what follows; the shortest names first.
fn named<'a>(images: &'a [Image], item: &Item) -> Vec<(&'a Image, &'a str, &'a str)> {
    let tag = format!("{}:{}", item.name, item.tag());
    let mut found: Vec<_> = images
        .iter()
        .flat_map(|image| image.references.iter().map(move |reference| (image, reference.as_str())))
        .filter_map(|(image, reference)| {
            // Podman calls what has no registry `localhost/…`.
            let rest = reference.strip_prefix("localhost/").unwrap_or(reference).strip_prefix(&tag)?;
            (rest.is_empty() || rest.starts_with('-')).then_some((image, reference, rest))
        })
        .collect();
    found.sort_by_key(|(_, _, rest)| rest.len());
    found
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn image(reference: &str) -> Image {
        let references = vec![reference.to_owned()];
        Image { id: "i".into(), references, labels: BTreeMap::new(), created: 0, size: 0, platform: None }
    }

    #[test]
    fn only_names_without_a_registry_are_ours_to_push() {
        let item = Item {
            dir: "infra".into(),
            name: "h-infra".into(),
            stage: Stage::Dev,
            version: Version::new(1, 2, 0),
            images: Vec::new(),
            repositories: Vec::new(),
        };
        let images = [
            image("h-infra:dev-1.2.0-arm64"),
            image("localhost/h-infra:dev-1.2.0"),
            image("ghcr.io/acme/h-infra:dev-1.2.0"),
            image("h-infra:dev-1.2.01"),
            image("x-h-infra:dev-1.2.0"),
        ];
        let found: Vec<_> = named(&images, &item).into_iter().map(|(_, reference, rest)| (reference, rest)).collect();
        assert_eq!(found, [("localhost/h-infra:dev-1.2.0", ""), ("h-infra:dev-1.2.0-arm64", "-arm64")]);
        assert_eq!(item.platform_tag(&Platform::parse("linux/arm/v7").unwrap()), "dev-1.2.0-arm-v7");
    }
}
