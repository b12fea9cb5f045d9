//! Where the thin environment is: one small function, so that there is one place to ask.

use std::path::PathBuf;

use crate::image::place::thin_env_tools;
use crate::thin_env;
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

/// The workspace's own, where it states one; else the environment that is activated where Wharf was started
/// (`VIRTUAL_ENV`). `None` where there is none, or where it is not made yet.
#[must_use]
pub fn find(workspace: &Workspace) -> Option<ThinEnv> {
    if let Ok(Some(needs)) = workspace.thin_env() {
        let tools = thin_env_tools(&workspace.config, &workspace.surroundings);
        let found = thin_env::find(&tools, &needs)?;
        return Some(ThinEnv { path: found.path, bin: found.bin, python: found.python });
    }
    let path = PathBuf::from(workspace.surroundings.variable("VIRTUAL_ENV")?);
    let bin = path.join("bin");
    let python = bin.join("python");
    python.exists().then_some(ThinEnv { path, bin, python })
}
