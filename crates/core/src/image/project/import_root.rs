//! Which folder of a package imports start from: as its build backend is told, else `src` if code lies there, else the dir.

use std::path::{Path, PathBuf};

use toml::Value;

use super::discover::Sources;
use crate::image::python::names::{normalize, tidy};

/// The folder, relative to the dir; `.` for the dir itself.
pub(super) fn find(sources: &Sources, name: &str) -> PathBuf {
    let stated = stated(sources).map(|root| tidy(Path::new(&root))).filter(|root| sources.dir.join(root).is_dir());
    match stated {
        Some(root) if root.as_os_str().is_empty() => ".".into(),
        Some(root) => root,
        None if holds_code(&sources.dir.join("src"), &module_name(name)) => "src".into(),
        None => ".".into(),
    }
}

/// What the backend's own table says.
fn stated(sources: &Sources) -> Option<String> {
    let backend = sources.backend();
    let string = |keys: &[&str]| sources.string(keys).map(str::to_owned);
    if backend.starts_with("poetry") {
        let packages = sources.manifest.as_ref()?.value(&["tool", "poetry", "packages"])?.as_array()?;
        return packages.iter().find_map(|package| package.get("from")).and_then(Value::as_str).map(str::to_owned);
    }
    if backend.starts_with("hatchling") {
        return hatch(sources);
    }
    if backend.starts_with("pdm") {
        return string(&["tool", "pdm", "build", "package-dir"]).or_else(|| string(&["tool", "pdm", "package-dir"]));
    }
    if backend.starts_with("uv_build") || backend.starts_with("uv.") {
        return Some(string(&["tool", "uv", "build-backend", "module-root"]).unwrap_or_else(|| "src".into()));
    }
    if backend.starts_with("maturin") {
        return string(&["tool", "maturin", "python-source"]);
    }
    if backend.starts_with("setuptools") || backend.starts_with('_') {
        return setuptools(sources);
    }
    None
}

fn hatch(sources: &Sources) -> Option<String> {
    for table in [&["tool", "hatch", "build", "targets", "wheel"][..], &["tool", "hatch", "build"]] {
        let keys = |last| table.iter().copied().chain([last]).collect::<Vec<_>>();
        let dirs = sources.strings(&keys("dev-mode-dirs"));
        if let Some(first) = dirs.into_iter().find(|dir| dir != ".") {
            return Some(first);
        }
        if let Some(package) = sources.strings(&keys("packages")).first() {
            return Some(parent(package));
        }
        if let Some(source) = sources.strings(&keys("sources")).into_iter().next() {
            return Some(source);
        }
    }
    None
}

fn setuptools(sources: &Sources) -> Option<String> {
    if let Some(mapping) = sources.manifest.as_ref().and_then(|it| it.table(&["tool", "setuptools", "package-dir"])) {
        if let Some(root) = mapping.get("").and_then(Value::as_str) {
            return Some(root.to_owned());
        }
        // `pkg = "lib/pkg"` is importable from `lib`; a package under another name is not importable from any folder.
        let fitting = mapping
            .iter()
            .find(|(package, path)| path.as_str().is_some_and(|path| path.rsplit('/').next() == Some(package)));
        if let Some((_, path)) = fitting {
            return path.as_str().map(parent);
        }
    }
    if let Some(first) = sources.strings(&["tool", "setuptools", "packages", "find", "where"]).into_iter().next() {
        return Some(first);
    }
    let cfg = sources.cfg.as_ref()?;
    for line in cfg.lines("options", "package_dir") {
        if let Some((package, root)) = line.split_once('=')
            && package.trim().is_empty()
        {
            return Some(root.trim().to_owned());
        }
    }
    cfg.get("options.packages.find", "where").map(|root| root.trim().to_owned())
}

fn parent(path: &str) -> String {
    path.trim_end_matches('/').rsplit_once('/').map_or_else(|| ".".to_owned(), |(parent, _)| parent.to_owned())
}

/// The module that a package of this name most likely has.
pub(super) fn module_name(name: &str) -> String {
    normalize(name).replace('-', "_")
}

fn holds_code(folder: &Path, module: &str) -> bool {
    if folder.join("__init__.py").is_file() {
        // Then `src` is the package.
        return false;
    }
    folder.join(module).is_dir() || !modules(folder).is_empty()
}

/// Packages (with an `__init__.py`) and modules directly in a folder, sorted.
fn modules(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let path = entry.path();
            let module = if path.join("__init__.py").is_file() {
                name
            } else {
                name.strip_suffix(".py").filter(|_| path.is_file())?.to_owned()
            };
            module.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(module)
        })
        .collect();
    found.sort();
    found
}

/// What `top_level.txt` lists: below a folder of its own, all; beside other things, the module of the package's name if it
/// is there, else all that is not tests, docs or set-up.
pub(super) fn top_level(root: &Path, import_root: &Path, name: &str) -> Vec<String> {
    const OTHERS: [&str; 10] =
        ["tests", "test", "docs", "doc", "examples", "setup", "conftest", "noxfile", "tasks", "devops"];
    let expected = module_name(name);
    let all = modules(root);
    if import_root != Path::new(".") && !all.is_empty() {
        return all;
    }
    if let Some(exact) = all.iter().find(|module| module.eq_ignore_ascii_case(&expected)) {
        return vec![exact.clone()];
    }
    if root.join(&expected).is_dir() {
        return vec![expected];
    }
    all.into_iter().filter(|module| !OTHERS.contains(&module.as_str())).collect()
}
