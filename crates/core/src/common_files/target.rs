//! Where common files go in the declaring repo, and the places that are refused: those of another repo, those behind symbolic
//! links, those claimed twice, and those that differ from others only in case.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use globset::GlobBuilder;

use super::error::FilesError;
use super::pattern::is_glob;
use super::scene::{Scene, join};

/// The folders that a `to` stands for, empty for the root. Without a `*` that is one, whether it is there or not.
pub(super) fn folders(root: &Path, to: &str) -> Vec<String> {
    let to = to.trim_end_matches('/');
    if to == "." {
        return vec![String::new()];
    }
    if !is_glob(to) {
        return vec![to.to_owned()];
    }
    let mut found = vec![String::new()];
    for part in to.split('/') {
        found = found.iter().flat_map(|folder| below(root, folder, part)).collect();
    }
    found.sort();
    found
}

/// Folders right below `folder` that match one part of a glob. Hidden ones only where the part begins with a dot.
fn below(root: &Path, folder: &str, part: &str) -> Vec<String> {
    if !is_glob(part) {
        let path = join(folder, part);
        return if is_plain_folder(&root.join(&path)) { vec![path] } else { Vec::new() };
    }
    let Ok(glob) = GlobBuilder::new(part).build().map(|glob| glob.compile_matcher()) else { return Vec::new() };
    let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.filter(|name| glob.is_match(name) && (part.starts_with('.') || !name.starts_with('.')));
    names.map(|name| join(folder, &name)).filter(|path| is_plain_folder(&root.join(path))).collect()
}

/// A folder that is no symbolic link and no repo of its own.
fn is_plain_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) && path.join(".git").symlink_metadata().is_err()
}

/// All places that are claimed in one repo so far.
#[derive(Debug)]
pub(super) struct Claims<'s> {
    scene: &'s Scene,
    repo: usize,
    files: BTreeMap<String, String>,
    /// Those that the keeper of the files claims itself: what owners export gives way to it.
    keepers: Option<BTreeSet<String>>,
    /// Lower-case form of every path and of every folder on the way to it.
    cases: BTreeMap<String, String>,
    /// Folders that are known to be the repo's own.
    good: BTreeSet<String>,
}

impl<'s> Claims<'s> {
    pub(super) fn new(scene: &'s Scene, repo: usize) -> Self {
        Self { scene, repo, files: BTreeMap::new(), keepers: None, cases: BTreeMap::new(), good: BTreeSet::new() }
    }

    /// What was claimed so far is the keeper's own; all that follows is exported to it.
    pub(super) fn seal(&mut self) {
        self.keepers.get_or_insert_with(|| self.files.keys().cloned().collect());
    }

    /// Whether the keeper of the files claims a path itself.
    pub(super) fn is_keepers(&self, path: &str) -> bool {
        self.keepers.as_ref().is_some_and(|keepers| keepers.contains(path))
    }

    /// Claims a path for the entry at `place`.
    ///
    /// # Errors
    /// When it is not to be had: see the module.
    pub(super) fn claim(&mut self, path: &str, place: &str) -> Result<(), FilesError> {
        if let Some(first) = self.files.insert(path.to_owned(), place.to_owned()) {
            let path = self.scene.shown(self.repo, path);
            return Err(FilesError::ClaimedTwice { path, first, second: place.to_owned() });
        }
        self.way(path, place)
    }

    /// Holds the name against those of others: a file cannot be a folder of another one, nor differ from another name only in case.
    ///
    /// # Errors
    /// When it does.
    pub(super) fn name(&mut self, path: &str, place: &str) -> Result<(), FilesError> {
        for end in ends(path) {
            let part = &path[..end];
            if end < path.len()
                && let Some(first) = self.files.get(part)
            {
                let path = self.scene.shown(self.repo, part);
                return Err(FilesError::ClaimedTwice { path, first: first.clone(), second: place.to_owned() });
            }
            let known = self.cases.entry(part.to_lowercase()).or_insert_with(|| part.to_owned());
            if known != part {
                let (path, other) = (self.scene.shown(self.repo, part), self.scene.shown(self.repo, known));
                return Err(FilesError::CaseClash { place: place.to_owned(), path, other });
            }
        }
        Ok(())
    }

