//! Where the thin environment is: one small function, so that there is one place to ask.

use std::path::PathBuf;

use crate::workspace::Workspace;

/// The thin environment: a virtual environment on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThinEnv {
    /// Its folder.
    pub path: PathBuf,
    /// The folder of its programs.
    pub bin: PathBuf,
    /// Its Python.
    pub python: PathBuf,
}

/// The environment that is activated where Wharf was started (`VIRTUAL_ENV`). `None` where there is none.
#[must_use]
pub fn find(workspace: &Workspace) -> Option<ThinEnv> {
    let path = PathBuf::from(workspace.surroundings.variable("VIRTUAL_ENV")?);
    let bin = path.join("bin");
    let python = bin.join("python");
    python.exists().then_some(ThinEnv { path, bin, python })
}
