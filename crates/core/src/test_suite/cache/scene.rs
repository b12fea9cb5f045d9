//! What a test file would find now, asked in the terms of [`Reads`]: contents, names, absences, modules.
//!
//! Each question is answered once and the answer kept, so that hundreds of test files that read the same code cost hardly more
//! than one. The files of the work tree are those of [`Tree`]; ignored ones, which a test can read as well, are asked for one by one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use blake3::Hasher;

use super::contents::{Contents, State};
use super::tree::Tree;
use crate::dependency::walk::Stamp;
use crate::test_suite::reads::Reads;

/// Names that come and go by themselves.
const JUNK: [&str; 5] = [".git", ".wharf", "__pycache__", ".pytest_cache", ".hypothesis"];

/// A hash over all that a test file depends on.
pub(super) type Digest = [u8; 32];

/// The work tree as test files see it.
#[derive(Debug)]
pub(super) struct Scene {
    root: PathBuf,
    pub tree: Tree,
    pub contents: Contents,
    stamps: HashMap<String, Option<Stamp>>,
    listings: HashMap<String, Option<Listing>>,
    providers: HashMap<(String, String), Option<Vec<String>>>,
    everything: Option<Digest>,
}

#[derive(Debug, Default)]
struct Listing {
    /// Sorted; whether each is a folder.
    names: Vec<(String, bool)>,
    hash: Option<Digest>,
}

impl Scene {
    pub(super) fn new(root: &Path, tree: Tree, contents: Contents) -> Self {
        Self {
            root: root.to_owned(),
            tree,
            contents,
            stamps: HashMap::new(),
            listings: HashMap::new(),
            providers: HashMap::new(),
            everything: None,
        }
    }

    /// Looks at the work tree again; gives what it was before, too.
    pub(super) fn again(self) -> (Self, Tree) {
        let Self { root, tree: before, mut contents, .. } = self;
        contents.forget_links();
        let tree = before.again(&root);
        (Self::new(&root, tree, contents), before)
    }

    /// What is at `path`; `None` where there is nothing.
    pub(super) fn state(&mut self, path: &str) -> Option<State> {
        let stamp = self.stamp(path)?;
        self.contents.state(path, stamp)
    }

    /// The stamp of what is at `path`, links not followed.
    pub(super) fn stamp(&mut self, path: &str) -> Option<Stamp> {
        if let Some(stamp) = self.tree.stamp(path) {
            return Some(stamp);
        }
        if let Some(known) = self.stamps.get(path) {
            return *known;
        }
        let metadata = std::fs::symlink_metadata(self.root.join(path)).ok();
        let stamp = metadata.map(|metadata| Stamp::of(&metadata));
        self.stamps.insert(path.to_owned(), stamp);
        stamp
    }

