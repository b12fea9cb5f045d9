//! The key by which a repo leaves the older layout behind.

use super::key;
use crate::config::origin::LayerKind::{RunnableDir, SubRepo, SuperRepo};
use crate::config::schema::{Key, Kind};

/// All of them.
pub(super) const OLDER_KEYS: &[Key] = &[Key {
    scopes: &[SuperRepo, RunnableDir],
    dormant: &[SubRepo],
    ..key(
        OLDER_FILES,
        Kind::Boolean,
        "Whether files of the older layout count (`repo_config.yaml`, `devops/docker_build`): at the root those of the root, in a dir \
         those of the dir; `wharf adopt` turns it off",
    )
    .absent("they count where they are there")
    .example("false")
}];

/// Path of that key.
pub const OLDER_FILES: &str = "workspace.older-files";
