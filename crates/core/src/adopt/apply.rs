//! Writes the new files, proves that nothing else changed, and removes old files on request.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use wharf_git::Git;

use super::error::AdoptError;
use super::old_files::Fate;
use super::picture::Picture;
use super::plan::Plan;
use crate::image::Place;
use crate::workspace::{Workspace, discover};

/// What came of it.
#[derive(Debug)]
pub struct Adopted {
    /// The workspace as it is now.
    pub workspace: Workspace,
    /// How many facts were compared.
    pub facts: usize,
}

/// Writes the plan's files and compares: the workspace as it was, with the older files, and as it is, when those of the adopted dirs
/// count no more. Where they differ, and when `stop` is set meanwhile, the new files are removed again.
///
/// # Errors
/// When a file is in the way, something would change, or it was stopped.
pub fn adopt(before: &Workspace, plan: &Plan, place: Option<&Place>, stop: &AtomicBool) -> Result<Adopted, AdoptError> {
    let is_stopped = || if stop.load(Ordering::Relaxed) { Err(AdoptError::Stopped) } else { Ok(()) };
    let old = Picture::of(before, place)?;
    is_stopped()?;
    plan.files.apply()?;
    let compared = compare(before, place, &old).and_then(|adopted| is_stopped().map(|()| adopted));
    if compared.is_err() {
        take_back(before, plan)?;
    }
    compared
}

/// Removes all new files that can be removed; reports the first that cannot.
fn take_back(before: &Workspace, plan: &Plan) -> Result<(), AdoptError> {
    let mut result = Ok(());
    for file in &plan.files.files {
        let path = before.root.join(&file.path);
        let removed = fs_err::remove_file(&path).map_err(|source| AdoptError::Io { file: path, source });
        result = result.and(removed);
    }
    result
}

fn compare(before: &Workspace, place: Option<&Place>, old: &Picture) -> Result<Adopted, AdoptError> {
    let workspace = discover(before.surroundings.clone())?;
    let new = Picture::of(&workspace, place)?;
    let differences = old.differences(&new);
    if !differences.is_empty() {
        return Err(AdoptError::Differs(differences));
    }
    let facts = new.dirs.values().map(BTreeMap::len).sum();
    Ok(Adopted { workspace, facts })
}

/// Old files that were removed, and those that were not, each with the reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Their paths from the super-repo's root.
    pub removed: Vec<String>,
    /// Those that Git could not bring back.
    pub left: Vec<(String, &'static str)>,
}

/// Removes the old files that nothing needs, as far as Git could bring each one back.
///
/// # Errors
/// When Git does not answer, or a file cannot be removed.
pub fn delete(workspace: &Workspace, plan: &Plan) -> Result<Deleted, AdoptError> {
    let git = Git::new(&workspace.root);
    let tracked: BTreeSet<PathBuf> = git.tracked()?.into_iter().collect();
    let edited = git.edited_files()?;
    let mut deleted = Deleted::default();
    for old in plan.old.iter().filter(|old| old.fate == Fate::CanGo) {
        let path = Path::new(&old.path);
        match () {
            () if !tracked.contains(path) => deleted.left.push((old.path.clone(), "it is not committed")),
            () if edited.iter().any(|edited| edited == path) => {
                deleted.left.push((old.path.clone(), "it is not as it was committed"));
            }
            () => {
                let file = workspace.root.join(path);
                fs_err::remove_file(&file).map_err(|source| AdoptError::Io { file, source })?;
                deleted.removed.push(old.path.clone());
            }
        }
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Sandbox, sample};

    use super::*;
    use crate::start::{NewFile, NewFiles};
    use crate::workspace::Surroundings;

    #[test]
    fn what_is_stopped_leaves_nothing() {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox).dir("d", |dir| dir.no_requirements()).build();
        let surroundings = Surroundings { here: repo.path().to_owned(), ..Surroundings::default() };
        let workspace = discover(surroundings).unwrap();
        let mut plan = crate::adopt::plan(&workspace, &[]);
        let file = |path: &str| NewFile::text(path.to_owned(), String::new());
        plan.files = NewFiles { root: repo.path().to_owned(), files: vec![file("one"), file("two")] };
        let stopped = adopt(&workspace, &plan, None, &AtomicBool::new(true));
        assert!(matches!(stopped, Err(AdoptError::Stopped)));
        assert!(!repo.join("one").exists());
        // One that is gone already does not keep the others.
        repo.write("two", "");
        assert!(matches!(take_back(&workspace, &plan), Err(AdoptError::Io { .. })));
        assert!(!repo.join("two").exists());
        adopt(&workspace, &plan, None, &AtomicBool::new(false)).unwrap();
        assert!(repo.join("one").exists() && repo.join("two").exists());
    }
}
