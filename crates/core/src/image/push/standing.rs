//! How a version stands in a registry beside what is here: compared by the digests of configs, which are the ids of images.

use wharf_engine::registry::{Body, ImageConfig, Manifest, PlatformEntry};
use wharf_engine::{Registry, RegistryError, Repository};

use super::plan::{Item, Local};

/// How a version stands in one registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is not there.
    Absent,
    /// It is there, with all that is here.
    Same {
        /// Digest of its tag.
        digest: String,
    },
    /// It is there with the same content, but for platforms that it lacks.
    Lacking {
        /// The platforms that it has.
        there: Vec<PlatformEntry>,
    },
    /// It is there with other content.
    Other {
        /// The platform.
        platform: String,
        /// Id of the image that is here.
        here: String,
        /// Id of the image that is there.
        there: String,
    },
}

/// One place that an item goes to, and how the item stands there.
#[derive(Debug)]
pub struct Target {
    /// The place.
    pub repository: Repository,
    /// How the item stands there, or why that, or the right to push, cannot be had.
    pub standing: Result<Standing, RegistryError>,
}

/// Asks each registry of an item whether one may push there, and how the item stands; changes nothing.
#[must_use]
pub fn survey(session: &Registry, item: &Item) -> Vec<Target> {
    let ask = |repository: &Repository| {
        session.may_push(repository)?;
        standing(session, item, repository)
    };
    item.repositories
        .iter()
        .map(|repository| Target { repository: repository.clone(), standing: ask(repository) })
        .collect()
}

/// How an item stands in one registry.
pub(super) fn standing(session: &Registry, item: &Item, repository: &Repository) -> Result<Standing, RegistryError> {
    let Some(manifest) = session.try_manifest(&repository.tag(&item.tag())?)? else { return Ok(Standing::Absent) };
    let images = session.images(repository, &manifest)?;
    Ok(compare(&item.images, &manifest, &images))
}

fn compare(here: &[Local], tagged: &Manifest, there: &[(Manifest, ImageConfig)]) -> Standing {
    let mut lacking = false;
    for local in here {
        match there.iter().find(|(_, config)| config.platform == local.platform) {
            None => lacking = true,
            Some((manifest, config)) => {
                // An engine that keeps manifests as they come takes their digest for an id.
                let ids = [&config.id, &manifest.digest, &tagged.digest];
                if !ids.contains(&&local.id) {
                    let (platform, here) = (local.platform.to_string(), local.id.clone());
                    return Standing::Other { platform, here, there: config.id.clone() };
                }
            }
        }
    }
    if !lacking {
        return Standing::Same { digest: tagged.digest.clone() };
    }
    Standing::Lacking { there: there.iter().map(|(manifest, config)| entry(manifest, config)).collect() }
}

/// An image that a registry has, as an index names it.
pub(super) fn entry(manifest: &Manifest, config: &ImageConfig) -> PlatformEntry {
    PlatformEntry {
        platform: config.platform.clone(),
        digest: manifest.digest.clone(),
        media_type: manifest.media_type.clone(),
        size: manifest.bytes.len() as u64,
    }
}

/// Whether a manifest is an index.
pub(super) fn is_index(manifest: &Manifest) -> bool {
    matches!(manifest.body, Body::Index(_))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use wharf_engine::registry::Platform;

    use super::*;

    fn manifest(digest: &str) -> Manifest {
        Manifest { digest: digest.into(), media_type: "m".into(), bytes: vec![0; 3], body: Body::Index(Vec::new()) }
    }

    fn there(platform: &str, id: &str) -> (Manifest, ImageConfig) {
        let platform = Platform::parse(platform).unwrap();
        (manifest(&format!("m-{id}")), ImageConfig { id: id.into(), platform, labels: BTreeMap::new() })
    }

    fn here(platform: &str, id: &str) -> Local {
        Local { platform: Platform::parse(platform).unwrap(), reference: "r".into(), id: id.into() }
    }

    #[test]
    fn content_is_compared_by_platform() {
        let tagged = manifest("t");
        let (amd, arm) = ("linux/amd64", "linux/arm64");
        let same = Standing::Same { digest: "t".into() };
        assert_eq!(compare(&[here(amd, "a")], &tagged, &[there(amd, "a")]), same);
        assert_eq!(compare(&[here(amd, "a")], &tagged, &[there(amd, "a"), there(arm, "b")]), same, "more is there");
        assert_eq!(compare(&[here(amd, "m-a")], &tagged, &[there(amd, "a")]), same, "an id that is a digest");
        let other = Standing::Other { platform: arm.into(), here: "c".into(), there: "b".into() };
        assert_eq!(compare(&[here(amd, "a"), here(arm, "c")], &tagged, &[there(amd, "a"), there(arm, "b")]), other);
        let Standing::Lacking { there } = compare(&[here(amd, "a"), here(arm, "b")], &tagged, &[there(amd, "a")])
        else {
            panic!("a platform is missing there");
        };
        assert_eq!((there.len(), there[0].digest.as_str(), there[0].size), (1, "m-a", 3));
    }
}
