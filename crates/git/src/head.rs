//! The commit that is checked out, and on which branch, read from files (gitrepository-layout(5)).

use std::path::Path;

use crate::place::GitPlace;
use crate::program::Git;

/// What is checked out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its commit; `None` on a branch without any.
    pub commit: Option<String>,
    /// The branch, without `refs/heads/`; `None` where `HEAD` is detached.
    pub branch: Option<String>,
}

impl GitPlace {
    /// What is checked out; `None` where `HEAD` cannot be read. Asks the program only for what files do not say plainly
    /// (reftables).
    #[must_use]
    pub fn head(&self) -> Option<Head> {
        let text = std::fs::read_to_string(self.git_dir.join("HEAD")).ok()?;
        let Some(reference) = text.trim().strip_prefix("ref: ") else {
            return Some(Head { commit: Some(text.trim().to_owned()), branch: None });
        };
        let branch = reference.strip_prefix("refs/heads/").map(str::to_owned);
        if branch.as_deref() == Some(".invalid") {
            let git = Git::new(&self.root);
            return Some(Head { commit: git.head(), branch: symbolic_branch(&git) });
        }
        let common = self.common_dir();
        let commit = loose(&self.git_dir, reference).or_else(|| loose(&common, reference));
        let commit = commit.or_else(|| packed(&common, reference));
        // A symbolic branch, or some other odd thing.
        let commit = commit.or_else(|| Git::new(&self.root).head());
        Some(Head { commit, branch })
    }
}

fn symbolic_branch(git: &Git) -> Option<String> {
    let output = git.command(["symbolic-ref", "--quiet", "--short", "HEAD"]).run().ok()?;
    output.exit.is_success().then(|| output.text().trim().to_owned())
}

fn loose(dir: &Path, reference: &str) -> Option<String> {
    let text = std::fs::read_to_string(dir.join(reference)).ok()?;
    Some(text.trim().to_owned()).filter(|id| is_id(id))
}

fn packed(dir: &Path, reference: &str) -> Option<String> {
    let text = std::fs::read_to_string(dir.join("packed-refs")).ok()?;
    let line = text.lines().find(|line| line.split_once(' ').is_some_and(|(_, name)| name == reference))?;
    line.split(' ').next().filter(|id| is_id(id)).map(str::to_owned)
}

fn is_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;
    use crate::place::at;

    #[test]
    fn reads_what_git_says() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        let head = || at(repo.path()).unwrap().unwrap().head().unwrap();
        assert_eq!(head(), Head { commit: None, branch: Some("main".into()) });
        let commit = repo.commit("first");
        assert_eq!(head(), Head { commit: Some(commit.clone()), branch: Some("main".into()) });
        repo.git(&["pack-refs", "--all"]);
        assert_eq!(head().commit, Some(commit.clone()));
        repo.git(&["worktree", "add", "--quiet", "-b", "side/b", "../side"]);
        let side = at(&sandbox.path().join("side")).unwrap().unwrap().head().unwrap();
        assert_eq!(side, Head { commit: Some(commit.clone()), branch: Some("side/b".into()) });
        repo.git(&["checkout", "--quiet", "--detach"]);
        assert_eq!(head(), Head { commit: Some(commit), branch: None });
    }
}
