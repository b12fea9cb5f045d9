//! Where this repo and what its tests share between them are.

use std::path::{Path, PathBuf};

/// The root of Wharf's own repo.
pub fn repo_root() -> PathBuf {
    // Cargo tells a test where its package is now, which holds also where the build folder has been moved since.
    let start = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let root = Path::new(&start).ancestors().find(|dir| dir.join("xtask/Cargo.toml").is_file());
    root.unwrap_or_else(|| panic!("`{}` is not inside Wharf's repo", start.display())).to_owned()
}

/// Cargo's target folder, which holds what `cargo xtask` made for the tests.
pub fn target_dir() -> PathBuf {
    let root = repo_root();
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}
