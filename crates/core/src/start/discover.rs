//! One look at a repo: which folders hold Python, which state a project, which are runnable already.
//!
//! Git's ignore rules are honoured. Hidden folders, caches and other repos inside of this one are not entered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use ignore::{DirEntry, WalkBuilder};

use super::error::StartError;
use super::python::Asked;
use crate::image::python::Error;
use crate::image::python::manifest::Manifest;
use crate::image::python::setup_cfg::SetupCfg;
use crate::runnable_dir::DEVOPS;
use crate::version;

const NEVER_ENTERED: [&str; 4] = ["node_modules", "__pycache__", "venv", "site-packages"];

/// A file that says something about a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Marker {
    /// `pyproject.toml` that describes a package or its dependencies, not just settings of tools.
    Pyproject,
    /// `setup.py`.
    SetupPy,
    /// `setup.cfg` that describes a package.
    SetupCfg,
    /// `uv.lock`.
    UvLock,
    /// `poetry.lock`.
    PoetryLock,
    /// `requirements.txt`.
    Requirements,
}

impl Marker {
    const ALL: [Self; 6] =
        [Self::Pyproject, Self::SetupPy, Self::SetupCfg, Self::UvLock, Self::PoetryLock, Self::Requirements];

    /// Name of the file.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Pyproject => "pyproject.toml",
            Self::SetupPy => "setup.py",
            Self::SetupCfg => "setup.cfg",
            Self::UvLock => "uv.lock",
            Self::PoetryLock => "poetry.lock",
            Self::Requirements => "requirements.txt",
        }
    }
}

/// What lies directly in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// Files that say something about a project.
    pub markers: BTreeSet<Marker>,
    /// Files that pytest collects by their names.
    pub tests: usize,
    /// Other Python files that can be imported or run.
    pub modules: usize,
    /// Whether it is a package.
    pub is_package: bool,
    /// Whether it has a `devops` folder, which makes it runnable.
    pub runnable: bool,
    /// Whether it has a changelog.
    pub changelog: bool,
    /// What its project states, where it states one.
    pub stated: Stated,
}

/// What a project states about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stated {
    /// Its name.
    pub name: Option<String>,
    /// Its version, where it is one that a changelog can go on from.
    pub version: Option<semver::Version>,
    /// The Python that it runs on.
    pub python: Option<Asked>,
    /// Whether its name is only known to `setup.py`, so that nobody can tell where imports start.
    pub computed: bool,
    /// Whether the settings of pytest say where imports start.
    pub sets_path: bool,
}

/// What there is in a repo, by path from its root; the root's is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// The repo's root.
    pub root: PathBuf,
    /// Folders that hold anything of interest.
    pub folders: BTreeMap<String, Folder>,
    /// Whether there is a `wharf.toml` at the root.
    pub configured: bool,
    /// Folders whose project cannot be read, with the reason.
    pub broken: Vec<(String, String)>,
}

/// Reads the work tree of the repo at `root`, without what the globs `exclude` name (`[workspace] exclude`).
///
/// # Errors
/// When the root cannot be read. A project that makes no sense is in [`Survey::broken`].
pub fn survey(root: &Path, exclude: &[String]) -> Result<Survey, StartError> {
    fs_err::read_dir(root)?;
    let mut survey = Survey { root: root.into(), ..Survey::default() };
    // Also where a link points nowhere: it is the user's.
    survey.configured = root.join("wharf.toml").symlink_metadata().is_ok();
    let mut builder = WalkBuilder::new(root);
    builder.hidden(false).ignore(false).parents(false).require_git(false).follow_links(false);
    let (base, excluded) = (root.to_path_buf(), globs(exclude));
    builder.filter_entry(move |entry| {
        let inside = entry.path().strip_prefix(&base).unwrap_or(entry.path());
        is_entered(entry) && !excluded.is_match(inside)
    });
    for entry in builder.build().flatten() {
        let inside = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let (Some(parent), Some(name)) = (inside.parent(), inside.file_name().and_then(|name| name.to_str())) else {
            continue;
        };
        let Some(parent) = parent.to_str() else { continue };
        note(survey.folders.entry(parent.to_owned()).or_default(), &entry, name);
    }
    survey.folders.retain(|_, folder| *folder != Folder::default());
    for (path, folder) in &mut survey.folders {
        if let Err(error) = read_project(&root.join(path), folder) {
            folder.markers.clear();
            survey.broken.push((path.clone(), error.to_string()));
        }
    }
    Ok(survey)
}

