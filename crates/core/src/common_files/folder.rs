//! Folders whose code lives in two repos: what is only on this side, what was renamed here, the differences as patches, and the
//! commits on either side since the last sync.

use std::collections::{BTreeMap, BTreeSet};

use wharf_git::{Git, LogEntry};

use super::contents::Contents;
use super::declared::{By, Declaration, Mode};
use super::error::FilesError;
use super::examine::{Examined, examine_repo};
use super::ids::Ids;
use super::merge::is_binary;
use super::pattern::Patterns;
use super::record::RECORD;
use super::scene::{Scene, join};
use super::select::Selection;
use super::status::{CommonFile, State};
use super::target;
use super::version::Local;

/// Holds a folder of this super-repo against one that owns it for the moment, without any declaration. Both are paths from the
/// super-repo's root.
///
/// # Errors
/// When they are in one place, or Git does not answer.
pub fn between(scene: &Scene, here: &str, there: &str) -> Result<Examined, FilesError> {
    let usage = |message: String| FilesError::Usage { message, hint: "name two folders of this super-repo".into() };
    let (repo, folder) = scene.repo_of(here);
    let holds =
        |one: &str, other: &str| other.strip_prefix(one).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if scene.repo_of(there).0 == repo && (holds(here, there) || holds(there, here)) {
        return Err(usage(format!("`{here}` and `{there}` lie in each other")));
    }
    for path in [here, there] {
        if !scene.root.join(path).is_dir() {
            return Err(usage(format!("`{path}` is no folder here")));
        }
    }
    let declaration = Declaration {
        from: there.to_owned(),
        paths: vec!["**".into()],
        to: vec![if folder.is_empty() { ".".into() } else { folder.to_owned() }],
        mode: Mode::Copy,
        detached: Vec::new(),
        place: "`--between`".into(),
        by: By::Keeper,
    };
    let mut examined = Examined::default();
    examine_repo(scene, repo, std::slice::from_ref(&declaration), &mut examined)?;
    add_only_here(scene, repo, &declaration, &Selection::default(), &mut examined)?;
    Ok(examined)
}

/// Adds what is only here in the folders that `selection` names, to what was examined of all declarations.
///
/// # Errors
/// When Git does not answer.
pub fn only_here(scene: &Scene, selection: &Selection, examined: &mut Examined) -> Result<(), FilesError> {
    for (repo, declarations) in scene.declared.iter().enumerate() {
        for declaration in declarations.iter().filter(|declaration| declaration.mode == Mode::Copy) {
            add_only_here(scene, repo, declaration, selection, examined)?;
        }
    }
    Ok(())
}

fn add_only_here(
    scene: &Scene,
    repo: usize,
    declaration: &Declaration,
    selection: &Selection,
    examined: &mut Examined,
) -> Result<(), FilesError> {
    let root = &scene.repos[repo].root;
    let (owner, from) = scene.repo_of(&declaration.from);
    let Some(commit) = Git::new(&scene.repos[owner].root).head() else { return Ok(()) };
    let patterns = Patterns::new(&declaration.paths);
    let tracked = Git::new(root).files().map_err(FilesError::git(root))?;
    let known: BTreeSet<String> =
        examined.files.iter().filter(|file| file.repo == repo).map(|file| file.path.clone()).collect();
    let folders: Vec<String> = declaration.to.iter().flat_map(|to| target::folders(root, to)).collect();
    let mut found: Vec<(String, String)> = Vec::new();
    for path in tracked.into_iter().filter(|path| !known.contains(path) && selection.has(&scene.shown(repo, path))) {
        let inner = folders.iter().find_map(|folder| match folder.is_empty() {
            true => Some(path.as_str()),
            false => path.strip_prefix(folder.as_str())?.strip_prefix('/'),
        });
        let is_own = path == RECORD || path == "wharf.toml" || declaration.detached.contains(&path);
        if let Some(inner) = inner.filter(|inner| !is_own && patterns.matches(inner)) {
            found.push((path.clone(), join(from, inner)));
        }
    }
    let mut ids = Ids::load(root, &scene.cache);
    let looked = ids.look(&found.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>());
    ids.save();
    for ((path, source), here) in found.into_iter().zip(looked).filter(|(_, here)| matches!(here, Local::File(..))) {
        examined.files.push(CommonFile {
            repo,
            path,
            owner,
            source,
            commit: commit.clone(),
            mode: Mode::Copy,
            state: State::OnlyHere,
            here,
            there: None,
            recorded: None,
            link: String::new(),
            place: declaration.place.clone(),
        });
    }
    examined.files.sort_by(|one, other| (one.repo, &one.path).cmp(&(other.repo, &other.path)));
    Ok(())
}

/// Of the files that are gone here, those that have another name here now: the same content first, then text of which at least
/// half the lines are the same, as Git has it (git-diff(1), `--find-renames`).
pub fn find_renames_here(examined: &mut Examined, contents: &Contents) {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    for at in 0..examined.files.len() {
        let gone = &examined.files[at];
        if gone.state != State::DeletedHere || gone.is_contested() {
            continue;
        }
        let new = || {
            let files = examined.files.iter();
            files.filter(|file| file.state == State::OnlyHere && file.repo == gone.repo && !taken.contains(&file.path))
        };
        let same =
            new().find(|file| file.here.version().map(|version| &version.id) == gone.base().map(|base| &base.id));
        let base = contents.base(gone).filter(|bytes| !is_binary(bytes));
        let alike = || {
            let scored = new().filter_map(|file| Some((alike(base?, contents.here(file)?), file)));
            scored.filter(|(score, _)| *score >= 50).max_by_key(|(score, _)| *score).map(|(_, file)| file)
        };
        if let Some(path) = same.or_else(alike).map(|file| file.path.clone()) {
            taken.insert(path.clone());
            examined.files[at].state = State::RenamedHere(path);
        }
    }
}

