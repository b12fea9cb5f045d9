//! Reads a dir's own files and puts a [`Project`] together.

use std::path::{Path, PathBuf};

use super::core_metadata::{self, Headers};
use super::{Error, GitDescribe, Project, entry_points, import_root, version, version_file};
use crate::image::python::manifest::{Manifest, read_text};
use crate::image::python::setup_cfg::SetupCfg;

/// The files of a package that say something about it.
pub(super) struct Sources<'a> {
    pub dir: &'a Path,
    pub manifest: Option<Manifest>,
    pub cfg: Option<SetupCfg>,
    /// The metadata that a source distribution carries.
    pub pkg_info: Option<Headers>,
}

impl Sources<'_> {
    /// The string at a path of keys of `pyproject.toml`.
    pub fn string(&self, keys: &[&str]) -> Option<&str> {
        self.manifest.as_ref()?.string(keys)
    }

    /// The strings at a path of keys of `pyproject.toml`.
    pub fn strings(&self, keys: &[&str]) -> Vec<String> {
        self.manifest.as_ref().map(|manifest| manifest.strings(keys)).unwrap_or_default()
    }

    /// Whether `pyproject.toml` has a table.
    pub fn has(&self, keys: &[&str]) -> bool {
        self.manifest.as_ref().is_some_and(|manifest| manifest.table(keys).is_some())
    }

    /// A value of `setup.cfg`.
    pub fn cfg(&self, section: &str, key: &str) -> Option<&str> {
        self.cfg.as_ref()?.get(section, key)
    }

    /// A field of `PKG-INFO`.
    pub fn pkg_info(&self, field: &str) -> Option<&str> {
        let (_, value) = self.pkg_info.as_ref()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(field))?;
        Some(value)
    }

    /// The module that builds the package; setuptools where none is named.
    pub fn backend(&self) -> &str {
        self.string(&["build-system", "build-backend"]).unwrap_or("setuptools.build_meta")
    }

    /// The name, if this is a package.
    fn name(&self) -> Option<String> {
        let switched_off = |keys: &[&str]| {
            let manifest = self.manifest.as_ref()?;
            manifest.value(keys)?.as_bool()
        };
        if switched_off(&["tool", "poetry", "package-mode"]) == Some(false)
            || switched_off(&["tool", "uv", "package"]) == Some(false)
        {
            return None;
        }
        let name = self.string(&["project", "name"]).or_else(|| self.string(&["tool", "poetry", "name"]));
        let name = name.or_else(|| self.cfg("metadata", "name")).or_else(|| self.pkg_info("Name"));
        name.filter(|name| !name.is_empty()).map(str::to_owned)
    }
}

/// The folder that imports of the package in `dir` start from, absolute; `None` where it is no package or its files make no
/// sense.
#[must_use]
pub fn import_root_of(dir: &Path) -> Option<PathBuf> {
    let sources = Sources {
        dir,
        manifest: Manifest::load(&dir.join("pyproject.toml")).ok()?,
        cfg: SetupCfg::load(&dir.join("setup.cfg")).ok()?,
        pkg_info: None,
    };
    let name = sources.name()?;
    Some(dir.join(import_root::find(&sources, &name)).components().collect())
}

/// The package that `dir` is; `None` where it is none (no name stated, or its tool told that it is no package).
///
/// # Errors
/// Files that cannot be read or make no sense, a stated version that is none, a script that names no function.
pub fn discover(dir: &Path, git: &dyn GitDescribe) -> Result<Option<Project>, Error> {
    let sources = Sources {
        dir,
        manifest: Manifest::load(&dir.join("pyproject.toml"))?,
        cfg: SetupCfg::load(&dir.join("setup.cfg"))?,
        pkg_info: read_text(&dir.join("PKG-INFO"))?.map(|text| core_metadata::parse(&text)),
    };
    let Some(name) = sources.name() else {
        return Ok(None);
    };
    if pep508_rs::PackageName::new(name.clone()).is_err() {
        return Err(Error::Name { dir: dir.to_owned(), name });
    }
    let mut notes = Vec::new();
    let import_root = import_root::find(&sources, &name);
    let version = version::find(&sources, &name, &import_root, git, &mut notes)?;
    let metadata = core_metadata::collect(&sources, &name, &version, &import_root, &mut notes)?;
    let entry_points = entry_points::read(&sources)?;
    let version_file = sources.manifest.as_ref().and_then(|manifest| version_file::generated(manifest, &version));
    let missing_version_file = version_file.clone().filter(|file| !dir.join(&file.path).exists());
    let top_level = import_root::top_level(&dir.join(&import_root), &import_root, &name);
    Ok(Some(Project {
        name,
        version,
        import_root,
        metadata,
        entry_points,
        top_level,
        version_file,
        missing_version_file,
        notes,
    }))
}
