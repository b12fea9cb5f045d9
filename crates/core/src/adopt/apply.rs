//! Writes the new files, proves that nothing else changed, and removes old files on request.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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
/// count no more. Where they differ the new files are removed again.
///
/// # Errors
/// When a file is in the way, or something would change.
pub fn adopt(before: &Workspace, plan: &Plan, place: Option<&Place>) -> Result<Adopted, AdoptError> {
    let old = Picture::of(before, place)?;
    plan.files.apply()?;
    let compared = compare(before, place, &old);
    if compared.is_err() {
        for file in &plan.files.files {
            let path = before.root.join(&file.path);
            fs_err::remove_file(&path).map_err(|source| AdoptError::Io { file: path, source })?;
        }
    }
    compared
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
