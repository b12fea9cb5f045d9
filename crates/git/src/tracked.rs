//! What of a work tree Git tracks, and whether it is as it was committed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::program::{Git, GitError};

impl Git {
    /// Files and symbolic links that are tracked, by path from the root, in Git's order; some may be missing from the
    /// work tree. Submodules are left out.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn tracked(&self) -> Result<Vec<PathBuf>, GitError> {
        let output = self.command(["ls-files", "-z", "--cached", "--stage"]).run_checked()?;
        let mut paths: Vec<PathBuf> = output.stdout.split(|byte| *byte == 0).filter_map(parse_entry).collect();
        // A file with a conflict stands there once a side.
        paths.dedup();
        Ok(paths)
    }

    /// Tracked files that an ignore pattern matches all the same, by path from the root; some may be missing from the work tree.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn tracked_though_ignored(&self) -> Result<Vec<PathBuf>, GitError> {
        let asked = ["ls-files", "-z", "--cached", "--ignored", "--exclude-standard"];
        let output = self.command(asked).run_checked()?;
        let paths = output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
    }

    /// Whether a rule ignores `path`; what Git does not answer is not ignored.
    #[must_use]
    pub fn is_ignored(&self, path: &Path) -> bool {
        self.command(["check-ignore", "--quiet", "--"]).arg(path).run_checked().is_ok()
    }

    /// Whether a tracked file is edited, staged or missing, or a submodule has another commit than is recorded.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn is_edited(&self) -> Result<bool, GitError> {
        let asked = ["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty"];
        Ok(!self.command(asked).run_checked()?.stdout.is_empty())
    }

    /// Tracked files that are edited or staged, by path from the root.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn edited_files(&self) -> Result<Vec<PathBuf>, GitError> {
        let output = self.command(["diff", "--name-only", "--no-renames", "-z", "HEAD", "--"]).run_checked()?;
        let paths = output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect())
    }

    /// When the commit that is checked out was made, in seconds since 1970; `None` where there is none.
    #[must_use]
    pub fn commit_time(&self) -> Option<i64> {
        let output = self.command(["show", "--no-patch", "--no-show-signature", "--format=%ct", "HEAD"]).run().ok()?;
        output.text().trim().parse().ok()
    }
}

/// `<mode> <object> <stage>\t<path>` (git-ls-files(1), "OUTPUT").
fn parse_entry(entry: &[u8]) -> Option<PathBuf> {
    let tab = entry.iter().position(|byte| *byte == b'\t')?;
    (!entry.starts_with(b"160000 ")).then(|| PathBuf::from(OsStr::from_bytes(&entry[tab + 1..])))
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn what_is_tracked_and_whether_it_is_edited() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        let git = Git::new(repo.path());
        assert_eq!(git.commit_time(), None);
        repo.write("a/ü b.txt", "one").write("c.txt", "two");
        repo.commit("first");
        repo.write("untracked.txt", "no");
        assert_eq!(git.tracked().unwrap(), [PathBuf::from("a/ü b.txt"), "c.txt".into()]);
        assert_eq!(git.commit_time(), Some(1_704_110_400));
        assert!(!git.is_edited().unwrap(), "an untracked file is no edit");
        repo.write("c.txt", "three");
        assert!(git.is_edited().unwrap());
    }

    #[test]
    fn submodules_are_left_out_and_their_other_commits_seen() {
        let sandbox = Sandbox::new();
        let remote = Repo::init(sandbox.path().join("sub"));
        remote.write("s.txt", "s");
        remote.commit("first");
        let repo = Repo::init(sandbox.path().join("repo"));
        let command = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &remote.url(), "sub"];
        repo.git(&command);
        repo.commit("first");
        let git = Git::new(repo.path());
        assert_eq!(git.tracked().unwrap(), [PathBuf::from(".gitmodules")]);
        repo.write("sub/s.txt", "edited");
        assert!(!git.is_edited().unwrap(), "the sub-repo is asked for itself");
        Repo::open(repo.join("sub")).commit("second");
        assert!(git.is_edited().unwrap());
    }
}
