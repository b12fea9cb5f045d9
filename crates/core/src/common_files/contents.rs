//! The contents that a plan asks for: the owner's blobs, bases, what is here, and what merges make of them.

use std::collections::{BTreeMap, BTreeSet};

use wharf_git::Git;

use super::error::FilesError;
use super::examine::Examined;
use super::merge::{Merged, merge};
use super::scene::Scene;
use super::status::{CommonFile, State};
use super::version::Local;

/// Contents by id, and files that are here by path.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    blobs: BTreeMap<String, Vec<u8>>,
    here: BTreeMap<(usize, String), Vec<u8>>,
    merges: BTreeMap<(usize, String), Merged>,
}

impl Contents {
    /// Fetches all that is not equal on both sides. A base that the owner's history does not have any more (it was rewritten)
    /// is looked for in the declaring repo, whose history has it from the last sync.
    ///
    /// # Errors
    /// When Git or a file cannot be read.
    pub fn fetch(scene: &Scene, examined: &Examined) -> Result<Self, FilesError> {
        let mut contents = Self::default();
        let wanted = |file: &&CommonFile| !file.state.is_settled() || file.state == State::LinkOk;
        let mut ids: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for file in examined.files.iter().filter(wanted) {
            let versions = file.there.iter().chain(file.base());
            ids.entry(file.owner).or_default().extend(versions.map(|version| version.id.as_str()));
        }
        for (owner, ids) in ids {
            contents.add(scene, owner, ids)?;
        }
        let mut lost: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
        for file in examined.files.iter().filter(wanted) {
            let missing = file.base().filter(|base| !contents.blobs.contains_key(&base.id));
            lost.entry(file.repo).or_default().extend(missing.map(|base| base.id.as_str()));
        }
        for (repo, ids) in lost.into_iter().filter(|(_, ids)| !ids.is_empty()) {
            contents.add(scene, repo, ids)?;
        }
        for file in examined.files.iter().filter(wanted) {
            if matches!(file.here, Local::File(..)) && !matches!(file.state, State::Unreadable(_)) {
                let path = scene.repos[file.repo].root.join(&file.path);
                let bytes = std::fs::read(&path).map_err(FilesError::read(&path))?;
                contents.here.insert((file.repo, file.path.clone()), bytes);
            }
        }
        Ok(contents)
    }

    /// Merges what changed on both sides, also where it has another name at the owner.
    ///
    /// # Errors
    /// When Git does not run, or the cache folder cannot be written to.
    pub fn with_merges(mut self, scene: &Scene, examined: &Examined) -> Result<Self, FilesError> {
        let mut merges = BTreeMap::new();
        for old in &examined.files {
            let new = match &old.state {
                State::ChangedBoth => Some(old),
                State::RenamedAtOwner(to) => {
                    examined.files.iter().find(|file| file.repo == old.repo && file.path == *to)
                }
                _ => None,
            };
            let Some((here, there)) = self.here(old).zip(new.and_then(|new| self.there(new))) else { continue };
            std::fs::create_dir_all(&scene.cache).map_err(FilesError::write(&scene.cache))?;
            let merged = merge(&scene.cache, self.base(old), here, there)?;
            merges.insert((old.repo, old.path.clone()), merged);
        }
        self.merges = merges;
        Ok(self)
    }

    /// What came of merging a file that changed on both sides; `None` where one of them cannot be read.
    #[must_use]
    pub fn merged(&self, file: &CommonFile) -> Option<&Merged> {
        self.merges.get(&(file.repo, file.path.clone()))
    }

    fn add(&mut self, scene: &Scene, repo: usize, ids: BTreeSet<&str>) -> Result<(), FilesError> {
        let root = &scene.repos[repo].root;
        self.blobs.extend(Git::new(root).blobs(ids).map_err(FilesError::git(root))?);
        Ok(())
    }

    /// What the owner has.
    #[must_use]
    pub fn there(&self, file: &CommonFile) -> Option<&[u8]> {
        self.blob(&file.there.as_ref()?.id)
    }

    /// What both were at the last sync; `None` where that was never, or where no history has it any more.
    #[must_use]
    pub fn base(&self, file: &CommonFile) -> Option<&[u8]> {
        self.blob(&file.base()?.id)
    }

    /// What is here, where it is a file.
    #[must_use]
    pub fn here(&self, file: &CommonFile) -> Option<&[u8]> {
        self.here.get(&(file.repo, file.path.clone())).map(Vec::as_slice)
    }

    fn blob(&self, id: &str) -> Option<&[u8]> {
        self.blobs.get(id).map(Vec::as_slice)
    }
}
