//! What is under way in a repo, from its Git folder alone (gitrepository-layout(5)): merges and rebases that wait for
//! their user, and the lock of the index.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::place::GitPlace;

/// Something that was begun and waits for its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `git merge` stopped at conflicts.
    Merge,
    /// `git rebase` stopped.
    Rebase,
    /// `git am` stopped.
    Am,
    /// `git cherry-pick` stopped at conflicts.
    CherryPick,
    /// `git revert` stopped at conflicts.
    Revert,
    /// `git bisect` has a question open.
    Bisect,
}

impl Operation {
    /// Its Git command.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::Am => "am",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::Bisect => "bisect",
        }
    }
}

/// The lock that Git holds while it rewrites the index, or left behind when it was killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexLock {
    /// The lock's file.
    pub file: PathBuf,
    /// When it was taken.
    pub since: SystemTime,
    /// The process that has it open, `NUMBER NAME`, where that can be seen.
    pub holder: Option<String>,
}

impl GitPlace {
    /// What is under way.
    #[must_use]
    pub fn operation(&self) -> Option<Operation> {
        let has = |name: &str| self.git_dir.join(name).exists();
        let am = has("rebase-apply/applying");
        [
            (am, Operation::Am),
            (!am && (has("rebase-merge") || has("rebase-apply")), Operation::Rebase),
            (has("MERGE_HEAD"), Operation::Merge),
            (has("CHERRY_PICK_HEAD"), Operation::CherryPick),
            (has("REVERT_HEAD"), Operation::Revert),
            (has("BISECT_LOG"), Operation::Bisect),
        ]
        .into_iter()
        .find_map(|(is, operation)| is.then_some(operation))
    }

    /// The lock of its index, where there is one.
    #[must_use]
    pub fn index_lock(&self) -> Option<IndexLock> {
        let file = self.git_dir.join("index.lock");
        let since = file.metadata().ok()?.modified().ok()?;
        Some(IndexLock { holder: holder(&file), file, since })
    }

    /// Whether this is what a clone left behind that was killed: a Git folder apart from the work tree, without index and refs,
    /// and nothing in the work tree. Nobody can have worked in it.
    #[must_use]
    pub fn is_broken_off_clone(&self) -> bool {
        let has = |name: &str| self.git_dir.join(name).exists();
        if has("index") || has("packed-refs") || has("reftable") || self.git_dir == self.root.join(".git") {
            return false;
        }
        let only_git = std::fs::read_dir(&self.root)
            .is_ok_and(|entries| entries.flatten().all(|entry| entry.file_name() == ".git"));
        only_git && !has_files(&self.git_dir.join("refs"))
    }

    /// Removes it, so that it can be cloned anew; does nothing where it is anything else.
    ///
    /// # Errors
    /// When the system does not let it be removed.
    pub fn remove_broken_off_clone(&self) -> std::io::Result<()> {
        if self.is_broken_off_clone() {
            std::fs::remove_dir_all(&self.git_dir)?;
            std::fs::remove_file(self.root.join(".git"))?;
        }
        Ok(())
    }

    /// The commit of a ref, where its file or `packed-refs` tells; None else, which need not mean that there is none.
    #[must_use]
    pub fn quick_ref(&self, name: &str) -> Option<String> {
        let common = self.common_dir();
        if let Ok(text) = std::fs::read_to_string(common.join(name)) {
            return match text.trim().strip_prefix("ref: ") {
                Some(other) if other != name => self.quick_ref(other),
                Some(_) => None,
                None => Some(text.trim().to_owned()),
            };
        }
        let packed = std::fs::read_to_string(common.join("packed-refs")).ok()?;
        packed.lines().find_map(|line| line.split_once(' ').filter(|(_, known)| *known == name)?.0.to_owned().into())
    }
}

fn has_files(folder: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| if entry.path().is_dir() { has_files(&entry.path()) } else { true })
}

/// Who has a file open, as `/proc` tells (proc(5)); None where it does not.
fn holder(file: &Path) -> Option<String> {
    let file = file.canonicalize().ok()?;
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let name = process.file_name();
        let Some(number) = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) else {
            continue;
        };
        let Ok(open) = std::fs::read_dir(process.path().join("fd")) else { continue };
        if open.flatten().any(|descriptor| std::fs::read_link(descriptor.path()).is_ok_and(|path| path == file)) {
            let program = std::fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{number} {}", program.trim()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;
    use crate::place::at;

    #[test]
    fn a_merge_that_waits_and_a_lock_are_seen() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        let first = repo.write("a", "1").commit("first");
        let place = at(repo.path()).unwrap().unwrap();
        assert_eq!((place.operation(), place.index_lock()), (None, None));
        assert_eq!(place.quick_ref("refs/heads/main"), Some(first.clone()));
        repo.git(&["pack-refs", "--all"]);
        assert_eq!(place.quick_ref("refs/heads/main"), Some(first));
        assert_eq!(place.quick_ref("refs/heads/other"), None);
        repo.git(&["switch", "--quiet", "--create", "other"]);
        repo.write("a", "2").commit("other");
        repo.git(&["switch", "--quiet", "main"]);
        repo.write("a", "3").commit("main");
        repo.git(&["merge", "--no-commit", "--strategy=ours", "other"]);
        assert_eq!(place.operation(), Some(Operation::Merge));
        let open = std::fs::File::create(repo.join(".git/index.lock")).unwrap();
        let holder = place.index_lock().unwrap().holder;
        if Path::new("/proc/self/fd").exists() {
            assert!(holder.unwrap().starts_with(&std::process::id().to_string()));
        }
        drop(open);
        assert_eq!(place.index_lock().unwrap().holder, None);
    }
}
