//! What a test file was seen to depend on while it ran, and whether a change reaches it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// What one test file was seen to depend on: by its own code, by modules that it imports at any remove, by `conftest.py`s and
/// fixtures that it uses, and by Python processes that it started. Paths are relative to the workspace's root, with `/`, and name
/// files below it only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reads {
    /// Files that were opened for reading, imported ones included.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub opened: BTreeSet<String>,
    /// Folders whose entries were listed; `.` for the root.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub listed: BTreeSet<String>,
    /// Paths that were looked for and not there.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub absent: BTreeSet<String>,
    /// Full dotted names of all modules that were imported or looked for, wherever they are: a new file that provides one comes in
    /// between.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub modules: BTreeSet<String>,
    /// Folders below the root where modules were looked for, in order; `.` for the root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<String>,
    /// Outside programs that were started, by name.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub programs: BTreeSet<String>,
    /// Whether it spoke to another machine.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub network: bool,
    /// Whether it may have read anything at all: it used the network, or a program that could read the repo.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub everything: bool,
}

/// What became of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It was not there before.
    Added,
    /// It was there and is, with other content, mode or kind.
    Modified,
    /// It is there no more.
    Removed,
}

/// How a change reaches a test file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// It read the file.
    Read,
    /// It listed the folder.
    Listed,
    /// It looked for the path, which was not there.
    Absent,
    /// The path provides a module that it imports from elsewhere or in vain.
    Shadows,
    /// It may have read anything.
    Everything,
}

impl Reads {
    /// Adds what another run, or another process, of the same file was seen to depend on.
    pub fn merge(&mut self, other: Self) {
        self.opened.extend(other.opened);
        self.listed.extend(other.listed);
        self.absent.extend(other.absent);
        self.modules.extend(other.modules);
        for root in other.roots {
            if !self.roots.contains(&root) {
                self.roots.push(root);
            }
        }
        self.programs.extend(other.programs);
        self.network |= other.network;
        self.everything |= other.everything;
    }

    /// How a change of `path`, a file, reaches it.
    #[must_use]
    pub fn reached_by(&self, path: &str, fate: Fate) -> Option<Cause> {
        if self.everything {
            return Some(Cause::Everything);
        }
        if self.opened.contains(path) {
            return Some(Cause::Read);
        }
        if fate == Fate::Modified {
            return None;
        }
        // A folder comes and goes with the files in it.
        let mut above = path;
        loop {
            if self.absent.contains(above) {
                return Some(Cause::Absent);
            }
            let folder = above.rsplit_once('/').map_or(".", |(folder, _)| folder);
            if self.listed.contains(folder) {
                return Some(Cause::Listed);
            }
            if folder == "." {
                break;
            }
            above = folder;
        }
        (fate == Fate::Added && self.is_shadowed_by(path)).then_some(Cause::Shadows)
    }

    /// Whether `path`, a new file, provides a module that was imported from elsewhere, if modules are looked for in the folder `root`
    /// too (`.`: the workspace's root).
    #[must_use]
    pub fn is_shadowed_from(&self, root: &str, path: &str) -> bool {
        let rest =
            if root == "." { Some(path) } else { path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/')) };
        let Some(rest) = rest else { return false };
        let (folders, file) = rest.rsplit_once('/').unwrap_or(("", rest));
        let stem = file.split('.').next().unwrap_or(file);
        let folders: Vec<&str> = folders.split('/').filter(|part| !part.is_empty()).collect();
        let as_module = folders.iter().copied().chain([stem]).collect::<Vec<_>>().join(".");
        let is_code = file.ends_with(".py") || file.ends_with(".so") || file.ends_with(".pyc");
        // Any file in a folder can make that a namespace package.
        let mut as_packages = (1..=folders.len()).map(|count| folders[..count].join("."));
        (is_code && self.modules.contains(&as_module))
            || as_packages.any(|name| self.modules.contains(&name) && !self.has_package(&name))
    }

    /// Whether `path`, or the folder that it makes a package, is a module that was imported from elsewhere.
    fn is_shadowed_by(&self, path: &str) -> bool {
        self.roots.iter().any(|root| self.is_shadowed_from(root, path))
    }

    /// Whether the package of that name was found as a folder of the workspace, so that a further file in it changes nothing.
    fn has_package(&self, name: &str) -> bool {
        let folder = name.replace('.', "/");
        self.roots.iter().any(|root| {
            let folder = if root == "." { folder.clone() } else { format!("{root}/{folder}") };
            let prefix = format!("{folder}/");
            self.opened.range(prefix.clone()..).next().is_some_and(|file| file.starts_with(&prefix))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    fn sample() -> Reads {
        Reads {
            opened: set(&["lib/a.py", "lib/pkg/__init__.py", "infra/tests/test_a.py"]),
            listed: set(&["infra/data"]),
            absent: set(&["infra/local.toml"]),
            modules: set(&["json", "lib.a", "lib.pkg", "lib.pkg.gone", "lib"]),
            roots: vec![".".into(), "infra".into()],
            ..Reads::default()
        }
    }

    #[test]
    fn what_was_read_reaches_it() {
        let reads = sample();
        assert_eq!(reads.reached_by("lib/a.py", Fate::Modified), Some(Cause::Read));
        assert_eq!(reads.reached_by("lib/a.py", Fate::Removed), Some(Cause::Read));
        assert_eq!(reads.reached_by("lib/b.py", Fate::Modified), None);
        assert_eq!(reads.reached_by("lib/b.py", Fate::Added), None);
    }

    #[test]
    fn what_comes_and_goes_reaches_who_looked() {
        let reads = sample();
        assert_eq!(reads.reached_by("infra/data/x.csv", Fate::Added), Some(Cause::Listed));
        assert_eq!(reads.reached_by("infra/data/x.csv", Fate::Modified), None);
        assert_eq!(reads.reached_by("infra/data/new/x.csv", Fate::Added), Some(Cause::Listed));
        assert_eq!(reads.reached_by("infra/local.toml", Fate::Added), Some(Cause::Absent));
        assert_eq!(reads.reached_by("infra/local.toml/x", Fate::Added), Some(Cause::Absent));
    }

    #[test]
    fn a_module_in_between_reaches_it() {
        let reads = sample();
        assert_eq!(reads.reached_by("json.py", Fate::Added), Some(Cause::Shadows));
        assert_eq!(reads.reached_by("infra/json/__init__.py", Fate::Added), Some(Cause::Shadows));
        assert_eq!(reads.reached_by("infra/json/data.txt", Fate::Added), Some(Cause::Shadows));
        assert_eq!(reads.reached_by("lib/pkg/gone.py", Fate::Added), Some(Cause::Shadows));
        assert_eq!(reads.reached_by("lib/pkg/other.py", Fate::Added), None);
        assert_eq!(reads.reached_by("json.txt", Fate::Added), None);
        assert_eq!(reads.reached_by("ml/json.py", Fate::Added), None);
    }

    #[test]
    fn who_may_have_read_anything_is_always_reached() {
        let reads = Reads { everything: true, ..Reads::default() };
        assert_eq!(reads.reached_by("x", Fate::Modified), Some(Cause::Everything));
    }
}
