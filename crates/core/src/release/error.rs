//! Why a release or a rollback stops.

use wharf_engine::{EngineError, RegistryError};
use wharf_git::GitError;

use crate::image::ImageError;
use crate::image::promote::PromoteError;
use crate::test_suite::TestError;
use crate::workspace::LockError;

/// Why a release or a rollback stops.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// The dir uses the image of another one.
    #[error("`{dir}` has no image of its own, it takes that of `{owner}`")]
    NotOwner {
        /// Address of the dir.
        dir: String,
        /// The dir whose image it is.
        owner: String,
    },
    /// No registry is configured.
    #[error("`{dir}` has no registry to be released to")]
    NoRegistry {
        /// Address of the dir.
        dir: String,
    },
    /// There is no commit yet.
    #[error("the repo of `{dir}` has no commit yet")]
    NoCommit {
        /// Address of the dir.
        dir: String,
    },
    /// Files are in no commit.
    #[error("the work tree is not clean, so `{dir}` would be released as something that no commit holds:\n{}", listed(.files))]
    Dirty {
        /// Address of the dir.
        dir: String,
        /// The files, from the workspace's root.
        files: Vec<String>,
    },
    /// The version does not fit.
    #[error("the version of `{dir}` does not fit:\n{}", listed(.findings))]
    Version {
        /// Address of the dir.
        dir: String,
        /// What is wrong with it, a line each.
        findings: Vec<String>,
    },
    /// The Git tag names another commit.
    #[error("Git tag `{tag}` is there already{}, at commit {}, and the checkout is at {}", .place, short(.found), short(.commit))]
    TagTaken {
        /// Address of the dir.
        dir: String,
        /// The tag.
        tag: String,
        /// Where, with a blank before it; empty for here.
        place: String,
        /// The commit that it names.
        found: String,
        /// The commit that is released.
        commit: String,
    },
    /// A registry or the engine has the version with other content.
    #[error("`{reference}` is there already with other content: it was made from other inputs ({there}, here {here})")]
    Taken {
        /// Address of the dir.
        dir: String,
        /// Where.
        reference: String,
        /// Inputs hash there.
        there: String,
        /// Inputs hash here.
        here: String,
    },
    /// Somebody else releases it at this moment.
    #[error("{name} is being released at this moment by {holder}")]
    Busy {
        /// Name and version.
        name: String,
        /// Who does it.
        holder: String,
    },
    /// Tests did not pass.
    #[error("{what} of `{dir}` did not pass in run {run}, so it is not released{cause}")]
    Tests {
        /// Address of the dir.
        dir: String,
        /// Which tests.
        what: &'static str,
        /// Number of the run.
        run: u32,
        /// More about it, with a separator before; may be empty.
        cause: String,
        /// What `wharf test` would have ended with.
        code: u8,
    },
    /// The tests ran in another image than the one that is to be released.
    #[error("the tests of `{dir}` ran in another image than the one that was built: {found}, not {built}")]
    OtherImage {
        /// Address of the dir.
        dir: String,
        /// The image that they ran in.
        found: String,
        /// The image that was built.
        built: String,
    },
    /// An image that is to be sent is gone.
    #[error("image {id} of `{dir}` is not here any more")]
    Gone {
        /// Address of the dir.
        dir: String,
        /// Its id.
        id: String,
    },
    /// Not all registries have it.
    #[error("{} of {all} registries could not be served; the others have what belongs there:\n{}", .failed.len(), listed(.failed))]
    Registries {
        /// What failed, a line each.
        failed: Vec<String>,
        /// How many there are.
        all: usize,
    },
    /// The tag cannot be made or sent.
    #[error("Git tag `{tag}` could not be {verb}: {said}")]
    Tagging {
        /// The tag.
        tag: String,
        /// `made` or `sent to …`.
        verb: &'static str,
        /// What Git said.
        said: String,
    },
    /// There never was such a version.
    #[error("`{dir}` has no {stage} image of version {wanted} {place}: there is {found}")]
    NoVersion {
        /// Address of the dir.
        dir: String,
        /// The stage.
        stage: String,
        /// The version.
        wanted: String,
        /// Where it is missing.
        place: String,
        /// The versions that there are.
        found: String,
    },
    /// It was stopped.
    #[error("interrupted")]
    Interrupted,
    /// The lock cannot be had.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// An image cannot be had or made.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// An image cannot be promoted.
    #[error(transparent)]
    Promote(#[from] PromoteError),
    /// Tests cannot be run.
    #[error(transparent)]
    Suite(#[from] TestError),
    /// Git does not answer.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The record cannot be written.
    #[error("the record of the release cannot be written")]
    Record(#[source] std::io::Error),
}

impl From<EngineError> for ReleaseError {
    fn from(error: EngineError) -> Self {
        Self::Image(error.into())
    }
}

impl From<RegistryError> for ReleaseError {
    fn from(error: RegistryError) -> Self {
        Self::Image(error.into())
    }
}

impl ReleaseError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let bump =
            |dir: &str| Some(format!("give the change a version of its own with `wharf version bump {dir} -m TEXT`"));
        match self {
            Self::NotOwner { owner, .. } => Some(format!("release that one with `wharf image release {owner}`")),
            Self::NoRegistry { .. } => {
                Some("name one in `wharf.toml`: `[registry]`, `push = [\"ghcr.io/acme\"]`".into())
            }
            Self::NoCommit { .. } => Some("commit what is to be released".into()),
            Self::Dirty { .. } => Some("commit it, or put it aside with `git stash --include-untracked`".into()),
            Self::Version { dir, .. } => {
                Some(format!("see `wharf version check {dir}` and `wharf version bump {dir} -m TEXT`"))
            }
            Self::TagTaken { dir, .. } | Self::Taken { dir, .. } => bump(dir),
            Self::Busy { .. } => Some("wait for it, and try again: what it has done is not done twice".into()),
            Self::Tests { run, .. } => {
                Some(format!("the report is in `.wharf/runs/{run}/`; `wharf test --last-failed` repeats what failed"))
            }
            Self::OtherImage { .. } | Self::Gone { .. } | Self::Registries { .. } | Self::Interrupted => {
                Some("try again: it goes on from the step that is not done".into())
            }
            Self::Tagging { .. } => Some("when that is settled, try again: only the tag is missing".into()),
            Self::NoVersion { .. } | Self::Lock(_) | Self::Record(_) => None,
            Self::Image(error) => error.hint(),
            Self::Promote(error) => error.hint(),
            Self::Suite(error) => error.hint(),
            Self::Git(error) => error.hint(),
        }
    }
}

fn listed(lines: &[String]) -> String {
    const MOST: usize = 20;
    let mut text: Vec<String> = lines.iter().take(MOST).map(|line| format!("  {line}")).collect();
    if lines.len() > MOST {
        text.push(format!("  and {} more", lines.len() - MOST));
    }
    text.join("\n")
}

fn short(commit: &str) -> &str {
    &commit[..commit.len().min(10)]
}
