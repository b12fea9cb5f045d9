//! The very base that a prod image is made from: a name can mean another image tomorrow.
//!
//! Where a registry knows the base by a digest, the digest goes into the generated Dockerfile. An image that was made here
//! has none, and builders take no ids: then its id is a label, and that the name meant it all along is checked after the
//! build. An own Dockerfile is built as it is written.

use std::collections::BTreeMap;

use wharf_engine::{Client, EngineError, ImageDetails};

use super::error::ImageError;
use super::platform::WantedPlatform;
use super::spec::ImageSpec;
use super::stage;

/// A base that is known exactly.
#[derive(Debug, Clone)]
pub struct Pinned {
    /// The Dockerfile, with the digest where there is one.
    pub dockerfile: String,
    /// Labels that say which base it is.
    pub labels: BTreeMap<String, String>,
    /// Name of the base and what it was before the build; of an own Dockerfile each base that is here.
    bases: Vec<(String, ImageDetails)>,
    own: bool,
}

impl Pinned {
    /// How many of these layers, the lowest first, are those of a base.
    #[must_use]
    pub fn layers_in(&self, layers: &[String]) -> usize {
        let is_below = |base: &&ImageDetails| layers.starts_with(&base.layers);
        self.bases.iter().map(|(_, base)| base).filter(is_below).map(|base| base.layers.len()).max().unwrap_or(0)
    }
}

/// Finds out which base it is for the platform, fetching it where it is not here.
///
/// # Errors
/// When it cannot be had, or the engine does not answer.
pub fn pin(client: &Client, spec: &ImageSpec, wanted: WantedPlatform) -> Result<Pinned, ImageError> {
    let mut pinned =
        Pinned { dockerfile: spec.dockerfile.clone(), labels: BTreeMap::new(), bases: Vec::new(), own: spec.own };
    let Some(base) = &spec.base else {
        for name in bases(&spec.dockerfile) {
            let found = details(client, &name, wanted)?;
            pinned.bases.extend(found.map(|found| (name, found)));
        }
        return Ok(pinned);
    };
    let found = match details(client, base, wanted)? {
        Some(found) => found,
        None => fetch(client, base, wanted)?,
    };
    pinned.labels.insert(stage::BASE.to_owned(), found.id.clone());
    pinned.labels.insert(stage::BASE_NAME.to_owned(), base.clone());
    if let Some(digest) = digest(base, &found.digests) {
        pinned.labels.insert(stage::BASE_DIGEST.to_owned(), digest.to_owned());
        let exact = format!("FROM {}@{digest} AS base", without_digest(base));
        pinned.dockerfile = pinned.dockerfile.replacen(&format!("FROM {base} AS base"), &exact, 1);
    }
    pinned.bases.push((base.clone(), found));
    Ok(pinned)
}

/// The image that a name stands for on the platform.
fn details(client: &Client, name: &str, wanted: WantedPlatform) -> Result<Option<ImageDetails>, EngineError> {
    match client.image_for(name, wanted.platform)? {
        Some((_, image)) => client.image_details(&image.id),
        None => Ok(None),
    }
}

fn fetch(client: &Client, base: &str, wanted: WantedPlatform) -> Result<ImageDetails, EngineError> {
    if wanted.is_native() {
        client.pull(base, &|_| {})?;
        return Ok(client.image_details(base)?.unwrap_or_default());
    }
    let (name, _) = client.pull_for(base, wanted.platform, &|_| {})?;
    Ok(client.image_details(&name)?.unwrap_or_default())
}

/// Whether the base's name means another image than it did before the build.
///
/// # Errors
/// When the engine does not answer.
pub fn moved(client: &Client, pinned: &Pinned, wanted: WantedPlatform) -> Result<bool, EngineError> {
    for (name, before) in pinned.bases.iter().filter(|_| !pinned.own) {
        if details(client, name, wanted)?.is_some_and(|now| now.id != before.id) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The digest under which the registry that `base` names knows it.
fn digest<'a>(base: &str, known: &'a [String]) -> Option<&'a str> {
    let repository = repository(base);
    known.iter().filter_map(|entry| entry.split_once('@')).find(|(name, _)| short(name) == repository).map(|(_, d)| d)
}

fn without_digest(base: &str) -> &str {
    base.split_once('@').map_or(base, |(name, _)| name)
}

/// A reference without digest, tag and the defaults that engines add or leave out.
fn repository(base: &str) -> &str {
    let name = without_digest(base);
    let slash = name.rfind('/').map_or(0, |slash| slash + 1);
    short(name[slash..].find(':').map_or(name, |colon| &name[..slash + colon]))
}

fn short(name: &str) -> &str {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name)
}

/// Images that an own Dockerfile starts from.
pub(super) fn bases(dockerfile: &str) -> Vec<String> {
    let from = |line: &str| {
        let mut words = line.split_whitespace();
        words.next().filter(|word| word.eq_ignore_ascii_case("from"))?;
        words.find(|word| !word.starts_with("--")).map(str::to_owned)
    };
    let mut found: Vec<String> = dockerfile.lines().filter_map(from).filter(|name| !name.contains('$')).collect();
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_same_registry() {
        let known = ["python@sha256:a".to_owned(), "example.org:5000/acme/python@sha256:b".to_owned()];
        assert_eq!(digest("python:3.12", &known), Some("sha256:a"));
        assert_eq!(digest("docker.io/library/python:3.12", &known), Some("sha256:a"));
        assert_eq!(digest("example.org:5000/acme/python:3", &known), Some("sha256:b"));
        assert_eq!(digest("example.org:5000/acme/python", &known), Some("sha256:b"));
        assert_eq!(digest("other/python:3.12", &known), None);
    }

    #[test]
    fn bases_of_an_own_dockerfile() {
        let text = "FROM --platform=linux/amd64 a:1 AS dev\nfrom b\nFROM $X AS prod\nRUN from c\nFROM a:1\n";
        assert_eq!(bases(text), ["a:1", "b"]);
    }

    #[test]
    fn layers_of_the_base_are_counted() {
        let details = |layers: &[&str]| ImageDetails {
            layers: layers.iter().map(|layer| (*layer).to_owned()).collect(),
            ..ImageDetails::default()
        };
        let bases = vec![("a".to_owned(), details(&["1", "2"])), ("b".to_owned(), details(&["1"]))];
        let pinned = Pinned { dockerfile: String::new(), labels: BTreeMap::new(), bases, own: true };
        assert_eq!(pinned.layers_in(&["1", "2", "3"].map(str::to_owned)), 2);
        assert_eq!(pinned.layers_in(&["1", "3"].map(str::to_owned)), 1);
        assert_eq!(pinned.layers_in(&["3".to_owned()]), 0);
    }
}
