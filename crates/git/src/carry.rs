//! Commits that are made beside the work tree: onto a branch that is not checked out, through an index of their own. The work
//! tree and its index are not touched.

use std::path::Path;

use wharf_process::Command;

use crate::program::{Git, GitError};

/// What a carried commit does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Carried {
    /// The file has this blob, which is stored already.
    Put {
        /// Path from the repo's root.
        path: String,
        /// `100644` or `100755`.
        mode: u32,
        /// Id of the blob.
        id: String,
    },
    /// The file is gone.
    Remove {
        /// Path from the repo's root.
        path: String,
    },
}

/// A commit to be made.
#[derive(Debug, Clone, Copy)]
pub struct Carry<'a> {
    /// Branch that it goes to, without `refs/heads/`.
    pub branch: &'a str,
    /// What the branch is now; `None`: it is not there yet.
    pub old: Option<&'a str>,
    /// The commit that it is made on.
    pub parent: &'a str,
    /// Its message.
    pub message: &'a str,
    /// A file to work with, which is not there yet.
    pub index: &'a Path,
}

impl Git {
    /// Makes a commit with these changes to the tree of its parent and moves the branch to it, unless somebody moved the branch
    /// meanwhile. Gives back its id.
    ///
    /// # Errors
    /// When Git is missing, has no author, or the branch is not what it was.
    pub fn carry(&self, carry: Carry<'_>, changes: &[Carried]) -> Result<String, GitError> {
        let with_index = |args: &[&str]| -> Command {
            let plain =
                ["-c", "core.sparseCheckout=false", "-c", "core.fsmonitor=false", "-c", "core.splitIndex=false"];
            let args = plain.into_iter().chain(args.iter().copied());
            self.command(args).env("GIT_INDEX_FILE", carry.index.as_os_str())
        };
        with_index(&["read-tree", carry.parent]).run_checked()?;
        // Mode 0 removes (git-update-index(1), "Using --index-info").
        let lines = changes.iter().map(|change| match change {
            Carried::Put { path, mode, id } => format!("{mode:o} {id}\t{path}\0"),
            Carried::Remove { path } => format!("0 {}\t{path}\0", "0".repeat(carry.parent.len())),
        });
        let lines: String = lines.collect();
        with_index(&["update-index", "-z", "--index-info"]).input(lines).run_checked()?;
        let tree = with_index(&["write-tree"]).run_checked()?.text().trim().to_owned();
        let commit = self.command(["commit-tree", &tree, "-p", carry.parent, "-F", "-"]).input(carry.message);
        let commit = commit.run_checked()?.text().trim().to_owned();
        let reference = format!("refs/heads/{}", carry.branch);
        let nothing = "0".repeat(commit.len());
        self.command(["update-ref", "-m", "wharf files upstream", &reference, &commit, carry.old.unwrap_or(&nothing)])
            .run_checked()?;
        Ok(commit)
    }

    /// Whether `name` can be the name of a branch (git-check-ref-format(1)).
    #[must_use]
    pub fn can_name_a_branch(&self, name: &str) -> bool {
        let output = self.command(["check-ref-format", "--branch", name]).run();
        !name.starts_with('-') && output.is_ok_and(|output| output.exit.is_success())
    }

    /// The branches that are checked out, here and in other worktrees of this repo.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn branches_in_use(&self) -> Result<Vec<String>, GitError> {
        let output = self.command(["worktree", "list", "--porcelain"]).run_checked()?;
        let text = output.text();
        let names = text.lines().filter_map(|line| line.strip_prefix("branch refs/heads/"));
        Ok(names.map(str::to_owned).collect())
    }

    /// Whether `commit` is in the history of `later`.
    #[must_use]
    pub fn is_ancestor(&self, commit: &str, later: &str) -> bool {
        let output = self.command(["merge-base", "--is-ancestor", commit, later]).run();
        output.is_ok_and(|output| output.exit.is_success())
    }
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn a_commit_is_made_beside_the_work_tree() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        repo.write("a.txt", "one").write("b.txt", "two");
        let parent = repo.commit("first");
        repo.git(&["config", "user.name", "A"]);
        repo.git(&["config", "user.email", "a@example.org"]);
        repo.write("a.txt", "edited").write("new.txt", "n");
        repo.git(&["add", "new.txt"]);
        let before = repo.git(&["status", "--short"]);
        let git = Git::new(repo.path());
        let id = git.store("c/d.txt", b"carried").unwrap();
        let changes =
            [Carried::Put { path: "c/d.txt".into(), mode: 0o100_755, id }, Carried::Remove { path: "b.txt".into() }];
        let index = sandbox.path().join("index");
        let carry = Carry { branch: "up/x", old: None, parent: &parent, message: "why\n", index: &index };
        let commit = git.carry(carry, &changes).unwrap();
        assert_eq!(git.commit("up/x").as_deref(), Some(commit.as_str()));
        assert_eq!(repo.git(&["show", "up/x:c/d.txt"]), "carried");
        assert_eq!(repo.git(&["ls-tree", "-r", "--name-only", "up/x"]), "a.txt\nc/d.txt");
        assert_eq!(repo.git(&["status", "--short"]), before);
        let index = sandbox.path().join("index2");
        let again = Carry { index: &index, ..carry };
        assert!(git.carry(again, &changes).is_err(), "the branch is not new any more");
        assert_eq!(git.branches_in_use().unwrap(), ["main"]);
        assert!(git.is_ancestor(&parent, &commit) && !git.is_ancestor(&commit, &parent));
        assert!(git.can_name_a_branch("a/b") && !git.can_name_a_branch("-b") && !git.can_name_a_branch("a..b"));
    }
}
