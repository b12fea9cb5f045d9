//! What of a work tree is not committed.

use crate::program::{Git, GitError};

impl Git {
    /// Paths that differ from the commit that is checked out, staged or not, and new ones that are not ignored, relative to the
    /// root; a renamed file by its new name. Sub-repos count by the commit that is checked out in them
    /// (git-status(1), "Porcelain Format Version 1").
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn changed(&self) -> Result<Vec<String>, GitError> {
        let args =
            ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=dirty"];
        let output = self.command(args).run_checked()?;
        let entries = output.stdout.split(|byte| *byte == 0).filter(|entry| entry.len() > 3);
        Ok(entries.map(|entry| String::from_utf8_lossy(&entry[3..]).into_owned()).collect())
    }
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn new_and_changed_files_are_named_and_ignored_ones_are_not() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        repo.write(".gitignore", "made\n").write("a/b c.txt", "one").write("gone.txt", "two");
        repo.commit("first");
        let git = Git::new(repo.path());
        assert_eq!(git.changed().unwrap(), [""; 0]);
        repo.write("a/b c.txt", "three").write("made", "x").write("ü.txt", "new");
        std::fs::remove_file(repo.join("gone.txt")).unwrap();
        let mut changed = git.changed().unwrap();
        changed.sort();
        assert_eq!(changed, ["a/b c.txt", "gone.txt", "ü.txt"]);
    }
}
