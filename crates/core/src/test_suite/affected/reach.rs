//! Which test files a change reaches, and by which way.
//!
//! # Theory of operation
//! A test file is reached if it changed itself, if the change governs it ([`super::govern`]), or if it depends on what changed. What
//! it depends on is known from a run ([`Reads`]) as long as all that it read then is still the same, or was changed since the
//! base, in which case it is reached anyway. Else the static graph counts as well: what its imports lead to, what they would have led
//! to, and, since nobody knows what it opens, any other file of its own dir or beside code that it imports.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::OnceLock;

use serde::Serialize;

use super::changes::{Changes, is_below};
use super::govern::Governed;
use crate::dependency::{FileId, Graph};
use crate::runnable_dir::Address;
use crate::test_suite::pytest_files::is_named_like_a_test;
use crate::test_suite::reads::{Cause, Fate, Reads};
use crate::workspace::Workspace;

/// How a change reaches a test file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// It is new.
    New,
    /// It was edited.
    Edited,
    /// It decides the image of its dir.
    Image,
    /// It is configuration of its dir.
    Configuration,
    /// pytest takes settings from it.
    Settings,
    /// It read the file when it ran.
    Read,
    /// It listed the folder when it ran.
    Listed,
    /// It looked for the path, or would look for it, and it was not there.
    Absent,
    /// The path provides a module that it took from elsewhere.
    Shadows,
    /// It may read anything: it used the network, or a program that could read the repo.
    Anything,
    /// It imports the file, at any remove.
    Imports,
    /// The file lies in its dir or beside code that it imports, and nobody has seen yet what it reads.
    Data,
    /// What the folder was before is not known.
    Unknown,
    /// Nothing is known of it.
    Unseen,
}

impl Why {
    /// The word that people read behind the path that changed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Edited => "edited",
            Self::Image => "decides the image",
            Self::Configuration => "configuration",
            Self::Settings => "pytest's settings",
            Self::Read => "read",
            Self::Listed => "listed",
            Self::Absent => "looked for",
            Self::Shadows => "shadows a module",
            Self::Anything => "may read anything",
            Self::Imports => "imported",
            Self::Data => "may be read",
            Self::Unknown => "not comparable",
            Self::Unseen => "nothing known of it",
        }
    }
}

impl From<Cause> for Why {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Read => Self::Read,
            Cause::Listed => Self::Listed,
            Cause::Absent => Self::Absent,
            Cause::Shadows => Self::Shadows,
            Cause::Everything => Self::Anything,
        }
    }
}

/// Why a test file is affected.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reason {
    /// How it is reached.
    pub cause: Why,
    /// The path that changed.
    pub by: String,
}

impl Reason {
    fn new(cause: Why, by: &str) -> Self {
        Self { cause, by: by.to_owned() }
    }
}

/// What runs have shown of test files.
pub trait Seen: Sync {
    /// What a test file was seen to depend on; `None` where it never ran.
    fn reads(&self, file: &str) -> Option<&Reads>;
    /// Whether it was seen in full, and all that it read is still as it was then.
    fn is_current(&self, file: &str) -> bool;
    /// All test files of which something is known.
    fn files(&self) -> Vec<&str>;
}

/// Nothing was ever seen.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nothing;

impl Seen for Nothing {
    fn reads(&self, _: &str) -> Option<&Reads> {
        None
    }

    fn is_current(&self, _: &str) -> bool {
        false
    }

    fn files(&self) -> Vec<&str> {
        Vec::new()
    }
}

/// All that decides whether a test file is reached.
pub(super) struct Reach<'a> {
    pub workspace: &'a Workspace,
    pub changes: &'a Changes,
    pub governed: Vec<Governed>,
    pub seen: &'a dyn Seen,
    /// Builds the static graph, where it is needed.
    pub graph: &'a (dyn Fn() -> Graph + Sync),
    known: OnceLock<Graph>,
    spread: OnceLock<Spread>,
}

