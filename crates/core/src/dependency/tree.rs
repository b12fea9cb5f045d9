//! Folders and modules as Python's import system sees them.

use std::collections::HashMap;

use super::graph::FileId;
use super::strings::{Hasher, Strings, Symbol};

/// Number of a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct DirId(pub u32);

/// A folder that holds Python files, at any depth, or that imports may start from.
#[derive(Debug, Clone, Default)]
pub(super) struct Dir {
    /// From the workspace's root; empty for the root.
    pub path: String,
    pub parent: Option<DirId>,
    pub dirs: HashMap<Symbol, DirId, Hasher>,
    /// Files by name without `.py`.
    pub modules: HashMap<Symbol, FileId, Hasher>,
    /// Its `__init__.py`.
    pub init: Option<FileId>,
    pub conftest: Option<FileId>,
    /// The runnable dir that it belongs to, by place in the workspace.
    pub holder: Option<u32>,
}

/// Where runnable dirs and repos begin: by path, the runnable dir there, if it is one.
pub(super) type Borders = HashMap<String, Option<u32>>;

/// All folders.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    dirs: Vec<Dir>,
    by_path: HashMap<String, DirId, Hasher>,
    borders: Borders,
}

impl Tree {
    /// A tree with nothing but the root.
    pub(super) fn new(borders: Borders) -> Self {
        let root = Dir { holder: borders.get("").copied().flatten(), ..Dir::default() };
        Self { dirs: vec![root], by_path: HashMap::from_iter([(String::new(), DirId(0))]), borders }
    }

    pub(super) fn dir(&self, id: DirId) -> &Dir {
        &self.dirs[id.0 as usize]
    }

    /// The folder at `path`, where it is in the tree.
    pub(super) fn find(&self, path: &str) -> Option<DirId> {
        self.by_path.get(path).copied()
    }

    /// The folder at `path`, put into the tree where it is missing.
    pub(super) fn add_dir(&mut self, path: &str, strings: &mut Strings) -> DirId {
        if let Some(id) = self.find(path) {
            return id;
        }
        let (above, name) = split(path);
        let parent = self.add_dir(above, strings);
        let id = DirId(u32::try_from(self.dirs.len()).expect("fewer folders than a u32 counts"));
        let holder = match self.borders.get(path) {
            Some(holder) => *holder,
            None => self.dir(parent).holder,
        };
        self.dirs.push(Dir { path: path.to_owned(), parent: Some(parent), holder, ..Dir::default() });
        self.dirs[parent.0 as usize].dirs.insert(strings.add(name), id);
        self.by_path.insert(path.to_owned(), id);
        id
    }

    /// Puts a file into the tree; gives its folder.
    pub(super) fn add_file(&mut self, path: &str, id: FileId, strings: &mut Strings) -> DirId {
        let (above, name) = split(path);
        let dir = self.add_dir(above, strings);
        let stem = name.strip_suffix(".py").unwrap_or(name);
        let entry = &mut self.dirs[dir.0 as usize];
        entry.modules.insert(strings.add(stem), id);
        match stem {
            "__init__" => entry.init = Some(id),
            "conftest" => entry.conftest = Some(id),
            _ => {}
        }
        dir
    }

    /// Makes the folder `target` reachable at `path` too.
    pub(super) fn add_link(&mut self, path: &str, target: &str, strings: &mut Strings) {
        let (above, name) = split(path);
        if let Some(target) = self.find(target) {
            let parent = self.add_dir(above, strings);
            self.dirs[parent.0 as usize].dirs.entry(strings.add(name)).or_insert(target);
        }
    }

    /// The first folder from `dir` upwards that is no package: where pytest lets imports start (`--import-mode=prepend`).
    pub(super) fn base(&self, mut dir: DirId) -> DirId {
        while let (Some(_), Some(parent)) = (self.dir(dir).init, self.dir(dir).parent) {
            dir = parent;
        }
        dir
    }

    /// `dir` and all above it.
    pub(super) fn upwards(&self, dir: DirId) -> impl Iterator<Item = DirId> {
        std::iter::successors(Some(dir), |dir| self.dir(*dir).parent)
    }
}

/// A path's folder and its last part.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// `name` in the folder `dir`.
pub(super) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}
