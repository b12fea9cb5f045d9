//! Writes a resolution.

use std::path::PathBuf;

use super::{LockError, Resolution};
use crate::version;
use crate::workspace::{Lock, Patience, StateDir, Workspace};

/// Writes what changed, each file whole or not at all, under the workspace's lock. Gives the files that were written; none
/// where all is as it should be. `holder` is what others who wait read.
///
/// # Errors
/// When a file changed since it was read, or cannot be written.
pub fn apply(workspace: &Workspace, resolution: &Resolution, holder: &str) -> Result<Vec<PathBuf>, LockError> {
    let pending: Vec<_> = resolution.files.iter().filter(|file| file.before.as_ref() != Some(&file.after)).collect();
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    let _lock = Lock::take(&StateDir::open(workspace)?.path().join("lock"), holder, Patience::Wait)?;
    for file in &pending {
        if super::resolve::read(&file.path)? != file.before {
            return Err(LockError::Moved { file: file.path.clone() });
        }
    }
    for file in &pending {
        version::apply::write(&file.path, &file.after)?;
    }
    Ok(pending.iter().map(|file| file.path.clone()).collect())
}
