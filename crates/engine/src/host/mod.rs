//! The `host` engine: virtual environments, cached by content, and commands run in them on the host itself.
//!
//! Owns everything below its cache folder:
//!
//! ```text
//! interpreters.json             what the Python programs seen so far are, by path, time and size
//! venvs/<name>.lock             held by the one that makes it; names its process
//! venvs/<name>/.complete        written last; says which folder beside it is the environment
//! venvs/<name>/.used            its time of change is when the environment was last asked for
//! venvs/<name>/<attempt>/       the environment itself; `venvs` may be a folder elsewhere
//! tools/<tool>-<version>/       uv and Poetry where the host lacks them, kept in the same way
//! logs/venv-<name>.log          all that was run to make it, with its output
//! ```
//!
//! `<name>` is a hash of the caller's key and of the interpreter's identity, so equal requirements on an equal
//! Python share one environment wherever they are asked for.
//!
//! An environment cannot be moved (its scripts hold absolute paths), so it is made where it stays. Each attempt gets a
//! folder of its own: when Wharf is killed midway, an installer that outlives it goes on writing into a
//! folder that nobody will ever look at.
//!
//! Refuses to know what a project is, to isolate operating system packages, or to choose what is installed.

mod error;
mod install;
mod interpreter;
mod known;
mod list;
mod lock;
mod runner;
mod search;
mod slot;
mod tool;
mod venv;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

pub use error::HostError;
pub use list::VenvInfo;
pub use venv::Venv;

use wharf_process::Command;

use search::{Download, Search};
use slot::{Complete, Slot};

/// One step of filling an environment. Steps run in the order given; none removes what an earlier one installed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstallStep {
    /// What `uv.lock` says, in exactly those versions, without any package that lies in the repo.
    UvSync {
        /// Dependency groups; none by default, also not those the project calls default.
        groups: Vec<String>,
        /// Extras of the project.
        extras: Vec<String>,
        /// Whether what the project itself needs is wanted too, not the groups alone.
        main: bool,
        /// The member of a uv workspace whose dependencies are wanted; the root's where none is named.
        package: Option<String>,
    },
    /// What `poetry.lock` says, in exactly those versions, without any package that lies in the repo.
    PoetrySync {
        /// Dependency groups beside the main one.
        groups: Vec<String>,
        /// Extras of the project.
        extras: Vec<String>,
    },
    /// A requirements file, relative to the staging folder.
    Requirements {
        /// Name of the file, one of [`VenvSpec::files`].
        file: String,
    },
    /// Requirements by name, such as `pytest>=8`.
    Packages {
        /// The requirements.
        names: Vec<String>,
    },
}

/// What an environment must hold.
#[derive(Debug, Clone)]
pub struct VenvSpec {
    /// Content hash of the requirements. The interpreter's identity is added to it here.
    pub key: String,
    /// The wanted Python, such as `3.12`; the least one, such as `>=3.8`; any Python 3 where there is none.
    pub python: Option<String>,
    /// Files that the steps read, by path relative to the staging folder, where the steps run.
    pub files: BTreeMap<String, Vec<u8>>,
    /// How to fill it.
    pub steps: Vec<InstallStep>,
}

/// What the host offers for making environments. Made once by the caller, who alone reads the environment.
#[derive(Clone)]
pub struct HostTools {
    /// The cache folder; made where it is missing.
    pub cache: PathBuf,
    /// Where environments are kept, made where it is missing; without it, `venvs` in the cache folder.
    pub venvs: Option<PathBuf>,
    /// The uv program, where the host has one.
    pub uv: Option<PathBuf>,
    /// The search path in which Python and other programs are looked for, and which commands get.
    pub search_path: OsString,
    /// Variables that installers get on top of the caller's own; their values are never shown. `PYENV_ROOT`,
    /// `PYENV_VERSION` and `HOME` are heeded here when interpreters are looked for.
    pub env: Vec<(OsString, OsString)>,
}

