//! What of a runnable dir decides which files are its tests.

use super::scene::{Digest, Scene, field};
use super::tree::Tree;
use crate::runnable_dir::{DEVOPS, RunnableDir};
use crate::test_suite::pytest_files::{CONFTEST, SETTINGS, is_named_like_a_test};
use crate::workspace::Workspace;

/// What of a runnable dir decides which files are its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its address, `.` for the root.
    pub dir: String,
    /// Folders below it whose tests are not its own, from the workspace's root.
    pub nested: Vec<String>,
    /// Whether files whose names do not look like tests may be collected.
    pub collects_more: bool,
}

/// Words in settings and arguments by which pytest collects files whose names do not look like tests.
const COLLECTING: [&str; 4] = ["python_files", "pytest_collect_file", "doctest", "pytest_plugins"];

impl Facts {
    /// Those of `dir`, whose tests are started with these arguments.
    #[must_use]
    pub fn of(workspace: &Workspace, dir: &RunnableDir, arguments: &[String]) -> Self {
        let prefix = dir.address.prefix();
        let dirs = workspace.dirs.iter().map(|other| other.address.as_str());
        let repos = workspace.repos.iter().map(|repo| repo.path.as_str());
        let is_below = |path: &&str| path.strip_prefix(&prefix).is_some_and(|rest| !rest.is_empty() && rest != ".");
        let nested = dirs.chain(repos).filter(is_below).map(str::to_owned).collect();
        let collects_more = arguments.iter().any(|word| COLLECTING.iter().any(|collecting| word.contains(collecting)));
        Self { dir: dir.address.to_string(), nested, collects_more }
    }

    /// Whether files whose names do not look like tests may be collected, as far as settings tell.
    pub(super) fn may_collect_more(&self, scene: &Scene) -> bool {
        let settings = |path: &&str| decides(path);
        let own = self.files(scene).filter(settings).map(str::to_owned);
        let tells = |path: String| {
            let text = scene.text(&path);
            COLLECTING.iter().any(|word| text.contains(word))
        };
        self.collects_more || own.chain(self.above()).any(tells)
    }

    /// The dir's own files.
    pub(super) fn files<'s>(&'s self, scene: &'s Scene) -> impl Iterator<Item = &'s str> {
        self.files_in(&scene.tree)
    }

    /// The dir's own files in a work tree.
    pub(super) fn files_in<'s>(&'s self, tree: &'s Tree) -> impl Iterator<Item = &'s str> {
        let devops = if self.dir == "." { format!("{DEVOPS}/") } else { format!("{}/{DEVOPS}/", self.dir) };
        let nested: Vec<String> = self.nested.iter().map(|path| format!("{path}/")).chain([devops]).collect();
        tree.below(&self.dir).filter(move |path| !nested.iter().any(|outer| path.starts_with(outer)))
    }

    /// The dir's own files that are named like tests, as pytest does by default (`python_files`).
    pub(super) fn test_files(&self, scene: &Scene) -> Vec<String> {
        self.files(scene).filter(|path| is_named_like_a_test(path)).map(str::to_owned).collect()
    }

    /// Whether names and settings are the same in both.
    pub(super) fn are_settled(&self, before: &Tree, now: &Tree) -> bool {
        let settings = |path: &&str| decides(path);
        let mut above = self.above();
        self.files_in(before).eq(self.files_in(now))
            && self.files_in(now).filter(settings).all(|path| before.stamp(path) == now.stamp(path))
            && above.all(|path| before.stamp(&path) == now.stamp(&path))
    }

    /// Pytest looks for its settings in the folders above, too.
    fn above(&self) -> impl Iterator<Item = String> {
        let mut folders = Vec::new();
        let mut folder = self.dir.as_str();
        while folder != "." {
            folder = folder.rsplit_once('/').map_or(".", |(above, _)| above);
            folders.push(folder);
        }
        let join = |folder: &str, name: &str| if folder == "." { name.to_owned() } else { format!("{folder}/{name}") };
        let paths: Vec<String> = folders
            .iter()
            .flat_map(|folder| SETTINGS.iter().chain([&CONFTEST]).map(move |name| join(folder, name)))
            .collect();
        paths.into_iter()
    }

    /// A hash over what decides which tests are collected: names of files, settings, and, where that may not be all, everything.
    pub(super) fn digest(&self, scene: &mut Scene, everything: bool) -> Digest {
        let mut hasher = blake3::Hasher::new();
        let files: Vec<String> = self.files(scene).map(str::to_owned).collect();
        for path in &files {
            field(&mut hasher, path.as_bytes());
            if decides(path) {
                hasher.update(&scene.state(path).unwrap_or_default());
            }
        }
        for path in self.above() {
            hasher.update(&scene.state(&path).unwrap_or_default());
        }
        if everything {
            hasher.update(&scene.everything());
        }
        *hasher.finalize().as_bytes()
    }
}

/// Whether pytest and its plugins find settings or hooks in a file of that name.
fn decides(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == CONFTEST || SETTINGS.contains(&name)
}
