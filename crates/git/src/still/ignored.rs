//! What the ignore rules of a repo leave out (gitignore(5)).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::place::GitPlace;

/// The rules of a repo, read as they are needed. Those that a user has for all repos are not asked: what only these leave out
/// counts as not ignored.
pub(super) struct Ignored<'a> {
    place: &'a GitPlace,
    by_folder: HashMap<PathBuf, Gitignore>,
    own: Option<Gitignore>,
}

impl<'a> Ignored<'a> {
    pub(super) fn new(place: &'a GitPlace) -> Self {
        Self { place, by_folder: HashMap::new(), own: None }
    }

    /// Whether the path, relative to the repo's root, is ignored. The nearest rules count.
    pub(super) fn has(&mut self, path: &Path, is_folder: bool) -> bool {
        let root = &self.place.root;
        for folder in path.ancestors().skip(1) {
            let rules = self
                .by_folder
                .entry(folder.to_path_buf())
                .or_insert_with(|| rules(&root.join(folder), &root.join(folder).join(".gitignore")));
            let found = rules.matched(root.join(path), is_folder);
            if !found.is_none() {
                return found.is_ignore();
            }
        }
        let own = self.own.get_or_insert_with(|| rules(root, &self.place.common_dir().join("info/exclude")));
        own.matched(root.join(path), is_folder).is_ignore()
    }
}

/// The rules of a file, for what is below `folder`.
fn rules(folder: &Path, file: &Path) -> Gitignore {
    let mut builder = GitignoreBuilder::new(folder);
    // Git follows no link to rules in the work tree.
    if file.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
        // A rule that cannot be read ignores nothing.
        let _ = builder.add(file);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}