fn globs(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        if let Ok(glob) = Glob::new(pattern.trim_start_matches("//").trim_end_matches('/')) {
            set.add(glob);
        }
    }
    set.build().unwrap_or_default()
}

fn is_entered(entry: &DirEntry) -> bool {
    if entry.depth() == 0 || !entry.file_type().is_some_and(|kind| kind.is_dir()) {
        return !is_in_devops(entry);
    }
    let name = entry.file_name().to_string_lossy();
    let other = name.starts_with('.') || NEVER_ENTERED.contains(&&*name) || is_in_devops(entry);
    !other && entry.path().join(".git").symlink_metadata().is_err()
}

fn is_in_devops(entry: &DirEntry) -> bool {
    entry.depth() > 1 && entry.path().parent().and_then(Path::file_name).is_some_and(|name| name == DEVOPS)
}

fn note(folder: &mut Folder, entry: &DirEntry, name: &str) {
    let is_dir = entry.path().is_dir();
    if name == DEVOPS && is_dir {
        folder.runnable = true;
    }
    if is_dir {
        return;
    }
    if name == version::FILE {
        folder.changelog = true;
    }
    folder.markers.extend(Marker::ALL.into_iter().filter(|marker| marker.file() == name));
    let Some(stem) = name.strip_suffix(".py") else { return };
    match stem {
        _ if stem.starts_with("test_") || stem.ends_with("_test") => folder.tests += 1,
        "__init__" => folder.is_package = true,
        "setup" | "conftest" | "noxfile" => {}
        _ => folder.modules += 1,
    }
}

/// Looks into the files that may describe a project; those that don't are no markers.
fn read_project(dir: &Path, folder: &mut Folder) -> Result<(), Error> {
    if folder.markers.is_empty() && folder.modules + folder.tests == 0 {
        return Ok(());
    }
    let manifest = Manifest::load(&dir.join("pyproject.toml"))?;
    if let Some(manifest) = &manifest {
        let tables: [&[&str]; 5] = [
            &["project"],
            &["tool", "poetry"],
            &["build-system"],
            &["dependency-groups"],
            &["tool", "uv", "workspace"],
        ];
        if !tables.iter().any(|table| manifest.table(table).is_some()) {
            folder.markers.remove(&Marker::Pyproject);
        }
    }
    let cfg = SetupCfg::load(&dir.join("setup.cfg"))?;
    if cfg.as_ref().is_some_and(|cfg| cfg.section("metadata").is_empty() && cfg.section("options").is_empty()) {
        folder.markers.remove(&Marker::SetupCfg);
    }
    let string = |key: &str| {
        let manifest = manifest.as_ref()?;
        manifest.string(&["project", key]).or_else(|| manifest.string(&["tool", "poetry", key]))
    };
    let in_cfg = |key: &str| cfg.as_ref().and_then(|cfg| cfg.get("metadata", key));
    let name = string("name").or_else(|| in_cfg("name"));
    let stated_version = string("version").or_else(|| in_cfg("version"));
    folder.stated = Stated {
        name: name.map(str::to_owned),
        version: stated_version.and_then(|text| semver::Version::parse(text).ok()),
        python: Asked::read(dir)?,
        computed: name.is_none() && folder.markers.contains(&Marker::SetupPy),
        sets_path: ["pytest.ini", "pyproject.toml", "tox.ini", "setup.cfg"]
            .iter()
            .any(|file| std::fs::read_to_string(dir.join(file)).is_ok_and(|text| text.contains("pythonpath"))),
    };
    Ok(())
}
