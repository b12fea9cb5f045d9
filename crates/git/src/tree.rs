//! Earlier states of a repo: its tags, commits, and the files that they hold. The work tree, its index and the list of
//! worktrees are not touched.

use std::path::Path;

use wharf_process::Command;

use crate::program::{Git, GitError};

/// A file of a commit's tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Path from the repo's root.
    pub path: String,
    /// What it is.
    pub kind: TreeKind,
}

/// What an entry of a tree is (git-fast-import(1), "filemodify", for the modes).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeKind {
    /// A file.
    File,
    /// A symbolic link.
    Link,
    /// The commit of a submodule.
    Submodule,
}

impl Git {
    /// Tags that match `pattern` and whose commits the checkout contains.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn tags_here(&self, pattern: &str) -> Result<Vec<String>, GitError> {
        if self.head().is_none() {
            return Ok(Vec::new());
        }
        let output = self.command(["tag", "--merged", "HEAD", "--list", pattern]).run_checked()?;
        Ok(output.text().lines().map(str::to_owned).collect())
    }

    /// The commit that a tag, branch or other expression names, if there is one here (gitrevisions(7)).
    #[must_use]
    pub fn commit(&self, reference: &str) -> Option<String> {
        if reference.starts_with('-') {
            return None;
        }
        let commit = format!("{reference}^{{commit}}");
        let output = self.command(["rev-parse", "--verify", "--quiet", &commit]).run().ok()?;
        output.exit.is_success().then(|| output.text().trim().to_owned())
    }

    /// The commit of the submodule at `path` that `commit` records.
    ///
    /// # Errors
    /// When Git is missing or does not have the commit.
    pub fn submodule_commit(&self, commit: &str, path: &str) -> Result<Option<String>, GitError> {
        let output = self.command(["ls-tree", "-z", commit, "--", path]).run_checked()?;
        let text = output.text();
        Ok(text.strip_prefix("160000 commit ").and_then(|rest| rest.split('\t').next()).map(str::to_owned))
    }

    /// All files of a commit whose names are text.
    ///
    /// # Errors
    /// When Git is missing or does not have the commit.
    pub fn tree(&self, commit: &str) -> Result<Vec<TreeFile>, GitError> {
        let output = self.command(["ls-tree", "-r", "-z", commit]).run_checked()?;
        let entries = output.stdout.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
        Ok(entries.filter_map(parse_entry).collect())
    }

    /// Writes these files of a commit into the folder `into`, as a checkout would; `index` is a file to work with.
    ///
    /// # Errors
    /// When Git is missing, does not have the commit, or a file cannot be written.
    pub fn write_files(&self, commit: &str, files: &[&str], into: &Path, index: &Path) -> Result<(), GitError> {
        let with_index = |args: &[&str]| -> Command {
            // What makes an index follow the work tree makes no sense for this one.
            let plain =
                ["-c", "core.sparseCheckout=false", "-c", "core.fsmonitor=false", "-c", "core.splitIndex=false"];
            self.command(plain.into_iter().chain(args.iter().copied())).env("GIT_INDEX_FILE", index.as_os_str())
        };
        with_index(&["read-tree", commit]).run_checked()?;
        let names: Vec<u8> = files.iter().flat_map(|file| [file.as_bytes(), b"\0"].concat()).collect();
        let mut prefix = std::ffi::OsString::from("--prefix=");
        prefix.push(into.as_os_str());
        prefix.push("/");
        with_index(&["checkout-index", "--force", "-z", "--stdin"]).arg(prefix).input(names).run_checked()?;
        Ok(())
    }
}

/// `<mode> <type> <object>\t<path>`
fn parse_entry(entry: &str) -> Option<TreeFile> {
    let (about, path) = entry.split_once('\t')?;
    let kind = match about.split(' ').next()? {
        "120000" => TreeKind::Link,
        "160000" => TreeKind::Submodule,
        _ => TreeKind::File,
    };
    Some(TreeFile { path: path.to_owned(), kind })
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn an_earlier_tree_is_written_beside_the_work_tree() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        repo.write("a/b c.txt", "one").write("ü.txt", "two");
        let first = repo.commit("first");
        repo.git(&["tag", "a-1.0.0"]);
        repo.write("a/b c.txt", "changed");
        repo.commit("second");
        let git = Git::new(repo.path());
        assert_eq!(git.tags_here("a-*").unwrap(), ["a-1.0.0"]);
        assert_eq!(git.commit("a-1.0.0"), Some(first.clone()));
        assert_eq!((git.commit("nowhere"), git.commit("--all")), (None, None));
        let tree = git.tree(&first).unwrap();
        let names: Vec<&str> = tree.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(names, ["a/b c.txt", "ü.txt"]);
        let into = sandbox.path().join("past");
        git.write_files(&first, &names, &into, &sandbox.path().join("index")).unwrap();
        assert_eq!(std::fs::read_to_string(into.join("a/b c.txt")).unwrap(), "one");
        assert_eq!(repo.git(&["status", "--short"]), "");
        assert_eq!(repo.git(&["worktree", "list"]).lines().count(), 1);
    }

    #[test]
    fn tags_elsewhere_are_not_here() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        let git = Git::new(repo.path());
        assert_eq!(git.tags_here("a-*").unwrap(), [""; 0]);
        repo.commit("first");
        repo.git(&["switch", "--quiet", "--create", "other"]);
        repo.commit("elsewhere");
        repo.git(&["tag", "a-2.0.0"]);
        repo.git(&["switch", "--quiet", "main"]);
        assert_eq!(git.tags_here("a-*").unwrap(), [""; 0]);
    }
}
