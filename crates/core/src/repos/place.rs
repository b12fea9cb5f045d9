//! What one repo is like before anything is done to it.

use wharf_git::{Git, GitError, GitPlace, WorkTree, place};

use super::{Member, Obstacle, Refusal, Work};

/// What Git says of one repo.
#[derive(Debug)]
pub struct Facts {
    /// Git in it.
    pub git: Git,
    /// Its Git folder.
    pub place: GitPlace,
    /// Its work tree, branch and head.
    pub tree: WorkTree,
}

impl Facts {
    /// Asks Git.
    ///
    /// # Errors
    /// When it is no repo that Git can read.
    pub fn read(member: &Member) -> Result<Self, GitError> {
        let git = member.git();
        let tree = git.work_tree()?;
        let root = member.repo.root.clone();
        let place = place::at(&root).ok().flatten();
        let place = place.unwrap_or_else(|| GitPlace { git_dir: root.join(".git"), root });
        Ok(Self { git, place, tree })
    }

    /// Why nothing at all may be changed in it now.
    pub(super) fn obstacle(&self, work: &Work<'_>) -> Option<Refusal> {
        if let Some(lock) = self.place.index_lock() {
            let age = work.now.duration_since(lock.since).unwrap_or_default();
            return Some(Refusal::Locked { file: lock.file, age, holder: lock.holder });
        }
        if let Some(operation) = self.place.operation() {
            return Some(Refusal::Operation(operation));
        }
        (!self.tree.conflicts.is_empty()).then(|| Refusal::Conflicts { paths: self.tree.conflicts.clone() })
    }

    /// Reads a repo in which something may be changed.
    pub(super) fn of_free(member: &Member, work: &Work<'_>) -> Result<Self, Obstacle> {
        let facts = Self::read(member)?;
        match facts.obstacle(work) {
            Some(refusal) => Err(refusal.into()),
            None => Ok(facts),
        }
    }

    /// The remote to speak with: that of the upstream, else `origin`, else the only one.
    pub(super) fn remote(&self) -> Option<String> {
        let remotes = self.git.remotes().unwrap_or_default();
        let upstream = self.tree.upstream.as_deref();
        let followed =
            remotes.iter().filter(|name| upstream.is_some_and(|upstream| upstream.starts_with(&format!("{name}/"))));
        let known = followed.max_by_key(|name| name.len()).or_else(|| remotes.iter().find(|name| *name == "origin"));
        known.or_else(|| remotes.first().filter(|_| remotes.len() == 1)).cloned()
    }

    /// Edited and unknown files that a move to `target` would touch.
    pub(super) fn in_the_way(&self, target: &str) -> Result<InTheWay, GitError> {
        let Some(head) = self.tree.head.as_deref().filter(|_| self.tree.is_dirty()) else {
            return Ok(InTheWay::default());
        };
        let differing = self.git.differing(head, target)?;
        let touches = |path: &String| differing.iter().any(|other| overlap(path, other));
        // Of an unknown folder only what is there can be in the way.
        let is_there = |other: &String| self.place.root.join(other).symlink_metadata().is_ok();
        let hides = |path: &String| {
            differing.iter().any(|other| overlap(path, other) && (!path.ends_with('/') || is_there(other)))
        };
        Ok(InTheWay {
            edited: self.tree.edited().any(touches),
            unknown: self.tree.untracked.iter().filter(|path| hides(path)).cloned().collect(),
        })
    }
}

/// What is in the way of a move.
#[derive(Debug, Default)]
pub(super) struct InTheWay {
    /// Whether edits of tracked files are: those can be put aside.
    pub edited: bool,
    /// Files that Git does not know.
    pub unknown: Vec<String>,
}

/// Whether two paths are the same or one lies in the other.
fn overlap(path: &str, other: &str) -> bool {
    let folder = path.trim_end_matches('/');
    folder == other
        || other.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
        || folder.strip_prefix(other).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_overlap_by_whole_names() {
        for (path, other, expected) in [
            ("a", "a", true),
            ("a/", "a/b", true),
            ("a/b", "a", true),
            ("a", "ab", false),
            ("a/b", "a/c", false),
            ("ab/", "a", false),
        ] {
            assert_eq!(overlap(path, other), expected, "{path} {other}");
        }
    }
}
