//! Why a file cannot be generated.

use std::path::PathBuf;

/// Why a file cannot be generated.
#[derive(Debug, thiserror::Error)]
pub enum GeneratedError {
    /// It cannot be read or written.
    #[error("`{}` cannot be read or written", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}
