//! Why the history cannot be used.

use std::path::PathBuf;

/// Why the history of tests cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Other runs write to it and do not come to an end.
    #[error("other runs are writing the history of tests")]
    Busy,
    /// It has a later form than this Wharf knows.
    #[error("`{}` was written by a later wharf", .file.display())]
    Newer {
        /// The file.
        file: PathBuf,
    },
    /// Its file cannot be read or written.
    #[error("the history of tests, `{}`, cannot be used", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl HistoryError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Newer { file } => Some(format!(
                "use that wharf, or begin anew with `rm {}`",
                shlex::try_quote(&file.to_string_lossy()).ok()?
            )),
            Self::Busy | Self::Io { .. } => None,
        }
    }
}
