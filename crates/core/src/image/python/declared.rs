//! What a folder's `pyproject.toml` and `setup.cfg` state: the dependencies of the code itself and named groups of
//! more. Reads every usual way to write them; runs nothing (`setup.py` is never opened).

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::Error;
use super::group_tables;
use super::manifest::{Manifest, read_text};
use super::names::{head, normalize};
use super::poetry_table::{self, Wants};
use super::sdist;
use super::setup_cfg::{SetupCfg, split_lines};

/// One thing that has to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Needed {
    /// A valid PEP 508 requirement.
    Requirement(String),
    /// A file or folder named by path, relative to the folder of the manifest.
    Path {
        /// The path as written.
        path: PathBuf,
        /// The extras asked of it.
        extras: Vec<String>,
        /// The line that names it, from 1.
        line: usize,
    },
}

/// Where a group was stated, which decides how a manager is told to install it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKind {
    /// `[dependency-groups]` (PEP 735), or `[tool.uv] dev-dependencies`.
    Group,
    /// `[project.optional-dependencies]` and the older ways to state extras.
    Extra,
    /// `[tool.poetry.group]` or `dev-dependencies`.
    Poetry,
    /// `[tool.pdm.dev-dependencies]` or an environment of Hatch.
    Tool,
    /// Requirements files named after the group, such as `requirements-test.txt`.
    File,
}

/// A named group of dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its name as written.
    pub name: String,
    /// Where it was stated.
    pub kind: GroupKind,
    /// What it brings, other groups included.
    pub needs: Vec<Needed>,
}

/// All that a folder states.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// The package's normalised name, if it has one.
    pub name: Option<String>,
    /// What the code itself needs; `None` where the files do not say (none listed, or computed by `setup.py`).
    pub main: Option<Vec<Needed>>,
    /// The groups, in the order in which they are stated.
    pub groups: Vec<Group>,
    /// The files read.
    pub sources: Vec<PathBuf>,
    /// Whether `setup.py` is there and decides what the other files leave open.
    pub computed: bool,
}

