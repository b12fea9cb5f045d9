//! Where imports start: `sys.path` of the container that a file's code runs in, as far as it lies in the workspace.
//!
//! In order: the folder that pytest puts in front (test files), the runnable dir itself (`python -m pytest` runs there),
//! the root of each repo (`PYTHONPATH`), the import root of the dir's own package. After these come places that only
//! another process or another test file would add: a script's own folder, what pytest put in front for other tests of the
//! same dir, the import roots of other packages. A module found only there is better known than missed.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use smallvec::SmallVec;

use super::strings::{Hasher, Strings, Symbol};
use super::tree::{DirId, Tree};
use crate::runnable_dir::Address;
use crate::sub_repo::State;
use crate::workspace::Workspace;

/// The folder that imports of a runnable dir's own package start from, where it is a package.
pub type PackageRoots = BTreeMap<Address, PathBuf>;

/// Folders in order, found by what lies in them.
#[derive(Debug, Clone, Default)]
struct List {
    dirs: Vec<DirId>,
    holding: HashMap<Symbol, Vec<DirId>, Hasher>,
}

impl List {
    fn new(dirs: Vec<DirId>, tree: &Tree) -> Self {
        let mut holding: HashMap<Symbol, Vec<DirId>, Hasher> = HashMap::default();
        for id in &dirs {
            let dir = tree.dir(*id);
            for name in dir.dirs.keys().chain(dir.modules.keys()) {
                let held = holding.entry(*name).or_default();
                if held.last() != Some(id) {
                    held.push(*id);
                }
            }
        }
        Self { dirs, holding }
    }
}

/// Folders in the order in which Python looks into them; mostly one or two.
pub(super) type Folders = SmallVec<[DirId; 6]>;

/// Folders that are quicker compared with each other than put into a set.
const FEW: usize = 16;

/// Where the imports of some files start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    /// The runnable dir that the code belongs to, by place in the workspace.
    pub holder: Option<u32>,
    /// The first folder above the file that is no package.
    pub base: DirId,
}

/// All places that imports start from.
#[derive(Debug, Clone, Default)]
pub(super) struct Roots {
    /// Roots of the repos.
    path: List,
    /// By runnable dir: its own folder.
    own: Vec<DirId>,
    /// By runnable dir: the import root of its package.
    package: Vec<Option<DirId>>,
    /// By runnable dir, then for what belongs to none: places tried at last.
    last: Vec<List>,
    /// By runnable dir: folders that pytest puts in front.
    inserted: BTreeSet<(Option<u32>, DirId)>,
}

impl Roots {
    /// Puts all places that imports start from into the tree, so that they can be told apart.
    pub(super) fn places(
        workspace: &Workspace,
        packages: &PackageRoots,
        tree: &mut Tree,
        strings: &mut Strings,
    ) -> Self {
        let relative =
            |path: &Path| path.strip_prefix(&workspace.root).ok().and_then(|path| path.to_str()).map(str::to_owned);
        let ready = workspace.repos.iter().filter(|repo| repo.state == State::Ready);
        let path: Vec<DirId> = ready.map(|repo| tree.add_dir(&repo.path, strings)).collect();
        let mut own = Vec::new();
        let mut package = Vec::new();
        for dir in &workspace.dirs {
            let place = relative(&dir.path).unwrap_or_default();
            own.push(tree.add_dir(&place, strings));
            let root = packages.get(&dir.address).and_then(|root| relative(root));
            package.push(root.map(|root| tree.add_dir(&root, strings)));
        }
        Self { path: List { dirs: path, holding: HashMap::default() }, own, package, ..Self::default() }
    }

    /// Learns which folders pytest puts in front, once all files are in the tree.
    pub(super) fn complete(&mut self, tree: &Tree, inserted: BTreeSet<(Option<u32>, DirId)>) {
        self.path = List::new(std::mem::take(&mut self.path.dirs), tree);
        let holders = (0..self.own.len()).map(|index| u32::try_from(index).ok()).chain([None]);
        self.last = holders
            .map(|holder| {
                let bases = inserted.range((holder, DirId(0))..=(holder, DirId(u32::MAX))).map(|(_, base)| *base);
                List::new(bases.chain(self.package.iter().flatten().copied()).collect(), tree)
            })
            .collect();
        self.inserted = inserted;
    }

    /// The folders in which a module with the first part `name` is looked for, in order, those left out that have none.
    pub(super) fn holding(&self, scope: Scope, name: Symbol, tree: &Tree) -> Folders {
        let mut all = self.ordered(scope, |list| list.holding.get(&name).map_or(&[], Vec::as_slice));
        all.retain(|id| tree.dir(*id).dirs.contains_key(&name) || tree.dir(*id).modules.contains_key(&name));
        all
    }

    /// All folders in which modules are looked for, in order.
    pub(super) fn all(&self, scope: Scope) -> Folders {
        self.ordered(scope, |list| &list.dirs)
    }

    fn ordered<'a>(&'a self, scope: Scope, of: impl Fn(&'a List) -> &'a [DirId]) -> Folders {
        let place = scope.holder.map(|holder| holder as usize);
        let is_inserted = self.inserted.contains(&(scope.holder, scope.base));
        let mut all = Folders::new();
        all.extend(is_inserted.then_some(scope.base));
        all.extend(place.and_then(|place| self.own.get(place)).copied());
        all.extend_from_slice(of(&self.path));
        all.extend(place.and_then(|place| self.package.get(place).copied().flatten()));
        all.push(scope.base);
        all.extend_from_slice(self.last.get(place.unwrap_or(self.own.len())).map_or(&[], of));
        if all.len() > FEW {
            let mut seen = HashSet::new();
            all.retain(|id| seen.insert(*id));
        } else {
            let mut kept = Folders::new();
            kept.extend(all.iter().enumerate().filter(|(place, id)| !all[..*place].contains(id)).map(|(_, id)| *id));
            all = kept;
        }
        all
    }
}
