//! When an image and the code that runs in it have drifted apart. Pure.
//!
//! An image whose inputs are the checkout's is the checkout's version, whatever its label says: a new changelog entry
//! alone makes no new image. Any other image is what its label says.

use std::fmt;

use semver::Version;

use super::ensure::Ready;
use super::stage::{self, Stage};
use crate::runnable_dir::RunnableDir;

/// An image that is not what the checkout asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    dir: String,
    owner: String,
    image: String,
    reasons: Vec<String>,
    is_prod: bool,
}

impl Stale {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        if self.is_prod {
            return format!("build it with `wharf image build --stage prod {}`", self.owner);
        }
        let asked =
            if self.dir == self.owner { String::new() } else { format!(" (its image is that of `{}`)", self.owner) };
        format!("leave the image to `--stage auto`, and see `wharf version check {}`{asked}", self.owner)
    }
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the container of `{}` is stale: image {} {}", self.dir, self.image, self.reasons.join(", and "))
    }
}

/// Why the image that `dir` runs in is stale, if it is. `owner` is the dir whose image it is.
#[must_use]
pub fn stale(dir: &RunnableDir, owner: &RunnableDir, ready: &Ready) -> Option<Stale> {
    let label = |name: &str| ready.labels.get(name).map(String::as_str);
    // One that was made just now, or that stands in for an image on the host, has no labels of its own.
    let is_same = label(stage::INPUTS).is_none_or(|inputs| inputs == ready.spec.inputs);
    let labelled = label(stage::VERSION).and_then(|text| Version::parse(text).ok());
    let stage = if ready.is_prod() { Stage::Prod } else { Stage::Dev };
    let here = stage.version_of(owner, &owner.version);
    let version = labelled.filter(|_| !is_same).unwrap_or_else(|| owner.version.clone());
    let mut reasons = Vec::new();
    if version != here && version != owner.version {
        reasons.push(format!("is version {version}, the checkout is {here}"));
    }
    if !is_same {
        let inputs = if ready.is_prod() { "code or packages" } else { "inputs" };
        reasons.push(format!("was made from other {inputs} than the checkout's"));
    }
    if let Some(requires) = &dir.config.image.requires
        && !requires.value.matches(&version)
    {
        reasons.push(format!("is version {version}, the code needs {} ({})", requires.value, requires.origin));
    }
    (!reasons.is_empty()).then(|| Stale {
        dir: dir.address.to_string(),
        owner: owner.address.to_string(),
        image: ready.reference.clone(),
        reasons,
        is_prod: ready.is_prod(),
    })
}

/// The line that pytest shows at the head of its output.
#[must_use]
pub fn header(ready: &Ready, stale: Option<&Stale>) -> String {
    let drift = stale.map_or_else(String::new, |stale| format!(", stale: it {}", stale.reasons.join(", and ")));
    format!("wharf: image {}{drift}", ready.reference)
}
