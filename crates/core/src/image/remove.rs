//! Which names and images go, and why some stay. Pure: what the engine has goes in, removals come out.
//!
//! Only images that carry Wharf's labels are ever handed in, and of their names only those of this workspace's dirs are
//! taken. An image goes with its last name, and never while a container uses it.

use std::collections::BTreeSet;

use semver::Version;
use serde::Serialize;
use wharf_engine::{Details, Image, ImageUser, Layer};

use super::stage::{self, Stage};
use crate::runnable_dir::RunnableDir;

/// Tag of an image that is being promoted; one that stays was left by a killed Wharf.
pub const PROMOTING: &str = "promoting";

/// What of a runnable dir matters here.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// Its address.
    pub address: &'a str,
    /// Name of its image.
    pub name: &'a str,
    /// Its version.
    pub version: &'a Version,
}

impl<'a> From<&'a RunnableDir> for Owner<'a> {
    fn from(dir: &'a RunnableDir) -> Self {
        Self { address: dir.address.as_str(), name: &dir.name, version: &dir.version }
    }
}

/// A name that goes, or a nameless image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removal {
    /// The name as the engine has it, or the id of an image without one.
    pub reference: String,
    /// Id of the image.
    pub image: String,
    /// Address of the dir whose image it is.
    pub dir: String,
    /// Names that the image keeps; where there are none, it goes with this one.
    pub left: Vec<String>,
}

impl Removal {
    /// What is done, in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        let name = self.reference.trim_start_matches("localhost/");
        let id: String = self.image.trim_start_matches("sha256:").chars().take(12).collect();
        match self.left.as_slice() {
            [] if self.reference == self.image => format!("deleted {id}, which had no name"),
            [] => format!("deleted {name}: it was the last name of {id}, and the image went with it"),
            left => format!("untagged {name}: the image {id} stays as {}", left.join(", ")),
        }
    }
}

/// An image that would go if no container used it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InUse {
    /// What would go.
    pub reference: String,
    /// Name of the container.
    pub container: String,
    /// `running`, `exited`, …
    pub state: String,
}

/// What goes and what cannot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removals {
    /// What goes, in this order.
    pub go: Vec<Removal>,
    /// What would go.
    pub in_use: Vec<InUse>,
}

/// Which of a dir's images are meant.
#[derive(Debug, Clone, Copy)]
pub struct Filter<'a> {
    /// Only of this stage.
    pub stage: Option<Stage>,
    /// Only of this version.
    pub version: Option<&'a Version>,
}

/// What a tag of Wharf's says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The stage.
    pub stage: Stage,
    /// The version; `None` for the name that follows the newest one.
    pub version: Option<Version>,
    /// The user of a local image, as tags have it.
    pub user: Option<String>,
}

/// Reads a tag such as `local-ada-1.2.0`, `dev-1.2.0` or `dev`.
#[must_use]
pub fn parse_tag(tag: &str) -> Option<Tag> {
    let (stage, rest) = tag.split_once('-').map_or((tag, None), |(stage, rest)| (stage, Some(rest)));
    let stage: Stage = stage.parse().ok()?;
    match (stage, rest) {
        (Stage::Local, Some(rest)) => {
            // A pre-release has dashes too: the version begins at the first part that makes one.
            let mut cuts = rest.match_indices('-').map(|(at, _)| at);
            cuts.find_map(|at| {
                let version = Version::parse(&rest[at + 1..]).ok()?;
                Some(Tag { stage, version: Some(version), user: Some(rest[..at].to_owned()) })
            })
        }
        (Stage::Local, None) => None,
        (_, Some(rest)) => Some(Tag { stage, version: Some(Version::parse(rest).ok()?), user: None }),
        (_, None) => Some(Tag { stage, version: None, user: None }),
    }
}

/// The tag of a reference whose name, without its registry, is `name`.
#[must_use]
pub fn tag_of<'r>(reference: &'r str, name: &str) -> Option<&'r str> {
    reference.rsplit('/').next()?.strip_prefix(name)?.strip_prefix(':')
}

/// The names of `dir`'s images that a filter means, each with its image.
#[must_use]
pub fn of_dir<'i>(dir: Owner<'_>, filter: Filter<'_>, images: &'i [Image]) -> Vec<(&'i Image, &'i str)> {
    let mut found = Vec::new();
    for image in images {
        for reference in &image.references {
            let Some(tag) = tag_of(reference, dir.name) else { continue };
            let said = parse_tag(tag);
            let stage = said.as_ref().map(|tag| tag.stage);
            let version = said.and_then(|tag| tag.version);
            let is_meant = filter.stage.is_none_or(|wanted| stage == Some(wanted))
                && filter.version.is_none_or(|wanted| version.as_ref() == Some(wanted));
            if is_meant {
                found.push((image, reference.as_str()));
            }
        }
    }
    found
}

