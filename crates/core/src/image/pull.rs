//! Fetches the team's images of all dirs at once: `wharf image pull`.
//!
//! Owns which image of which registry is fetched, and what it means that one is not there. What a command needs to run, and whether what
//! was fetched will do for it, is the business of [`ensure`](super::ensure).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use semver::Version;
use wharf_engine::{Client, EngineError, Transfer};

use super::error::ImageError;
use super::registry::pulled_from;
use super::spec::ImageSpec;
use super::stage::{self, Stage};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// How many images are fetched at once. Engines take the layers of each in parallel too, but unpack those of one image in turn.
const JOBS: usize = 6;

/// What is fetched for one dir.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Address of the dir.
    pub dir: String,
    /// What it is called in the registry; `None` where the dir has none to pull from.
    pub reference: Option<String>,
    /// The inputs hash of the checkout; `None` where it cannot be read.
    pub inputs: Option<String>,
}

/// An image that was fetched, or was here as the registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// What it is called.
    pub reference: String,
    /// Whether it is made from what is checked out; `None` where that cannot be told.
    pub matches: Option<bool>,
}

/// Why there is no image.
#[derive(Debug)]
pub enum NotPulled {
    /// No registry to pull from is configured.
    NoRegistry,
    /// The registry has none of that name.
    Missing {
        /// The name.
        reference: String,
    },
    /// It could not be had.
    Failed(ImageError),
}

/// What came of one order.
pub type Outcome = Result<Pulled, NotPulled>;

/// Told of each move: address of the dir, the reference, and the news.
pub type OnMove<'a> = dyn Fn(&str, &str, &Transfer) + Sync + 'a;

/// What would be fetched for `owners`, in their order.
///
/// # Errors
/// Where no registry accepts a name.
pub fn plan(
    workspace: &Workspace,
    owners: &[&RunnableDir],
    stage: Stage,
    version: Option<&Version>,
) -> Result<Vec<Order>, ImageError> {
    owners
        .iter()
        .map(|dir| {
            let tag = stage.tag_of(dir, &workspace.surroundings.user, version.unwrap_or(&dir.version));
            let reference = pulled_from(dir, &tag).transpose()?.map(|reference| reference.to_string());
            let inputs = ImageSpec::read(workspace, dir).ok().map(|spec| spec.inputs);
            Ok(Order { dir: dir.address.to_string(), reference, inputs })
        })
        .collect()
}

/// Fetches several at once; `on_done` gets each outcome as soon as it is known, from several threads.
pub fn pull(
    client: &Client,
    orders: &[Order],
    stop: &AtomicBool,
    on: &OnMove<'_>,
    on_done: &(dyn Fn(&Order, Outcome) + Sync),
) {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..JOBS.min(orders.len()) {
            scope.spawn(|| {
                while let Some(order) = orders.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    on_done(order, one(client, order, on));
                }
            });
        }
    });
}

fn one(client: &Client, order: &Order, on: &OnMove<'_>) -> Outcome {
    let Some(reference) = order.reference.clone() else { return Err(NotPulled::NoRegistry) };
    match client.pull(&reference, &|news| on(&order.dir, &reference, news)) {
        Ok(()) => {}
        Err(error) if is_missing(&error) => return Err(NotPulled::Missing { reference }),
        Err(error) => return Err(NotPulled::Failed(error.into())),
    }
    let failed = |error: EngineError| NotPulled::Failed(error.into());
    let image = client.image(&reference).map_err(failed)?;
    let inputs = image.and_then(|image| image.labels.get(stage::INPUTS).cloned());
    let matches = order.inputs.as_ref().zip(inputs).map(|(wanted, found)| *wanted == found);
    Ok(Pulled { reference, matches })
}

/// Whether the registry answered, and has no such image. Docker Hub says so of what one may not see, too.
pub(super) fn is_missing(error: &EngineError) -> bool {
    let EngineError::NoImage { detail, .. } = error else { return false };
    let detail = detail.to_lowercase();
    ["manifest unknown", "name unknown", "not found", "repository does not exist"]
        .iter()
        .any(|word| detail.contains(word))
}

#[cfg(test)]
mod tests {
    use wharf_engine::Kind;

    use super::*;

    #[test]
    fn what_is_not_there_is_told_from_what_cannot_be_had() {
        let error =
            |detail: &str| EngineError::NoImage { kind: Kind::Docker, image: "x".into(), detail: detail.into() };
        assert!(is_missing(&error("manifest for localhost:5000/x:1 not found: manifest unknown: manifest unknown")));
        assert!(is_missing(&error("reading manifest 1 in localhost:5000/x: name unknown: repository name not known")));
        assert!(!is_missing(&error("Get \"http://127.0.0.1:1/v2/\": dial tcp: connect: connection refused")));
        assert!(!is_missing(&error("unauthorized: authentication required")));
    }
}
