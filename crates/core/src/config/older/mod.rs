//! The layout that repos had before there was a `wharf.toml`: `repo_config.yaml` (or `.py`), `devops/docker_build/`, a shared submodule.
//!
//! Owns the reading of these files into one layer of ordinary keys, each with the line that states it. Refuses to find the files
//! (`workspace` does) and to run any of them. Nobody but discovery asks whether a dir is of this layout: all that differs is the
//! value of a key.

mod facts;
mod layer;
mod python;
#[cfg(test)]
mod tests;
mod yaml;

pub use layer::{InDir, InRoot, Source, image_name, of_dir, of_root};

/// The files that state facts, the first one counts.
pub const REPO_CONFIGS: [&str; 2] = ["repo_config.yaml", "repo_config.py"];

/// The shared submodule, as it is usually mounted.
pub const SHARED: &str = "helpers_root";
