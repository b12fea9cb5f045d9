//! What sub-repos export: `[exports]` in their `wharf.toml`.
//!
//! Owns which sub-repos export to the super-repo and which parts of it are taken. Refuses to look at sub-repos of sub-repos: what
//! those export is for the repo right around them. One that is not here, or that this user may not read, exports nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use wharf_git::read_submodules;

use crate::config::{Layer, Part, Resolved, resolve};

/// A sub-repo that exports something.
#[derive(Debug, Clone)]
pub struct Exporter {
    /// Its path from the super-repo's root.
    pub path: String,
    /// Root of its work tree.
    pub root: PathBuf,
    /// Its `wharf.toml`.
    layer: Layer,
    taken: BTreeSet<Part>,
}

/// Which of its tasks a sub-repo exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportedTasks {
    /// All of `[tasks]`.
    All,
    /// Those of these names.
    Named(Vec<String>),
}

/// The sub-repos of the super-repo at `root` that export something, in the order of its `.gitmodules`. `own` is the super-repo's
/// `wharf.toml`; `layers` has those of sub-repos by path.
#[must_use]
pub fn exporters(root: &Path, own: Option<&Layer>, layers: &BTreeMap<String, Layer>) -> Vec<Exporter> {
    let states_exports = |layer: &Layer| layer.entries().any(|entry| entry.path.starts_with("exports."));
    if !layers.values().any(states_exports) {
        return Vec::new();
    }
    let wanted = own.and_then(|layer| layer.get("workspace.exports")).and_then(|entry| entry.value.as_list());
    let exporter = |path: String| {
        let layer = layers.get(&path).filter(|layer| states_exports(layer))?;
        let taken: BTreeSet<Part> = Part::ALL.into_iter().filter(|part| is_taken(wanted, &path, *part)).collect();
        (!taken.is_empty()).then(|| Exporter { root: root.join(&path), layer: layer.clone(), taken, path })
    };
    read_submodules(root).into_iter().filter_map(|module| exporter(module.path)).collect()
}

/// The path of the sub-repo in an item of `[workspace] exports`, and the part of its exports, where one is named.
#[must_use]
pub fn path_and_part(item: &str) -> (&str, Option<Part>) {
    let item = item.trim_start_matches("//");
    let (path, part) = item.rsplit_once(':').map_or((item, None), |(path, part)| (path, Part::parse(part)));
    (path.trim_end_matches('/'), part)
}

/// Whether a part is taken: all are, unless the super-repo names those that it wants.
fn is_taken(wanted: Option<&[String]>, path: &str, part: Part) -> bool {
    let Some(wanted) = wanted else { return true };
    let names = |item: &String| {
        let (named, only) = path_and_part(item);
        named == path && only.is_none_or(|only| only == part)
    };
    wanted.iter().any(names)
}

impl Exporter {
    fn part(&self, part: Part) -> Option<&Layer> {
        self.taken.contains(&part).then_some(&self.layer)
    }

    /// The parts that it states and that are taken.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        let states = |part: &&Part| {
            let key = format!("exports.{}", part.name());
            let is_of = |path: &str| {
                path.strip_prefix(&key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            self.layer.entries().any(|entry| is_of(&entry.path))
        };
        self.taken.iter().filter(states).copied().collect()
    }

    /// The layer of defaults.
    #[must_use]
    pub fn defaults(&self) -> Option<Layer> {
        self.part(Part::Defaults)?.exported()
    }

    /// Its `wharf.toml`, where common files are taken of it.
    #[must_use]
    pub fn files(&self) -> Option<&Layer> {
        self.part(Part::Files)
    }

    /// Base images: name, reference.
    pub fn images(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.part(Part::Images).into_iter().flat_map(Layer::entries);
        entries.filter_map(|entry| Some((entry.path.strip_prefix("exports.images.")?, entry.value.as_text()?)))
    }

    /// Tasks; `None` where none are exported.
    #[must_use]
    pub fn tasks(&self) -> Option<ExportedTasks> {
        let names = self.part(Part::Tasks)?.get("exports.tasks")?.value.as_list()?;
        Some(match names.iter().any(|name| name == "all") {
            true => ExportedTasks::All,
            false => ExportedTasks::Named(names.to_vec()),
        })
    }

    /// What its `wharf.toml` states, tasks among it.
    #[must_use]
    pub fn stated(&self) -> Resolved {
        resolve(&[&self.layer])
    }

