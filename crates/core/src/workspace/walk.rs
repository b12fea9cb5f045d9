//! One pass over the work tree that finds all there is to find.
//!
//! Several threads read folders; each keeps what it found and hands it over at its end. Git's ignore rules are
//! honoured as Git means them: those of a super-repo do not reach into its sub-repos. Symbolic links are not
//! followed, so loops cannot happen; `.git` is never entered.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use globset::GlobSet;
use ignore::{DirEntry, Error, ParallelVisitor, ParallelVisitorBuilder, WalkBuilder, WalkState};

use super::Surroundings;
use crate::runnable_dir::DEVOPS;

/// Folders that hold no code of the repo.
pub(crate) const NEVER_ENTERED: [&str; 6] = [".git", ".wharf", "node_modules", "__pycache__", ".venv", ".tox"];

/// What the pass found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Directories that have a `devops` folder.
    pub runnable: Vec<PathBuf>,
    /// Directories that have a `.git`, the root left out.
    pub repos: Vec<PathBuf>,
    /// Names of test files by directory.
    pub tests: BTreeMap<PathBuf, Vec<OsString>>,
    /// Directories that have a `conftest.py`.
    pub conftests: Vec<PathBuf>,
    /// Links called `devops` that lead nowhere.
    pub dangling: Vec<PathBuf>,
    /// Folders that could not be read, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
}

/// Bytes of Git's index up to which one thread is quicker than several, which cost a millisecond to agree that they are
/// done; about 3,000 files.
const SMALL_INDEX: u64 = 256 * 1024;

/// `index` is Git's own list of files, whose size tells how large the work tree is; `user_ignores` says whether the user has
/// ignore rules for all repos.
pub(super) fn walk(root: &Path, index: &Path, exclude: &GlobSet, user_ignores: bool) -> Found {
    let found = Mutex::new(Found::default());
    let is_small = std::fs::metadata(index).map_or(true, |index| index.len() <= SMALL_INDEX);
    let cores = || std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(8);
    let threads = if is_small { 1 } else { cores() };
    let mut builder = WalkBuilder::new(root);
    builder.hidden(false).ignore(false).parents(false).require_git(false).follow_links(false).threads(threads);
    builder.git_global(user_ignores);
    builder.build_parallel().visit(&mut Builder { root, exclude, found: &found });
    let mut found = found.into_inner().unwrap_or_default();
    found.runnable.sort();
    found.repos.sort();
    found.dangling.sort();
    found.unreadable.sort();
    found
}

/// Whether the user may have ignore rules for all repos (gitignore(5), `core.excludesFile`). Looking costs three small reads;
/// letting the walk find out costs a regular expression, which is a third of a small repo's listing.
pub(super) fn has_user_ignores(surroundings: &Surroundings) -> bool {
    let home = surroundings.home.as_deref();
    let own = surroundings.variable("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home?.join(".config")));
    let own = own.map(|folder| folder.join("git"));
    let files = [
        home.map(|home| home.join(".gitconfig")),
        own.as_ref().map(|own| own.join("config")),
        Some(PathBuf::from("/etc/gitconfig")),
    ];
    let states = |file: PathBuf| match std::fs::read(file) {
        Ok(text) => text.to_ascii_lowercase().windows(12).any(|word| word == b"excludesfile"),
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    own.is_some_and(|own| own.join("ignore").exists()) || files.into_iter().flatten().any(states)
}

struct Builder<'a> {
    root: &'a Path,
    exclude: &'a GlobSet,
    found: &'a Mutex<Found>,
}

struct Visitor<'a> {
    root: &'a Path,
    exclude: &'a GlobSet,
    own: Found,
    found: &'a Mutex<Found>,
}

impl<'s> ParallelVisitorBuilder<'s> for Builder<'s> {
    fn build(&mut self) -> Box<dyn ParallelVisitor + 's> {
        Box::new(Visitor { root: self.root, exclude: self.exclude, own: Found::default(), found: self.found })
    }
}

impl ParallelVisitor for Visitor<'_> {
    fn visit(&mut self, entry: Result<DirEntry, Error>) -> WalkState {
        match entry {
            Ok(entry) => self.take(&entry),
            Err(error) => {
                self.fail(&error);
                WalkState::Continue
            }
        }
    }
}

impl Visitor<'_> {
    fn take(&mut self, entry: &DirEntry) -> WalkState {
        let name = entry.file_name();
        let Some(parent) = entry.path().parent().filter(|_| entry.depth() > 0) else { return WalkState::Continue };
        if name == ".git" {
            if entry.depth() > 1 {
                self.own.repos.push(parent.to_path_buf());
            }
            return WalkState::Skip;
        }
        let kind = entry.file_type();
        let is_dir = kind.is_some_and(|kind| kind.is_dir());
        if name == DEVOPS && (is_dir || (kind.is_some_and(|kind| kind.is_symlink()) && entry.path().is_dir())) {
            if !self.is_excluded(parent) {
                self.own.runnable.push(parent.to_path_buf());
            }
            return WalkState::Skip;
        }
        if name == DEVOPS && kind.is_some_and(|kind| kind.is_symlink()) && !entry.path().exists() {
            self.own.dangling.push(entry.path().to_path_buf());
            return WalkState::Continue;
        }
        if is_dir {
            let never = NEVER_ENTERED.iter().any(|never| name == *never);
            return if never || self.is_excluded(entry.path()) { WalkState::Skip } else { WalkState::Continue };
        }
        if is_test_file(name.as_encoded_bytes()) {
            match self.own.tests.get_mut(parent) {
                Some(names) => names.push(name.to_owned()),
                None => {
                    self.own.tests.insert(parent.to_path_buf(), vec![name.to_owned()]);
                }
            }
        } else if name == "conftest.py" {
            self.own.conftests.push(parent.to_path_buf());
        }
        WalkState::Continue
    }

    fn is_excluded(&self, path: &Path) -> bool {
        !self.exclude.is_empty() && path.strip_prefix(self.root).is_ok_and(|path| self.exclude.is_match(path))
    }

    fn fail(&mut self, error: &Error) {
        let mut inner = error;
        let mut path = None;
        loop {
            match inner {
                Error::WithPath { path: at, err } => {
                    path = Some(at.clone());
                    inner = err;
                }
                Error::WithDepth { err, .. } | Error::WithLineNumber { err, .. } => inner = err,
                Error::Partial(_) | Error::Glob { .. } => return,
                _ => break,
            }
        }
        if let Some(path) = path {
            self.own.unreadable.push((path, inner.to_string()));
        }
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        if let Ok(mut found) = self.found.lock() {
            found.runnable.append(&mut self.own.runnable);
            found.repos.append(&mut self.own.repos);
            found.dangling.append(&mut self.own.dangling);
            found.unreadable.append(&mut self.own.unreadable);
            for (folder, mut names) in std::mem::take(&mut self.own.tests) {
                found.tests.entry(folder).or_default().append(&mut names);
            }
            found.conftests.append(&mut self.own.conftests);
        }
    }
}

/// The names that pytest collects by default (`python_files`).
fn is_test_file(name: &[u8]) -> bool {
    name.strip_suffix(b".py").is_some_and(|stem| stem.starts_with(b"test_") || stem.ends_with(b"_test"))
}
