//! In which runnable dirs, and in which of their files, the tests of a list can be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ignore::WalkBuilder;

use super::Lists;
use super::glob::{globset_path, is_glob};
use crate::runnable_dir::Address;
use crate::workspace::Workspace;

/// Where the tests of a list can be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Located {
    /// By address of a runnable dir: paths from there; an empty path for all of it.
    pub dirs: BTreeMap<String, BTreeSet<String>>,
    /// By index of an entry: the dirs in which it can match.
    pub entries: BTreeMap<usize, BTreeSet<String>>,
}

impl Lists {
    /// Looks where the entries that add tests can be. Reads the names of files, no more.
    #[must_use]
    pub fn locate(&self, workspace: &Workspace) -> Located {
        let mut located = Located::default();
        for (index, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.adds) {
            if is_glob(&entry.path) {
                located.glob(workspace, index, &entry.path);
            } else {
                located.literal(workspace, index, &entry.path);
            }
        }
        located
    }
}

impl Located {
    fn add(&mut self, index: usize, dir: &Address, path: &str) {
        self.dirs.entry(dir.to_string()).or_default().insert(path.to_owned());
        self.entries.entry(index).or_default().insert(dir.to_string());
    }

    fn literal(&mut self, workspace: &Workspace, index: usize, path: &str) {
        let Ok(address) = Address::from_relative(Path::new(path)) else { return };
        let on_disk = address.under(&workspace.root);
        if on_disk.is_dir() {
            for dir in workspace.dirs.iter().filter(|dir| address.contains(&dir.address)) {
                self.add(index, &dir.address, "");
            }
        } else if !on_disk.is_file() {
            return;
        }
        if let Some(holder) = workspace.holder(&address).filter(|holder| holder.address != address) {
            let relative = address.as_str().strip_prefix(&holder.address.prefix()).unwrap_or(address.as_str());
            self.add(index, &holder.address, relative);
        }
    }

    fn glob(&mut self, workspace: &Workspace, index: usize, path: &str) {
        let Ok(glob) = globset::GlobBuilder::new(&globset_path(path)).literal_separator(true).build() else { return };
        let glob = glob.compile_matcher();
        // Folders in front of the first wildcard.
        let literal: Vec<&str> = path.split('/').take_while(|part| !is_glob(part)).collect();
        let from = workspace.root.join(literal.join("/"));
        let walk = WalkBuilder::new(&from).hidden(false).filter_entry(|entry| entry.file_name() != ".git").build();
        for entry in walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())) {
            let Ok(relative) = entry.path().strip_prefix(&workspace.root) else { continue };
            let is_code = relative
                .extension()
                .is_some_and(|extension| extension == "py" || extension == "txt" || extension == "rst");
            // What names a folder means all that is below it.
            if !is_code || !relative.ancestors().any(|above| glob.is_match(above)) {
                continue;
            }
            let Ok(address) = Address::from_relative(relative) else { continue };
            if let Some(holder) = workspace.holder(&address) {
                let relative = address.as_str().strip_prefix(&holder.address.prefix()).unwrap_or(address.as_str());
                self.add(index, &holder.address, relative);
            }
        }
    }

    /// The paths of one dir that pytest is given, so that it need not look at others: files that are named like tests. `None`
    /// where all of the dir is meant or a folder of it, or there are too many for a command line.
    #[must_use]
    pub fn paths(&self, dir: &Address) -> Option<Vec<String>> {
        const MOST: usize = 200;
        let paths = self.dirs.get(dir.as_str())?;
        let is_test = |path: &&String| {
            let name = path.rsplit('/').next().unwrap_or(path);
            name.strip_suffix(".py").is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test"))
        };
        let tests: Vec<String> = paths.iter().filter(is_test).cloned().collect();
        let only_code = paths.iter().all(|path| path.ends_with(".py"));
        (only_code && !tests.is_empty() && tests.len() <= MOST).then_some(tests)
    }
}
