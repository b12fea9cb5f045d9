//! Edits that are put aside while a repo moves, and put back afterwards.
//!
//! They stand in the repo's own stash under a [`name`] of their own. A run that was killed leaves them there, and the next one puts them
//! back. Where they conflict with what the repo moved to, the work tree stays clean and the entry gets another name,
//! so that no later run tries again.

use wharf_git::{Git, GitPlace};

use super::place::Facts;

const MESSAGE: &str = "wharf autostash";
/// What an entry is called that its user has to put back.
const KEPT: &str = "wharf autostash, kept: it conflicts";

/// What an entry of this work tree is called. Worktrees of one repo share its stash, and must not take each other's edits.
pub(super) fn name(place: &GitPlace) -> String {
    if place.common_dir() == place.git_dir {
        return MESSAGE.into();
    }
    let worktree = place.git_dir.file_name().unwrap_or_default().to_string_lossy();
    format!("{MESSAGE} of worktree {worktree}")
}

/// Puts back what was put aside, also by an earlier run. Gives lines about what stayed in the stash.
pub(super) fn restore(facts: &Facts, path: &str) -> Vec<String> {
    // Most repos have no stash: this spares them a process.
    let has_stash =
        facts.place.common_dir().join("refs/stash").exists() || facts.place.quick_ref("refs/stash").is_some();
    if !has_stash {
        return Vec::new();
    }
    let name = name(&facts.place);
    let ours = |message: &str| message.ends_with(&format!(": {name}"));
    let entries = facts.git.stash_entries().unwrap_or_default();
    let entries = entries.into_iter().filter(|entry| ours(&entry.message));
    entries.filter_map(|entry| restore_one(&facts.git, &entry.commit, path)).collect()
}

fn restore_one(git: &Git, commit: &str, path: &str) -> Option<String> {
    let at = if path == "." { String::new() } else { format!(" -C {path}") };
    let kept = |why: &str| Some(format!("edits stay in the stash: {why}; put them back with `git{at} stash pop`"));
    if git.has_stashed(commit).unwrap_or(false) {
        let _ = git.drop_stash(commit);
        return None;
    }
    let edited = git.work_tree().map_or(true, |tree| tree.edited().next().is_some());
    if edited {
        return kept("there are newer ones");
    }
    if git.unstash(commit).is_err() {
        // Before this the tracked files were as committed, so all that is set back is what the entry brought.
        let _ = git.reset_tracked();
        if git.rename_stash(commit, KEPT).is_err() {
            return kept("they conflict");
        }
        return kept("they conflict with what came");
    }
    let _ = git.drop_stash(commit);
    None
}
