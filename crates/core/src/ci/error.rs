//! What of CI cannot be made.

use crate::runnable_dir::Address;
use crate::test_suite::TestError;

/// What of CI cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum CiError {
    /// Nothing says how jobs get Wharf.
    #[error("the configuration does not say how CI's jobs get Wharf: `[ci] install` is missing")]
    NoInstall,
    /// A suite that no dir has.
    #[error("`[ci] {key}` names suite `{name}`, which no runnable dir has")]
    NoSuite {
        /// The key.
        key: &'static str,
        /// The suite.
        name: String,
    },
    /// No such job.
    #[error("there is no job `{name}`")]
    NoJob {
        /// What was asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
        /// The one that was probably meant.
        nearest: Option<String>,
    },
    /// An event that is none.
    #[error("`{0}` is no event that jobs run at")]
    NoEvent(String),
    /// Several dirs have the image that a tag names.
    #[error("tag `{tag}` names version {version}, but `{dir}` has version {has}")]
    WrongVersion {
        /// The tag.
        tag: String,
        /// Its version.
        version: String,
        /// The dir.
        dir: Address,
        /// The dir's version.
        has: String,
    },
    /// A workflow cannot be written out.
    #[error("the workflow cannot be written")]
    Template(#[from] minijinja::Error),
    /// Tests cannot be planned.
    #[error(transparent)]
    Tests(#[from] TestError),
}

impl CiError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoInstall => Some(
                "state the command in `wharf.toml` at the super-repo's root, such as `[ci] install = \"cargo install --locked --git URL \
                 --tag v{version} wharf-cli\"`"
                    .into(),
            ),
            Self::NoSuite { .. } => Some("see the suites with `wharf config show test.suites`".into()),
            Self::NoJob { nearest: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::NoJob { known, .. } if known.is_empty() => Some("no runnable dir has tests: see `wharf ls`".into()),
            Self::NoJob { known, .. } => Some(format!("there are {}", known.join(", "))),
            Self::NoEvent(_) => Some("there are `pull-request`, `main` and `nightly`, and the names that GitHub and GitLab have".into()),
            Self::WrongVersion { .. } => Some("set the tag at the commit whose `changelog.txt` has that version".into()),
            Self::Template(_) => None,
            Self::Tests(error) => error.hint(),
        }
    }
}
