//! What a change governs beyond the files that read it: images, configuration, pytest's settings.
//!
//! No test reads these as a file, and each decides how tests run. Where a finer answer would need the image that the base had,
//! the rule goes by names: a lock file that was edited without effect runs a dir's tests once too often.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::changes::{Changes, is_below};
use super::reach::Why;
use crate::config::REPO_CONFIGS;
use crate::image::ImageSpec;
use crate::image::spec::DOCKERFILE;
use crate::runnable_dir::{DEVOPS, RunnableDir};
use crate::test_suite::pytest_files::SETTINGS;
use crate::test_suite::reads::Fate;
use crate::workspace::Workspace;

const CONFIG: &str = "wharf.toml";
/// Files in a dir, by name, that decide what its image installs or what its package is called.
const MANIFESTS: [&str; 6] = ["uv.lock", "poetry.lock", "pyproject.toml", "setup.cfg", "setup.py", "uv.toml"];
/// Tables that change nothing of how tests run.
const IDLE_TABLES: [&str; 6] = ["registry", "files", "tasks", "thin-env", "setenv", "git"];
/// Keys that change nothing of how tests run.
const IDLE_KEYS: [(&str, &str); 6] = [
    ("test", "jobs"),
    ("test", "slow"),
    ("test", "base"),
    ("test", "lists"),
    ("python", "uses"),
    ("workspace", "requires-wharf"),
];

/// Test files that a change governs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Governed {
    /// The path that changed.
    pub by: String,
    /// Why it governs them.
    pub why: Why,
    /// Runnable dirs, by place in the workspace.
    pub dirs: BTreeSet<usize>,
    /// And all files below this folder.
    pub below: Option<String>,
}

impl Governed {
    /// Whether the test file at `path`, of the dir at place `dir`, is governed.
    pub fn holds(&self, path: &str, dir: usize) -> bool {
        self.dirs.contains(&dir) || self.below.as_ref().is_some_and(|folder| is_below(path, folder))
    }

    /// Whether reads that were recorded say it more exactly.
    pub fn is_read_as_well(&self) -> bool {
        self.why == Why::Settings
    }
}

/// Reads a file of a repo (by path) at the base: repo, path in the repo.
pub(super) type Past<'a> = dyn Fn(&str, &str) -> Option<Vec<u8>> + 'a;

/// All that `changes` govern.
pub(super) fn governed(workspace: &Workspace, changes: &Changes, past: &Past<'_>) -> Vec<Governed> {
    let governor = Governor { workspace, chains: chains(workspace), past };
    let inputs = governor.inputs(changes);
    let mut found = Vec::new();
    for (path, fate) in &changes.files {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut add = |why: Why, dirs: BTreeSet<usize>, below: Option<String>| {
            if !dirs.is_empty() || below.is_some() {
                found.push(Governed { by: path.clone(), why, dirs, below });
            }
        };
        let repo = workspace.repos.iter().find(|repo| name == CONFIG && repo.path == folder);
        if let Some(repo) = repo {
            add(Why::Configuration, governor.of_repo(&repo.path, path), None);
        }
        if let Some(dir) = dir_of_devops(path) {
            let idle = name == CONFIG && folder.ends_with(DEVOPS) && !governor.differs(path).own;
            let dirs = if idle { BTreeSet::new() } else { governor.using(dir) };
            let was_runnable = !idle && dirs.is_empty();
            let why = if name == CONFIG { Why::Configuration } else { Why::Image };
            add(why, dirs, was_runnable.then(|| dir.to_owned()));
        }
        if MANIFESTS.contains(&name) || (name.starts_with("requirements") && name.ends_with(".txt")) {
            add(Why::Image, governor.using(folder), None);
        }
        if name == "uv.lock" {
            // That of a uv workspace decides for its members.
            add(Why::Image, governor.owned_below(folder), None);
        }
        if let Some(owners) = inputs.of(path, *fate) {
            add(Why::Image, owners.iter().flat_map(|owner| governor.using(owner)).collect(), None);
        }
        if name.ends_with(".sh") {
            // An entry point may go through it before any test begins, so no test is seen to read it.
            add(Why::Configuration, governor.with_entry_point(), None);
        }
        if REPO_CONFIGS.contains(&name) {
            // It says what a dir's own `wharf.toml` would say, of all dirs below it.
            add(Why::Configuration, governor.below(folder), None);
        }
        if SETTINGS.contains(&name) {
            add(Why::Settings, governor.below(folder), Some(folder.to_owned()));
        }
    }
    found
}

