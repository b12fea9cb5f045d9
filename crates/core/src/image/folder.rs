//! The files of a folder that a Dockerfile copies: less what Git ignores and the ignore file names, with what Git tracks all the same.
//!
//! Rules count from the repo down that a file is in, as for Git itself; nothing above the repo and none of the user's own settings
//! does, so that everybody's context is the same. What cannot be had is an error, not a file less.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::{DirEntry, WalkBuilder};
use wharf_git::Git;

use super::brought::Ground;
use super::context;
use super::error::ImageError;
use super::past;
use crate::sub_repo::{Repo, State};

/// All files of the folder `below` of `root`, by path from `root`. What a link leads to is there as if it lay there itself.
pub(super) fn files(ground: &Ground<'_>, root: &Path, below: &str) -> Result<BTreeSet<String>, ImageError> {
    let folder = root.join(below);
    ground.refuse_leading_out(&folder)?;
    // All that is written there of the past was tracked.
    let heeds_git = !past::is_written(&ground.workspace.root);
    let astray = Arc::new(Mutex::new(Vec::new()));
    let mut walk = WalkBuilder::new(&folder);
    walk.hidden(false)
        .ignore(false)
        .git_global(false)
        .git_ignore(heeds_git)
        .git_exclude(heeds_git)
        .follow_links(ground.has_root())
        .filter_entry(keeps_inside(ground.workspace.root.clone(), Arc::clone(&astray)));
    let mut found = BTreeSet::new();
    for entry in walk.build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                refuse_lost(ground, root, error)?;
                continue;
            }
        };
        let path = entry.path();
        match ground.name(root, path) {
            Some(name) if path.is_file() => drop(found.insert(name)),
            Some(_) if entry.path_is_symlink() => ground.refuse_dangling(path)?,
            _ => {}
        }
    }
    let astray = std::mem::take(&mut *astray.lock().unwrap_or_else(PoisonError::into_inner));
    for link in astray.iter().filter(|link| ground.name(root, link).is_some()) {
        ground.refuse_leading_out(link)?;
    }
    if heeds_git {
        add_tracked(ground, root, &folder, &mut found)?;
    }
    Ok(found)
}

/// Goes into no folder of Git's or Wharf's own, and into none that a link leads out to: these links are noted.
fn keeps_inside(home: PathBuf, astray: Arc<Mutex<Vec<PathBuf>>>) -> impl Fn(&DirEntry) -> bool + Send + Sync {
    move |entry| {
        if entry.file_name() == ".git" || entry.file_name() == ".wharf" {
            return false;
        }
        let is_folder = entry.file_type().is_some_and(|kind| kind.is_dir());
        if is_folder && entry.path_is_symlink() && context::leads_out(&home, entry.path()).is_some() {
            astray.lock().unwrap_or_else(PoisonError::into_inner).push(entry.path().to_owned());
            return false;
        }
        true
    }
}

/// What is tracked is wanted, also where a rule would ignore it.
fn add_tracked(
    ground: &Ground<'_>,
    root: &Path,
    folder: &Path,
    found: &mut BTreeSet<String>,
) -> Result<(), ImageError> {
    let meets =
        |repo: &&Repo| repo.state == State::Ready && (folder.starts_with(&repo.root) || repo.root.starts_with(folder));
    for repo in ground.workspace.repos.iter().filter(meets) {
        for path in Git::new(&repo.root).tracked_though_ignored()? {
            let path = repo.root.join(path);
            let is_own = path.components().any(|part| part.as_os_str() == ".wharf");
            if path.starts_with(folder) && !is_own && path.is_file() {
                found.extend(ground.name(root, &path));
            }
        }
    }
    Ok(())
}

/// A link to nothing or a folder that cannot be read is nothing to go without, unless it is not wanted anyway.
fn refuse_lost(ground: &Ground<'_>, root: &Path, error: ignore::Error) -> Result<(), ImageError> {
    let Some(path) = path_of(&error) else { return Ok(()) };
    // What a folder within itself holds is there already; what is gone by now was not to stay.
    let is_there = path.symlink_metadata().is_ok();
    let Some(source) = error.into_io_error().filter(|_| is_there) else { return Ok(()) };
    if ground.name(root, &path).is_none() || ground.is_ignored(&path) {
        return Ok(());
    }
    ground.refuse_dangling(&path)?;
    Err(ImageError::File { dir: ground.dir.address.to_string(), file: path, source })
}

fn path_of(error: &ignore::Error) -> Option<PathBuf> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path.clone()),
        ignore::Error::WithDepth { err, .. } => path_of(err),
        _ => None,
    }
}
