//! Which common files a command is about.

use std::path::Path;

use super::error::FilesError;
use super::examine::Examined;
use super::scene::Scene;
use super::status::CommonFile;
use crate::runnable_dir::Address;
use crate::workspace::WorkspaceError;

/// All common files, or those at or below some paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Paths from the super-repo's root, with the text that the user wrote; empty for all.
    paths: Vec<(String, String)>,
}

impl Selection {
    /// What the user means by `texts`, standing in `here`; all, where there are none.
    ///
    /// # Errors
    /// When one leads out of the super-repo.
    pub fn new(scene: &Scene, here: &Path, texts: &[String]) -> Result<Self, FilesError> {
        let paths = texts.iter().map(|text| {
            let address = Address::parse(text, &scene.root, here).map_err(WorkspaceError::from)?;
            Ok((if address.is_root() { String::new() } else { address.as_str().to_owned() }, text.clone()))
        });
        Ok(Self { paths: paths.collect::<Result<_, FilesError>>()? })
    }

    /// Whether paths were named.
    #[must_use]
    pub fn is_explicit(&self) -> bool {
        !self.paths.is_empty()
    }

    /// Whether a path from the super-repo's root is meant.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|(own, _)| holds(own, path))
    }

    /// Whether a path was named itself, not only a folder above it.
    #[must_use]
    pub fn names(&self, path: &str) -> bool {
        self.paths.iter().any(|(own, _)| own == path)
    }

    /// The paths, from the super-repo's root.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(|(path, _)| path.as_str())
    }

    /// Leaves only what is meant of what was found.
    ///
    /// # Errors
    /// When a path means no common file.
    pub fn restrict(&self, scene: &Scene, examined: &mut Examined) -> Result<(), FilesError> {
        self.apply(scene, &mut examined.files)
    }

    /// Leaves only what is meant.
    ///
    /// # Errors
    /// When a path means no common file.
    pub(super) fn apply(&self, scene: &Scene, files: &mut Vec<CommonFile>) -> Result<(), FilesError> {
        let shown = |file: &CommonFile| scene.shown(file.repo, &file.path);
        for (own, text) in &self.paths {
            if !files.iter().any(|file| holds(own, &shown(file))) {
                return Err(FilesError::NotCommon(text.clone()));
            }
        }
        files.retain(|file| self.has(&shown(file)));
        Ok(())
    }
}

fn holds(folder: &str, path: &str) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
