//! `junit.xml` in further places, where the configuration names them: merged at the super-repo's root, and each dir's own in the dir.
//! Removed before a run begins, so that none is ever that of an earlier one.

use std::path::{Path, PathBuf};

use super::junit;
use super::model::Report;
use super::write::{WriteFailure, put, remove};
use crate::workspace::Workspace;

/// Removes what an earlier run left in the places of `dirs`, given by address, and in the merged one.
///
/// # Errors
/// Names the first file that is there and cannot be removed.
pub fn clear_elsewhere<'a>(workspace: &Workspace, dirs: impl Iterator<Item = &'a str>) -> Result<(), WriteFailure> {
    for file in merged(workspace).into_iter().chain(dirs.filter_map(|dir| own(workspace, dir))) {
        remove(&file).map_err(|source| WriteFailure { file, source })?;
    }
    Ok(())
}

/// Writes them. Gives those that could not be written; `report` is as it was afterwards.
pub fn write_elsewhere(report: &mut Report, workspace: &Workspace) -> Vec<WriteFailure> {
    let mut failures = Vec::new();
    if let Some(file) = merged(workspace) {
        failures.extend(to(&file, report).err());
    }
    // Each alone in the report, so that no copy of its tests is made.
    let mut done = Vec::with_capacity(report.dirs.len());
    for dir in std::mem::take(&mut report.dirs) {
        let file = own(workspace, &dir.path);
        report.dirs.push(dir);
        failures.extend(file.and_then(|file| to(&file, report).err()));
        done.append(&mut report.dirs);
    }
    report.dirs = done;
    failures
}

fn to(file: &Path, report: &Report) -> Result<(), WriteFailure> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    put(folder, &name, |out| junit::write(report, out))
}

fn merged(workspace: &Workspace) -> Option<PathBuf> {
    Some(workspace.root.join(workspace.config.layout.junit.as_ref()?))
}

fn own(workspace: &Workspace, dir: &str) -> Option<PathBuf> {
    let dir = workspace.dirs.iter().find(|known| known.address.as_str() == dir)?;
    Some(dir.path.join(dir.config.layout.dir_junit.as_ref()?))
}