/// The folder whose `devops` folder holds `path`.
fn dir_of_devops(path: &str) -> Option<&str> {
    let below = path.strip_prefix(DEVOPS).filter(|rest| rest.starts_with('/'));
    below.map(|_| "").or_else(|| path.find(&format!("/{DEVOPS}/")).map(|at| &path[..at]))
}

/// Path of a runnable dir from the root; empty for the root.
pub(super) fn place(dir: &RunnableDir) -> &str {
    if dir.address.is_root() { "" } else { dir.address.as_str() }
}

/// By runnable dir: itself and all dirs whose images it goes through to its own.
fn chains(workspace: &Workspace) -> Vec<Vec<&str>> {
    let chain = |dir: &RunnableDir| {
        let mut chain: Vec<&str> = Vec::new();
        let mut next = workspace.dirs.iter().find(|known| known.address == dir.address);
        while let Some(dir) = next.filter(|dir| !chain.contains(&place(dir))) {
            chain.push(place(dir));
            let from = dir.image_from().map(|from| from.trim_start_matches("//"));
            next = from.and_then(|from| workspace.dirs.iter().find(|known| known.address.as_str() == from));
        }
        chain
    };
    workspace.dirs.iter().map(chain).collect()
}

/// Files that decide images now, by path, with the dirs that own these.
struct Inputs {
    files: BTreeMap<String, Vec<String>>,
    /// Dirs whose own Dockerfile copies files: what was there and is gone may have been one.
    copying: Vec<String>,
}

impl Inputs {
    fn of(&self, path: &str, fate: Fate) -> Option<Vec<String>> {
        let mut owners = self.files.get(path).cloned().unwrap_or_default();
        if fate == Fate::Removed {
            owners.extend(self.copying.iter().filter(|dir| is_below(path, dir)).cloned());
        }
        (!owners.is_empty()).then_some(owners)
    }
}

struct Governor<'a> {
    workspace: &'a Workspace,
    chains: Vec<Vec<&'a str>>,
    past: &'a Past<'a>,
}

impl Governor<'_> {
    /// Dirs that use the image of the dir at `path`, itself included.
    fn using(&self, path: &str) -> BTreeSet<usize> {
        self.chains.iter().enumerate().filter(|(_, chain)| chain.contains(&path)).map(|(at, _)| at).collect()
    }

    /// Dirs whose containers begin with a script of theirs.
    fn with_entry_point(&self) -> BTreeSet<usize> {
        let dirs = self.workspace.dirs.iter().enumerate();
        dirs.filter(|(_, dir)| dir.config.layout.entrypoint.is_some()).map(|(at, _)| at).collect()
    }

    fn below(&self, folder: &str) -> BTreeSet<usize> {
        let places = self.workspace.dirs.iter().map(place).enumerate();
        places.filter(|(_, dir)| *dir == folder || is_below(dir, folder)).map(|(at, _)| at).collect()
    }

    /// Dirs whose image is owned by one below `folder`.
    fn owned_below(&self, folder: &str) -> BTreeSet<usize> {
        let owner = |chain: &Vec<&str>| chain.last().is_some_and(|owner| *owner == folder || is_below(owner, folder));
        self.chains.iter().enumerate().filter(|(_, chain)| owner(chain)).map(|(at, _)| at).collect()
    }

    /// Dirs that the `wharf.toml` at the root of a repo governs, as far as it differs.
    fn of_repo(&self, repo: &str, file: &str) -> BTreeSet<usize> {
        let differs = self.differs(file);
        let everywhere = repo.is_empty() && differs.own || !repo.is_empty() && differs.exports;
        let dirs = self.workspace.dirs.iter().enumerate();
        let holds = |dir: &RunnableDir| differs.own && (dir.repo == repo || is_below(&dir.repo, repo));
        dirs.filter(|(_, dir)| everywhere || holds(dir)).map(|(at, _)| at).collect()
    }

    /// How a configuration file differs from what it was.
    fn differs(&self, path: &str) -> Differs {
        let inside = |repo: &str| if repo.is_empty() { Some(path) } else { path.strip_prefix(repo)?.strip_prefix('/') };
        let repos = self.workspace.repos.iter().filter(|repo| inside(&repo.path).is_some());
        let repo = repos.max_by_key(|repo| repo.path.len()).map_or("", |repo| repo.path.as_str());
        let before = inside(repo).and_then(|inside| (self.past)(repo, inside));
        let after = std::fs::read(self.workspace.root.join(path)).ok();
        differs(before.as_deref(), after.as_deref())
    }

    /// What decides images, read only where something changed that can.
    fn inputs(&self, changes: &Changes) -> Inputs {
        let mut inputs = Inputs { files: BTreeMap::new(), copying: Vec::new() };
        let any_data = changes.files.keys().any(|path| !path.ends_with(".py"));
        for dir in self.workspace.dirs.iter().filter(|dir| dir.image_from().is_none()) {
            let at = place(dir);
            let has_own = dir.config.layout.dockerfile.is_some() || dir.devops().join(DOCKERFILE).is_file();
            let concerned = changes.files.keys().any(|path| has_own && (at.is_empty() || is_below(path, at)));
            if !any_data && !concerned {
                continue;
            }
            // What cannot be read makes no image, which is told when it is made.
            let Ok(spec) = ImageSpec::read(self.workspace, dir) else { continue };
            let sources = spec.dependencies.sources.iter().map(|source| dir.path.join(source));
            let copied = spec.files.keys().filter(|_| has_own).map(|file| dir.path.join(file));
            // What a link leads to decides as much as the link.
            let with_targets = |file: PathBuf| file.canonicalize().ok().into_iter().chain([file]);
            for file in sources.chain(copied).flat_map(with_targets) {
                if let Some(path) = self.relative(&file) {
                    inputs.files.entry(path).or_default().push(at.to_owned());
                }
            }
            if has_own && spec.files.keys().any(|file| !file.starts_with(DEVOPS)) {
                inputs.copying.push(at.to_owned());
            }
        }
        inputs
    }

    fn relative(&self, path: &Path) -> Option<String> {
        let path = wharf_git::place::lexical(path);
        path.strip_prefix(&self.workspace.root).ok()?.to_str().map(str::to_owned)
    }
}

