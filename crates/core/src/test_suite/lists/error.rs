//! What can be wrong with a list.

use std::path::PathBuf;

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// No list has this name.
    #[error("no test list is named `{name}`{}", .within.as_ref().map(|list| format!(", which list {list} refers to")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The list that refers to it; `None`: the command line does.
        within: Option<String>,
        /// The name that was probably meant.
        nearest: Option<String>,
        /// All names.
        known: Vec<String>,
    },
    /// Lists that refer to each other in a circle.
    #[error("test lists refer to each other in a circle: {}", .names.join(", "))]
    Circle {
        /// Their names, the first once more at the end.
        names: Vec<String>,
    },
    /// A file of entries that cannot be read.
    #[error("the test list `{}` cannot be read: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line that is no entry.
    #[error("{}, line {line}: `{text}` is no entry of a test list", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What it holds.
        text: String,
    },
}

impl ListError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { nearest: Some(near), within: None, .. } => Some(format!("did you mean `--list {near}`?")),
            Self::Unknown { nearest: Some(near), .. } => Some(format!("did you mean `@{near}`?")),
            Self::Unknown { known, .. } if known.is_empty() => Some(
                "name a file with `--list @FILE`, or write lists into `[test.lists]` of the root's `wharf.toml`".into(),
            ),
            Self::Unknown { known, .. } => Some(format!("there are {}", known.join(", "))),
            Self::Line { .. } => Some(
                "write one entry a line, such as `infra/tests/test_a.py::test_one`, from the super-repo's root".into(),
            ),
            Self::Circle { .. } | Self::File { .. } => None,
        }
    }

    /// Whether configuration is at fault, and not the command line.
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        match self {
            Self::Unknown { within, .. } => within.is_some(),
            Self::Circle { .. } | Self::Line { .. } => true,
            Self::File { .. } => false,
        }
    }
}
