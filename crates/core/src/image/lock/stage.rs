//! Copies what uv and Poetry need into a folder of their own: manifests and the lock, at the same places to each other as in the
//! workspace, and packages of the workspace that are asked for by path. Code is copied only where a package's metadata
//! cannot be read without building it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobSetBuilder};
use ignore::WalkBuilder;
use toml::Value;

use super::{LockError, Target};
use crate::image::ImageError;
use crate::image::python::manifest::{Manifest, line_of};
use crate::image::python::names::tidy;
use crate::image::python::{self, Manager};

/// Files beside a manifest that managers read.
const SETTINGS: [&str; 6] = ["pyproject.toml", "setup.py", "setup.cfg", "uv.toml", "poetry.toml", ".python-version"];
/// No file that decides metadata is larger; data of a project may well be.
const LARGEST: u64 = 4 << 20;

/// Copies what `target` needs from the workspace at `root` to the folder `tree`, which stands for that root.
pub(super) fn fill(root: &Path, target: &Target, tree: &Path) -> Result<(), LockError> {
    let mut copier = Copier { root, tree, target, done: BTreeSet::new() };
    copier.package(&target.root)?;
    copier.package(&target.place)?;
    copier.file(&target.lock)
}

struct Copier<'a> {
    root: &'a Path,
    tree: &'a Path,
    target: &'a Target,
    done: BTreeSet<PathBuf>,
}

impl Copier<'_> {
    fn package(&mut self, folder: &Path) -> Result<(), LockError> {
        if !self.done.insert(folder.to_owned()) {
            return Ok(());
        }
        for name in SETTINGS {
            self.file(&folder.join(name))?;
        }
        let path = folder.join("pyproject.toml");
        let loaded = Manifest::load(&path).map_err(|error| self.python(error))?;
        let Some(manifest) = loaded else { return self.whole(folder) };
        if !is_static(&manifest, self.target.manager) {
            self.whole(folder)?;
        }
        for wanted in paths(&manifest) {
            let found = tidy(&folder.join(&wanted));
            if !found.starts_with(self.root) {
                let line = line_of(&manifest.text, &wanted);
                return Err(self.python(python::Error::Outside { file: path, line, target: wanted }));
            }
            if found.is_dir() { self.package(&found)? } else { self.file(&found)? }
        }
        for member in members(folder, &manifest) {
            self.package(&member)?;
        }
        Ok(())
    }

    /// Copies a file, where it is there.
    fn file(&self, file: &Path) -> Result<(), LockError> {
        let Ok(below) = file.strip_prefix(self.root) else { return Ok(()) };
        let to = self.tree.join(below);
        if !file.is_file() {
            return Ok(());
        }
        if let Some(folder) = to.parent() {
            fs_err::create_dir_all(folder)?;
        }
        fs_err::write(to, fs_err::read(file)?)?;
        Ok(())
    }

    /// Copies a package with its code, less what Git ignores.
    fn whole(&self, folder: &Path) -> Result<(), LockError> {
        let mut walk = WalkBuilder::new(folder);
        walk.hidden(false)
            .require_git(false)
            .filter_entry(|entry| entry.file_name() != ".git" && entry.file_name() != ".wharf");
        for entry in walk.build().flatten() {
            if entry.path().metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST) {
                self.file(entry.path())?;
            }
        }
        Ok(())
    }

    fn python(&self, source: python::Error) -> LockError {
        ImageError::Python { dir: self.target.dir.clone(), source }.into()
    }
}

/// Whether the manifest alone says all that is asked about its package.
fn is_static(manifest: &Manifest, manager: Manager) -> bool {
    let Some(project) = manifest.table(&["project"]) else {
        let poetry = manifest.table(&["tool", "poetry"]).is_some();
        return if poetry { manager == Manager::Poetry } else { manifest.table(&["build-system"]).is_none() };
    };
    project.contains_key("version") && manifest.strings(&["project", "dynamic"]).is_empty()
}

