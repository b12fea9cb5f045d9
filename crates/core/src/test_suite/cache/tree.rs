//! The work tree at one instant: every file that Git does not ignore, with what tells whether it has changed since.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ignore::{WalkBuilder, WalkState};

use super::forced::forced;
use crate::dependency::walk::{Stamp, relative, threads};
use crate::workspace::NEVER_ENTERED;

/// All files of the super-repo and its sub-repos that Git does not ignore, or tracks though it ignores them; links are files too, and are not followed.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Sorted by path from the root.
    files: Vec<(String, Stamp)>,
    /// Folders, also sorted.
    folders: BTreeSet<String>,
    names: Mutex<HashMap<String, BTreeSet<String>>>,
    /// Where answers of Git are kept.
    folder: PathBuf,
}

impl Tree {
    /// Reads it; what cannot be read is not in it. What Git had to be asked for is kept in `folder`.
    pub(super) fn read(root: &Path, folder: &Path) -> Self {
        let found: Mutex<Found> = Mutex::default();
        let mut builder = WalkBuilder::new(root);
        builder.hidden(false).ignore(false).parents(false).require_git(false).follow_links(false);
        builder.threads(threads(usize::MAX));
        builder.build_parallel().run(|| {
            let mut own = Own { found: Found::default(), all: &found };
            Box::new(move |entry| {
                let Ok(entry) = entry else { return WalkState::Continue };
                let never = entry.depth() > 0 && NEVER_ENTERED.iter().any(|never| entry.file_name() == *never);
                if never {
                    if entry.file_name() == ".git"
                        && let Some(repo) = entry.path().parent().and_then(|repo| relative(repo, root))
                    {
                        own.found.repos.push(if repo == "." { String::new() } else { repo });
                    }
                    return WalkState::Skip;
                }
                let Some(path) = relative(entry.path(), root) else { return WalkState::Continue };
                match entry.file_type() {
                    Some(kind) if kind.is_dir() => own.found.folders.push(path),
                    // Junk that Python leaves beside code says nothing.
                    Some(_) if path.ends_with(".pyc") => {}
                    Some(_) => {
                        own.found.files.extend(entry.metadata().ok().map(|metadata| (path, Stamp::of(&metadata))));
                    }
                    None => {}
                }
                WalkState::Continue
            })
        });
        let Found { mut files, folders, mut repos } = found.into_inner().unwrap_or_default();
        files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        repos.sort_unstable();
        let mut folders: BTreeSet<String> = folders.into_iter().collect();
        let forced: Vec<Listed> =
            forced(root, &repos, &files, folder).into_iter().filter_map(|path| listed(root, path)).collect();
        if !forced.is_empty() {
            for (path, _) in &forced {
                folders.extend(path.match_indices('/').map(|(at, _)| path[..at].to_owned()));
            }
            files.extend(forced);
            files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
            files.dedup_by(|a, b| a.0 == b.0);
        }
        Self { files, folders, names: Mutex::default(), folder: folder.to_owned() }
    }

    /// The same work tree as it is now.
    pub(super) fn again(&self, root: &Path) -> Self {
        Self::read(root, &self.folder)
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

/// A file with what tells whether it has changed.
pub(super) type Listed = (String, Stamp);

/// One of those that are tracked though ignored, where it is there.
fn listed(root: &Path, path: String) -> Option<Listed> {
    if path.ends_with(".pyc") || path.split('/').any(|part| NEVER_ENTERED.contains(&part)) {
        return None;
    }
    let metadata = std::fs::symlink_metadata(root.join(&path)).ok().filter(|metadata| !metadata.is_dir())?;
    Some((path, Stamp::of(&metadata)))
}

#[derive(Debug, Default)]
struct Found {
    files: Vec<Listed>,
    folders: Vec<String>,
    /// Folders with a `.git`, empty for the root.
    repos: Vec<String>,
}

struct Own<'a> {
    found: Found,
    all: &'a Mutex<Found>,
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        if let Ok(mut all) = self.all.lock() {
            all.files.append(&mut self.found.files);
            all.folders.append(&mut self.found.folders);
            all.repos.append(&mut self.found.repos);
        }
    }
}
