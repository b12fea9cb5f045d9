//! Carries what was improved here back to the owner: a commit on a branch there, made without the owner's work tree or index.

use std::collections::BTreeMap;
use std::path::Path;

use wharf_git::{Carried, Carry, Git};

use super::contents::Contents;
use super::error::FilesError;
use super::examine::Examined;
use super::merge::has_markers;
use super::scene::Scene;
use super::status::{CommonFile, State};
use super::version::Version;

/// A commit to be made at one owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The owner.
    pub owner: usize,
    /// The branch that it goes to.
    pub branch: String,
    /// What the branch is now, where it is there.
    pub old: Option<String>,
    /// The commit that it is made on.
    pub parent: String,
    /// What it does, by path in the owner.
    pub changes: Vec<Change>,
    /// Its message.
    pub message: String,
}

/// A change to one file of the owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Path in the owner.
    pub path: String,
    /// Path from the super-repo's root that it comes from.
    pub from: String,
    /// The new content and whether it can be executed; `None`: it is removed.
    pub content: Option<(Vec<u8>, Version)>,
}

/// What a user says about the commit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish<'a> {
    /// The branch; without it one named after the super-repo.
    pub branch: Option<&'a str>,
    /// The message; without it the names of the files.
    pub message: Option<&'a str>,
}

/// Decides which commits to make. Files that changed nothing are left out; nothing to carry gives no commit.
///
/// # Errors
/// When a file changed at the owner too, still has conflict markers, or the branch is in use or has another change of it.
pub fn plan(
    scene: &Scene,
    examined: &Examined,
    contents: &Contents,
    wish: Wish<'_>,
) -> Result<Vec<Upstream>, FilesError> {
    let mut by_owner: BTreeMap<usize, Vec<(&CommonFile, Change)>> = BTreeMap::new();
    for file in &examined.files {
        if let Some(change) = change(scene, contents, file)? {
            by_owner.entry(file.owner).or_default().push((file, change));
        }
    }
    by_owner
        .into_iter()
        .map(|(owner, changes)| one(scene, owner, changes, wish))
        .filter_map(Result::transpose)
        .collect()
}

fn change(scene: &Scene, contents: &Contents, file: &CommonFile) -> Result<Option<Change>, FilesError> {
    let from = scene.shown(file.repo, &file.path);
    let refuse = |message: String, hint: &str| Err(FilesError::Refused { message, hint: hint.to_owned() });
    match &file.state {
        State::ChangedHere | State::OnlyHere | State::LinkReplaced => {
            let (Some(bytes), Some(version)) = (contents.here(file), file.here.version()) else { return Ok(None) };
            if file.there.as_ref() == Some(version) {
                return Ok(None);
            }
            if has_markers(bytes) {
                return refuse(format!("`{from}` still has conflict markers"), "resolve them first");
            }
            let content = Some((bytes.to_vec(), version.clone()));
            Ok(Some(Change { path: file.source.clone(), from, content }))
        }
        State::DeletedHere | State::RenamedHere(_) if !file.is_contested() => {
            Ok(Some(Change { path: file.source.clone(), from, content: None }))
        }
        _ if file.is_contested() => refuse(
            format!("`{from}` changed at its owner too"),
            "merge that first with `wharf files sync`, then carry back what is left",
        ),
        _ => Ok(None),
    }
}

fn one(
    scene: &Scene,
    owner: usize,
    changes: Vec<(&CommonFile, Change)>,
    wish: Wish<'_>,
) -> Result<Option<Upstream>, FilesError> {
    let repo = &scene.repos[owner];
    let git = Git::new(&repo.root);
    let branch = wish.branch.map_or_else(|| default_branch(&scene.name), str::to_owned);
    if !git.can_name_a_branch(&branch) {
        let message = format!("`{branch}` is no name of a branch");
        return Err(FilesError::Usage {
            message,
            hint: "name one with `--branch`, such as `--branch ci-fixes`".into(),
        });
    }
    let old = git.commit(&format!("refs/heads/{branch}"));
    if git.branches_in_use().map_err(FilesError::git(&repo.root))?.contains(&branch) {
        let message = format!(
            "branch `{branch}` is checked out at `//{}`, so a commit there would change its work tree",
            repo.path
        );
        return Err(FilesError::Refused { message, hint: "name another one with `--branch`".into() });
    }
    let mut kept = Vec::new();
    for (file, change) in changes {
        if !is_there_already(&git, &repo.root, (old.as_deref(), &branch), (file, &change))? {
            kept.push(change);
        }
    }
    let Some((file, _)) = kept.first().zip(Some(())) else { return Ok(None) };
    let head = git.head().ok_or_else(|| FilesError::Refused {
        message: format!("`//{}` has no commit to build on", repo.path),
        hint: format!("make one with `git -C {} commit`", repo.path),
    })?;
    let names: Vec<&str> = kept.iter().map(|change| change.path.as_str()).collect();
    let subject = match names.as_slice() {
        [name] => format!("{name}: as in {}", scene.name),
        _ => format!("{} common files as in {} ({}, ...)", names.len(), scene.name, file.path),
    };
    let mut message = wish.message.map_or(subject, str::to_owned);
    message.push('\n');
    Ok(Some(Upstream { owner, branch, parent: old.clone().unwrap_or(head), old, changes: kept, message }))
}

/// Whether the branch has this change already.
fn is_there_already(
    git: &Git,
    root: &Path,
    (old, branch): (Option<&str>, &str),
    (file, change): (&CommonFile, &Change),
) -> Result<bool, FilesError> {
    let Some(old) = old else { return Ok(false) };
    let entries = git.entries(old, &change.path).map_err(FilesError::git(root))?;
    let now = entries.into_iter().find(|entry| entry.path == change.path);
    let now = now.map(|entry| Version { executable: entry.mode == 0o100_755, id: entry.id });
    let wanted = change.content.as_ref().map(|(_, version)| version);
    if now.as_ref() == wanted {
        return Ok(true);
    }
    if now == file.there {
        return Ok(false);
    }
    let message = format!("branch `{branch}` of the owner already has another change of `{}`", change.path);
    Err(FilesError::Refused { message, hint: "name another one with `--branch`".into() })
}

/// Makes one commit; gives its id. `index` is a file to work with, which is not there yet.
///
/// # Errors
/// When Git refuses: no author, or somebody moved the branch meanwhile.
pub fn apply(scene: &Scene, upstream: &Upstream, index: &Path) -> Result<String, FilesError> {
    let root = &scene.repos[upstream.owner].root;
    let git = Git::new(root);
    let mut changes = Vec::new();
    for change in &upstream.changes {
        let path = change.path.clone();
        changes.push(match &change.content {
            Some((bytes, version)) => {
                let id = git.store(&path, bytes).map_err(FilesError::git(root))?;
                Carried::Put { path, mode: version.mode(), id }
            }
            None => Carried::Remove { path },
        });
    }
    let Upstream { branch, old, parent, message, .. } = upstream;
    let carry = Carry { branch, old: old.as_deref(), parent, message, index };
    git.carry(carry, &changes).map_err(FilesError::git(root))
}

/// `common-files/NAME`, with what no branch can be called replaced.
fn default_branch(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' }).collect();
    format!("common-files/{plain}")
}
