//! What the code was that a run tested: a hash over all repos, taken while images are got so that nobody waits for it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use wharf_git::{Git, place};

use crate::workspace::Workspace;

/// Changed files and bytes of them beyond which no hash is taken: it says whether two runs had the same code, which then
/// hardly happens.
const MOST_FILES: usize = 2_000;
const MOST_BYTES: u64 = 32 << 20;

/// The state of one repo.
#[derive(Debug, Clone, Default)]
pub(in crate::test_suite) struct RepoState {
    /// Its commit; empty before the first.
    pub commit: String,
    /// Whether files differ from it.
    pub dirty: bool,
    hash: Option<[u8; 32]>,
}

/// The state of the code of all repos.
#[derive(Debug, Default)]
pub(in crate::test_suite) struct Code {
    /// By path of the repo.
    pub repos: BTreeMap<String, RepoState>,
    /// A hash of all of it; `None` where that would take long.
    pub hash: Option<u64>,
}

/// The state of the code, while it is being asked for.
pub(in crate::test_suite) struct CodeState(JoinHandle<BTreeMap<String, RepoState>>);

impl CodeState {
    /// Begins to ask.
    pub fn start(workspace: &Workspace) -> Self {
        let roots: Vec<(String, PathBuf)> =
            workspace.repos.iter().map(|repo| (repo.path.clone(), repo.root.clone())).collect();
        Self(thread::spawn(move || {
            thread::scope(|scope| {
                let asked: Vec<_> =
                    roots.iter().map(|(path, root)| scope.spawn(move || (path.clone(), state(root)))).collect();
                asked.into_iter().filter_map(|one| one.join().ok()).collect()
            })
        }))
    }

    /// What it is.
    pub fn wait(self) -> Code {
        let repos = self.0.join().unwrap_or_default();
        let hash = whole(&repos);
        Code { repos, hash }
    }
}

fn whole(repos: &BTreeMap<String, RepoState>) -> Option<u64> {
    let mut hasher = blake3::Hasher::new();
    for (path, state) in repos {
        hasher.update(path.as_bytes()).update(&[0]).update(state.hash.as_ref()?);
    }
    let mut code = [0; 8];
    code.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    (!repos.is_empty()).then(|| u64::from_le_bytes(code).max(1))
}

fn state(root: &Path) -> RepoState {
    let head = place::at(root).ok().flatten().and_then(|place| place.head());
    let Some(commit) = head.and_then(|head| head.commit) else { return RepoState::default() };
    let changed = Git::new(root).changed().ok();
    let hash = changed.as_ref().and_then(|changed| hash(root, &commit, changed));
    let dirty = changed.is_none_or(|changed| !changed.is_empty());
    RepoState { commit, dirty, hash }
}

/// A hash of a commit and the files that differ from it.
fn hash(root: &Path, commit: &str, changed: &[String]) -> Option<[u8; 32]> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(commit.as_bytes());
    let mut queue: Vec<PathBuf> = changed.iter().map(|path| root.join(path)).collect();
    let (mut files, mut bytes) = (0, 0);
    while let Some(path) = queue.pop() {
        files += 1;
        hasher.update(path.as_os_str().as_encoded_bytes()).update(&[0]);
        let Ok(metadata) = path.symlink_metadata() else { continue };
        bytes += metadata.len();
        if files > MOST_FILES || bytes > MOST_BYTES {
            return None;
        }
        if metadata.is_dir() {
            // A new folder is named as one; a sub-repo in it has its own state.
            if !path.join(".git").exists() {
                let mut entries: Vec<PathBuf> =
                    std::fs::read_dir(&path).ok()?.flatten().map(|entry| entry.path()).collect();
                entries.sort();
                queue.append(&mut entries);
            }
        } else if metadata.is_file() {
            hasher.update(&std::fs::read(&path).ok()?);
        }
    }
    Some(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn the_same_code_has_the_same_hash_and_other_code_another() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        repo.write("a.py", "one");
        repo.commit("first");
        let clean = state(repo.path());
        assert!(!clean.dirty && clean.hash.is_some());
        repo.write("a.py", "two").write("new/b.py", "x");
        let edited = state(repo.path());
        assert!(edited.dirty);
        repo.write("new/b.py", "y");
        let again = state(repo.path());
        assert_ne!(clean.hash, edited.hash);
        assert_ne!(edited.hash, again.hash);
        repo.write("new/b.py", "x");
        assert_eq!(state(repo.path()).hash, edited.hash);
    }
}
