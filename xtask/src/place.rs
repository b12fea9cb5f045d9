//! Where this repo and its build folder are.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// The repo's root and the folder for everything that can be made again.
pub struct Place {
    /// The root of this repo.
    pub root: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

impl Place {
    /// Finds the root upwards from the manifest that Cargo runs, or else from the current directory.
    pub fn find() -> Outcome<Self> {
        let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(dir) => PathBuf::from(dir),
            None => std::env::current_dir()?,
        };
        let root = start
            .ancestors()
            .find(|dir| dir.join("xtask/Cargo.toml").is_file())
            .ok_or_else(|| Failure::usage(format!("`{}` is not inside Wharf's repo", start.display())))?
            .to_owned();
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    /// `target/NAME`, made where it is missing.
    pub fn target_dir(&self, name: impl AsRef<Path>) -> Outcome<PathBuf> {
        let dir = self.target.join(name);
        fs_err::create_dir_all(&dir)?;
        Ok(dir)
    }
}