    /// The text of a file, empty where there is none.
    pub(super) fn text(&self, path: &str) -> String {
        std::fs::read(self.root.join(path))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Whether there is anything at `path`.
    pub(super) fn exists(&mut self, path: &str) -> bool {
        if self.tree.stamp(path).is_some() {
            return true;
        }
        let (above, name) = path.rsplit_once('/').unwrap_or((".", path));
        self.listing(above).is_some_and(|listing| listing.find(name).is_some())
    }

    /// A hash over the names in a folder; `None` where there is none.
    pub(super) fn names(&mut self, folder: &str) -> Option<Digest> {
        let listing = self.listing(folder)?;
        let names = &listing.names;
        let hash = listing.hash.get_or_insert_with(|| {
            let mut hasher = Hasher::new();
            for (name, is_folder) in names.iter().filter(|(name, _)| !is_junk(name)) {
                field(&mut hasher, name.as_bytes());
                hasher.update(&[u8::from(*is_folder)]);
            }
            *hasher.finalize().as_bytes()
        });
        Some(*hash)
    }

    /// A hash over all files that Git does not ignore.
    pub(super) fn everything(&mut self) -> Digest {
        if let Some(known) = self.everything {
            return known;
        }
        let mut hasher = Hasher::new();
        for (path, stamp) in self.tree.files() {
            field(&mut hasher, path.as_bytes());
            hasher.update(&self.contents.state(path, *stamp).unwrap_or_default());
        }
        *self.everything.insert(*hasher.finalize().as_bytes())
    }

    /// A hash over all that `reads` names, as it is now.
    pub(super) fn digest(&mut self, reads: &Reads) -> Digest {
        let mut hasher = Hasher::new();
        if reads.everything || reads.network {
            hasher.update(b"everything").update(&self.everything());
        }
        for path in &reads.opened {
            field(&mut hasher, path.as_bytes());
            match self.state(path) {
                Some(state) => hasher.update(&state),
                None => hasher.update(b"gone"),
            };
        }
        for folder in &reads.listed {
            field(&mut hasher, folder.as_bytes());
            match self.names(folder) {
                Some(names) => hasher.update(&names),
                None => hasher.update(b"gone"),
            };
        }
        for path in reads.absent.iter() {
            if self.exists(path) {
                field(&mut hasher, path.as_bytes());
                hasher.update(b"there");
            }
        }
        self.each_provider(reads, &mut |path| field(&mut hasher, path.as_bytes()));
        *hasher.finalize().as_bytes()
    }

    /// Calls `each` with all that could be taken for one of the modules, in one of the roots: files, and folders with a slash at the
    /// end. In a fixed order.
    pub(super) fn each_provider(&mut self, reads: &Reads, each: &mut dyn FnMut(&str)) {
        for root in &reads.roots {
            // Of a root's few names, the modules that start with one; not of the many modules each in every root.
            for name in self.importable(root) {
                let own = reads.modules.contains(&name).then_some(&name);
                let prefix = format!("{name}.");
                let inner = reads.modules.range(prefix.clone()..).take_while(|module| module.starts_with(&prefix));
                for module in own.into_iter().chain(inner) {
                    self.provided(root, module).iter().for_each(|path| each(path));
                }
            }
        }
    }

    /// First names of modules that a root could provide.
    fn importable(&mut self, root: &str) -> Vec<String> {
        let key = (root.to_owned(), String::new());
        if let Some(known) = self.providers.get(&key) {
            return known.clone().unwrap_or_default();
        }
        let names = self.listing(root).map_or(Vec::new(), |listing| {
            let module = |(name, is_folder): &(String, bool)| {
                if *is_folder { Some(name.clone()) } else { stem_of_code(name).map(str::to_owned) }
            };
            let mut names: Vec<String> = listing.names.iter().filter_map(module).collect();
            names.sort();
            names.dedup();
            names
        });
        self.providers.insert(key, Some(names.clone()));
        names
    }

    fn provided(&mut self, root: &str, module: &str) -> Vec<String> {
        let key = (root.to_owned(), module.to_owned());
        if let Some(known) = self.providers.get(&key) {
            return known.clone().unwrap_or_default();
        }
        let found = self.look_for(root, module);
        self.providers.insert(key, Some(found.clone()));
        found
    }

    fn look_for(&mut self, root: &str, module: &str) -> Vec<String> {
        let path = join(root, &module.replace('.', "/"));
        let (above, name) = path.rsplit_once('/').unwrap_or((".", &path));
        let mut found = Vec::new();
        let Some(listing) = self.listing(above) else { return found };
        for (entry, is_folder) in &listing.names {
            if *is_folder && entry == name {
                found.push(format!("{path}/"));
            } else if !is_folder && stem_of_code(entry) == Some(name) {
                found.push(join(above, entry));
            }
        }
        if found.iter().any(|found| found.ends_with('/'))
            && let Some(inner) = self.listing(&path)
        {
            let inits = inner.names.iter().filter(|(entry, _)| stem_of_code(entry) == Some("__init__"));
            found.extend(inits.map(|(entry, _)| join(&path, entry)));
        }
        found
    }

    fn listing(&mut self, folder: &str) -> Option<&mut Listing> {
        if !self.listings.contains_key(folder) {
            let place = if folder == "." { self.root.clone() } else { self.root.join(folder) };
            self.listings.insert(folder.to_owned(), read(&place));
        }
        self.listings.get_mut(folder)?.as_mut()
    }
}

impl Listing {
    fn find(&self, name: &str) -> Option<bool> {
        let place = self.names.binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        Some(self.names[place].1)
    }
}

fn read(folder: &Path) -> Option<Listing> {
    let entries = std::fs::read_dir(folder).ok()?;
    let name = |entry: std::fs::DirEntry| {
        // A link to a folder is one for whoever imports.
        let is_folder =
            entry.file_type().is_ok_and(|kind| kind.is_dir() || (kind.is_symlink() && entry.path().is_dir()));
        (entry.file_name().to_string_lossy().into_owned(), is_folder)
    };
    let mut names: Vec<(String, bool)> = entries.flatten().map(name).collect();
    names.sort();
    Some(Listing { names, hash: None })
}

fn is_junk(name: &str) -> bool {
    JUNK.contains(&name) || name.ends_with(".pyc")
}

/// `name` without what makes it code that Python imports: `.py`, `.pyc`, `.cpython-311-x86_64-linux-gnu.so`.
fn stem_of_code(name: &str) -> Option<&str> {
    let is_code = [".py", ".so", ".pyc"].iter().any(|end| name.ends_with(end));
    if is_code { name.split('.').next() } else { None }
}

fn join(folder: &str, name: &str) -> String {
    if folder == "." { name.to_owned() } else { format!("{folder}/{name}") }
}

/// Adds one text so that no two rows of texts look alike.
pub(super) fn field(hasher: &mut Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
}
