//! What became of files since the last round.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

use crate::test_suite::affected::Changes;
use crate::test_suite::cache::{State, state_of, tracked_though_ignored};
use crate::test_suite::reads::Fate;

/// The files of a work tree as far as they are known, and what was done to them.
#[derive(Debug)]
pub struct Saved {
    root: PathBuf,
    /// Paths of the repos, empty for the root.
    repos: Vec<String>,
    /// Paths from the root.
    known: BTreeSet<String>,
    /// Hashes of what changed before, so that writing the same again is no change.
    contents: HashMap<String, State>,
    touched: BTreeSet<PathBuf>,
}

/// Git's own, Wharf's own, and what Python leaves behind.
const OWN: [&str; 4] = [".git", ".wharf", "__pycache__", ".pytest_cache"];

pub(super) struct Entry {
    pub path: PathBuf,
    pub is_folder: bool,
}

/// All below `folder` and itself, less what Git ignores, Git's own and Wharf's own.
pub(super) fn walk(folder: &Path) -> impl Iterator<Item = Entry> {
    let mut builder = WalkBuilder::new(folder);
    builder.hidden(false).ignore(false).require_git(false);
    builder.filter_entry(|entry| OWN.iter().all(|name| entry.file_name() != *name));
    builder
        .build()
        .flatten()
        .map(|entry| Entry { is_folder: entry.file_type().is_some_and(|kind| kind.is_dir()), path: entry.into_path() })
}

/// Files that editors make while they save.
fn is_an_editors(name: &str) -> bool {
    let is_swap =
        name.starts_with('.') && name.rsplit_once('.').is_some_and(|(_, end)| end.len() == 3 && end.starts_with("sw"));
    is_swap
        || name.ends_with('~')
        || name.starts_with(".#")
        || (name.starts_with('#') && name.ends_with('#'))
        || name == "4913"
}

impl Saved {
    /// The files that are there now, in these repos by path from the root.
    #[must_use]
    pub fn new(root: &Path, repos: Vec<String>) -> Self {
        let mut saved = Self {
            root: root.into(),
            repos,
            known: BTreeSet::new(),
            contents: HashMap::new(),
            touched: BTreeSet::new(),
        };
        saved.known = saved.all();
        saved
    }

    fn all(&self) -> BTreeSet<String> {
        let seen = walk(&self.root).filter(|entry| !entry.is_folder).filter_map(|entry| self.relative(&entry.path));
        seen.chain(self.forced().filter(|path| self.root.join(path).symlink_metadata().is_ok())).collect()
    }

    /// Files that Git tracks though it ignores them.
    fn forced(&self) -> impl Iterator<Item = String> {
        let is_own = |path: &String| path.split('/').any(|part| OWN.contains(&part));
        self.repos.iter().flat_map(|repo| tracked_though_ignored(&self.root, repo)).filter(move |path| !is_own(path))
    }

    /// Folders of such files, which no walk finds.
    #[must_use]
    pub fn hidden_folders(&self) -> BTreeSet<PathBuf> {
        self.forced().filter_map(|path| Some(self.root.join(path).parent()?.to_owned())).collect()
    }

    fn relative(&self, path: &Path) -> Option<String> {
        path.strip_prefix(&self.root).ok()?.to_str().map(str::to_owned)
    }

    /// Something was done at `path`. Gives whether that may matter.
    pub fn touch(&mut self, path: PathBuf) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let below = path.strip_prefix(&self.root).unwrap_or(&path);
        if is_an_editors(&name) || below.iter().any(|part| OWN.iter().any(|own| part == *own)) {
            return false;
        }
        self.touched.insert(path);
        true
    }

    /// Whether something was touched since it was asked last.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.touched.is_empty()
    }

    /// Looks at all again, because nobody knows what was missed.
    pub fn look_again(&mut self) {
        self.known = self.all();
        self.contents.clear();
        self.touched.clear();
    }

    /// What became of all that was touched. Temporary files that are gone, files that Git ignores and those written with the same
    /// content as at the last change count for nothing.
    pub fn take(&mut self) -> Changes {
        let mut files = BTreeMap::new();
        let mut listed: HashMap<PathBuf, BTreeSet<PathBuf>> = HashMap::new();
        let touched = std::mem::take(&mut self.touched);
        if touched.iter().any(|path| path.file_name().is_some_and(|name| name == ".gitignore")) {
            let now = self.all();
            files.extend(self.known.difference(&now).map(|path| (path.clone(), Fate::Removed)));
            files.extend(now.difference(&self.known).map(|path| (path.clone(), Fate::Added)));
            self.known = now;
        }
        for path in touched {
            let Some(name) = self.relative(&path) else { continue };
            let Ok(metadata) = path.symlink_metadata() else {
                self.gone(&name, &mut files);
                continue;
            };
            if metadata.is_dir() {
                continue;
            }
            let is_known = self.known.contains(&name);
            if !is_known && !is_seen(&self.root, &path, &mut listed) {
                continue;
            }
            let content = state_of(&path).unwrap_or_default();
            let before = self.contents.insert(name.clone(), content);
            if is_known && before == Some(content) {
                continue;
            }
            self.known.insert(name.clone());
            files.entry(name).or_insert(if is_known { Fate::Modified } else { Fate::Added });
        }
        Changes { files, ..Changes::default() }
    }

    /// A file, or a folder with all that was in it.
    fn gone(&mut self, name: &str, files: &mut BTreeMap<String, Fate>) {
        let below = format!("{name}/");
        let inside = self.known.range(below.clone()..).take_while(|path| path.starts_with(&below)).cloned();
        let lost: Vec<String> = inside.chain(self.known.get(name).cloned()).collect();
        for path in lost {
            self.known.remove(&path);
            self.contents.remove(&path);
            files.insert(path, Fate::Removed);
        }
    }
}