impl fmt::Debug for HostTools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostTools")
            .field("cache", &self.cache)
            .field("venvs", &self.venvs)
            .field("uv", &self.uv)
            .field("search_path", &self.search_path)
            .finish_non_exhaustive()
    }
}

impl HostTools {
    /// Gives the environment for `spec`, making it where it is missing. Of several that ask at once one makes it and
    /// the others wait. `on_line` gets what the installers say. Once made, nothing is fetched again.
    ///
    /// # Errors
    /// When there is no fitting Python, the cache cannot be written, or an installer fails.
    pub fn ensure(&self, spec: &VenvSpec, on_line: &mut dyn FnMut(&str)) -> Result<Venv, HostError> {
        let python = Search::new(self).select(spec.python.as_deref(), Download::Allowed)?;
        let slot = self.venv_slot(spec, &python.identity.digest());
        let complete = match slot.complete() {
            Some(complete) => complete,
            None => slot.make(on_line, |at, on_line| {
                install::build(self, spec, &python, at, on_line)?;
                Ok(Complete::new(at, &spec.key, &python.identity.version))
            })?,
        };
        slot.touch();
        Ok(self.venv(&slot, complete))
    }

    /// The commands that would make the environment for `spec`, run in a folder with its files; makes nothing.
    ///
    /// # Errors
    /// When no Python on this host fits.
    pub fn commands(&self, spec: &VenvSpec) -> Result<Vec<Command>, HostError> {
        let python = Search::new(self).select(spec.python.as_deref(), Download::Forbidden)?;
        let slot = self.venv_slot(spec, &python.identity.digest());
        Ok(install::commands(self, spec, &python, &slot.dir().join("env")))
    }

    /// The environment for `spec` where it is already made. Starts no program where the interpreters on the search
    /// path have been seen before.
    #[must_use]
    pub fn find(&self, spec: &VenvSpec) -> Option<Venv> {
        let python = Search::new(self).select(spec.python.as_deref(), Download::Forbidden).ok()?;
        let slot = self.venv_slot(spec, &python.identity.digest());
        let complete = slot.complete()?;
        slot.touch();
        Some(self.venv(&slot, complete))
    }

    /// The uv program: the host's, else one in Wharf's cache.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub fn uv_program(&self, on_line: &mut dyn FnMut(&str)) -> Result<PathBuf, HostError> {
        match &self.uv {
            Some(uv) => Ok(uv.clone()),
            None => tool::uv(self, on_line),
        }
    }

    /// The Poetry program, in Wharf's cache.
    ///
    /// # Errors
    /// When it cannot be installed.
    pub fn poetry_program(&self, on_line: &mut dyn FnMut(&str)) -> Result<PathBuf, HostError> {
        tool::poetry(self, on_line)
    }

    /// A command of the caller's with what every installer gets: the search path, the extra variables, none of the user's that
    /// would lead it astray.
    #[must_use]
    pub fn prepare(&self, command: Command) -> Command {
        self.dress(command)
    }

    fn venv_slot(&self, spec: &VenvSpec, identity: &str) -> Slot {
        let mut hasher = blake3::Hasher::new();
        hasher.update(spec.key.as_bytes()).update(&[0]).update(identity.as_bytes());
        let name = hasher.finalize().to_hex()[..20].to_owned();
        Slot::new(&self.venvs(), &name)
    }

    fn venvs(&self) -> PathBuf {
        self.venvs.clone().unwrap_or_else(|| self.cache.join("venvs"))
    }

    fn venv(&self, slot: &Slot, complete: Complete) -> Venv {
        Venv::new(slot.folder(&complete), complete.python_version, self.search_path.clone())
    }

    fn variable(&self, name: &str) -> Option<&OsString> {
        self.env.iter().rev().find(|(known, _)| known.as_os_str() == name).map(|(_, value)| value)
    }
}
