//! Makes a dir that is itself a Python package importable as an editable install would, without building or installing it.
//!
//! Owns the reading of a package's metadata (`pyproject.toml`, `setup.cfg`, `PKG-INFO`) and the small tree of files
//! that stands for an installation: a `.dist-info` folder, a `.pth` file and the scripts. Refuses to run a build backend or
//! any other code of the package, so what only running would tell (`setup.py`, computed versions) is taken from Git or left open,
//! with a note.
//!
//! The tree is mounted at one folder of the container. Python reads a `.pth` file only in a site folder: either that folder is
//! made one (`site.addsitedir`), or the import root is put on `PYTHONPATH` too.

mod core_metadata;
mod discover;
mod entry_points;
mod error;
mod import_root;
mod literal;
#[cfg(test)]
mod real_tools;
mod site;
#[cfg(test)]
mod tests;
mod vcs;
mod version;
mod version_file;

use std::path::{Path, PathBuf};

pub use discover::{discover, import_root_of};
pub use entry_points::EntryPoints;
pub use error::Error;
pub use site::SiteFile;

/// A dir that is itself a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The name as the package states it.
    pub name: String,
    /// The version, in PEP 440's normal form where it has one.
    pub version: String,
    /// The folder that imports start from, relative to the dir: `.` or for instance `src`.
    pub import_root: PathBuf,
    /// The fields of the core metadata in order, name and version included
    /// (<https://packaging.python.org/en/latest/specifications/core-metadata/>).
    pub metadata: Vec<(String, String)>,
    /// Scripts and plugins.
    pub entry_points: EntryPoints,
    /// Modules and packages that can be imported from the import root.
    pub top_level: Vec<String>,
    /// A file that the package's backend writes for its code to import, whether it is there or not.
    pub version_file: Option<VersionFile>,
    /// The same, where it is not there.
    pub missing_version_file: Option<VersionFile>,
    /// What was guessed, a line each.
    pub notes: Vec<String>,
}

/// A module that holds the version, written by the build backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionFile {
    /// Where, relative to the dir.
    pub path: PathBuf,
    /// What it holds.
    pub contents: String,
}

/// Where a dir's commit stands relative to the last tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The last tag that is reachable; `None` if there is no tag at all.
    pub tag: Option<String>,
    /// Commits since the tag, or all commits without one.
    pub distance: u32,
    /// The commit's short hash, without a `g`.
    pub node: String,
    /// Whether tracked files are changed.
    pub dirty: bool,
}

/// The one question about Git that is asked here.
pub trait GitDescribe {
    /// What `git describe --tags --long --dirty --abbrev=9` tells in `dir` (setuptools_scm has nine digits too);
    /// `None` outside of a repo or without a commit.
    fn describe(&self, dir: &Path) -> Option<Described>;
}
