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
    /// Files and folders that entries name without wildcards, from the super-repo's root.
    exact: BTreeSet<String>,
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
            self.exact.insert(address.to_string());
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

    /// The paths of one dir that pytest is given, so that it need not look at others: those that entries name as they are, and of
    /// those that globs found the ones that pytest would collect by their name. `None` where all of the dir is meant, there are
    /// too many for a command line, or `collects_more`: the dir's settings collect files of other names.
    #[must_use]
    pub fn paths(&self, dir: &Address, collects_more: bool) -> Option<Vec<String>> {
        const MOST: usize = 200;
        let paths = self.dirs.get(dir.as_str())?;
        let is_exact = |path: &String| self.exact.contains(&format!("{}{path}", dir.prefix()));
        if paths.contains("") || (collects_more && !paths.iter().all(is_exact)) {
            return None;
        }
        let given: Vec<String> = paths.iter().filter(|path| is_exact(path) || is_test(path)).cloned().collect();
        (!given.is_empty() && given.len() <= MOST).then_some(given)
    }
}

/// Whether pytest collects a file by its name alone (`python_files` and `--doctest-glob`, as they are unless stated).
fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, "py")) => stem.starts_with("test_") || stem.ends_with("_test"),
        Some((stem, "txt")) => stem.starts_with("test"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(paths: &[&str], exact: &[&str]) -> Located {
        let set = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<BTreeSet<_>>();
        Located { dirs: BTreeMap::from([("infra".into(), set(paths))]), exact: set(exact), ..Located::default() }
    }

    #[test]
    fn pytest_is_given_what_is_named_or_looks_like_a_test() {
        let infra = Address::from_relative(Path::new("infra")).unwrap();
        let paths = |located: &Located, more| located.paths(&infra, more);
        let globbed = located(&["t/conftest.py", "t/test_a.py", "t/b_test.py", "t/notes.txt", "t/test_c.txt"], &[]);
        assert_eq!(paths(&globbed, false).unwrap(), ["t/b_test.py", "t/test_a.py", "t/test_c.txt"]);
        assert_eq!(paths(&globbed, true), None, "others may be meant");
        let exact = located(&["checks.py", "t"], &["infra/checks.py", "infra/t"]);
        assert_eq!(paths(&exact, true).unwrap(), ["checks.py", "t"]);
        assert_eq!(paths(&located(&["", "t/test_a.py"], &[]), false), None, "all of it");
        assert_eq!(paths(&located(&["t/conftest.py"], &[]), false), None);
        assert_eq!(located(&[], &[]).paths(&Address::root(), false), None);
    }
}
