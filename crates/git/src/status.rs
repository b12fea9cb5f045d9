//! The state of a work tree, in one question to Git (git-status(1), "Porcelain Format Version 2").

use std::collections::BTreeMap;

use crate::program::{Git, GitError};

/// What `git status` knows of a repo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkTree {
    /// The commit that is checked out; None before the first one.
    pub head: Option<String>,
    /// The branch that is checked out; None where the head is detached.
    pub branch: Option<String>,
    /// The branch's upstream, such as `origin/main`.
    pub upstream: Option<String>,
    /// Commits that the upstream lacks, and that the branch lacks; None without an upstream, or where it is gone.
    pub apart: Option<(u32, u32)>,
    /// Tracked paths with staged edits.
    pub staged: Vec<String>,
    /// Tracked paths with edits that are not staged. Checked out commits of submodules are in `moved` instead.
    pub changed: Vec<String>,
    /// Paths that are not tracked and not ignored; whole folders end with `/`.
    pub untracked: Vec<String>,
    /// Paths with conflicts.
    pub conflicts: Vec<String>,
    /// Submodules whose checked out commit is not the one in the index, with that of the index.
    pub moved: BTreeMap<String, String>,
}

impl WorkTree {
    /// Tracked paths that are edited in any way.
    pub fn edited(&self) -> impl Iterator<Item = &String> {
        self.staged.iter().chain(&self.changed).chain(&self.conflicts)
    }

    /// Whether there is anything that is in no commit.
    #[must_use]
    pub fn is_dirty(&self) -> bool {
        self.edited().next().is_some() || !self.untracked.is_empty()
    }

    /// Whether the branch has commits that its upstream lacks and lacks some of the upstream's.
    #[must_use]
    pub fn has_diverged(&self) -> bool {
        self.apart.is_some_and(|(ahead, behind)| ahead > 0 && behind > 0)
    }
}

impl Git {
    /// The state of the work tree, with the edits of submodules left to these, but not their commits.
    ///
    /// # Errors
    /// When Git is missing, or the folder is no repo or not readable.
    pub fn work_tree(&self) -> Result<WorkTree, GitError> {
        let ask = [
            "status",
            "--porcelain=v2",
            "--branch",
            "-z",
            "--untracked-files=normal",
            "--ignore-submodules=dirty",
            "--no-renames",
        ];
        Ok(parse(&String::from_utf8_lossy(&self.command(ask).run_checked()?.stdout)))
    }
}

fn parse(text: &str) -> WorkTree {
    let mut found = WorkTree::default();
    for entry in text.split('\0') {
        match entry.split_once(' ') {
            Some(("#", header)) => take_header(&mut found, header),
            Some(("1", rest)) => take_edit(&mut found, rest),
            Some(("u", rest)) => found.conflicts.extend(rest.splitn(10, ' ').nth(9).map(str::to_owned)),
            Some(("?", path)) => found.untracked.push(path.to_owned()),
            _ => {}
        }
    }
    found
}

fn take_header(found: &mut WorkTree, header: &str) {
    let Some((key, value)) = header.split_once(' ') else { return };
    match key {
        "branch.oid" if value != "(initial)" => found.head = Some(value.to_owned()),
        "branch.head" if value != "(detached)" => found.branch = Some(value.to_owned()),
        "branch.upstream" => found.upstream = Some(value.to_owned()),
        "branch.ab" => {
            let mut counts = value.split(' ').map(|count| count.trim_start_matches(['+', '-']).parse().ok());
            found.apart = counts.next().flatten().zip(counts.next().flatten());
        }
        _ => {}
    }
}

/// `<XY> <sub> <mH> <mI> <mW> <hH> <hI> <path>`
fn take_edit(found: &mut WorkTree, rest: &str) {
    let fields: Vec<&str> = rest.splitn(8, ' ').collect();
    let [states, kind, _, index_mode, _, _, in_index, path] = fields.as_slice() else { return };
    let path = (*path).to_owned();
    if !states.starts_with('.') {
        found.staged.push(path.clone());
    }
    if states.ends_with('.') {
        return;
    }
    if *index_mode == "160000" && kind.starts_with("SC") && states.ends_with('M') {
        found.moved.insert(path, (*in_index).to_owned());
    } else {
        found.changed.push(path);
    }
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn reads_what_git_writes() {
        let text = "# branch.oid abc\0# branch.head main\0# branch.upstream origin/main\0# branch.ab +2 -1\0\
                    1 M. N... 100644 100644 100644 a b a b c.txt\0\
                    1 .M SC.. 160000 160000 160000 1 2 libs/x\0\
                    u UU N... 100644 100644 100644 100644 1 2 3 both ways\0? new/\0";
        let found = parse(text);
        assert_eq!(found.branch.as_deref(), Some("main"));
        assert_eq!((found.apart, found.upstream.as_deref()), (Some((2, 1)), Some("origin/main")));
        assert!(found.has_diverged() && found.is_dirty());
        assert_eq!(found.staged, ["a b c.txt"]);
        assert_eq!(found.conflicts, ["both ways"]);
        assert_eq!(found.untracked, ["new/"]);
        assert_eq!(found.moved.get("libs/x").map(String::as_str), Some("2"));
    }

    #[test]
    fn real_git_agrees() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        let git = Git::new(repo.path());
        assert_eq!(git.work_tree().unwrap().head, None, "no commit yet");
        repo.write("a b.txt", "one").write("ü", "x");
        let head = repo.commit("first");
        repo.write("a b.txt", "two").write("new", "").git(&["rm", "--quiet", "ü"]);
        let found = git.work_tree().unwrap();
        assert_eq!((found.head, found.branch.as_deref(), found.apart), (Some(head), Some("main"), None));
        assert_eq!((found.staged, found.changed), (vec!["ü".to_owned()], vec!["a b.txt".to_owned()]));
        assert_eq!(found.untracked, ["new"]);
        repo.git(&["checkout", "--quiet", "--detach"]);
        assert_eq!(git.work_tree().unwrap().branch, None);
    }
}
