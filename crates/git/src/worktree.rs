//! Worktrees: several work trees of one repo, with one store of objects and branches (git-worktree(1)).

use std::path::PathBuf;

use crate::program::{Git, GitError};

/// One work tree of a repo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Worktree {
    /// Its root.
    pub root: PathBuf,
    /// The commit that is checked out.
    pub head: Option<String>,
    /// The branch that is checked out; None where it is on none.
    pub branch: Option<String>,
    /// Whether its folder is gone.
    pub is_gone: bool,
}

impl Git {
    /// All work trees, the main one first.
    ///
    /// # Errors
    /// When Git is missing or this is no repo.
    pub fn worktrees(&self) -> Result<Vec<Worktree>, GitError> {
        let output = self.command(["worktree", "list", "--porcelain", "-z"]).run_checked()?;
        Ok(parse(&output.text()))
    }

    /// Whether a commit is at or below any branch, tag or remote branch.
    #[must_use]
    pub fn is_kept(&self, commit: &str) -> bool {
        let kept = self.command(["for-each-ref", "--count=1", "--contains", commit]).run();
        kept.is_ok_and(|output| output.exit.is_success() && !output.stdout.is_empty())
    }
}

fn parse(text: &str) -> Vec<Worktree> {
    let mut found = Vec::new();
    for item in text.split('\0') {
        let (key, value) = item.split_once(' ').unwrap_or((item, ""));
        if key == "worktree" {
            found.push(Worktree { root: value.into(), ..Worktree::default() });
        }
        let Some(last) = found.last_mut() else { continue };
        match key {
            "HEAD" => last.head = Some(value.to_owned()),
            "branch" => last.branch = Some(value.trim_start_matches("refs/heads/").to_owned()),
            "prunable" => last.is_gone = true,
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn reads_the_list() {
        let text = "worktree /a b\0HEAD 12\0branch refs/heads/x/y\0\0worktree /c\0HEAD 34\0detached\0prunable gone\0\0";
        let found = parse(text);
        assert_eq!((found[0].root.as_path(), found[0].branch.as_deref()), (Path::new("/a b"), Some("x/y")));
        assert!(found[1].is_gone && found[1].branch.is_none() && found[1].head.as_deref() == Some("34"));
    }
}
