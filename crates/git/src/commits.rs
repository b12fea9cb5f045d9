//! Questions about commits: which repo has which, how far two are apart, what lies between them.

use std::collections::BTreeMap;

use crate::program::{Git, GitError};

/// How two commits lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Apart {
    /// Commits that only the first has.
    pub ahead: u32,
    /// Commits that only the second has.
    pub behind: u32,
}

/// A change of the commit that a repo records for a submodule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinChange {
    /// Path of the submodule.
    pub path: String,
    /// The commit that is recorded now.
    pub to: String,
}

impl Git {
    /// How `first` lies to `second`.
    ///
    /// # Errors
    /// When Git is missing or does not have both.
    pub fn apart(&self, first: &str, second: &str) -> Result<Apart, GitError> {
        let range = format!("{first}...{second}");
        let output = self.command(["rev-list", "--left-right", "--count", &range, "--"]).run_checked()?;
        let text = output.text();
        let mut counts = text.split_whitespace().map(|count| count.parse().unwrap_or(0));
        Ok(Apart { ahead: counts.next().unwrap_or(0), behind: counts.next().unwrap_or(0) })
    }

    /// The newest commit that both have; None where they have none in common.
    #[must_use]
    pub fn merge_base(&self, first: &str, second: &str) -> Option<String> {
        let output = self.command(["merge-base", first, second]).run().ok()?;
        output.exit.is_success().then(|| output.text().trim().to_owned())
    }

    /// Number of commits of `commit` that no remote-tracking branch has.
    ///
    /// # Errors
    /// When Git is missing or does not have it.
    pub fn count_unpushed(&self, commit: &str) -> Result<u32, GitError> {
        self.count(&["rev-list", "--count", commit, "--not", "--remotes"])
    }

    /// Number of commits of `commit` that no branch and no tag has, here or at a remote: those that would be lost.
    ///
    /// # Errors
    /// When Git is missing or does not have it.
    pub fn count_unnamed(&self, commit: &str) -> Result<u32, GitError> {
        self.count(&["rev-list", "--count", commit, "--not", "--branches", "--remotes", "--tags"])
    }

    /// Paths that differ between two commits, those of submodules left out.
    ///
    /// # Errors
    /// When Git is missing or does not have both.
    pub fn differing(&self, from: &str, to: &str) -> Result<Vec<String>, GitError> {
        let entries = self.raw_difference(Some(from), to)?;
        Ok(entries.into_iter().filter(|entry| !entry.is_pin()).map(|entry| entry.path).collect())
    }

    /// Submodules whose recorded commit differs between two commits; all of `to`'s without `from`. Removed ones are left
    /// out.
    ///
    /// # Errors
    /// When Git is missing or does not have both.
    pub fn differing_pins(&self, from: Option<&str>, to: &str) -> Result<Vec<PinChange>, GitError> {
        let entries = self.raw_difference(from, to)?;
        let pins = entries.into_iter().filter(|entry| entry.mode == "160000");
        Ok(pins.map(|entry| PinChange { path: entry.path, to: entry.object }).collect())
    }

    /// The commits that the index records for these submodules.
    ///
    /// # Errors
    /// When Git is missing.
    pub fn pins_of_index(&self, paths: &[&str]) -> Result<BTreeMap<String, String>, GitError> {
        if paths.is_empty() {
            return Ok(BTreeMap::new());
        }
        let ask = ["--literal-pathspecs", "ls-files", "--stage", "-z", "--"];
        let output = self.command(ask.into_iter().chain(paths.iter().copied())).run_checked()?;
        Ok(parse_pins(&output.text()))
    }

    /// The commits that a commit records for these submodules.
    ///
    /// # Errors
    /// When Git is missing or does not have the commit.
    pub fn pins_of(&self, commit: &str, paths: &[&str]) -> Result<BTreeMap<String, String>, GitError> {
        if paths.is_empty() {
            return Ok(BTreeMap::new());
        }
        let output = self.command(["ls-tree", "-z", commit, "--"].into_iter().chain(paths.iter().copied()));
        Ok(parse_pins(&output.run_checked()?.text()))
    }

