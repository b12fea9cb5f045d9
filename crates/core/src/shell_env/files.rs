//! Files that call `wharf setenv`: `setenv.sh` for those who source one, `.envrc` for direnv.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::error::ShellEnvError;

/// Name of direnv's file.
pub const ENVRC: &str = ".envrc";

/// A file to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedFile {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub text: String,
    /// Whether it is there already, just like that.
    pub is_there: bool,
}

/// `dev_scripts_<name>/setenv.sh` below `root`: sourced by bash, zsh or a POSIX shell, it sets up that shell; its arguments are
/// those of `wharf setenv`. `init` writes it too.
///
/// # Errors
/// When another file of that name is there.
pub fn setenv_script(root: &Path, workspace: &str) -> Result<PlannedFile, ShellEnvError> {
    let name: String =
        workspace.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' }).collect();
    let folder = format!("dev_scripts_{name}");
    let text = include_str!("setenv.sh").replace("@FOLDER@", &folder);
    PlannedFile::of(root.join(folder).join("setenv.sh"), text)
}

/// `.envrc` at `root`, for direnv.
///
/// # Errors
/// When another file of that name is there.
pub fn envrc(root: &Path) -> Result<PlannedFile, ShellEnvError> {
    PlannedFile::of(root.join(ENVRC), include_str!("envrc.sh").to_owned())
}

impl PlannedFile {
    fn of(path: PathBuf, text: String) -> Result<Self, ShellEnvError> {
        let is_there = match fs_err::read(&path) {
            Ok(bytes) if bytes == text.as_bytes() => true,
            Ok(_) => return Err(ShellEnvError::Differs { file: path }),
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(source) => return Err(ShellEnvError::Io { file: path, source }),
        };
        Ok(Self { path, text, is_there })
    }

    /// Writes it, whole or not at all, never over one that is there.
    ///
    /// # Errors
    /// When it cannot be written, or came to be there meanwhile.
    pub fn write(&self) -> Result<(), ShellEnvError> {
        if self.is_there {
            return Ok(());
        }
        let failed = |source| ShellEnvError::Io { file: self.path.clone(), source };
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        fs_err::create_dir_all(folder).map_err(failed)?;
        let mut fresh = tempfile::Builder::new()
            .prefix(".wharf-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(failed)?;
        fresh.write_all(self.text.as_bytes()).map_err(failed)?;
        match fresh.persist_noclobber(&self.path) {
            Ok(_) => Ok(()),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                Err(ShellEnvError::Differs { file: self.path.clone() })
            }
            Err(error) => Err(failed(error.error)),
        }
    }

    /// The commands that would write it, to be pasted.
    #[must_use]
    pub fn commands(&self) -> String {
        let quoted = |path: &Path| wharf_process::Command::new(path).to_string();
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        format!("mkdir -p {}\ncat > {} <<'WHARF_END'\n{}WHARF_END\n", quoted(folder), quoted(&self.path), self.text)
    }
}
