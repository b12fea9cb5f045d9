//! What can go wrong while an environment is made.

use std::io;
use std::path::{Path, PathBuf};

use wharf_process::{Exit, ProcessError};

/// An environment that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The wanted version is not written as numbers with dots.
    #[error("`{wanted}` is not a Python version")]
    BadVersion {
        /// As it was written.
        wanted: String,
    },
    /// No interpreter fits.
    #[error("{}", missing(wanted.as_deref(), found))]
    NoPython {
        /// The wanted version, where there is one.
        wanted: Option<String>,
        /// What the host has instead, as `3.11.7 (/usr/bin/python3)`.
        found: Vec<String>,
        /// Whether uv was asked too.
        uv: bool,
    },
    /// The interpreter cannot make virtual environments: Debian keeps that part in a package of its own.
    #[error("Python {version} at `{}` cannot make virtual environments: its `ensurepip` is missing", python.display())]
    NoEnsurePip {
        /// The interpreter.
        python: PathBuf,
        /// Its version.
        version: String,
    },
    /// An installer failed.
    #[error("`{command}` {exit}\n{tail}\n  whole log: `{}`", log.display())]
    Install {
        /// The command as one could paste it.
        command: String,
        /// How it ended.
        exit: Exit,
        /// The last lines that it wrote.
        tail: String,
        /// Where all that it wrote is.
        log: PathBuf,
    },
    /// An installer ended well but left no usable environment.
    #[error("`{}` was not made although the installer ended well; log: `{}`", missing.display(), log.display())]
    NotMade {
        /// The file that should be there.
        missing: PathBuf,
        /// Where all that the installer wrote is.
        log: PathBuf,
    },
    /// A program could not be started.
    #[error("no environment could be made")]
    Process(#[from] ProcessError),
    /// The cache folder, or that of environments, cannot be used.
    #[error("`{}` cannot be written", path.display())]
    Cache {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file for the staging folder would lie outside of it.
    #[error("`{name}` is not a path inside the staging folder")]
    OutsideStaging {
        /// The path as it was given.
        name: String,
    },
}

impl HostError {
    /// The next command to type, or what to change.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BadVersion { .. } => Some("write it as `version = \"3.12\"` in the table `[python]`".to_owned()),
            Self::NoPython { wanted: None, .. } => {
                Some("install Python 3, for example `apt-get install python3`".to_owned())
            }
            Self::NoPython { wanted: Some(wanted), .. } if wanted.starts_with(">=") => Some(
                "install one, for example `apt-get install python3 python3-venv`, or `uv python install`".to_owned(),
            ),
            Self::NoPython { wanted: Some(wanted), uv, .. } => Some(if *uv {
                format!("install it with `uv python install {wanted}`, or want another in the table `[python]`")
            } else {
                format!("install uv, then `uv python install {wanted}`; or `pyenv install {wanted}`")
            }),
            Self::NoEnsurePip { version, .. } => {
                let short = version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
                Some(format!(
                    "`apt-get install python3-venv` (or `python{short}-venv`), or install `virtualenv` or `uv`"
                ))
            }
            Self::Install { log, .. } | Self::NotMade { log, .. } => {
                Some(format!("read all of it with `less {}`", log.display()))
            }
            Self::Process(error) if error.is_not_found() => Some("is it on the search path?".to_owned()),
            Self::Cache { .. } => Some("free space there, or choose another cache folder".to_owned()),
            Self::Process(_) | Self::OutsideStaging { .. } => None,
        }
    }

    /// For `map_err`: the cache could not be written at `path`.
    pub(super) fn cache(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Cache { path: path.to_owned(), source }
    }
}

fn missing(wanted: Option<&str>, found: &[String]) -> String {
    let wanted = wanted.map_or_else(|| "Python 3".to_owned(), |wanted| format!("Python {wanted}"));
    if found.is_empty() {
        format!("{wanted} is not here, nor any other Python")
    } else {
        format!("{wanted} is not here, only {}", found.join(", "))
    }
}
