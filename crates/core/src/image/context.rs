//! The folder that is sent to the builder: exactly the files that decide the image, and the Dockerfile.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use super::error::ImageError;

/// A file of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether it can be run.
    pub executable: bool,
}

impl File {
    /// A file that cannot be run.
    #[must_use]
    pub fn plain(bytes: Vec<u8>) -> Self {
        Self { bytes, executable: false }
    }
}

/// Reads a file below `root`; a symbolic link arrives as the file it points to, which must be one of the workspace at `home`.
pub(super) fn read(dir: &str, home: &Path, root: &Path, relative: &Path) -> Result<File, ImageError> {
    if !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(ImageError::Outside { dir: dir.into(), path: relative.display().to_string() });
    }
    let file = root.join(relative);
    refuse_foreign(dir, home, &file)?;
    let failed = |source| ImageError::File { dir: dir.into(), file: file.clone(), source };
    let metadata = std::fs::metadata(&file).map_err(failed)?;
    let bytes = std::fs::read(&file).map_err(failed)?;
    Ok(File { bytes, executable: metadata.permissions().mode() & 0o111 != 0 })
}

/// Where a path really is, if that is not below `home`.
pub(super) fn leads_out(home: &Path, path: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    let is_inside = real.starts_with(home) || home.canonicalize().is_ok_and(|home| real.starts_with(home));
    (!is_inside).then_some(real)
}

/// Refuses a path that leads out of the workspace at `home`, and names the link that does.
pub(super) fn refuse_leading_out(dir: &str, home: &Path, path: &Path) -> Result<(), ImageError> {
    let Some(to) = leads_out(home, path) else { return Ok(()) };
    let above: Vec<&Path> = path.ancestors().take_while(|above| *above != home && above.starts_with(home)).collect();
    let link = above.into_iter().rev().find(|above| leads_out(home, above).is_some()).unwrap_or(path);
    let link = link.strip_prefix(home).unwrap_or(link).to_path_buf();
    Err(ImageError::LeadsOut { dir: dir.into(), link, to })
}

/// Refuses what is there but is no file of the workspace at `home`: what lies elsewhere, and devices, pipes and folders.
pub(super) fn refuse_foreign(dir: &str, home: &Path, file: &Path) -> Result<(), ImageError> {
    refuse_leading_out(dir, home, file)?;
    match std::fs::metadata(file) {
        Ok(metadata) if !metadata.is_file() => Err(ImageError::NoFile { dir: dir.into(), path: file.to_path_buf() }),
        _ => Ok(()),
    }
}

/// Writes a context into the empty folder `into`.
///
/// # Errors
/// When a file cannot be written.
pub fn stage(into: &Path, dockerfile: &str, files: &BTreeMap<String, File>) -> std::io::Result<()> {
    fs_err::write(into.join(super::spec::DOCKERFILE), dockerfile)?;
    for (name, file) in files {
        let path = into.join(name);
        if let Some(folder) = path.parent() {
            fs_err::create_dir_all(folder)?;
        }
        fs_err::write(&path, &file.bytes)?;
        fs_err::set_permissions(&path, Permissions::from_mode(if file.executable { 0o755 } else { 0o644 }))?;
    }
    Ok(())
}
