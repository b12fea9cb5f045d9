//! An environment that is ready, and commands in it.

use std::env::{join_paths, split_paths};
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use wharf_process::Command;

/// A virtual environment that is ready to be used.
#[derive(Debug, Clone)]
pub struct Venv {
    /// Its folder.
    pub path: PathBuf,
    /// Full version of its Python, such as `3.12.1`.
    pub python_version: String,
    search_path: OsString,
}

impl Venv {
    pub(super) fn new(path: PathBuf, python_version: String, search_path: OsString) -> Self {
        Self { path, python_version, search_path }
    }

    /// The folder of its programs.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.path.join("bin")
    }

    /// A command as in a shell where the environment is active: its programs come first. With nothing in
    /// `argv` it is the environment's Python.
    #[must_use]
    pub fn command(&self, argv: &[String]) -> Command {
        let (name, args) = argv.split_first().map_or(("python", &[][..]), |(name, args)| (name.as_str(), args));
        let own = self.bin().join(name);
        let program = if !name.contains('/') && is_program(&own) { own.into_os_string() } else { name.into() };
        let folders = std::iter::once(self.bin()).chain(split_paths(&self.search_path));
        let path = join_paths(folders).unwrap_or_else(|_| self.search_path.clone());
        Command::new(program).args(args).env("VIRTUAL_ENV", &self.path).env("PATH", path).env_remove("PYTHONHOME")
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
