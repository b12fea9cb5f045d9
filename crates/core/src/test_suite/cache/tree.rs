//! The work tree at one instant: every file that Git does not ignore, with what tells whether it has changed since.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Mutex;

use ignore::{WalkBuilder, WalkState};

use crate::dependency::walk::{Stamp, relative, threads};
use crate::workspace::NEVER_ENTERED;

/// All files of the super-repo and its sub-repos that Git does not ignore; links are files too, and are not followed.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Sorted by path from the root.
    files: Vec<(String, Stamp)>,
    /// Folders, also sorted.
    folders: BTreeSet<String>,
    names: Mutex<HashMap<String, BTreeSet<String>>>,
}

impl Tree {
    /// Reads it; what cannot be read is not in it.
    pub(super) fn read(root: &Path) -> Self {
        let found: Mutex<Found> = Mutex::default();
        let mut builder = WalkBuilder::new(root);
        builder.hidden(false).ignore(false).parents(false).require_git(false).follow_links(false);
        builder.threads(threads(usize::MAX));
        builder.build_parallel().run(|| {
            let mut own = Own { files: Vec::new(), folders: Vec::new(), all: &found };
            Box::new(move |entry| {
                let Ok(entry) = entry else { return WalkState::Continue };
                let never = entry.depth() > 0 && NEVER_ENTERED.iter().any(|never| entry.file_name() == *never);
                if never {
                    return WalkState::Skip;
                }
                let Some(path) = relative(entry.path(), root) else { return WalkState::Continue };
                match entry.file_type() {
                    Some(kind) if kind.is_dir() => own.folders.push(path),
                    // Junk that Python leaves beside code says nothing.
                    Some(_) if path.ends_with(".pyc") => {}
                    Some(_) => own.files.extend(entry.metadata().ok().map(|metadata| (path, Stamp::of(&metadata)))),
                    None => {}
                }
                WalkState::Continue
            })
        });
        let (mut files, folders) = found.into_inner().unwrap_or_default();
        files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        Self { files, folders, names: Mutex::default() }
    }

    /// All files, sorted.
    pub(super) fn files(&self) -> &[(String, Stamp)] {
        &self.files
    }

    /// The file's stamp, where it is in the tree.
    pub(super) fn stamp(&self, path: &str) -> Option<Stamp> {
        let place = self.files.binary_search_by(|(known, _)| known.as_str().cmp(path)).ok()?;
        Some(self.files[place].1)
    }

    /// Whether the folder is in the tree.
    pub(super) fn has_folder(&self, path: &str) -> bool {
        path == "." || self.folders.contains(path)
    }

    /// The files below a folder, `.` for all.
    pub(super) fn below<'t>(&'t self, folder: &str) -> impl Iterator<Item = &'t str> + use<'t> {
        let prefix = if folder == "." { String::new() } else { format!("{folder}/") };
        let start = self.files.partition_point(|(path, _)| path.as_str() < prefix.as_str());
        self.files[start..].iter().map(|(path, _)| path.as_str()).take_while(move |path| path.starts_with(&prefix))
    }

    /// Whether a folder holds the same names in both.
    pub(super) fn same_names(&self, other: &Self, folder: &str) -> bool {
        self.names_in(folder) == other.names_in(folder)
    }

    /// Whether both hold the same files, none of which was changed.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.files == other.files
    }

    fn names_in(&self, folder: &str) -> BTreeSet<String> {
        let Ok(mut known) = self.names.lock() else { return BTreeSet::new() };
        if known.is_empty() {
            for path in self.files.iter().map(|(path, _)| path).chain(&self.folders).filter(|path| !path.is_empty()) {
                let (above, name) = path.rsplit_once('/').unwrap_or((".", path));
                known.entry(above.to_owned()).or_default().insert(name.to_owned());
            }
        }
        known.get(folder).cloned().unwrap_or_default()
    }
}

/// Files and folders.
type Found = (Vec<(String, Stamp)>, BTreeSet<String>);

struct Own<'a> {
    files: Vec<(String, Stamp)>,
    folders: Vec<String>,
    all: &'a Mutex<Found>,
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        if let Ok(mut all) = self.all.lock() {
            all.0.append(&mut self.files);
            all.1.extend(self.folders.drain(..));
        }
    }
}
