//! Which Python packages a runnable dir needs, read from the files that lie in it.
//!
//! Owns the reading of `uv.lock`, `poetry.lock`, `pyproject.toml`, `setup.cfg`, an unpacked `PKG-INFO` and requirements files, and the choice of
//! dependency groups. Refuses to run anything of the user's (`setup.py` is never opened), to resolve versions, and to
//! know how an image is built: it says what to install, in which order, and from which files.
//!
//! What decides is looked for in this order, each in the dir and then in its `devops` folder: `uv.lock`, `poetry.lock`, the
//! `uv.lock` of a uv workspace that the dir is a member of, `pyproject.toml` (or `setup.cfg`) with dependencies, requirements files.
//! The rule for groups stands in `groups.rs`.
//! What pip installs gets its versions from `devops/requirements.lock`, where there is one.
//!
//! The files that come out are cut down to what decides dependencies, so that their hash changes only when these do.

mod constraint;
mod declared;
mod discover;
mod error;
mod group_tables;
mod groups;
mod lock;
mod locked;
pub mod manifest;
pub mod names;
mod pip;
mod poetry_table;
#[cfg(test)]
mod real_tools;
mod reduce;
mod requirements;
mod sdist;
pub mod setup_cfg;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

pub use constraint::specifiers as poetry_specifiers;
pub use declared::{Declared, Group, GroupKind, Needed};
pub use discover::{Lockable, discover, locate};
pub use error::Error;
/// One step of an installation. In a build each runs with the `python/` folder as its working folder, from which pip reads paths.
pub use wharf_engine::host::InstallStep as Install;

/// The file, in the `devops` folder, that says which versions pip installs. Written by `wharf image lock`; its lines are
/// constraints, so what is installed at all stays stated in the files that people write.
pub const PIP_LOCK: &str = "requirements.lock";

/// What installs the dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Manager {
    /// uv, from `uv.lock`.
    Uv,
    /// Poetry, from `poetry.lock`.
    Poetry,
    /// pip, from requirements files or from what `pyproject.toml` states.
    Pip,
    /// Nothing: the dir states no dependencies.
    None,
}

impl fmt::Display for Manager {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pip => "pip",
            Self::None => "none",
        })
    }
}

/// What to read, and what the config says about it. All paths are absolute.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The runnable dir.
    pub dir: &'a Path,
    /// Its `devops` folder.
    pub devops: &'a Path,
    /// The root of the outermost repo: nothing above it is read or named.
    pub stop_at: &'a Path,
    /// The manager, where the config names one.
    pub manager: Option<Manager>,
    /// The groups of the dev image, where the config names them.
    pub groups_dev: Option<&'a [String]>,
    /// The groups of the prod image, where the config names them.
    pub groups_prod: Option<&'a [String]>,
}

/// What a runnable dir needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependencies {
    /// What installs them.
    pub manager: Manager,
    /// Files that the build needs, by path (with `/`) in the build context's `python/` folder.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What the dev image installs, in order.
    pub dev: Vec<Install>,
    /// What the prod image installs, in order.
    pub prod: Vec<Install>,
    /// Folders of other packages in the repo that are asked for by path, absolute. What they need is installed; they themselves
    /// are not, but have to be made importable as the dir itself is.
    pub local: Vec<PathBuf>,
    /// The files that were read, relative to the dir.
    pub sources: Vec<PathBuf>,
    /// Choices worth a line each.
    pub notes: Vec<String>,
}
