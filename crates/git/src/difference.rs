//! What differs between a commit and the work tree, in full (git-diff(1), "RAW OUTPUT FORMAT"; git-ls-files(1)).

use crate::modules::{Submodule, parse};
use crate::program::{Git, GitError};

/// Mode of a submodule in a tree.
pub const SUBMODULE: u32 = 0o160_000;
/// Mode of a symbolic link in a tree.
pub const LINK: u32 = 0o120_000;

/// A path that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Path from the repo's root.
    pub path: String,
    /// Its mode in the commit; 0 where it is not in that.
    pub before: u32,
    /// Its mode in the work tree; 0 where it is not there.
    pub after: u32,
    /// Id of the blob or commit before.
    pub id_before: String,
}

/// A branch, or what a remote calls its `HEAD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Full name, such as `refs/remotes/origin/main`.
    pub name: String,
    /// The reference that it stands for, where it is a symbolic one.
    pub target: Option<String>,
}

impl Reference {
    /// The name as people write it: `origin/main`.
    #[must_use]
    pub fn short(name: &str) -> &str {
        ["refs/remotes/", "refs/heads/", "refs/tags/"]
            .iter()
            .find_map(|prefix| name.strip_prefix(prefix))
            .unwrap_or(name)
    }
}

impl Git {
    /// Tracked paths whose content, mode or kind in the work tree is not that of `commit`, staged or not. A renamed file is one
    /// removed and one added. Submodules are there where another commit is checked out; their own files are not.
    ///
    /// # Errors
    /// When Git is missing or does not have the commit.
    pub fn difference(&self, commit: &str) -> Result<Vec<Difference>, GitError> {
        let ask = [
            "diff",
            "--raw",
            "-O/dev/null",
            "-z",
            "--no-abbrev",
            "--no-renames",
            "--no-relative",
            "--no-ext-diff",
            "--no-textconv",
            "--ignore-submodules=dirty",
            commit,
            "--",
        ];
        Ok(parse_raw(&self.command(ask).run_checked()?.stdout))
    }

    /// Files that are neither tracked nor ignored; folders that are repos of their own end with `/`.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn untracked(&self) -> Result<Vec<String>, GitError> {
        let output = self.command(["ls-files", "-z", "--others", "--exclude-standard"]).run_checked()?;
        let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// All branches and tags, here and of remotes.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn references(&self) -> Result<Vec<Reference>, GitError> {
        let ask = ["for-each-ref", "--format=%(refname)%00%(symref)", "refs/heads", "refs/remotes", "refs/tags"];
        let output = self.command(ask).run_checked()?;
        let text = output.text();
        let lines = text.lines().filter_map(|line| line.split_once('\0'));
        let reference = |(name, target): (&str, &str)| Reference {
            name: name.to_owned(),
            target: (!target.is_empty()).then(|| target.to_owned()),
        };
        Ok(lines.map(reference).collect())
    }

    /// The content of a file in a commit; `None` where there is no such file, or the commit is not here.
    ///
    /// # Errors
    /// When Git is missing.
    pub fn file_at(&self, commit: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let object = format!("{commit}:{path}");
        let output = self.command(["cat-file", "blob", &object]).run()?;
        Ok(output.exit.is_success().then_some(output.stdout))
    }

    /// The submodules that the `.gitmodules` of a commit names.
    ///
    /// # Errors
    /// When Git is missing.
    pub fn submodules_at(&self, commit: &str) -> Result<Vec<Submodule>, GitError> {
        let text = self.file_at(commit, ".gitmodules")?.unwrap_or_default();
        Ok(parse(&String::from_utf8_lossy(&text)))
    }
}

