//! What would be lost with a work tree, or with a repo as a whole.

use std::fmt;
use std::path::Path;

use wharf_git::{Git, GitError};

/// What one repo holds that is nowhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    /// Path of the repo, from the super-repo's root.
    pub path: String,
    /// Tracked files with changes that are not committed.
    pub uncommitted: usize,
    /// Files that Git does not know.
    pub untracked: usize,
    /// Stashes.
    pub stashes: usize,
    /// Commits that no remote has or, of a worktree, that no branch has.
    pub commits: usize,
    /// Files and folders that Git is told to ignore. They are no reason to refuse, but are named.
    pub ignored: Vec<String>,
}

/// What goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// The repo with its branches.
    Repo,
    /// One of several work trees.
    WorkTree,
}

impl Losses {
    /// Whether nothing would be lost.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.uncommitted + self.untracked + self.stashes + self.commits == 0
    }

    /// Looks at the repo at `root`.
    pub(super) fn of(root: &Path, path: &str, scope: Scope) -> Result<Self, GitError> {
        let git = Git::new(root);
        let words =
            ["status", "--porcelain=v1", "-z", "--untracked-files=normal", "--ignored", "--ignore-submodules=dirty"];
        let mut losses = Self { path: path.into(), ..Self::default() };
        losses.count(&git.command(words).run_checked()?.text());
        match scope {
            Scope::Repo => {
                let history = History::of(&git)?;
                (losses.stashes, losses.commits) = (history.stashes, history.unpushed);
            }
            Scope::WorkTree => {
                let lost = git.branch().is_none() && git.head().is_some_and(|head| !git.is_kept(&head));
                losses.commits = usize::from(lost);
            }
        }
        Ok(losses)
    }

    fn count(&mut self, status: &str) {
        let mut items = status.split('\0');
        while let Some(item) = items.next() {
            let Some((state, name)) = item.split_at_checked(3) else { continue };
            match state {
                "?? " => self.untracked += 1,
                "!! " => self.ignored.push(name.to_owned()),
                _ => self.uncommitted += 1,
            }
            // The name from before a rename comes as an item of its own.
            if state.starts_with(['R', 'C']) {
                items.next();
            }
        }
    }
}

/// What a Git folder holds that no remote has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct History {
    pub(super) stashes: usize,
    pub(super) unpushed: usize,
}

impl History {
    pub(super) fn of(git: &Git) -> Result<Self, GitError> {
        let stashes = git.command(["stash", "list", "--format=%H"]).run_checked()?.text().lines().count();
        let head = git.head().map(|_| "HEAD");
        let words = ["rev-list", "--count"].into_iter().chain(head).chain(["--branches", "--not", "--remotes"]);
        let count = git.command(words).run_checked()?.text();
        Ok(Self { stashes, unpushed: count.trim().parse().unwrap_or(0) })
    }
}

impl fmt::Display for Losses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let several = |count: usize, one: &str, many: &str| match count {
            0 => None,
            1 => Some(format!("1 {one}")),
            count => Some(format!("{count} {many}")),
        };
        let parts: Vec<String> = [
            several(self.uncommitted, "uncommitted change", "uncommitted changes"),
            several(self.untracked, "untracked file", "untracked files"),
            several(self.stashes, "stash", "stashes"),
            several(self.commits, "commit that is nowhere else", "commits that are nowhere else"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let path = if self.path.is_empty() { "." } else { &self.path };
        write!(f, "`{path}` has {}", parts.join(", "))
    }
}

/// Several, as one sentence.
pub(super) fn listed(losses: &[Losses]) -> String {
    losses.iter().filter(|one| !one.is_none()).map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn all_that_is_nowhere_else_is_counted() {
        let sandbox = Sandbox::new();
        let remote = Repo::bare_remote(sandbox.path().join("remote.git"));
        let repo = Repo::init(sandbox.path().join("repo"));
        repo.write("a", "1").write("b", "1").write(".gitignore", "*.log\n").commit("first");
        repo.push_to(&remote);
        let look = |scope| Losses::of(repo.path(), "libs/a", scope).unwrap();
        assert!(look(Scope::Repo).is_none() && look(Scope::WorkTree).is_none());
        repo.write("a", "2");
        repo.git(&["stash"]);
        repo.git(&["mv", "b", "c"]);
        repo.write("new", "").write("x.log", "");
        repo.git(&["switch", "--quiet", "--create", "side"]);
        repo.git(&["commit", "--quiet", "--allow-empty", "--message", "mine"]);
        repo.write("a", "3");
        let found = look(Scope::Repo);
        assert_eq!((found.uncommitted, found.untracked, found.stashes, found.commits), (1, 1, 1, 1));
        assert_eq!(found.ignored, ["x.log"]);
        assert_eq!(
            found.to_string(),
            "`libs/a` has 1 uncommitted change, 1 untracked file, 1 stash, 1 commit that is nowhere else"
        );
        repo.git(&["switch", "--quiet", "--detach"]);
        assert_eq!(look(Scope::WorkTree).commits, 0, "a branch has it");
        repo.git(&["commit", "--quiet", "--allow-empty", "--message", "loose"]);
        assert_eq!(look(Scope::WorkTree).commits, 1);
    }
}