    /// The folder of templates, absolute; `None` where there is none, or where a symbolic link leads out of the sub-repo.
    #[must_use]
    pub fn templates(&self) -> Option<PathBuf> {
        self.inside(Part::Templates).filter(|folder| folder.is_dir())
    }

    /// The requirements file for the thin environment, absolute; `None` likewise.
    #[must_use]
    pub fn thin_env(&self) -> Option<PathBuf> {
        self.inside(Part::ThinEnv).filter(|file| file.is_file())
    }

    /// The path that `exports.<part>` states, with all links followed, if it stays in the sub-repo.
    fn inside(&self, part: Part) -> Option<PathBuf> {
        let stated = self.part(part)?.get(&format!("exports.{}", part.name()))?.value.as_text()?;
        let found = self.root.join(stated).canonicalize().ok()?;
        let root = self.root.canonicalize().ok()?;
        found.starts_with(&root).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LayerKind;

    fn layer(kind: LayerKind, text: &str) -> Layer {
        Layer::from_toml(kind, Path::new("wharf.toml"), text.as_bytes()).unwrap()
    }

    fn sample(own: &str, text: &str) -> (tempfile::TempDir, Vec<Exporter>) {
        let dir = tempfile::tempdir().unwrap();
        let modules = ["z", "libs/a"].map(|path| format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = ../x\n"));
        std::fs::write(dir.path().join(".gitmodules"), modules.concat()).unwrap();
        let layers = ["libs/a", "libs/a/nested", "z"].map(|path| (path.to_owned(), layer(LayerKind::SubRepo, text)));
        let own = layer(LayerKind::SuperRepo, own);
        let found = exporters(dir.path(), Some(&own), &layers.into());
        (dir, found)
    }

    const ALL: &str = "[exports]\ntasks = [\"lint\"]\ntemplates = \"t\"\nthin-env = \"r.txt\"\n\
                       images = { python = \"p:1\" }\n[exports.defaults.image]\nbase = \"b\"\n";

    #[test]
    fn the_super_repos_own_sub_repos_export_in_its_order() {
        let (_dir, found) = sample("", ALL);
        assert_eq!(found.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["z", "libs/a"]);
        assert_eq!(found[0].images().collect::<Vec<_>>(), [("python", "p:1")]);
        assert_eq!(found[0].tasks(), Some(ExportedTasks::Named(vec!["lint".into()])));
        assert!(found[0].defaults().is_some() && found[0].files().is_some());
        let parts = [Part::Defaults, Part::Images, Part::Tasks, Part::Templates, Part::ThinEnv];
        assert_eq!(found[0].parts(), parts);
        assert!(sample("", "[image]\nbase = \"b\"\n").1.is_empty());
        let all = sample("", "[exports]\ntasks = [\"all\"]\n").1;
        assert_eq!(all[0].tasks(), Some(ExportedTasks::All));
    }

    #[test]
    fn only_what_is_named_is_taken() {
        let (_dir, found) = sample("[workspace]\nexports = [\"//libs/a:images\"]\n", ALL);
        assert_eq!(found.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["libs/a"]);
        assert_eq!((found[0].images().count(), found[0].tasks()), (1, None));
        assert_eq!(found[0].parts(), [Part::Images]);
        assert!(found[0].defaults().is_none() && found[0].files().is_none());
        let (_dir, found) = sample("[workspace]\nexports = [\"z/\"]\n", ALL);
        assert_eq!(found.len(), 1);
        assert!(found[0].defaults().is_some());
        let (_dir, found) = sample("[workspace]\nexports = []\n", ALL);
        assert!(found.is_empty());
    }

    #[test]
    fn paths_that_lead_out_of_the_sub_repo_are_nobodys() {
        let (dir, found) = sample("", ALL);
        let root = dir.path().join("z");
        std::fs::create_dir_all(root.join("t")).unwrap();
        std::fs::write(dir.path().join("secret"), "").unwrap();
        std::os::unix::fs::symlink("../secret", root.join("r.txt")).unwrap();
        assert!(found[0].templates().unwrap().ends_with("z/t"));
        assert_eq!(found[0].thin_env(), None);
        std::fs::remove_file(root.join("r.txt")).unwrap();
        std::fs::write(root.join("r.txt"), "").unwrap();
        assert!(found[0].thin_env().unwrap().ends_with("z/r.txt"));
        assert_eq!((found[1].templates(), found[1].thin_env()), (None, None));
    }
}
