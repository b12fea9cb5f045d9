//! What changed: exactly the files of the workspace that differ between the base and the work tree, those of sub-repos too.
//!
//! The super-repo at the base pins a commit of each sub-repo. So a sub-repo is compared with that commit, whatever moved
//! since: the pin, only what is checked out, or the files. This goes on into nested ones, all at once in threads. What cannot
//! be compared is said by name and counts as changed as a whole.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

use wharf_git::difference::{LINK, SUBMODULE};
use wharf_git::{Difference, Git, GitError};

use crate::sub_repo::{Repo, State};
use crate::test_suite::reads::Fate;
use crate::workspace::Workspace;

/// A folder of which nobody knows what it was at the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Its path from the workspace's root.
    pub path: String,
    /// Why, and what to do, for people.
    pub why: String,
}

/// All that changed. Paths are relative to the workspace's root, with `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files, with what became of them.
    pub files: BTreeMap<String, Fate>,
    /// Those of them that are symbolic links, or were.
    pub links: Vec<String>,
    /// Folders that cannot be compared: besides the files that are there now, which are in `files`, any other may have been there.
    pub unknown: Vec<Unknown>,
    /// Sub-repos that were not there at the base: places that modules are looked for in since.
    pub new_repos: Vec<String>,
    /// Sub-repos that were there at the base and are not now: places that modules were looked for in.
    pub gone_repos: Vec<String>,
    /// The commit that each repo is compared with, by path; repos that were not there are left out.
    pub bases: BTreeMap<String, String>,
    /// Set where everything has to count as changed; why.
    pub everything: Option<String>,
}

impl Changes {
    /// Whether nothing changed at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.unknown.is_empty() && self.everything.is_none()
    }

    fn add(&mut self, path: String, fate: Fate) {
        let fate = match self.files.get(&path) {
            Some(known) if *known != fate => Fate::Modified,
            _ => fate,
        };
        self.files.insert(path, fate);
    }

    fn merge(&mut self, other: Self) {
        for (path, fate) in other.files {
            self.add(path, fate);
        }
        self.links.extend(other.links);
        self.unknown.extend(other.unknown);
        self.new_repos.extend(other.new_repos);
        self.gone_repos.extend(other.gone_repos);
        self.bases.extend(other.bases);
        self.everything = self.everything.take().or(other.everything);
    }

    fn take(&mut self, repo: &str, difference: &Difference) {
        let path = join(repo, &difference.path);
        if difference.before == LINK || difference.after == LINK {
            self.links.push(path.clone());
        }
        let fate = match (difference.before, difference.after) {
            (0 | SUBMODULE, _) => Fate::Added,
            (_, 0 | SUBMODULE) => Fate::Removed,
            _ => Fate::Modified,
        };
        self.add(path, fate);
    }
}

/// What a repo was at the base.
#[derive(Debug, Clone)]
enum Before {
    /// This commit.
    Commit(String),
    /// It was not there.
    Absent,
    /// Nobody knows, because the repo around it cannot be compared.
    Unknown,
}

/// All that differs between `base`, a commit of the super-repo, and the work trees of `workspace`.
#[must_use]
pub fn changes(workspace: &Workspace, base: &str) -> Changes {
    for repo in &workspace.repos {
        if let State::Unreadable(reason) = &repo.state {
            let why = format!("sub-repo `{}` cannot be read: {reason}", repo.path);
            return Changes { everything: Some(why), ..Changes::default() };
        }
    }
    let search = Search { repos: &workspace.repos, super_git: &workspace.git.git_dir };
    search.of(&workspace.repos[0], &Before::Commit(base.to_owned()))
}

struct Search<'a> {
    repos: &'a [Repo],
    super_git: &'a Path,
}