/// What changed, spread over the static graph.
struct Spread {
    /// By file: the path that reaches it, and how.
    reached: HashMap<FileId, Reason>,
    /// Python files that are gone.
    removed: BTreeSet<String>,
    /// By runnable dir: a file in it that is no code.
    data: BTreeMap<usize, String>,
}

impl<'a> Reach<'a> {
    pub fn new(
        workspace: &'a Workspace,
        changes: &'a Changes,
        governed: Vec<Governed>,
        seen: &'a dyn Seen,
        graph: &'a (dyn Fn() -> Graph + Sync),
    ) -> Self {
        Self { workspace, changes, governed, seen, graph, known: OnceLock::new(), spread: OnceLock::new() }
    }

    /// Why the test file at `path`, of the dir at place `dir`, is affected; `None` where it is not.
    pub fn why(&self, path: &str, dir: usize) -> Option<Reason> {
        if self.changes.is_empty() {
            return None;
        }
        match self.changes.files.get(path) {
            Some(Fate::Added) => return Some(Reason::new(Why::New, path)),
            Some(_) => return Some(Reason::new(Why::Edited, path)),
            None => {}
        }
        let reads = self.seen.reads(path);
        let is_current = reads.is_some() && self.seen.is_current(path);
        let governs = |governed: &&Governed| governed.holds(path, dir) && !(is_current && governed.is_read_as_well());
        if let Some(governed) = self.governed.iter().find(governs) {
            return Some(Reason::new(governed.why, &governed.by));
        }
        let learned = reads.and_then(|reads| self.learned(reads));
        if is_current { learned } else { learned.or_else(|| self.fixed(path, dir)) }
    }

    fn learned(&self, reads: &Reads) -> Option<Reason> {
        for (path, fate) in &self.changes.files {
            if let Some(cause) = reads.reached_by(path, *fate) {
                return Some(Reason::new(cause.into(), path));
            }
            // It may have come between the run and the base.
            if *fate == Fate::Modified && reads.absent.contains(path) {
                return Some(Reason::new(Why::Absent, path));
            }
            if *fate == Fate::Modified && reads.roots.iter().any(|root| reads.is_shadowed_from(root, path)) {
                return Some(Reason::new(Why::Shadows, path));
            }
            if *fate == Fate::Added {
                let mut roots = self.changes.new_repos.iter();
                if roots.any(|root| reads.is_shadowed_from(root, path)) {
                    return Some(Reason::new(Why::Shadows, path));
                }
            }
        }
        let within = |paths: &BTreeSet<String>, folder: &str| {
            let prefix = format!("{folder}/");
            paths.contains(folder) || paths.range(prefix.clone()..).next().is_some_and(|path| path.starts_with(&prefix))
        };
        let touches = |folder: &str| {
            reads.everything || [&reads.opened, &reads.absent, &reads.listed].iter().any(|paths| within(paths, folder))
        };
        let unknown = self.changes.unknown.iter().find(|unknown| touches(&unknown.path));
        unknown.map(|unknown| Reason::new(Why::Unknown, &unknown.path))
    }

