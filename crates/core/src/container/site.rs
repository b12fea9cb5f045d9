//! The small trees of files that are lent to containers: metadata of the dir's own package, and the pytest plugin.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::beside::{RUNNER, RUNNER_SOURCE};
use super::error::ContainerError;
use crate::image::project::Project;
use crate::image::site::{self as image_site, Seen, Tree};
use crate::runnable_dir::RunnableDir;
use crate::workspace::{StateDir, Workspace};

/// The pytest plugin, as it is embedded in the binary.
pub const PLUGIN_SOURCE: &str = include_str!("../../../../pytest/wharf_plugin.py");

/// What the plugin loads only while it records what tests depend on, and hands on to Python processes that tests start.
const RECORDING: [(&str, &str); 3] = [
    ("wharf_install.py", include_str!("../../../../pytest/wharf_install.py")),
    ("wharf_reads.py", include_str!("../../../../pytest/wharf_reads.py")),
    ("wharf_watch.py", include_str!("../../../../pytest/wharf_watch.py")),
];
/// What measures coverage for the plugin, where it is asked to.
pub const COVERAGE_SOURCE: &str = include_str!("../../../../pytest/wharf_coverage.py");

/// What keeps pytest loaded between the rounds of `wharf test --watch`.
pub const WARM_SERVER: (&str, &str) = ("wharf_warm.py", include_str!("../../../../pytest/wharf_warm.py"));

/// What a dir that is itself a package lends to its containers.
#[derive(Debug, Clone)]
pub struct Site {
    /// Folder with the metadata, on the host.
    pub folder: PathBuf,
    /// The folders that imports start from, on the host.
    pub import_roots: Vec<PathBuf>,
}

/// Writes the metadata of the package in `dir`, where it is one, and of the packages in the folders `local`, and the
/// version files that their backends would have written. The folder's name holds a hash of its content, so that running
/// containers keep theirs. `None` where there is no package.
///
/// # Errors
/// When a package's files make no sense or the folder cannot be written.
pub fn packages(
    workspace: &Workspace,
    state: &StateDir,
    dir: &RunnableDir,
    local: &[PathBuf],
    seen: Seen,
) -> Result<Option<Site>, ContainerError> {
    let address = dir.address.to_string();
    let failed = |source| ContainerError::Io { dir: address.clone(), source };
    let found = image_site::packages(workspace, dir, local, seen);
    let found = found.map_err(|source| ContainerError::Project { dir: address.clone(), source })?;
    let Some(found) = found else { return Ok(None) };
    for (place, package) in &found.projects {
        write_version_file(place, package).map_err(failed)?;
    }
    let parent = state.folder("site").map_err(failed)?;
    let folder = write_tree(&parent, &dir.slug(), &found.files).map_err(failed)?;
    Ok(Some(Site { folder, import_roots: found.import_roots }))
}

/// Writes the pytest plugin, and what starts it in prod images, into the user's cache and gives its folder.
///
/// # Errors
/// When the cache cannot be written.
pub fn plugin(cache: &Path) -> std::io::Result<PathBuf> {
    let sources = [("wharf_plugin.py", PLUGIN_SOURCE), ("wharf_coverage.py", COVERAGE_SOURCE), (RUNNER, RUNNER_SOURCE)];
    let files = sources.into_iter().chain(RECORDING).chain([WARM_SERVER]);
    let files = files.map(|(name, source)| (name.to_owned(), (source.as_bytes().to_vec(), false))).collect();
    write_tree(&cache.join("plugin"), "plugin", &files)
}

/// As the build backend of an editable install would: only where the file is missing, and never a failure where the
/// work tree cannot be written.
fn write_version_file(place: &Path, package: &Project) -> std::io::Result<()> {
    let Some(file) = &package.missing_version_file else { return Ok(()) };
    let path = place.join(&file.path);
    if path.exists() || !path.parent().is_some_and(Path::is_dir) {
        return Ok(());
    }
    match fs_err::write(&path, &file.contents) {
        Err(error) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => Ok(()),
        other => other,
    }
}

/// Writes a tree once: `<parent>/<name>-<hash>`. A folder of that name is complete, for it was renamed into place.
pub(super) fn write_tree(parent: &Path, name: &str, files: &Tree) -> std::io::Result<PathBuf> {
    let mut hasher = blake3::Hasher::new();
    for (path, (bytes, executable)) in files {
        hasher.update(&(path.len() as u64).to_le_bytes()).update(path.as_bytes()).update(&[u8::from(*executable)]);
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    let folder = parent.join(format!("{name}-{}", &hasher.finalize().to_hex()[..12]));
    if folder.is_dir() {
        return Ok(folder);
    }
    fs_err::create_dir_all(parent)?;
    let fresh = tempfile::Builder::new().prefix(".new-").tempdir_in(parent)?;
    for (path, (bytes, executable)) in files {
        let file = fresh.path().join(path);
        if let Some(above) = file.parent() {
            fs_err::create_dir_all(above)?;
        }
        fs_err::write(&file, bytes)?;
        let mode = if *executable { 0o755 } else { 0o644 };
        fs_err::set_permissions(&file, std::fs::Permissions::from_mode(mode))?;
    }
    fs_err::set_permissions(fresh.path(), std::fs::Permissions::from_mode(0o755))?;
    let fresh = fresh.keep();
    match std::fs::rename(&fresh, &folder) {
        Ok(()) => Ok(folder),
        Err(_) if folder.is_dir() => {
            // Another process was quicker with the same content.
            let _ = std::fs::remove_dir_all(&fresh);
            Ok(folder)
        }
        Err(error) => Err(error),
    }
}