/// Plans to take these names.
#[must_use]
pub fn plan(chosen: &[(&Image, &str)], dirs: &[Owner<'_>], users: &[ImageUser]) -> Removals {
    let mut removals = Removals::default();
    let ids: Vec<&str> = unique(chosen.iter().map(|(image, _)| image.id.as_str()));
    for id in ids {
        let Some((image, _)) = chosen.iter().find(|(image, _)| image.id == id) else { continue };
        let names = unique(chosen.iter().filter(|(other, _)| other.id == id).map(|(_, name)| *name));
        let keeps = |reference: &&String| !names.contains(&reference.as_str());
        let kept: Vec<String> = image.references.iter().filter(keeps).map(|name| short(name)).collect();
        let user = users.iter().find(|user| user.image == id);
        if let (Some(user), true) = (user, kept.is_empty()) {
            let reference = short(names.first().copied().unwrap_or(id));
            removals.in_use.push(InUse { reference, container: user.container.clone(), state: user.state.clone() });
            continue;
        }
        for (index, name) in names.iter().enumerate() {
            let rest = names[index + 1..].iter().map(|name| short(name));
            removals.go.push(Removal {
                reference: (*name).to_owned(),
                image: id.to_owned(),
                dir: dir_of(image, name, dirs),
                left: kept.iter().cloned().chain(rest).collect(),
            });
        }
    }
    removals
}

/// What pruning keeps.
#[derive(Debug, Clone, Copy)]
pub struct Keep<'a> {
    /// How many of the newest versions, by dir and stage.
    pub newest: usize,
    /// Look only at this stage.
    pub stage: Option<Stage>,
    /// The user as tags have it: local images of others stay.
    pub user: &'a str,
}

/// Chooses what pruning takes of a dir's images: versions beyond those to keep, and what builds left without a name. What
/// the checkout asks for and what a floating name points to always stay.
#[must_use]
pub fn prunable<'i>(dir: Owner<'_>, keep: Keep<'_>, images: &'i [Image]) -> Vec<(&'i Image, &'i str)> {
    let looked_at = |stage: Stage| keep.stage.is_none_or(|wanted| wanted == stage);
    let mut chosen = Vec::new();
    let mut floating: BTreeSet<&str> = BTreeSet::new();
    let mut versioned: Vec<(Tag, &Image, &str)> = Vec::new();
    for image in images {
        let label = |name: &str| image.labels.get(name).map(String::as_str);
        if image.references.is_empty() && label(stage::NAME) == Some(dir.name) {
            let stage = label(stage::STAGE).and_then(|word| word.parse().ok());
            if stage.is_some_and(looked_at) {
                chosen.push((image, image.id.as_str()));
            }
        }
        for reference in &image.references {
            match tag_of(reference, dir.name) {
                Some(PROMOTING) => chosen.push((image, reference.as_str())),
                Some(tag) => match parse_tag(tag) {
                    Some(Tag { version: None, .. }) => {
                        floating.insert(&image.id);
                    }
                    Some(tag) if looked_at(tag.stage) && tag.user.as_deref().is_none_or(|user| user == keep.user) => {
                        versioned.push((tag, image, reference));
                    }
                    _ => {}
                },
                None => {}
            }
        }
    }
    for stage in [Stage::Local, Stage::Dev, Stage::Prod] {
        let of_stage = || versioned.iter().filter(|(tag, ..)| tag.stage == stage);
        let versions: BTreeSet<&Version> = of_stage().filter_map(|(tag, ..)| tag.version.as_ref()).collect();
        let kept: Vec<&Version> = versions.into_iter().rev().take(keep.newest).chain([dir.version]).collect();
        let goes = |tag: &Tag, image: &Image| {
            tag.version.as_ref().is_some_and(|version| !kept.contains(&version))
                && !floating.contains(image.id.as_str())
        };
        chosen.extend(of_stage().filter(|(tag, image, _)| goes(tag, image)).map(|(_, image, name)| (*image, *name)));
    }
    chosen
}

/// Bytes that go with images: those of layers that no remaining image has. `gone` holds each image with its history, the
/// oldest step first.
#[must_use]
pub fn freed(gone: &[(Details, Vec<Layer>)], remaining: &[Details]) -> u64 {
    let prefixes = |details: &Details| (1..=details.layers.len()).map(|end| details.layers[..end].to_vec()).collect();
    let mut there: BTreeSet<Vec<String>> = BTreeSet::new();
    for details in remaining {
        let layers: Vec<Vec<String>> = prefixes(details);
        there.extend(layers);
    }
    let mut bytes = 0;
    for (details, history) in gone {
        // Layers of no bytes are missing in the history: what then stands too early is counted as shared rather than not.
        let layers: Vec<Vec<String>> = prefixes(details);
        for (index, layer) in layers.into_iter().enumerate() {
            if there.insert(layer) {
                bytes += history.get(index).map_or(0, |layer| layer.size);
            }
        }
    }
    bytes
}

fn dir_of(image: &Image, name: &str, dirs: &[Owner<'_>]) -> String {
    let labelled = image.labels.get(stage::NAME).map(String::as_str);
    let by_name = dirs.iter().find(|dir| tag_of(name, dir.name).is_some());
    let dir = by_name.or_else(|| dirs.iter().find(|dir| Some(dir.name) == labelled));
    dir.map(|dir| dir.address.to_owned()).unwrap_or_default()
}

fn short(reference: &str) -> String {
    reference.trim_start_matches("localhost/").to_owned()
}

fn unique<'s>(texts: impl Iterator<Item = &'s str>) -> Vec<&'s str> {
    let mut found = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found
}

#[cfg(test)]
mod tests;