/// What of a configuration file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Differs {
    /// What decides how tests run where it holds.
    own: bool,
    /// What a sub-repo gives to the super-repo.
    exports: bool,
}

fn differs(before: Option<&[u8]>, after: Option<&[u8]>) -> Differs {
    let table = |bytes: Option<&[u8]>| match bytes {
        None => Some(toml::Table::new()),
        Some(bytes) => std::str::from_utf8(bytes).ok()?.parse::<toml::Table>().ok(),
    };
    let (Some(before), Some(after)) = (table(before), table(after)) else {
        return Differs { own: true, exports: true };
    };
    let exports = before.get("exports") != after.get("exports");
    Differs { own: telling(before) != telling(after), exports }
}

/// Without what changes nothing of how tests run.
fn telling(mut table: toml::Table) -> toml::Table {
    table.retain(|name, _| !IDLE_TABLES.contains(&name) && name != "exports");
    for (name, key) in IDLE_KEYS {
        if let Some(toml::Value::Table(inner)) = table.get_mut(name) {
            inner.remove(key);
        }
    }
    table.retain(|_, value| value.as_table().is_none_or(|inner| !inner.is_empty()));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devops_folders_are_those_of_their_dir() {
        assert_eq!(dir_of_devops("devops/wharf.toml"), Some(""));
        assert_eq!(dir_of_devops("a/b/devops/x/y"), Some("a/b"));
        assert_eq!(dir_of_devops("a/mydevops/x"), None);
        assert_eq!(dir_of_devops("devops.py"), None);
    }

    #[test]
    fn only_tables_that_matter_matter() {
        let of = |before: &str, after: &str| differs(Some(before.as_bytes()), Some(after.as_bytes()));
        let same = Differs { own: false, exports: false };
        assert_eq!(of("[image]\nbase = 'a'\n", "# note\n[image]\nbase = \"a\"\n[test]\njobs = 3\n"), same);
        assert_eq!(of("[tasks.a]\nrun = 'x'\n", "[registry]\npull = 'x'\n"), same);
        assert!(of("[image]\nbase = 'a'\n", "[image]\nbase = 'b'\n").own);
        assert!(of("", "[test]\nargs = ['-x']\n").own);
        assert_eq!(of("", "[exports]\nimages = ['x']\n"), Differs { own: false, exports: true });
        assert!(of("", "not = = toml").own, "what cannot be read counts");
        assert_eq!(differs(None, Some(b"")), same);
    }
}