impl Declared {
    /// Reads what `dir` states; all empty where it states nothing.
    ///
    /// # Errors
    /// A file that cannot be read, or a requirement that makes no sense.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let mut declared = Self::read_manifest(dir, Manifest::load(&dir.join("pyproject.toml"))?.as_ref())?;
        declared.expand_own_extras();
        Ok(declared)
    }

    /// Reads what `dir` states without `[tool.uv.sources]`, which a lock has already answered.
    ///
    /// # Errors
    /// As [`Declared::read`].
    pub fn read_locked(dir: &Path, manifest: &Manifest) -> Result<Self, Error> {
        let mut declared = Self::as_published(dir, Some(manifest))?;
        declared.expand_own_extras();
        Ok(declared)
    }

    /// Reads what `dir` would publish: without `[tool.uv.sources]`, and with extras that name the package itself as they are.
    ///
    /// # Errors
    /// As [`Declared::read`].
    pub fn as_published(dir: &Path, manifest: Option<&Manifest>) -> Result<Self, Error> {
        let mut manifest = manifest.cloned();
        let tool = manifest.as_mut().and_then(|manifest| manifest.table.get_mut("tool"));
        if let Some(uv) = tool.and_then(|tool| tool.get_mut("uv")).and_then(toml::Value::as_table_mut) {
            uv.remove("sources");
        }
        Self::read_manifest(dir, manifest.as_ref())
    }

    fn read_manifest(dir: &Path, manifest: Option<&Manifest>) -> Result<Self, Error> {
        let cfg_path = dir.join("setup.cfg");
        let cfg = SetupCfg::load(&cfg_path)?;
        let mut declared = Self::default();
        let name =
            manifest.and_then(|it| it.string(&["project", "name"]).or_else(|| it.string(&["tool", "poetry", "name"])));
        declared.name = name.or_else(|| cfg.as_ref()?.get("metadata", "name")).map(normalize);
        if let Some(manifest) = manifest {
            declared.sources.push(manifest.path.clone());
            declared.main = main_of(manifest, &mut declared.sources)?;
            declared.groups = group_tables::read(manifest, &mut declared.sources)?;
        }
        if let Some(cfg) = &cfg {
            declared.read_cfg(&cfg_path, cfg)?;
        }
        let states_package = manifest.is_some_and(|it| it.table(&["project"]).is_some())
            && manifest.is_some_and(|it| !it.is_dynamic("dependencies"));
        if declared.main.is_none() && !states_package {
            declared.read_sdist(dir)?;
        }
        declared.computed = declared.main.is_none() && dir.join("setup.py").is_file();
        Ok(declared)
    }

    /// Whether anything at all about dependencies is stated.
    pub fn says_anything(&self) -> bool {
        self.main.as_ref().is_some_and(|main| !main.is_empty()) || !self.groups.is_empty()
    }

    fn read_sdist(&mut self, dir: &Path) -> Result<(), Error> {
        let Some(carried) = sdist::read(dir)? else {
            return Ok(());
        };
        self.main = Some(carried.main);
        if !self.groups.iter().any(|group| group.kind == GroupKind::Extra) {
            self.groups.extend(carried.extras);
        }
        self.sources.push(carried.source);
        Ok(())
    }

    fn read_cfg(&mut self, path: &Path, cfg: &SetupCfg) -> Result<(), Error> {
        let checker = |texts: Vec<String>| {
            texts.into_iter().map(|text| checked(path, &cfg.text, text)).collect::<Result<Vec<_>, _>>()
        };
        let before = (self.main.is_some(), self.groups.len());
        if self.main.is_none()
            && cfg.get("options", "install_requires").is_some_and(|value| !value.starts_with("file:"))
        {
            self.main = Some(checker(cfg.lines("options", "install_requires"))?);
        }
        for (name, texts) in cfg.section("options.extras_require") {
            if !self
                .groups
                .iter()
                .any(|group| group.kind == GroupKind::Extra && normalize(&group.name) == normalize(&name))
            {
                self.groups.push(Group { name, kind: GroupKind::Extra, needs: checker(texts)? });
            }
        }
        if before != (self.main.is_some(), self.groups.len()) {
            self.sources.push(path.to_owned());
        }
        Ok(())
    }

    /// `demo[a,b]` inside of demo's own groups means what these extras bring.
    fn expand_own_extras(&mut self) {
        let Some(own) = self.name.clone() else { return };
        let extras: BTreeMap<String, Vec<Needed>> = self
            .groups
            .iter()
            .filter(|group| group.kind == GroupKind::Extra)
            .map(|group| (normalize(&group.name), group.needs.clone()))
            .collect();
        for group in &mut self.groups {
            let mut seen = Vec::new();
            let mut out = Vec::new();
            expand(&group.needs, &own, &extras, &mut seen, &mut out);
            group.needs = out;
        }
    }
}

fn expand(
    needs: &[Needed],
    own: &str,
    extras: &BTreeMap<String, Vec<Needed>>,
    seen: &mut Vec<String>,
    out: &mut Vec<Needed>,
) {
    for need in needs {
        let Needed::Requirement(text) = need else {
            push_once(out, need);
            continue;
        };
        match head(text) {
            Some((name, wanted)) if name == own => {
                for extra in wanted {
                    if !seen.contains(&extra) {
                        seen.push(extra.clone());
                        expand(extras.get(&extra).map_or(&[], Vec::as_slice), own, extras, seen, out);
                    }
                }
            }
            _ => push_once(out, need),
        }
    }
}

fn push_once(out: &mut Vec<Needed>, need: &Needed) {
    if !out.contains(need) {
        out.push(need.clone());
    }
}

/// What the code itself needs, if the manifest says so.
fn main_of(manifest: &Manifest, sources: &mut Vec<PathBuf>) -> Result<Option<Vec<Needed>>, Error> {
    if manifest.value(&["project", "dependencies"]).is_some() {
        return listed(manifest, manifest.strings(&["project", "dependencies"])).map(Some);
    }
    let in_project = manifest.table(&["project"]).is_some();
    if manifest.table(&["tool", "poetry", "dependencies"]).is_some()
        && (!in_project || manifest.is_dynamic("dependencies"))
    {
        let entries = poetry_table::dependencies(manifest, &["tool", "poetry", "dependencies"])?;
        let needs = entries.into_iter().filter(|entry| !entry.optional).map(|entry| poetry_need(manifest, entry));
        return needs.collect::<Result<_, _>>().map(Some);
    }
    from_files(manifest, &["tool", "setuptools", "dynamic", "dependencies"], sources)
}