/// `:<mode> <mode> <object> <object> <status>`, then the path.
fn parse_raw(bytes: &[u8]) -> Vec<Difference> {
    let mut fields = bytes.split(|byte| *byte == 0);
    let mut found: Vec<Difference> = Vec::new();
    while let (Some(about), Some(path)) = (fields.next(), fields.next()) {
        let about = String::from_utf8_lossy(about).into_owned();
        let words: Vec<&str> = about.trim_start_matches(':').split(' ').collect();
        let [before, after, id_before, _, status] = words[..] else { continue };
        let mode = |text: &str| u32::from_str_radix(text, 8).unwrap_or_default();
        let path = String::from_utf8_lossy(path).into_owned();
        let (before, mut after) = (mode(before), mode(after));
        if status.starts_with('U') {
            after = after.max(0o100_644);
        }
        // A path with conflicts stands there twice, once with its modes and once without.
        match found.last_mut().filter(|last| last.path == path) {
            Some(last) => {
                last.before = last.before.max(before);
                last.after = last.after.max(after);
            }
            None => found.push(Difference { path, before, after, id_before: id_before.to_owned() }),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    fn of<'a>(found: &'a [Difference], path: &str) -> Option<&'a Difference> {
        found.iter().find(|difference| difference.path == path)
    }

    #[test]
    fn everything_that_differs_is_there_once() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        for path in ["same", "edited", "staged", "gone", "moved away", "mode", "to link", "touched"] {
            repo.write(path, path);
        }
        let base = repo.commit("first");
        repo.write("committed", "x");
        repo.commit("second");
        repo.write("staged", "2").write("new ü", "").write("added", "");
        repo.git(&["add", "staged", "added"]);
        repo.write("edited", "2").write("touched", "touched");
        repo.git(&["mv", "moved away", "moved here"]);
        std::fs::remove_file(repo.join("gone")).unwrap();
        std::fs::set_permissions(repo.join("mode"), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::remove_file(repo.join("to link")).unwrap();
        std::os::unix::fs::symlink("same", repo.join("to link")).unwrap();
        let git = Git::new(repo.path());
        let found = git.difference(&base).unwrap();
        let modes = |path: &str| of(&found, path).map(|difference| (difference.before, difference.after));
        assert_eq!((modes("same"), modes("touched")), (None, None));
        for path in ["edited", "staged"] {
            assert_eq!(modes(path), Some((0o100_644, 0o100_644)), "{path}");
        }
        for path in ["committed", "added", "moved here"] {
            assert_eq!(modes(path), Some((0, 0o100_644)), "{path}");
        }
        for path in ["gone", "moved away"] {
            assert_eq!(modes(path), Some((0o100_644, 0)), "{path}");
        }
        assert_eq!(modes("mode"), Some((0o100_644, 0o100_755)));
        assert_eq!(modes("to link"), Some((0o100_644, LINK)));
        assert_eq!(found.len(), 9);
        assert_eq!(git.untracked().unwrap(), ["new ü"]);
        assert!(git.difference("0123456789012345678901234567890123456789").is_err());
    }

    #[test]
    fn conflicts_are_changes() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        repo.write("a", "1\n");
        let base = repo.commit("first");
        repo.git(&["switch", "--quiet", "--create", "side"]);
        repo.write("a", "2\n").commit("side");
        repo.git(&["switch", "--quiet", "main"]);
        repo.write("a", "3\n").commit("main");
        assert!(Git::new(repo.path()).command(["merge", "side"]).run().is_ok_and(|output| !output.exit.is_success()));
        let found = Git::new(repo.path()).difference(&base).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_ne!(found[0].after, 0);
    }

    #[test]
    fn submodules_differ_by_their_commit() {
        let sandbox = Sandbox::new();
        let remote = Repo::bare_remote(sandbox.path().join("part.git"));
        let part = Repo::init(sandbox.path().join("part"));
        let pin = part.write("x", "1").commit("one");
        part.push_to(&remote);
        let whole = Repo::init(sandbox.path().join("whole"));
        let sub = whole.add_submodule(&remote, "lib/part");
        let base = whole.commit("add");
        let git = Git::new(whole.path());
        assert_eq!(git.submodules_at(&base).unwrap()[0].path, "lib/part");
        assert_eq!(git.file_at(&base, "nowhere").unwrap(), None);
        sub.write("x", "2");
        assert_eq!(git.difference(&base).unwrap(), [], "its own edits are its own");
        sub.commit("two");
        let found = git.difference(&base).unwrap();
        assert_eq!((found[0].before, found[0].id_before.as_str()), (SUBMODULE, pin.as_str()));
        whole.git(&["rm", "--quiet", "--force", "lib/part"]);
        let found = git.difference(&base).unwrap();
        assert_eq!(of(&found, "lib/part").map(|gone| (gone.before, gone.after)), Some((SUBMODULE, 0)));
    }

    #[test]
    fn references_and_what_they_stand_for() {
        let sandbox = Sandbox::new();
        let remote = Repo::bare_remote(sandbox.path().join("r.git"));
        let first = Repo::init(sandbox.path().join("first"));
        first.commit("one");
        first.push_to(&remote);
        let clone = remote.clone_to(sandbox.path().join("clone"));
        let found = Git::new(clone.path()).references().unwrap();
        let head = found.iter().find(|reference| reference.name == "refs/remotes/origin/HEAD").unwrap();
        assert_eq!(head.target.as_deref().map(Reference::short), Some("origin/main"));
    }
}
