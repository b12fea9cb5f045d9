//! A directory that has a `devops` folder: its address, its image's name, its version.
//!
//! Owns what a runnable dir is and how it is named. Refuses to search for them ([`crate::workspace`] does) and to
//! know what is in its image ([`crate::image`] does).

mod address;
mod name;

use std::path::PathBuf;
use std::sync::Arc;

use semver::Version;

use crate::config::{Config, ImageSource, Resolved};

pub use address::{Address, AddressError};
pub use name::{NameError, check_image_name, image_name};

/// Name of the folder that makes a directory runnable.
pub const DEVOPS: &str = "devops";

/// How a runnable dir is described on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `devops/wharf.toml`, or nothing but the folder.
    Native,
    /// `repo_config.yaml`, `devops/docker_build/` and a shared submodule: as repos did it before.
    Helpers,
}

impl Layout {
    /// The word that people read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Helpers => "helpers",
        }
    }
}

/// A directory with its own `devops` folder.
#[derive(Debug, Clone)]
pub struct RunnableDir {
    /// Where it is, from the super-repo's root.
    pub address: Address,
    /// Where it is, absolute.
    pub path: PathBuf,
    /// Path of its repo from the super-repo's root; empty for the super-repo.
    pub repo: String,
    /// Name of its image, without registry and tag.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// How it is described.
    pub layout: Layout,
    /// Files that pytest would collect by their name (`test_*.py`, `*_test.py`).
    pub test_files: usize,
    /// Paths of these from the super-repo's root, sorted; those whose names are no text are left out.
    pub tests: Vec<String>,
    /// Paths of its `conftest.py`s from the super-repo's root, sorted.
    pub conftests: Vec<String>,
    /// Its configuration with origins.
    pub resolved: Arc<Resolved>,
    /// Its configuration.
    pub config: Arc<Config>,
}

impl RunnableDir {
    /// Its `devops` folder.
    #[must_use]
    pub fn devops(&self) -> PathBuf {
        self.path.join(DEVOPS)
    }

    /// The address whose image it uses instead of one of its own.
    #[must_use]
    pub fn image_from(&self) -> Option<&str> {
        match &self.config.image.source {
            ImageSource::From(address) => Some(&address.value),
            ImageSource::Base(_) => None,
        }
    }

    /// A short word for file names, unique in the workspace.
    #[must_use]
    pub fn slug(&self) -> String {
        name::slug(self.address.as_str())
    }
}
