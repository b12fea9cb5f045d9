//! From the name of a module to the files that importing it executes.
//!
//! As Python's path finder does it: in each folder of the search path a package with an `__init__.py` comes before a
//! module; a folder without one counts only where no later folder has either, and then all such folders together are the
//! package (PEP 420). What is built into the interpreter is never looked for.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use smallvec::smallvec;

use super::graph::FileId;
use super::imports::Import;
use super::roots::{Folders, Roots, Scope};
use super::strings::{Hasher, Strings, Symbol};
use super::tree::{DirId, Tree, join};

/// Built into every CPython, so no file can shadow them.
const BUILT_IN: [&str; 10] =
    ["sys", "builtins", "_imp", "_thread", "_warnings", "_weakref", "_io", "marshal", "posix", "gc"];

/// A file that an import executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub file: FileId,
    /// Whether it is what is named, not a package around it.
    pub is_named: bool,
}

/// What the resolver reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub tree: &'a Tree,
    pub roots: &'a Roots,
    pub strings: &'a Strings,
    /// By file: what its `__all__` names.
    pub exports: &'a dyn Exports,
}

/// What a package exports.
pub(super) trait Exports: std::fmt::Debug + Sync {
    /// The names in the `__all__` of a file.
    fn of(&self, file: FileId) -> &[Symbol];
}

/// Where an import stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub scope: Scope,
    pub dir: DirId,
}

/// Where the search for a module begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Start {
    /// In this folder: that of a relative import, or the only one in which the first part of the name is.
    Dir(DirId),
    /// In these folders, by their place in [`Resolver::several`].
    Several(u32),
}

/// What is imported, and from where.
type Question = (Start, Symbol, Option<Symbol>);

/// Resolves imports, each once: what is asked from many places is mostly found in one folder.
pub(super) struct Resolver<'a> {
    known: Known<'a>,
    /// Where the answers begin and end among the targets.
    done: HashMap<Question, (u32, u32), Hasher>,
    /// By where an import stands and the first part of what it names; `None` where nothing is called so.
    starts: HashMap<(Scope, Symbol), Option<Start>, Hasher>,
    several: Vec<Folders>,
    /// By module.
    parts: Vec<Option<Rc<[Part<'a>]>>>,
    targets: Vec<Target>,
}

impl<'a> Resolver<'a> {
    /// `imports` is about how many there are.
    pub(super) fn new(known: Known<'a>, imports: usize) -> Self {
        Self {
            known,
            done: HashMap::with_capacity_and_hasher(imports / 2, Hasher::default()),
            starts: HashMap::default(),
            several: Vec::new(),
            parts: vec![None; known.strings.len()],
            targets: Vec::with_capacity(imports),
        }
    }

    /// The files that `import` executes, packages before what is in them.
    pub(super) fn resolve(&mut self, import: &Import<Symbol>, standing: Standing) -> &[Target] {
        let Some(start) = self.start(import, standing) else { return &[] };
        let key = (start, import.module, import.name);
        let (from, to) = match self.done.get(&key) {
            Some(range) => *range,
            None => {
                let place = |length: usize| u32::try_from(length).expect("fewer edges than a u32 counts");
                let from = place(self.targets.len());
                let within = match start {
                    Start::Dir(dir) => smallvec![dir],
                    Start::Several(place) => self.several[place as usize].clone(),
                };
                let parts = self.parts(import.module);
                let mut search = Search { known: self.known, targets: &mut self.targets, absent: None };
                search.run(within, &parts, import.name);
                let range = (from, place(self.targets.len()));
                self.done.insert(key, range);
                range
            }
        };
        &self.targets[from as usize..to as usize]
    }

    fn start(&mut self, import: &Import<Symbol>, standing: Standing) -> Option<Start> {
        if import.level > 0 {
            return above(&self.known, import, standing).map(Start::Dir);
        }
        let parts = self.parts(import.module);
        let top = parts.first().filter(|top| !top.is_built_in())?.symbol?;
        let (known, several) = (self.known, &mut self.several);
        *self.starts.entry((standing.scope, top)).or_insert_with(|| {
            let dirs = known.roots.holding(standing.scope, top, known.tree);
            match dirs.as_slice() {
                [] => None,
                [dir] => Some(Start::Dir(*dir)),
                _ => {
                    several.push(dirs);
                    Some(Start::Several(u32::try_from(several.len() - 1).expect("fewer than all edges")))
                }
            }
        })
    }

    fn parts(&mut self, module: Symbol) -> Rc<[Part<'a>]> {
        let strings = self.known.strings;
        Rc::clone(self.parts[module.0 as usize].get_or_insert_with(|| parts(strings, module)))
    }
}

/// Puts into `absent` the paths of files that are not there and would change what `import` executes.
pub(super) fn absent(known: Known<'_>, import: &Import<Symbol>, standing: Standing, absent: &mut BTreeSet<String>) {
    let parts = parts(known.strings, import.module);
    let within: Folders = match import.level {
        0 if parts.first().is_none_or(Part::is_built_in) => return,
        0 => known.roots.all(standing.scope),
        _ => above(&known, import, standing).into_iter().collect(),
    };
    Search { known, targets: &mut Vec::new(), absent: Some(absent) }.run(within, &parts, import.name);
}

