//! The folder that is sent to the builder: exactly the files that decide the image, and the Dockerfile.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path};

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

/// Reads a file below `root`; a symbolic link arrives as the file it points to.
pub(super) fn read(dir: &str, root: &Path, relative: &Path) -> Result<File, ImageError> {
    if !relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(ImageError::Outside { dir: dir.into(), path: relative.display().to_string() });
    }
    let file = root.join(relative);
    let failed = |source| ImageError::File { dir: dir.into(), file: file.clone(), source };
    let metadata = std::fs::metadata(&file).map_err(failed)?;
    let bytes = std::fs::read(&file).map_err(failed)?;
    Ok(File { bytes, executable: metadata.permissions().mode() & 0o111 != 0 })
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
