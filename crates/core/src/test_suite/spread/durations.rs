//! The file of durations that a team commits, so that all machines share out the tests alike.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where it goes unless `[test] durations` says so.
pub const DURATIONS_FILE: &str = "test-durations.json";
/// A new duration replaces the old one from this share of it on, so that the file does not change with every breeze.
const BREEZE: f64 = 0.25;
/// Seconds below which a difference is none.
const NOTHING: f64 = 0.05;

/// Seconds by test file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Durations {
    /// Form of the file; 1.
    pub version: u32,
    /// Seconds by workspace-relative path.
    pub files: BTreeMap<String, f64>,
}

/// Why the file of durations cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DurationsError {
    /// It is not there, or not readable.
    #[error("the durations of tests cannot be read from `{}`", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is no such file.
    #[error("`{}` holds no durations of tests", .file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
    /// It has another form.
    #[error("`{}` has version {version}, and 1 is known", .file.display())]
    Version {
        /// The file.
        file: PathBuf,
        /// Its version.
        version: u32,
    },
    /// It cannot be written.
    #[error("the durations of tests cannot be written to `{}`", .file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

impl DurationsError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } | Self::Malformed { .. } => {
                Some("make it with `wharf test --write-durations`".into())
            }
            Self::Version { .. } | Self::Unwritable { .. } => None,
        }
    }
}

impl Durations {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is not there, damaged, or of another form.
    pub fn read(file: &Path) -> Result<Self, DurationsError> {
        let bytes = std::fs::read(file).map_err(|source| DurationsError::Unreadable { file: file.into(), source })?;
        let read: Self =
            serde_json::from_slice(&bytes).map_err(|source| DurationsError::Malformed { file: file.into(), source })?;
        if read.version == 1 {
            Ok(read)
        } else {
            Err(DurationsError::Version { file: file.into(), version: read.version })
        }
    }

    /// What the file is to hold next: `seen` where it differs by enough, and what was known of other files that are still
    /// there.
    #[must_use]
    pub fn renewed(&self, seen: &BTreeMap<String, f64>, root: &Path) -> Self {
        let mut files: BTreeMap<String, f64> = self.files.clone();
        for (file, seconds) in seen {
            // A millisecond is as exact as anybody needs.
            let seconds = (seconds * 1e3).round() / 1e3;
            let known = files.get(file).copied();
            let same = known.is_some_and(|known| (known - seconds).abs() <= (known * BREEZE).max(NOTHING));
            if !same {
                files.insert(file.clone(), seconds);
            }
        }
        files.retain(|file, _| root.join(file).is_file());
        Self { version: 1, files }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), DurationsError> {
        let failed = |source| DurationsError::Unwritable { file: file.into(), source };
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut text = serde_json::to_string_pretty(self).map_err(|error| failed(error.into()))?;
        text.push('\n');
        let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        temporary.write_all(text.as_bytes()).map_err(failed)?;
        // It is committed: a temporary file is its maker's alone.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        temporary.as_file().set_permissions(mode).map_err(failed)?;
        temporary.persist(file).map_err(|error| failed(error.error))?;
        Ok(())
    }

    /// Seconds of a file that is not in it: the middle of the others, 1 where there are none.
    #[must_use]
    pub fn unknown(&self) -> f64 {
        let mut known: Vec<f64> = self.files.values().copied().collect();
        known.sort_by(f64::total_cmp);
        known.get(known.len() / 2).copied().unwrap_or(1.0)
    }
}
