//! Makes the generated Dockerfile the dir's own.

use std::io::Write;
use std::path::PathBuf;

use super::error::ImageError;
use super::spec::{DOCKERFILE, ImageSpec};
use crate::runnable_dir::RunnableDir;

/// Where the Dockerfile of `dir` goes.
///
/// # Errors
/// [`ImageError::OwnDockerfile`] where there is one already.
pub fn target(dir: &RunnableDir) -> Result<PathBuf, ImageError> {
    let stated = dir.config.layout.dockerfile.as_ref();
    let file = stated.map_or_else(|| dir.devops().join(DOCKERFILE), |file| dir.path.join(&file.value));
    if stated.is_some() || file.symlink_metadata().is_ok() {
        return Err(ImageError::OwnDockerfile { dir: dir.address.to_string(), file });
    }
    Ok(file)
}

/// Writes the Dockerfile of `spec` to [`target`], whole or not at all, never over one that is there. Its text is the
/// generated one, so the inputs hash stays and nothing is built anew.
///
/// # Errors
/// When there is one already, or it cannot be written.
pub fn eject(dir: &RunnableDir, spec: &ImageSpec) -> Result<PathBuf, ImageError> {
    let file = target(dir)?;
    let mut fresh = tempfile::Builder::new()
        .prefix(".Dockerfile-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
        .tempfile_in(dir.devops())?;
    fresh.write_all(spec.dockerfile.as_bytes())?;
    fresh.persist_noclobber(&file).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => {
            ImageError::OwnDockerfile { dir: dir.address.to_string(), file: file.clone() }
        }
        _ => error.error.into(),
    })?;
    Ok(file)
}
