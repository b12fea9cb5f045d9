//! The thin environment: the few Python tools that a team wants on the host, in one small venv.
//!
//! Owns what is needed ([`Needs`]: requirement lines with their origin, includes followed), where it is kept, who used it
//! and when, and which ones may go. Refuses to make venvs itself (the `host` engine does), to know what a shell is, and to
//! install anything of the workspace: an environment is shared by all whose needs are equal.
//!
//! ```text
//! <data folder>/envs/<name>.lock             held by the one that makes it
//! <data folder>/envs/<name>/.complete        written last; says which folder beside it is the environment
//! <data folder>/envs/<name>/users/<id>       root of a workspace that uses it; its time of change is the last use
//! <data folder>/envs/<name>/<attempt>/       the environment itself
//! ```
//!
//! `<name>` is a hash of the interpreter's identity and the needs' text, so whatever changes them names another one.

mod error;
mod needs;
mod packages;
mod prune;
mod requirements;
mod users;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use wharf_engine::host::{HostTools, Venv, VenvInfo};
use wharf_process::Command;

use crate::config::mask_credentials;
use crate::event::{Event, Listener};

pub use error::ThinEnvError;
pub use needs::{Line, LineKind, Needs};
pub use packages::{Package, packages};
pub use prune::{Unused, prune, unused};
pub use users::{User, users};

/// What is told of the work: its name in [`Event::Step`].
pub const STEP: &str = "thin environment";

/// Folder of environments, below the user's data folder.
const FOLDER: &str = "envs";

/// A thin environment that is ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThinEnv {
    /// Its folder.
    pub path: PathBuf,
    /// The folder of its programs.
    pub bin: PathBuf,
    /// Its Python program.
    pub python: PathBuf,
    /// Full version of its Python, such as `3.12.1`.
    pub python_version: String,
}

impl From<Venv> for ThinEnv {
    fn from(venv: Venv) -> Self {
        let bin = venv.bin();
        Self { python: bin.join("python"), bin, path: venv.path, python_version: venv.python_version }
    }
}

impl ThinEnv {
    /// The folder that holds it and all that belongs to it.
    fn place(&self) -> &Path {
        self.path.parent().unwrap_or(&self.path)
    }
}

/// The host's tools as thin environments want them: kept in `data`, the user's data folder for Wharf. Programs of thin
/// environments are not looked at, so that one that is active in the shell does not decide the Python of the next.
#[must_use]
pub fn tools(mut tools: HostTools, data: &Path) -> HostTools {
    let venvs = data.join(FOLDER);
    let folders = std::env::split_paths(&tools.search_path).filter(|folder| !folder.starts_with(&venvs));
    if let Ok(search_path) = std::env::join_paths(folders) {
        tools.search_path = search_path;
    }
    tools.venvs = Some(venvs);
    tools
}

/// The environment for `needs`, where it is made. Starts no program where the interpreters on the search path have been
/// seen before. Notes, about once a day, that the workspace used it.
#[must_use]
pub fn find(tools: &HostTools, needs: &Needs) -> Option<ThinEnv> {
    let env = ThinEnv::from(tools.find(&needs.spec())?);
    users::note(env.place(), &needs.root);
    Some(env)
}

/// Gives the environment for `needs`, making it where it is missing. Of several that ask at once one makes it and the
/// others wait. Once made, nothing is fetched again.
///
/// # Errors
/// When no Python fits, a requirement cannot be installed, or the data folder cannot be written.
pub fn sync(tools: &HostTools, needs: &Needs, listener: &dyn Listener) -> Result<ThinEnv, ThinEnvError> {
    if let Some(env) = find(tools, needs) {
        return Ok(env);
    }
    let mut on_line = |line: &str| listener.on(Event::Step { what: STEP.to_owned(), line: line.trim_end().to_owned() });
    let venv = tools.ensure(&needs.spec(), &mut on_line).map_err(|source| ThinEnvError::Host {
        source: Box::new(source),
        venvs: tools.venvs.clone().unwrap_or_default(),
    })?;
    let env = ThinEnv::from(venv);
    users::note(env.place(), &needs.root);
    Ok(env)
}

/// The lines that would make the environment for `needs`, as one could paste them; passwords in them are masked. Makes nothing.
///
/// # Errors
/// When no Python fits.
pub fn plan(tools: &HostTools, needs: &Needs) -> Result<Vec<String>, ThinEnvError> {
    let spec = needs.spec();
    let commands = tools.commands(&spec).map_err(|source| ThinEnvError::Host {
        source: Box::new(source),
        venvs: tools.venvs.clone().unwrap_or_default(),
    })?;
    let staged = spec.files.iter().map(|(name, bytes)| {
        let text = mask_credentials(&String::from_utf8_lossy(bytes)).into_owned();
        let print = text.lines().fold(Command::new("printf").arg("%s\\n"), |print, line| print.arg(line));
        format!("{print} > {name}")
    });
    let staged: Vec<String> = staged.collect();
    let mut lines = vec!["cd \"$(mktemp -d)\"".to_owned()];
    lines.extend(staged);
    lines.extend(commands.iter().map(ToString::to_string));
    Ok(lines)
}

/// What the environment for `needs` takes on disk and when it was used last, where it is made. Does not count as use.
#[must_use]
pub fn describe(tools: &HostTools, needs: &Needs) -> Option<VenvInfo> {
    tools.describe(&needs.spec())
}