/// Every `path = "…"` of uv's sources and Poetry's dependencies.
fn paths(manifest: &Manifest) -> Vec<String> {
    let mut found = Vec::new();
    for keys in [&["tool", "uv", "sources"][..], &["tool", "poetry"]] {
        if let Some(value) = manifest.value(keys) {
            gather(value, &mut found);
        }
    }
    found
}

fn gather(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Table(table) => {
            found.extend(table.get("path").and_then(Value::as_str).map(str::to_owned));
            table.values().for_each(|value| gather(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| gather(value, found)),
        _ => {}
    }
}

/// Members of the uv workspace that has its root at `folder`.
fn members(folder: &Path, manifest: &Manifest) -> Vec<PathBuf> {
    let globs = |key: &str| {
        let mut set = GlobSetBuilder::new();
        for glob in manifest.strings(&["tool", "uv", "workspace", key]) {
            if let Ok(glob) = Glob::new(glob.trim_start_matches("./").trim_end_matches('/')) {
                set.add(glob);
            }
        }
        set.build().unwrap_or_default()
    };
    let (wanted, left_out) = (globs("members"), globs("exclude"));
    if wanted.is_empty() {
        return Vec::new();
    }
    let walk = WalkBuilder::new(folder).require_git(false).build().flatten();
    let folders = walk.filter(|entry| entry.path().join("pyproject.toml").is_file()).map(ignore::DirEntry::into_path);
    let is_member = |path: &PathBuf| {
        path.strip_prefix(folder).is_ok_and(|below| wanted.is_match(below) && !left_out.is_match(below))
    };
    folders.filter(is_member).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn staged(manager: Manager, files: &[(&str, &str)]) -> Result<Vec<String>, LockError> {
        let (root, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let place = root.path().join("app");
        let lock = place.join("uv.lock");
        let list = place.join("devops/pip_list.txt");
        fill(root.path(), &Target { dir: "app".into(), manager, root: place.clone(), place, lock, list }, tree.path())?;
        let all = WalkBuilder::new(tree.path()).hidden(false).build().flatten().filter(|entry| entry.path().is_file());
        let name = |path: &Path| path.strip_prefix(tree.path()).unwrap().display().to_string();
        let mut names: Vec<String> = all.map(|entry| name(entry.path())).collect();
        names.sort();
        Ok(names)
    }

    #[test]
    fn code_comes_along_only_where_it_has_to() {
        let app = "[project]\nname='app'\nversion='1'\n[tool.uv.sources]\nlib={path='../lib'}\nold={path='../old'}\n";
        let names = staged(
            Manager::Uv,
            &[
                ("app/pyproject.toml", app),
                ("app/uv.lock", ""),
                ("app/code.py", ""),
                ("lib/pyproject.toml", "[project]\nname='lib'\nversion='1'\n"),
                ("lib/lib.py", ""),
                ("old/pyproject.toml", "[project]\nname='old'\ndynamic=['version']\n"),
                ("old/old.py", ""),
                ("old/.gitignore", "*.bin\n"),
                ("old/x.bin", ""),
                ("other/secret.txt", ""),
            ],
        )
        .unwrap();
        let expected = [
            "app/pyproject.toml",
            "app/uv.lock",
            "lib/pyproject.toml",
            "old/.gitignore",
            "old/old.py",
            "old/pyproject.toml",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn members_of_a_uv_workspace_come_along() {
        let app = "[tool.uv.workspace]\nmembers=['packages/*']\nexclude=['packages/no']\n";
        let member = "[project]\nname='a'\nversion='1'\n";
        let names = staged(
            Manager::Uv,
            &[
                ("app/pyproject.toml", app),
                ("app/packages/a/pyproject.toml", member),
                ("app/packages/a/a.py", ""),
                ("app/packages/no/pyproject.toml", member),
            ],
        );
        assert_eq!(names.unwrap(), ["app/packages/a/pyproject.toml", "app/pyproject.toml"]);
    }

    #[test]
    fn nothing_from_outside_comes_along() {
        let app = "[tool.poetry.dependencies]\nx = { path = '../../x' }\n";
        let error = staged(Manager::Poetry, &[("app/pyproject.toml", app)]).unwrap_err().to_string();
        assert!(error.contains("line 2: `../../x` lies outside of the repo"), "{error}");
    }
}
