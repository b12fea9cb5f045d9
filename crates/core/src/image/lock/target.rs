//! What there is to lock for a runnable dir, and which files that concerns.

use std::path::PathBuf;

use super::LockError;
use crate::image::python::{self, Lockable, Manager};
use crate::image::{ImageError, spec};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// Name of the list of what the image holds, for people to read and compare.
pub const LIST: &str = "pip_list.txt";

/// What there is to lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Address of the runnable dir.
    pub dir: String,
    /// What resolves.
    pub manager: Manager,
    /// The folder of the manifest or requirements files.
    pub place: PathBuf,
    /// The folder of the lock.
    pub root: PathBuf,
    /// The lock, whether it is there yet or not.
    pub lock: PathBuf,
    /// The list of what the image holds: where one lies already, else in the `devops` folder.
    pub list: PathBuf,
}

/// Finds what there is to lock for `dir`.
///
/// # Errors
/// When the dir's files cannot be read, or state nothing.
pub fn target(workspace: &Workspace, dir: &RunnableDir) -> Result<Target, LockError> {
    if let Some(target) = super::built::target(workspace, dir)? {
        return Ok(target);
    }
    let address = dir.address.to_string();
    let devops = dir.devops();
    let request = spec::request(workspace, dir, &devops);
    let found = python::locate(&request).map_err(|source| ImageError::Python { dir: address.clone(), source })?;
    let Some(Lockable { manager, place, root, lock }) = found else {
        return Err(LockError::Nothing { dir: address });
    };
    let beside = [dir.path.join(LIST), root.join(LIST)].into_iter().find(|list| list.is_file());
    let list = beside.filter(|_| !devops.join(LIST).is_file()).unwrap_or_else(|| devops.join(LIST));
    Ok(Target { dir: address, manager, place, root, lock, list })
}