/// What setuptools reads from the files that a `{file = …}` entry names.
pub(super) fn from_files(
    manifest: &Manifest,
    keys: &[&str],
    sources: &mut Vec<PathBuf>,
) -> Result<Option<Vec<Needed>>, Error> {
    let file_keys: Vec<&str> = keys.iter().copied().chain(["file"]).collect();
    if manifest.value(&file_keys).is_none() {
        return Ok(None);
    }
    let mut needs = Vec::new();
    for file in manifest.strings(&file_keys) {
        // As setuptools itself refuses it.
        let inside = Path::new(&file).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !inside {
            return Err(Error::Outside { file: manifest.path.clone(), line: manifest.line_of(&file), target: file });
        }
        let path = manifest.path.with_file_name("").join(&file);
        let Some(text) = read_text(&path)? else {
            return Err(Error::Missing { file: manifest.path.clone(), line: manifest.line_of(&file), target: file });
        };
        for line in split_lines(&text) {
            needs.push(checked(&path, &text, line)?);
        }
        sources.push(path);
    }
    Ok(Some(needs))
}

/// One Poetry entry as a need.
pub(super) fn poetry_need(manifest: &Manifest, entry: poetry_table::PoetryDependency) -> Result<Needed, Error> {
    match entry.wants {
        Wants::Requirement(text) => checked(&manifest.path, &manifest.text, text),
        Wants::Path(path, extras) => {
            let line = manifest.line_of(&path.to_string_lossy());
            Ok(Needed::Path { path, extras, line })
        }
    }
}

/// Requirements listed in a manifest, with uv's own sources for them.
pub(super) fn listed(manifest: &Manifest, texts: Vec<String>) -> Result<Vec<Needed>, Error> {
    texts.into_iter().map(|text| with_source(manifest, text)).collect()
}

/// A requirement with what `[tool.uv.sources]` says about it.
fn with_source(manifest: &Manifest, text: String) -> Result<Needed, Error> {
    if let Some((_, path)) = text.split_once("{root:uri}") {
        // Hatch's way to write "relative to this project".
        let line = manifest.line_of(&text);
        return Ok(Needed::Path {
            path: path.trim_start_matches('/').into(),
            extras: head(&text).map_or_else(Vec::new, |it| it.1),
            line,
        });
    }
    let source = head(&text).and_then(|(name, extras)| {
        let sources = manifest.table(&["tool", "uv", "sources"])?;
        let (_, source) = sources.iter().find(|(key, _)| normalize(key) == name)?;
        Some((name, extras, source.as_table()?))
    });
    let Some((name, extras, source)) = source else {
        return checked(&manifest.path, &manifest.text, text);
    };
    let line = manifest.line_of(&text);
    let string = |key: &str| source.get(key).and_then(toml::Value::as_str);
    if let Some(path) = string("path") {
        return Ok(Needed::Path { path: path.into(), extras, line });
    }
    if source.get("workspace").and_then(toml::Value::as_bool) == Some(true) {
        return Err(Error::WorkspaceSource { file: manifest.path.clone(), line, name });
    }
    let brackets = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let marker = text.split_once(';').map(|(_, marker)| format!(" ;{marker}")).unwrap_or_default();
    if let Some(url) = string("git") {
        let at = string("rev")
            .or_else(|| string("tag"))
            .or_else(|| string("branch"))
            .map(|at| format!("@{at}"))
            .unwrap_or_default();
        let folder = string("subdirectory").map(|folder| format!("#subdirectory={folder}")).unwrap_or_default();
        return Ok(Needed::Requirement(format!("{name}{brackets} @ git+{url}{at}{folder}{marker}")));
    }
    if let Some(url) = string("url") {
        return Ok(Needed::Requirement(format!("{name}{brackets} @ {url}{marker}")));
    }
    checked(&manifest.path, &manifest.text, text)
}

/// A requirement that was found valid.
pub(super) fn checked(file: &Path, whole: &str, text: String) -> Result<Needed, Error> {
    match text.parse::<pep508_rs::Requirement>() {
        Ok(_) => Ok(Needed::Requirement(text)),
        Err(error) => Err(Error::Requirement {
            file: file.to_owned(),
            line: super::manifest::line_of(whole, &text),
            message: error.message.to_string(),
            text,
        }),
    }
}
