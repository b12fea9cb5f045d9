//! The import graph: files, and which file needs which.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::OnceLock;

use super::cache::Record;
use super::imports::{Fault, When};
use super::resolve::{self, Exports, Known, Standing};
use super::roots::{PackageRoots, Roots, Scope};
use super::strings::{Strings, Symbol};
use super::tree::{DirId, Tree, join};

/// Number of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(super) u32);

/// What a graph is built with, beside the workspace.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Where what each file imports is kept: see [`super::cache::file`]. `None`: nowhere.
    pub cache: Option<PathBuf>,
    /// Import roots of runnable dirs that are packages.
    pub packages: PackageRoots,
}

/// Why a file needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// It imports it.
    Import,
    /// It imports it by a call with a literal name.
    Call,
    /// It names it in `pytest_plugins`.
    Plugin,
    /// The package around it, or around what it imports.
    Package,
    /// pytest loads this `conftest.py` before it.
    Conftest,
    /// It is a symbolic link to it.
    Link,
}

impl Why {
    /// The word that people and JSON read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Call => "call",
            Self::Plugin => "plugin",
            Self::Package => "package",
            Self::Conftest => "conftest",
            Self::Link => "link",
        }
    }

    /// Whether the file itself names the other.
    #[must_use]
    pub fn is_named(self) -> bool {
        matches!(self, Self::Import | Self::Call | Self::Plugin | Self::Link)
    }
}

/// One file that needs another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// The other file.
    pub to: FileId,
    /// Why.
    pub why: Why,
    /// Line that says so, from 1; 0 where none does.
    pub line: u32,
    /// When it is imported.
    pub when: When,
}

#[derive(Debug)]
pub(super) struct File {
    pub path: String,
    pub dir: DirId,
    /// What is known of it.
    pub record: Record,
}

#[derive(Debug)]
pub(super) struct Files(pub Vec<File>);

impl Exports for Files {
    fn of(&self, file: FileId) -> &[Symbol] {
        &self.0[file.0 as usize].record.exports
    }
}

/// Links in one row, by the file that they start from.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// Where the links of each file begin, and the end.
    pub starts: Vec<u32>,
    pub links: Vec<Link>,
}

impl Links {
    /// Takes the links of the files that follow.
    pub(super) fn append(&mut self, next: Self) {
        let before = u32::try_from(self.links.len()).expect("fewer links than a u32 counts");
        self.links.extend(next.links);
        self.starts.extend(next.starts.iter().skip(1).map(|start| before + start));
    }

    pub(super) fn of(&self, file: FileId) -> &[Link] {
        let place = file.0 as usize;
        &self.links[self.starts[place] as usize..self.starts[place + 1] as usize]
    }
}

/// Which Python file of a workspace needs which. Paths are relative to the workspace's root, with `/`.
#[derive(Debug)]
pub struct Graph {
    pub(super) files: Files,
    pub(super) strings: Strings,
    pub(super) tree: Tree,
    pub(super) roots: Roots,
    pub(super) links: Links,
    pub(super) reversed: OnceLock<Links>,
    pub(super) parsed: usize,
}