    fn way(&mut self, path: &str, place: &str) -> Result<(), FilesError> {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if self.good.contains(folder) {
            return Ok(());
        }
        check_way(&self.scene.repos[self.repo].root, path).map_err(|how| FilesError::Escapes {
            place: place.to_owned(),
            path: self.scene.shown(self.repo, path),
            how,
        })?;
        self.good.insert(folder.to_owned());
        Ok(())
    }
}

/// The ends of each part of a path: 1 and 3 for `a/b`.
fn ends(path: &str) -> impl Iterator<Item = usize> + '_ {
    path.match_indices('/').map(|(at, _)| at).chain([path.len()])
}

/// Whether the folders above `path` are the repo's own; else where they lead.
pub(super) fn check_way(root: &Path, path: &str) -> Result<(), String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    for end in ends(folder).filter(|end| *end > 0) {
        let part = &folder[..end];
        let file = root.join(part);
        match file.symlink_metadata() {
            Err(_) => return Ok(()),
            Ok(metadata) if metadata.is_symlink() => return Err(format!("through the symbolic link `{part}`")),
            Ok(metadata) if !metadata.is_dir() => return Err(format!("through `{part}`, which is a file")),
            Ok(_) if file.join(".git").symlink_metadata().is_ok() => {
                return Err(format!("into another repo, `{part}`"));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

/// A name on disk that differs from a part of `path` only in case.
pub(super) fn case_on_disk(root: &Path, path: &str) -> Option<String> {
    let mut folder = String::new();
    for part in path.split('/') {
        let here = root.join(&folder);
        if here.join(part).symlink_metadata().is_err() {
            let names = std::fs::read_dir(here).into_iter().flatten().flatten();
            let mut names = names.filter_map(|entry| entry.file_name().into_string().ok());
            let lower = part.to_lowercase();
            return names.find(|name| name.to_lowercase() == lower).map(|name| join(&folder, &name));
        }
        folder = join(&folder, part);
    }
    None
}

/// The text of a relative link at `path` in one repo to `source` in another, both roots below the super-repo's.
pub(super) fn link_text(scene: &Scene, (repo, path): (usize, &str), (owner, source): (usize, &str)) -> String {
    let (from, to) = (scene.shown(repo, path), scene.shown(owner, source));
    let from: Vec<&str> = from.split('/').collect();
    let to: Vec<&str> = to.split('/').collect();
    let folders = &from[..from.len() - 1];
    let common = folders.iter().zip(&to[..to.len() - 1]).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..", folders.len() - common);
    up.chain(to[common..].iter().copied()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_folders() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for folder in ["a/devops", "b/devops", "c", ".hidden/devops", "sub/devops", "sub/.git"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        std::os::unix::fs::symlink("a", root.join("link")).unwrap();
        assert_eq!(folders(root, "*/devops"), ["a/devops", "b/devops"]);
        assert_eq!(folders(root, "[bc]"), ["b", "c"]);
        assert_eq!(folders(root, "not/there/"), ["not/there"]);
        assert_eq!(folders(root, "."), [""]);
    }

    #[test]
    fn ways_out_are_seen() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        std::fs::create_dir_all(root.join("sub/.git")).unwrap();
        std::fs::create_dir_all(root.join("own/deep")).unwrap();
        std::fs::write(root.join("file"), "").unwrap();
        std::os::unix::fs::symlink("/tmp", root.join("out")).unwrap();
        assert_eq!(check_way(root, "own/deep/x"), Ok(()));
        assert_eq!(check_way(root, "own/new/er/x"), Ok(()));
        assert_eq!(check_way(root, "x"), Ok(()));
        assert_eq!(check_way(root, "out/x").unwrap_err(), "through the symbolic link `out`");
        assert_eq!(check_way(root, "sub/a/x").unwrap_err(), "into another repo, `sub`");
        assert_eq!(check_way(root, "file/x").unwrap_err(), "through `file`, which is a file");
        assert_eq!(case_on_disk(root, "Own/x"), Some("own".into()));
        assert_eq!(case_on_disk(root, "own/Deep"), Some("own/deep".into()));
        assert_eq!(case_on_disk(root, "own/deep/y"), None);
    }
}