/// Whether Git would see a path below `root` that is new: neither it nor a folder that it is in is ignored. `listed` remembers folders.
pub(super) fn is_seen(root: &Path, path: &Path, listed: &mut HashMap<PathBuf, BTreeSet<PathBuf>>) -> bool {
    let mut below = path;
    while let Some(folder) = below.parent().filter(|_| below != root) {
        if !listed.entry(folder.to_owned()).or_insert_with(|| beside(folder)).contains(below) {
            return false;
        }
        below = folder;
    }
    true
}

/// What of a folder's files Git does not ignore.
fn beside(folder: &Path) -> BTreeSet<PathBuf> {
    let mut builder = WalkBuilder::new(folder);
    builder.hidden(false).ignore(false).require_git(false).max_depth(Some(1));
    builder.build().flatten().map(ignore::DirEntry::into_path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Case {
        folder: tempfile::TempDir,
        saved: Saved,
    }

    impl Case {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (path, text) in [("a.py", "1"), ("lib/b.py", "1"), (".gitignore", "*.log\nbuild/\n")] {
                std::fs::create_dir_all(folder.path().join(path).parent().unwrap()).unwrap();
                std::fs::write(folder.path().join(path), text).unwrap();
            }
            let saved = Saved::new(folder.path(), Vec::new());
            Self { folder, saved }
        }

        fn write(&mut self, path: &str, text: &str) {
            let path = self.folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            self.saved.touch(path);
        }

        #[track_caller]
        fn is(&mut self, expected: &[(&str, Fate)]) {
            let files = self.saved.take().files;
            let found: Vec<(&str, Fate)> = files.iter().map(|(path, fate)| (path.as_str(), *fate)).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_became_of_files_is_found_by_looking() {
        let mut case = Case::new();
        case.write("a.py", "2");
        case.write("lib/new.py", "");
        case.is(&[("a.py", Fate::Modified), ("lib/new.py", Fate::Added)]);
        case.write("a.py", "2");
        case.is(&[]);
        let old = case.folder.path().join("lib");
        std::fs::remove_dir_all(&old).unwrap();
        case.saved.touch(old);
        case.is(&[("lib/b.py", Fate::Removed), ("lib/new.py", Fate::Removed)]);
    }

    #[test]
    fn what_git_tracks_though_it_ignores_it_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let output =
                std::process::Command::new("git").arg("-C").arg(folder.path()).args(arguments).output().unwrap();
            assert!(output.status.success(), "{output:?}");
        };
        git(&["init", "--quiet"]);
        std::fs::create_dir(folder.path().join("build")).unwrap();
        for (path, text) in [(".gitignore", "build/\n"), ("build/kept.py", "1"), ("build/loose.py", "1")] {
            std::fs::write(folder.path().join(path), text).unwrap();
        }
        git(&["add", "--force", "build/kept.py"]);
        let saved = Saved::new(folder.path(), vec![String::new()]);
        assert_eq!(saved.hidden_folders(), BTreeSet::from([folder.path().join("build")]));
        let mut case = Case { folder, saved };
        case.write("build/kept.py", "2");
        case.write("build/loose.py", "2");
        case.is(&[("build/kept.py", Fate::Modified)]);
    }

    #[test]
    fn how_editors_save_is_one_change() {
        let mut case = Case::new();
        // As vim does: a probe, a backup, another file renamed over it.
        case.write("4913", "");
        case.write("a.py~", "1");
        case.write(".a.py.swp", "x");
        case.write("a.py.new", "2");
        std::fs::rename(case.folder.path().join("a.py.new"), case.folder.path().join("a.py")).unwrap();
        case.saved.touch(case.folder.path().join("a.py"));
        case.is(&[("a.py", Fate::Modified)]);
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let mut case = Case::new();
        let pipe = case.folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        case.saved.touch(pipe);
        let zero = case.folder.path().join("zero");
        std::os::unix::fs::symlink("/dev/zero", &zero).unwrap();
        case.saved.touch(zero);
        case.is(&[("pipe", Fate::Added), ("zero", Fate::Added)]);
    }

    #[test]
    fn after_a_look_at_all_only_what_comes_then_is_a_change() {
        let mut case = Case::new();
        std::fs::write(case.folder.path().join("missed.py"), "").unwrap();
        std::fs::remove_file(case.folder.path().join("a.py")).unwrap();
        case.saved.look_again();
        case.is(&[]);
        case.write("missed.py", "1");
        case.write("a.py", "1");
        case.is(&[("a.py", Fate::Added), ("missed.py", Fate::Modified)]);
    }

    #[test]
    fn what_git_ignores_is_not_seen_until_it_is_not_ignored() {
        let mut case = Case::new();
        case.write("x.log", "");
        case.write("build/out.py", "");
        case.is(&[]);
        case.write(".gitignore", "build/\n");
        case.is(&[(".gitignore", Fate::Modified), ("x.log", Fate::Added)]);
    }
}