impl Graph {
    /// The file at `path`, where it is in the graph.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<FileId> {
        let found = self.files.0.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        u32::try_from(found).ok().map(FileId)
    }

    /// All files by path.
    pub fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        (0..self.files.0.len()).filter_map(|place| u32::try_from(place).ok()).map(FileId)
    }

    /// Path of a file.
    #[must_use]
    pub fn path(&self, file: FileId) -> &str {
        &self.get(file).path
    }

    /// Number of files that had to be parsed; all others were known from the cache.
    #[must_use]
    pub fn parsed(&self) -> usize {
        self.parsed
    }

    /// What Python would not take in a file. Its imports are those that could be read nevertheless.
    #[must_use]
    pub fn fault(&self, file: FileId) -> Option<Fault<&str>> {
        let fault = self.get(file).record.fault.as_ref()?;
        Some(Fault { line: fault.line, message: self.strings.text(fault.message) })
    }

    /// The runnable dir that a file belongs to, by place in `Workspace::dirs`.
    #[must_use]
    pub fn holder(&self, file: FileId) -> Option<usize> {
        self.tree.dir(self.get(file).dir).holder.map(|holder| holder as usize)
    }

    /// The files that `file` needs by itself, in the order of its lines.
    #[must_use]
    pub fn imports_of(&self, file: FileId) -> &[Link] {
        self.links.of(file)
    }

    /// The files that need `file` by themselves, by path; `to` is the needing file.
    #[must_use]
    pub fn reverse(&self, file: FileId) -> &[Link] {
        self.reversed.get_or_init(|| self.turned()).of(file)
    }

    /// All files that running the tests in `file` may import, itself and every `conftest.py` above included.
    #[must_use]
    pub fn reach(&self, file: FileId) -> BTreeSet<FileId> {
        let dir = self.get(file).dir;
        let conftests = self.tree.upwards(dir).filter_map(|dir| self.tree.dir(dir).conftest);
        closure(std::iter::once(file).chain(conftests), |file| self.imports_of(file))
    }

    /// All files that importing `file` may import, itself included.
    #[must_use]
    pub fn needs(&self, file: FileId) -> BTreeSet<FileId> {
        closure([file], |file| self.imports_of(file))
    }

    /// All files that need `file`, at first or second hand or further, itself included.
    #[must_use]
    pub fn needed_by(&self, file: FileId) -> BTreeSet<FileId> {
        closure([file], |file| self.reverse(file))
    }

    /// Paths of files that are not there and, if they were, would change what [`Self::reach`] says of the tests in `file`.
    #[must_use]
    pub fn absent_candidates(&self, file: FileId) -> BTreeSet<String> {
        let mut absent = BTreeSet::new();
        for dir in self.tree.upwards(self.get(file).dir) {
            let dir = self.tree.dir(dir);
            if dir.conftest.is_none() {
                absent.insert(join(&dir.path, "conftest.py"));
            }
        }
        let mut seen = HashSet::new();
        for file in self.reach(file) {
            let standing = self.standing(file);
            let dir = self.tree.dir(standing.dir);
            if dir.init.is_none() {
                absent.insert(join(&dir.path, "__init__.py"));
            }
            for import in &self.get(file).record.imports {
                let place = if import.level == 0 { None } else { Some(standing.dir) };
                if seen.insert((standing.scope, place, import.level, import.module, import.name)) {
                    resolve::absent(self.known(), import, standing, &mut absent);
                }
            }
        }
        absent
    }

    pub(super) fn get(&self, file: FileId) -> &File {
        &self.files.0[file.0 as usize]
    }

    pub(super) fn known(&self) -> Known<'_> {
        Known { tree: &self.tree, roots: &self.roots, strings: &self.strings, exports: &self.files }
    }

    pub(super) fn standing(&self, file: FileId) -> Standing {
        let dir = self.get(file).dir;
        Standing { scope: Scope { holder: self.tree.dir(dir).holder, base: self.tree.base(dir) }, dir }
    }

    fn turned(&self) -> Links {
        let count = self.files.0.len();
        let mut starts = vec![0_u32; count + 1];
        for link in &self.links.links {
            starts[link.to.0 as usize + 1] += 1;
        }
        for place in 0..count {
            starts[place + 1] += starts[place];
        }
        let mut next = starts.clone();
        let mut links = self.links.links.clone();
        for from in self.files() {
            for link in self.links.of(from) {
                let slot = &mut next[link.to.0 as usize];
                links[*slot as usize] = Link { to: from, ..*link };
                *slot += 1;
            }
        }
        Links { starts, links }
    }
}

/// All that can be reached from `first`.
fn closure<'a>(first: impl IntoIterator<Item = FileId>, links: impl Fn(FileId) -> &'a [Link]) -> BTreeSet<FileId> {
    let mut reached: BTreeSet<FileId> = first.into_iter().collect();
    let mut waiting: Vec<FileId> = reached.iter().copied().collect();
    while let Some(file) = waiting.pop() {
        waiting.extend(links(file).iter().map(|link| link.to).filter(|to| reached.insert(*to)));
    }
    reached
}
