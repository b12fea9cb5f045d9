//! From the name of a module to the files that importing it executes.
//!
//! As Python's path finder does it: in each folder of the search path a package with an `__init__.py` comes before a
//! module; a folder without one counts only where no later folder has either, and then all such folders together are the
//! package (PEP 420). What is built into the interpreter is never looked for.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::graph::FileId;
use super::imports::Import;
use super::roots::{Roots, Scope};
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

#[derive(Debug, PartialEq, Eq, Hash)]
enum Start {
    Scope(Scope),
    Dir(Option<DirId>),
}

/// What is imported, and from where.
type Question = (Start, Symbol, Option<Symbol>);

/// Resolves imports, each once.
pub(super) struct Resolver<'a> {
    known: Known<'a>,
    /// Where the answers begin and end among the targets.
    done: HashMap<Question, (u32, u32), Hasher>,
    parts: HashMap<Symbol, Rc<[Part<'a>]>, Hasher>,
    targets: Vec<Target>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(known: Known<'a>) -> Self {
        Self { known, done: HashMap::default(), parts: HashMap::default(), targets: Vec::new() }
    }

    /// The files that `import` executes, packages before what is in them.
    pub(super) fn resolve(&mut self, import: &Import<Symbol>, standing: Standing) -> &[Target] {
        let key = (start(&self.known, import, standing), import.module, import.name);
        let (from, to) = match self.done.get(&key) {
            Some(range) => *range,
            None => {
                let place = |length: usize| u32::try_from(length).expect("fewer edges than a u32 counts");
                let from = place(self.targets.len());
                let parts = self.parts.entry(import.module).or_insert_with(|| parts(self.known.strings, import.module));
                let mut search = Search { known: self.known, targets: &mut self.targets, absent: None };
                search.run(&key.0, &Rc::clone(parts), import.name);
                let range = (from, place(self.targets.len()));
                self.done.insert(key, range);
                range
            }
        };
        &self.targets[from as usize..to as usize]
    }
}

/// Puts into `absent` the paths of files that are not there and would change what `import` executes.
pub(super) fn absent(known: Known<'_>, import: &Import<Symbol>, standing: Standing, absent: &mut BTreeSet<String>) {
    let start = start(&known, import, standing);
    let parts = parts(known.strings, import.module);
    Search { known, targets: &mut Vec::new(), absent: Some(absent) }.run(&start, &parts, import.name);
}

fn start(known: &Known<'_>, import: &Import<Symbol>, standing: Standing) -> Start {
    if import.level == 0 {
        return Start::Scope(standing.scope);
    }
    Start::Dir(known.tree.upwards(standing.dir).nth(import.level as usize - 1))
}

/// What stands between two dots in the name of a module.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    /// `None`: nothing in the workspace is called so.
    symbol: Option<Symbol>,
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
    Namespace(Vec<DirId>),
    Nothing,
}

impl Search<'_, '_> {
    fn run(&mut self, start: &Start, parts: &[Part<'_>], name: Option<Symbol>) {
        let first = self.targets.len();
        let mut within = match start {
            Start::Dir(None) => return,
            Start::Dir(Some(dir)) => {
                if let (true, Some(file)) = (parts.is_empty(), self.known.tree.dir(*dir).init) {
                    self.targets.push(Target { file, is_named: false });
                }
                vec![*dir]
            }
            Start::Scope(scope) => {
                let Some(top) = parts.first().filter(|top| !BUILT_IN.contains(&top.text)) else { return };
                match (&self.absent, top.symbol) {
                    (Some(_), _) => self.known.roots.all(*scope),
                    (None, Some(top)) => self.known.roots.holding(*scope, top, self.known.tree),
                    (None, None) => return,
                }
            }
        };
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
    fn enter(&mut self, step: Step) -> Vec<DirId> {
        match step {
            Step::Package(file, dir) => {
                self.targets.push(Target { file, is_named: false });
                vec![dir]
            }
            Step::Module(file) => {
                self.targets.push(Target { file, is_named: false });
                Vec::new()
            }
            Step::Namespace(dirs) => dirs,
            Step::Nothing => Vec::new(),
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
        let mut portions = Vec::new();
        for id in within {
            let dir = tree.dir(*id);
            let inner = symbol.and_then(|symbol| dir.dirs.get(&symbol)).copied();
            if let Some((file, inner)) = inner.and_then(|inner| Some((tree.dir(inner).init?, inner))) {
                return Step::Package(file, inner);
            }
            self.note(&dir.path, &[part, "__init__.py"]);
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