    /// At most `limit` lines `> SUBJECT` for commits that only `to` has and `< SUBJECT` for those that only `from` has,
    /// newest first.
    ///
    /// # Errors
    /// When Git is missing or does not have both.
    pub fn subjects(&self, from: &str, to: &str, limit: usize) -> Result<Vec<String>, GitError> {
        let (limit, range) = (format!("--max-count={limit}"), format!("{from}...{to}"));
        let ask =
            ["log", "--left-right", "--no-decorate", "--no-show-signature", "--format=%m %s", &limit, &range, "--"];
        Ok(self.command(ask).run_checked()?.text().lines().map(str::to_owned).collect())
    }

    fn count(&self, ask: &[&str]) -> Result<u32, GitError> {
        Ok(self.command(ask.iter().copied()).run_checked()?.text().trim().parse().unwrap_or(0))
    }

    fn raw_difference(&self, from: Option<&str>, to: &str) -> Result<Vec<RawEntry>, GitError> {
        // git-mktree(1) of nothing: the tree that all Gits know.
        let from = from.unwrap_or(EMPTY_TREE);
        let ask = [
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--no-renames",
            "--no-abbrev",
            "--ignore-submodules=none",
            from,
            to,
            "--",
        ];
        let output = self.command(ask).run_checked()?;
        let text = output.text();
        let mut fields = text.split('\0');
        let mut entries = Vec::new();
        // `:<mode> <mode> <object> <object> <status>`, then the path.
        while let (Some(about), Some(path)) = (fields.next(), fields.next()) {
            let about: Vec<&str> = about.trim_start_matches(':').split(' ').collect();
            if let [old_mode, mode, _, object, ..] = about.as_slice() {
                entries.push(RawEntry {
                    old_mode: (*old_mode).to_owned(),
                    mode: (*mode).to_owned(),
                    object: (*object).to_owned(),
                    path: path.to_owned(),
                });
            }
        }
        Ok(entries)
    }
}

const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

struct RawEntry {
    old_mode: String,
    mode: String,
    object: String,
    path: String,
}

impl RawEntry {
    fn is_pin(&self) -> bool {
        self.mode == "160000" || (self.mode == "000000" && self.old_mode == "160000")
    }
}

/// `160000 <object> 0\t<path>` of ls-files, `160000 commit <object>\t<path>` of ls-tree.
fn parse_pins(text: &str) -> BTreeMap<String, String> {
    let entries = text.split('\0').filter_map(|entry| entry.strip_prefix("160000 ")?.split_once('\t'));
    let pin = |about: &str| about.trim_start_matches("commit ").split(' ').next().unwrap_or_default().to_owned();
    entries.map(|(about, path)| (path.to_owned(), pin(about))).collect()
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn what_lies_between_two_commits() {
        let sandbox = Sandbox::new();
        let remote = Repo::bare_remote(sandbox.path().join("part.git"));
        let part = Repo::init(sandbox.path().join("part"));
        let one = part.write("x", "1").commit("part: one");
        part.push_to(&remote);
        let whole = Repo::init(sandbox.path().join("whole"));
        let empty = whole.commit("empty");
        let sub = whole.add_submodule(&remote, "lib/a part");
        let first = whole.commit("add part");
        let git = Git::new(whole.path());
        assert_eq!(git.differing(&empty, &first).unwrap(), [".gitmodules"]);
        let pins = git.differing_pins(Some(&empty), &first).unwrap();
        assert_eq!(pins, [PinChange { path: "lib/a part".into(), to: one.clone() }]);
        assert_eq!(git.differing_pins(None, &first).unwrap(), pins);
        assert_eq!(git.pins_of_index(&["lib/a part"]).unwrap().get("lib/a part"), Some(&one));
        assert_eq!(git.pins_of(&first, &["lib/a part"]).unwrap().get("lib/a part"), Some(&one));
        let two = sub.write("x", "2").commit("part: two");
        let inner = Git::new(sub.path());
        assert_eq!(inner.apart(&two, &one).unwrap(), Apart { ahead: 1, behind: 0 });
        assert_eq!(inner.count_unpushed(&two).unwrap(), 1);
        assert_eq!(inner.subjects(&one, &two, 9).unwrap(), ["> part: two"]);
        sub.git(&["checkout", "--quiet", "--detach"]);
        let three = sub.commit("part: three");
        assert_eq!((inner.count_unnamed(&two).unwrap(), inner.count_unnamed(&three).unwrap()), (0, 1));
        assert_eq!(git.work_tree().unwrap().moved.get("lib/a part"), Some(&one));
    }
}