/// The folder that a relative import starts from.
fn above(known: &Known<'_>, import: &Import<Symbol>, standing: Standing) -> Option<DirId> {
    known.tree.upwards(standing.dir).nth((import.level as usize).checked_sub(1)?)
}

/// What stands between two dots in the name of a module.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    /// `None`: nothing in the workspace is called so.
    symbol: Option<Symbol>,
}

impl Part<'_> {
    fn is_built_in(&self) -> bool {
        BUILT_IN.contains(&self.text)
    }
}

fn parts(strings: &Strings, module: Symbol) -> Rc<[Part<'_>]> {
    let parts = strings.text(module).split('.').filter(|part| !part.is_empty());
    parts.map(|text| Part { text, symbol: strings.find(text) }).collect()
}

struct Search<'a, 'b> {
    known: Known<'a>,
    targets: &'b mut Vec<Target>,
    absent: Option<&'b mut BTreeSet<String>>,
}

/// What one part of a name is.
enum Step {
    Package(FileId, DirId),
    Module(FileId),
    /// A package without `__init__.py`.
    Namespace(Folders),
    Nothing,
}

impl Search<'_, '_> {
    /// Looks in the folders `within`; without `parts` they are the package itself.
    fn run(&mut self, mut within: Folders, parts: &[Part<'_>], name: Option<Symbol>) {
        let first = self.targets.len();
        if parts.is_empty() {
            let init = within.first().and_then(|dir| self.known.tree.dir(*dir).init);
            self.targets.extend(init.map(|file| Target { file, is_named: false }));
        }
        for (index, part) in parts.iter().enumerate() {
            let step = self.step(&within, *part);
            if matches!(step, Step::Nothing) {
                self.note_deeper(&within, &parts[index..], name);
            }
            within = self.enter(step);
        }
        if let Some(name) = name.filter(|_| !within.is_empty()) {
            self.name(&within, name);
        }
        if let Some(last) = self.targets[first..].last_mut() {
            last.is_named = true;
        }
    }

    /// Takes what a step found; gives the folders in which the next part is looked for.
    fn enter(&mut self, step: Step) -> Folders {
        match step {
            Step::Package(file, dir) => {
                self.targets.push(Target { file, is_named: false });
                smallvec![dir]
            }
            Step::Module(file) => {
                self.targets.push(Target { file, is_named: false });
                Folders::new()
            }
            Step::Namespace(dirs) => dirs,
            Step::Nothing => Folders::new(),
        }
    }

    /// What `from` takes: `name` may be a submodule, `*` may stand for several.
    fn name(&mut self, within: &[DirId], name: Symbol) {
        let strings = self.known.strings;
        let part = |symbol| Part { text: strings.text(symbol), symbol: Some(symbol) };
        if strings.text(name) != "*" {
            let step = self.step(within, part(name));
            self.enter(step);
            return;
        }
        let Some(init) = within.first().and_then(|dir| self.known.tree.dir(*dir).init) else { return };
        if let Some(package) = self.targets.last_mut() {
            package.is_named = true;
        }
        for export in self.known.exports.of(init) {
            let step = self.step(within, part(*export));
            let before = self.targets.len();
            self.enter(step);
            self.targets[before..].iter_mut().for_each(|target| target.is_named = true);
        }
    }

    fn step(&mut self, within: &[DirId], part: Part<'_>) -> Step {
        let tree = self.known.tree;
        let Part { text: part, symbol } = part;
        let mut portions = Folders::new();
        for id in within {
            let dir = tree.dir(*id);
            let inner = symbol.and_then(|symbol| dir.dirs.get(&symbol)).copied();
            if let Some((file, inner)) = inner.and_then(|inner| Some((tree.dir(inner).init?, inner))) {
                return Step::Package(file, inner);
            }
            if self.absent.is_some() {
                self.note(&dir.path, &[part, "__init__.py"]);
            }
            if let Some(file) = symbol.and_then(|symbol| dir.modules.get(&symbol)) {
                return Step::Module(*file);
            }
            if self.absent.is_some() {
                self.note(&dir.path, &[&format!("{part}.py")]);
            }
            portions.extend(inner);
        }
        if portions.is_empty() { Step::Nothing } else { Step::Namespace(portions) }
    }

    fn note(&mut self, dir: &str, parts: &[&str]) {
        if let Some(absent) = &mut self.absent {
            absent.insert(parts.iter().fold(dir.to_owned(), |path, part| join(&path, part)));
        }
    }

    /// Files below a folder that is not there either: `a/b.py` makes `a` a package without `__init__.py`.
    fn note_deeper(&mut self, within: &[DirId], parts: &[Part<'_>], name: Option<Symbol>) {
        if self.absent.is_none() {
            return;
        }
        let strings = self.known.strings;
        let name = name.map(|name| strings.text(name)).filter(|name| *name != "*");
        let whole: Vec<&str> = parts.iter().map(|part| part.text).chain(name).collect();
        for id in within {
            let dir = self.known.tree.dir(*id).path.clone();
            for length in 2..=whole.len() {
                let path = whole[..length].join("/");
                self.note(&dir, &[&format!("{path}.py")]);
                self.note(&dir, &[&path, "__init__.py"]);
            }
        }
    }
}
