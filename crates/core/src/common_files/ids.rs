//! Ids of files in a work tree. They are remembered by size, times and inode in the cache folder, as Git's index does, so that
//! files that nobody touched cost one look at the folder and no process.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use wharf_git::Git;

use super::version::{Local, Stamp, Version};

/// A file touched this shortly before its id was remembered may be touched again within one tick of the clock.
const TICK: i128 = 50_000_000;

/// Remembered ids of one repo.
#[derive(Debug)]
pub(super) struct Ids {
    root: PathBuf,
    file: PathBuf,
    known: BTreeMap<String, (Stamp, String)>,
    learned: bool,
}

impl Ids {
    pub(super) fn load(root: &Path, cache: &Path) -> Self {
        let name = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex()[..24].to_owned();
        let file = cache.join(format!("{name}.json"));
        let written = std::fs::metadata(&file).map_or(0, |metadata| Stamp::of(&metadata).changed);
        // A cache that cannot be read is as good as none.
        let known = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut known: BTreeMap<String, (Stamp, String)> = known.unwrap_or_default();
        // Dropped here, so that a later save cannot make them look old enough.
        known.retain(|_, (stamp, _)| stamp.touched.max(stamp.changed) + TICK < written);
        Self { root: root.into(), file, known, learned: false }
    }

    /// What is at these paths, in their order.
    pub(super) fn look(&mut self, paths: &[&str]) -> Vec<Local> {
        let mut found: Vec<Local> = Vec::with_capacity(paths.len());
        let mut missing: Vec<(usize, Metadata)> = Vec::new();
        for path in paths {
            let file = self.root.join(path);
            found.push(match file.symlink_metadata() {
                Err(error) if is_absence(&error) => Local::Absent,
                Err(error) => Local::Unreadable(error.to_string()),
                Ok(metadata) if metadata.is_symlink() => match std::fs::read_link(&file) {
                    Ok(text) => Local::Link(text.to_string_lossy().into_owned()),
                    Err(error) => Local::Unreadable(error.to_string()),
                },
                Ok(metadata) if metadata.is_file() => match self.remembered(path, &metadata) {
                    Some(known) => known,
                    None => {
                        missing.push((found.len(), metadata));
                        Local::Absent
                    }
                },
                Ok(_) => Local::Other,
            });
        }
        let names: Vec<&str> = missing.iter().map(|(at, _)| paths[*at]).collect();
        for ((at, metadata), id) in missing.iter().zip(self.hash(&names)) {
            found[*at] = match id {
                Ok(id) => {
                    let stamp = Stamp::of(metadata);
                    self.known.insert(paths[*at].to_owned(), (stamp, id.clone()));
                    self.learned = true;
                    Local::File(Version { id, executable: is_executable(metadata) }, stamp)
                }
                Err(reason) => Local::Unreadable(reason),
            };
        }
        found
    }

    fn remembered(&self, path: &str, metadata: &Metadata) -> Option<Local> {
        let stamp = Stamp::of(metadata);
        let (known, id) = self.known.get(path)?;
        (*known == stamp).then(|| Local::File(Version { id: id.clone(), executable: is_executable(metadata) }, stamp))
    }

    /// All at once; where one cannot be read, one by one.
    fn hash(&self, paths: &[&str]) -> Vec<Result<String, String>> {
        let git = Git::new(&self.root);
        match git.hash_files(paths) {
            Ok(ids) if ids.len() == paths.len() => ids.into_iter().map(Ok).collect(),
            _ => paths
                .iter()
                .map(|path| {
                    std::fs::File::open(self.root.join(path)).map_err(|error| error.to_string())?;
                    let ids = git.hash_files(&[path]).map_err(|error| error.to_string())?;
                    ids.into_iter().next().ok_or_else(|| "git gave no id".to_owned())
                })
                .collect(),
        }
    }

    /// Remembers what was learned; a cache that cannot be written costs only time.
    pub(super) fn save(&self) {
        if self.learned
            && let Ok(bytes) = serde_json::to_vec(&self.known)
        {
            let _ = super::apply::replace(&self.file, &bytes, None);
        }
    }
}

pub(super) fn is_executable(metadata: &Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}