/// How many lines of two texts are the same, in percent of the longer one.
fn alike(one: &[u8], other: &[u8]) -> usize {
    let mut counts: BTreeMap<&[u8], usize> = BTreeMap::new();
    let lines: Vec<&[u8]> = one.split_inclusive(|byte| *byte == b'\n').collect();
    for line in &lines {
        *counts.entry(line).or_default() += 1;
    }
    let (mut same, mut others) = (0, 0);
    for line in other.split_inclusive(|byte| *byte == b'\n') {
        others += 1;
        if let Some(count) = counts.get_mut(line).filter(|count| **count > 0) {
            *count -= 1;
            same += 1;
        }
    }
    match lines.len().max(others) {
        0 => 0,
        longer => same * 100 / longer,
    }
}

/// Which way a patch leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the owner's to what is here: `+` is yours.
    Here,
    /// From what is here to the owner's: `+` is what a sync would bring.
    There,
}

/// The difference between both sides of a file as a patch; nothing where there is none.
#[must_use]
pub fn patch(scene: &Scene, contents: &Contents, file: &CommonFile, direction: Direction) -> Option<Vec<u8>> {
    let owner = &scene.repos[file.owner].path;
    let there = (format!("//{}", join(owner, &file.source)), contents.there(file));
    let here = (scene.shown(file.repo, &file.path), contents.here(file));
    let (old, new) = match direction {
        Direction::Here => (there, here),
        Direction::There => (here, there),
    };
    diff(&old.0, &new.0, old.1, new.1)
}

/// What turns `old` into `new`, as a patch.
#[must_use]
pub fn diff(old_name: &str, new_name: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> Option<Vec<u8>> {
    if old == new {
        return None;
    }
    let name = |name: &str, bytes: Option<&[u8]>| bytes.map_or_else(|| "/dev/null".to_owned(), |_| name.to_owned());
    let (from, to) = (name(old_name, old), name(new_name, new));
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    if is_binary(old) || is_binary(new) {
        return Some(format!("Binary files {from} and {to} differ\n").into_bytes());
    }
    let mut options = diffy::DiffOptions::new();
    options.set_original_filename(from).set_modified_filename(to);
    Some(options.create_patch_bytes(old, new).to_bytes())
}

/// Commits on both sides since the last sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The repo whose files are here.
    pub repo: usize,
    /// The owner.
    pub owner: usize,
    /// Commits here, newest first.
    pub here: Vec<LogEntry>,
    /// Commits there, newest first.
    pub there: Vec<LogEntry>,
    /// Whether the owner's history does not have the last sync any more, so that all its commits are listed.
    pub is_rewritten: bool,
}

/// Lists the commits on both sides that changed these files since they were last equal.
///
/// # Errors
/// When Git does not answer.
pub fn log(scene: &Scene, examined: &Examined) -> Result<Vec<Log>, FilesError> {
    let mut groups: BTreeMap<(usize, usize), Vec<&CommonFile>> = BTreeMap::new();
    for file in &examined.files {
        groups.entry((file.repo, file.owner)).or_default().push(file);
    }
    groups.into_iter().map(|((repo, owner), files)| one_log(scene, (repo, owner), &files)).collect()
}

fn one_log(scene: &Scene, (repo, owner): (usize, usize), files: &[&CommonFile]) -> Result<Log, FilesError> {
    let root = &scene.repos[repo].root;
    let git = Git::new(root);
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let here = match git.head() {
        Some(head) => {
            let synced = git.last_change(&[RECORD]).map_err(FilesError::git(root))?;
            git.log(synced.as_deref(), &head, &paths).map_err(FilesError::git(root))?
        }
        None => Vec::new(),
    };
    let mut since: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for file in files {
        let commit = file.recorded.as_ref().map(|recorded| recorded.commit.as_str());
        since.entry(commit).or_default().push(&file.source);
    }
    let owner_root = &scene.repos[owner].root;
    let owner_git = Git::new(owner_root);
    let (mut there, mut is_rewritten) = (Vec::new(), false);
    for (commit, sources) in since {
        let known = commit.filter(|commit| owner_git.is_ancestor(commit, &files[0].commit));
        is_rewritten |= commit.is_some() && known.is_none();
        there.extend(owner_git.log(known, &files[0].commit, &sources).map_err(FilesError::git(owner_root))?);
    }
    let mut seen = BTreeSet::new();
    there.retain(|entry| seen.insert(entry.id.clone()));
    there.sort_by(|one, other| other.date.cmp(&one.date));
    Ok(Log { repo, owner, here, there, is_rewritten })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_lines_make_a_rename() {
        assert_eq!(alike(b"a\nb\nc\nd\n", b"b\na\nx\ny\n"), 50);
        assert_eq!(alike(b"a\n", b""), 0);
        assert_eq!(alike(b"", b""), 0);
    }

    #[test]
    fn patches_name_both_sides() {
        let patch = diff("//o/a", "a", Some(b"1\n2\n"), Some(b"1\n3")).unwrap();
        let text = String::from_utf8(patch).unwrap();
        assert!(text.starts_with("--- //o/a\n+++ a\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n\\ No newline"), "{text}");
        let text = String::from_utf8(diff("o", "n", None, Some(b"x\n")).unwrap()).unwrap();
        assert!(text.starts_with("--- /dev/null\n+++ n\n"), "{text}");
        assert_eq!(diff("o", "n", Some(b"x"), Some(b"x")), None);
        assert_eq!(diff("o", "n", Some(b"\0"), Some(b"x")).unwrap(), b"Binary files o and n differ\n");
    }
}