impl Search<'_> {
    /// What changed in a repo and all below it.
    fn of(&self, repo: &Repo, before: &Before) -> Changes {
        let children = self.children(repo);
        let (pins, pin_trouble) = match self.pins(repo, before, &children) {
            Ok(pins) => (pins, false),
            Err(_) => (BTreeMap::new(), true),
        };
        let mut found = Changes::default();
        thread::scope(|scope| {
            let below: Vec<_> = children
                .iter()
                .map(|child| {
                    let name = child.path.strip_prefix(&prefix(&repo.path)).unwrap_or(&child.path);
                    let before = match (before, pins.get(name)) {
                        (Before::Commit(_), _) if pin_trouble => Before::Unknown,
                        (Before::Commit(_), Some(pin)) => Before::Commit(pin.clone()),
                        (Before::Unknown, _) => Before::Unknown,
                        (Before::Absent | Before::Commit(_), _) => Before::Absent,
                    };
                    scope.spawn(move || self.child(repo, child, &before))
                })
                .collect();
            found.merge(self.own(repo, before));
            for child in below {
                match child.join() {
                    Ok(changes) => found.merge(changes),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        found
    }

    /// A sub-repo, which may not be here.
    fn child(&self, parent: &Repo, child: &Repo, before: &Before) -> Changes {
        if child.state == State::Ready {
            return self.of(child, before);
        }
        // Its files are not here, so no test reads them now; they count as changed if they are not the same as then.
        let name = child.path.strip_prefix(&prefix(&parent.path)).unwrap_or(&child.path);
        let now = Git::new(&parent.root).pins_of_index(&[name]).ok().and_then(|pins| pins.get(name).cloned());
        let is_same = match before {
            Before::Commit(pin) => now.as_ref() == Some(pin),
            Before::Absent => now.is_none(),
            Before::Unknown => false,
        };
        if is_same {
            return Changes::default();
        }
        let why = format!(
            "sub-repo `{0}` has another commit than at the base, and its files are not here; get them with \
             `git submodule update --init {0}`",
            child.path
        );
        Changes { unknown: vec![Unknown { path: child.path.clone(), why }], ..Changes::default() }
    }

    /// The commits of sub-repos that a repo recorded then.
    fn pins(&self, repo: &Repo, before: &Before, children: &[&Repo]) -> Result<BTreeMap<String, String>, GitError> {
        let Before::Commit(commit) = before else { return Ok(BTreeMap::new()) };
        let names: Vec<&str> =
            children.iter().map(|child| child.path.strip_prefix(&prefix(&repo.path)).unwrap_or(&child.path)).collect();
        Git::new(&repo.root).pins_of(commit, &names)
    }

    /// The sub-repos directly in a repo.
    fn children(&self, repo: &Repo) -> Vec<&Repo> {
        let inside = |other: &&Repo| is_below(&other.path, &repo.path);
        let all: Vec<&Repo> = self.repos.iter().filter(inside).collect();
        let nested = |one: &Repo| all.iter().any(|other| is_below(&one.path, &other.path));
        all.iter().filter(|one| !nested(one)).copied().collect()
    }

    /// What changed in a repo itself.
    fn own(&self, repo: &Repo, before: &Before) -> Changes {
        let git = Git::new(&repo.root);
        match before {
            Before::Commit(commit) => self.compared(repo, &git, commit),
            Before::Absent => {
                let mut found = whole(repo, &git);
                found.new_repos.push(repo.path.clone());
                found
            }
            Before::Unknown => {
                let mut found = whole(repo, &git);
                let why = format!(
                    "what sub-repo `{}` was at the base is not known, as that of the repo around it",
                    repo.path
                );
                found.unknown.push(Unknown { path: repo.path.clone(), why });
                found
            }
        }
    }

    fn compared(&self, repo: &Repo, git: &Git, commit: &str) -> Changes {
        let (difference, untracked) = thread::scope(|scope| {
            let untracked = scope.spawn(|| git.untracked());
            let difference = git.difference(commit);
            (difference, untracked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (difference, untracked) = match (difference, untracked) {
            (Ok(difference), Ok(untracked)) => (difference, untracked),
            (Err(error), _) | (_, Err(error)) => return not_compared(repo, git, commit, &error),
        };
        let mut found = Changes::default();
        found.bases.insert(repo.path.clone(), commit.to_owned());
        for difference in &difference {
            if difference.before == SUBMODULE || difference.after == SUBMODULE {
                self.pin(repo, commit, difference, &mut found);
            }
            if !(matches!(difference.before, 0 | SUBMODULE) && matches!(difference.after, 0 | SUBMODULE)) {
                found.take(&repo.path, difference);
            }
        }
        if found.files.contains_key(&join(&repo.path, ".gitmodules")) {
            self.unlisted(repo, git, commit, &mut found);
        }
        for path in untracked {
            self.untracked(repo, &path, &mut found);
        }
        found
    }

    /// A submodule whose pin differs: a known one is compared for itself.
    fn pin(&self, repo: &Repo, commit: &str, difference: &Difference, found: &mut Changes) {
        let path = join(&repo.path, &difference.path);
        if self.repos.iter().any(|known| known.path == path) {
            return;
        }
        if difference.after == SUBMODULE {
            self.embedded(repo, &difference.path, found);
        }
        if difference.before != SUBMODULE {
            return;
        }
        let git_dir = if repo.path.is_empty() { Some(self.super_git.to_path_buf()) } else { git_dir(repo) };
        let folder =
            git_dir.and_then(|git_dir| module_folder(&git_dir, &Git::new(&repo.root), commit, &difference.path));
        removed(path, folder, &difference.id_before, found);
    }

    /// Submodules that `.gitmodules` named then and does not name now, though their commit is still recorded.
    fn unlisted(&self, repo: &Repo, git: &Git, commit: &str, found: &mut Changes) {
        for module in git.submodules_at(commit).unwrap_or_default() {
            let path = join(&repo.path, &module.path);
            let is_known = self.repos.iter().any(|known| known.path == path);
            if is_known || !repo.root.join(&module.path).join(".git").exists() {
                continue;
            }
            self.embedded(repo, &module.path, found);
            let why = format!("`{path}` was a sub-repo at the base and is in no `.gitmodules` now");
            found.unknown.push(Unknown { path, why });
        }
    }

    fn untracked(&self, repo: &Repo, path: &str, found: &mut Changes) {
        match path.strip_suffix('/') {
            None => found.add(join(&repo.path, path), Fate::Added),
            // A sub-repo that was added and not yet committed is compared for itself.
            Some(folder) if self.repos.iter().any(|known| known.path == join(&repo.path, folder)) => {}
            Some(folder) => self.embedded(repo, folder, found),
        }
    }

    /// A repo in the work tree that is no sub-repo.
    fn embedded(&self, repo: &Repo, folder: &str, found: &mut Changes) {
        let path = join(&repo.path, folder);
        match Git::new(repo.root.join(folder)).files() {
            Ok(files) => files.iter().for_each(|file| found.add(join(&path, file), Fate::Added)),
            Err(error) => {
                let why = format!("`{path}` is a repo of its own that Git cannot list: {}", error.said());
                found.unknown.push(Unknown { path, why });
            }
        }
    }
}

/// A repo of which no file can be compared: all that is there counts as new.
fn whole(repo: &Repo, git: &Git) -> Changes {
    match git.files() {
        Ok(files) => {
            let files = files.iter().map(|file| (join(&repo.path, file), Fate::Added)).collect();
            Changes { files, ..Changes::default() }
        }
        Err(error) => {
            let why = format!("Git cannot list the files of `{}`: {}", shown(&repo.path), error.said());
            Changes { everything: Some(why), ..Changes::default() }
        }
    }
}

fn not_compared(repo: &Repo, git: &Git, commit: &str, error: &GitError) -> Changes {
    let path = shown(&repo.path);
    if git.has_commit(commit) || repo.path.is_empty() {
        let why = format!("Git cannot compare `{path}`: {}", error.said());
        return Changes { everything: Some(why), ..Changes::default() };
    }
    let mut found = whole(repo, git);
    let short = &commit[..commit.len().min(10)];
    let why = format!(
        "sub-repo `{path}` was at commit {short} at the base, which is not here, so all of its files count as changed; get it with \
         `git -C {path} fetch origin {commit}`"
    );
    found.unknown.push(Unknown { path: repo.path.clone(), why });
    found
}

/// The Git folder of the submodule at `path`, as `commit` named it.
fn module_folder(git_dir: &Path, git: &Git, commit: &str, path: &str) -> Option<PathBuf> {
    let modules = git.submodules_at(commit).ok()?;
    let name = &modules.iter().find(|module| module.path == path)?.name;
    Some(git_dir.join("modules").join(name)).filter(|folder| folder.is_dir())
}

/// A sub-repo that is gone, with those in it: what was in it is known as long as its Git folder is kept.
fn removed(path: String, folder: Option<PathBuf>, commit: &str, found: &mut Changes) {
    found.gone_repos.push(path.clone());
    let git = folder.map(|folder| (Git::in_folder(&folder), folder));
    let entries = git.as_ref().and_then(|(git, _)| git.entries(commit, "").ok());
    let (Some((git, folder)), Some(entries)) = (git, entries) else {
        let why = format!("sub-repo `{path}` was removed, and what was in it is not here any more");
        found.unknown.push(Unknown { path, why });
        return;
    };
    for entry in entries {
        let inner = join(&path, &entry.path);
        if entry.mode == SUBMODULE {
            removed(inner, module_folder(&folder, &git, commit, &entry.path), &entry.id, found);
        } else {
            found.add(inner, Fate::Removed);
        }
    }
}

fn git_dir(repo: &Repo) -> Option<PathBuf> {
    wharf_git::place::at(&repo.root).ok().flatten().map(|place| place.git_dir)
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "." } else { path }
}

fn prefix(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!("{path}/") }
}

fn join(folder: &str, path: &str) -> String {
    format!("{}{path}", prefix(folder))
}

/// Whether `path` lies below the folder `above` and is not it.
pub(super) fn is_below(path: &str, above: &str) -> bool {
    path != above && (above.is_empty() || path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_and_comes_was_changed() {
        let mut changes = Changes::default();
        for (path, fate) in [("a", Fate::Removed), ("a", Fate::Added), ("b", Fate::Added), ("b", Fate::Added)] {
            changes.add(path.into(), fate);
        }
        assert_eq!(changes.files["a"], Fate::Modified);
        assert_eq!(changes.files["b"], Fate::Added);
    }

    #[test]
    fn below_is_by_whole_names() {
        assert!(is_below("a/b", "a") && is_below("a", "") && is_below("a/b/c", "a/b"));
        assert!(!is_below("ab", "a") && !is_below("a", "a") && !is_below("", ""));
    }
}
