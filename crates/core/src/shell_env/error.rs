//! Why a shell cannot be set up.

use std::path::PathBuf;

/// Why a shell cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum ShellEnvError {
    /// A shell whose language is not known.
    #[error("shell `{0}` is not known")]
    UnknownShell(String),
    /// There is no word which shell it is.
    #[error("it is not known which shell this is: `SHELL` is not set")]
    NoShell,
    /// The configuration names no folder of hooks.
    #[error("the configuration names no folder of Git hooks")]
    NoHooks,
    /// Git takes its hooks from elsewhere already.
    #[error("Git takes its hooks of `{}` from `{folder}` already", .root.display())]
    HooksTaken {
        /// The repo's root.
        root: PathBuf,
        /// What `core.hooksPath` says.
        folder: String,
    },
    /// A file is there and somebody changed it.
    #[error("`{}` is there, and not as Wharf would write it", .file.display())]
    Differs {
        /// The file.
        file: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("`{}` cannot be written", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl ShellEnvError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownShell(_) | Self::NoShell => Some(
                "name one that speaks the same language: `wharf setenv --shell bash`, `zsh`, `fish` or `sh`".into(),
            ),
            Self::Differs { .. } => {
                Some("compare it with what `--dry-run` shows; move it away to have it written anew".into())
            }
            Self::NoHooks => Some(
                "state it in `wharf.toml` at the super-repo's root: `[setenv] git-hooks = \"dev_scripts/git_hooks\"`"
                    .into(),
            ),
            Self::HooksTaken { .. } => Some("to give that up: `git config --unset core.hooksPath`".into()),
            Self::Io { .. } => None,
        }
    }
}
