//! Writes a changelog: a temporary file beside it, then a rename, so that nobody ever reads half of it.

use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

/// Replaces `file`, or makes it. A symbolic link stays one; permissions stay.
///
/// # Errors
/// When the file or its folder cannot be written; then the file is as it was.
pub fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = match file.canonicalize() {
        Ok(target) => target,
        Err(error) if error.kind() == io::ErrorKind::NotFound => file.to_path_buf(),
        Err(error) => return Err(error),
    };
    let folder = target.parent().ok_or(io::ErrorKind::NotFound)?;
    let mut temporary = Builder::new();
    temporary.prefix(".wharf-").suffix(".tmp");
    let permissions = match std::fs::metadata(&target) {
        Ok(metadata) => metadata.permissions(),
        Err(_) => default_permissions(),
    };
    let mut temporary = temporary.permissions(permissions.clone()).tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    if target.exists() {
        // The umask may have taken something away.
        temporary.as_file().set_permissions(permissions)?;
    }
    temporary.persist(&target)?;
    Ok(())
}

/// Those of a file made in any other way; the umask takes its part.
fn default_permissions() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keeps_links_and_permissions() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("real.txt"), dir.path().join("changelog.txt"));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left over");
    }

    #[test]
    fn makes_what_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("changelog.txt"), b"new").unwrap();
        assert_eq!(std::fs::read(dir.path().join("changelog.txt")).unwrap(), b"new");
        assert!(write(&dir.path().join("no/changelog.txt"), b"new").is_err());
    }
}