    /// By the static graph.
    fn fixed(&self, path: &str, dir: usize) -> Option<Reason> {
        if let Some(link) = self.changes.links.iter().find(|link| !link.ends_with(".py")) {
            // Code may be reached through it.
            return Some(Reason::new(Why::Data, link));
        }
        let graph = self.known.get_or_init(self.graph);
        let spread = self.spread.get_or_init(|| self.spread(graph));
        let Some(file) = graph.file(path) else { return Some(Reason::new(Why::Unseen, path)) };
        if let Some(reason) = spread.reached.get(&file) {
            return Some(reason.clone());
        }
        if !is_named_like_a_test(path)
            && let Some(reason) = graph.reach(file).iter().find_map(|file| spread.reached.get(file))
        {
            return Some(reason.clone());
        }
        if let Some(data) = spread.data.get(&dir) {
            return Some(Reason::new(Why::Data, data));
        }
        if spread.removed.is_empty() && self.changes.unknown.is_empty() {
            return None;
        }
        let absent = graph.absent_candidates(file);
        if let Some(gone) = absent.iter().find(|path| spread.removed.contains(*path)) {
            return Some(Reason::new(Why::Absent, gone));
        }
        // Modules were looked for there as they still are in the workspace's root.
        let gone = &self.changes.gone_repos;
        let moved = |path: &&String| {
            gone.iter().any(|root| {
                path.strip_prefix(root)
                    .and_then(|rest| rest.strip_prefix('/'))
                    .is_some_and(|rest| absent.contains(rest))
            })
        };
        if let Some(gone) = spread.removed.iter().find(moved) {
            return Some(Reason::new(Why::Absent, gone));
        }
        let unknown = |unknown: &&super::Unknown| {
            let was_root = gone.contains(&unknown.path) && !absent.is_empty();
            was_root || absent.iter().any(|path| is_below(path, &unknown.path))
        };
        self.changes.unknown.iter().find(unknown).map(|unknown| Reason::new(Why::Unknown, &unknown.path))
    }

    fn spread(&self, graph: &Graph) -> Spread {
        let mut spread = Spread { reached: HashMap::new(), removed: BTreeSet::new(), data: BTreeMap::new() };
        let mut waiting = Vec::new();
        let beside = OnceLock::new();
        for (path, fate) in &self.changes.files {
            let file = graph.file(path).filter(|_| path.ends_with(".py"));
            waiting.extend(file.map(|file| (file, Reason::new(Why::Imports, path))));
            let is_gone = path.ends_with(".py") && *fate == Fate::Removed;
            if is_gone {
                spread.removed.insert(path.clone());
            }
            // What is imported is code. What is not may be a script that a test starts, or text that it reads.
            let is_code = is_named_like_a_test(path) || file.is_some_and(|file| !graph.reverse(file).is_empty());
            if is_code || is_idle(path) {
                continue;
            }
            if let Some(dir) = self.holder(path) {
                spread.data.entry(dir).or_insert_with(|| path.clone());
            }
            if path.ends_with(".py") {
                continue;
            }
            let near = near(beside.get_or_init(|| by_folder(graph)), path);
            waiting.extend(near.iter().map(|file| (*file, Reason::new(Why::Data, path))));
        }
        // The first to come stays: imports before guesses.
        waiting.sort_by(|a, b| b.1.cmp(&a.1));
        while let Some((file, reason)) = waiting.pop() {
            if spread.reached.contains_key(&file) {
                continue;
            }
            waiting.extend(graph.reverse(file).iter().map(|link| (link.to, reason.clone())));
            spread.reached.insert(file, reason);
        }
        spread
    }

    /// The runnable dir that holds a path, by place.
    fn holder(&self, path: &str) -> Option<usize> {
        let address = Address::from_relative(Path::new(path)).ok()?;
        let holder = self.workspace.holder(&address)?;
        self.workspace.dirs.iter().position(|dir| dir.address == holder.address)
    }
}

/// Python files by their folder.
fn by_folder(graph: &Graph) -> HashMap<String, Vec<FileId>> {
    let mut folders: HashMap<String, Vec<FileId>> = HashMap::new();
    for file in graph.files() {
        let folder = graph.path(file).rsplit_once('/').map_or("", |(folder, _)| folder);
        match folders.get_mut(folder) {
            Some(files) => files.push(file),
            None => {
                folders.insert(folder.to_owned(), vec![file]);
            }
        }
    }
    folders
}

/// The code nearest to a data file: that of the first folder upwards that has any.
fn near<'f>(folders: &'f HashMap<String, Vec<FileId>>, path: &str) -> &'f [FileId] {
    let mut folder = path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        if let Some(files) = folders.get(above) {
            return files;
        }
        folder = above;
    }
    folders.get("").map_or(&[], Vec::as_slice)
}

/// Files that only Git and Wharf itself read; what they decide is known otherwise.
fn is_idle(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    [".gitmodules", ".gitignore", ".gitattributes", "wharf.toml"].contains(&name)
}
