//! What can be wrong with a package's own files.

use std::path::PathBuf;

use crate::image::python;

/// Why a package could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One of its files cannot be read or makes no sense.
    #[error(transparent)]
    File(#[from] python::Error),
    /// The name is not one.
    #[error("`{}`: `{name}` is not a package name", dir.display())]
    Name {
        /// The dir.
        dir: PathBuf,
        /// What is stated.
        name: String,
    },
    /// The version is not one.
    #[error("`{}`, line {line}: `{version}` is not a version", file.display())]
    Version {
        /// The file that states it.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is stated.
        version: String,
    },
    /// An entry point is not `module:object`.
    #[error("`{}`, line {line}: `{reference}` is not `module:function`", file.display())]
    EntryPoint {
        /// The file that states it.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is stated.
        reference: String,
    },
}

impl Error {
    /// The next thing to do about it, where one can be named.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Name { .. } => Some("use letters, digits, `-`, `_` and `.`, a letter or digit at both ends".into()),
            Self::Version { .. } => Some("write it as PEP 440 has it, for instance `1.4.0` or `1.4.0rc1`".into()),
            Self::EntryPoint { .. } => Some("write it as `package.module:function`".into()),
        }
    }
}
