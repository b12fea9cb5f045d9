//! Where a value came from, and what a path in it is relative to.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The layers of configuration, weakest first; a later one overrides an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerKind {
    /// What is embedded in the binary.
    Defaults,
    /// The user's own file, `~/.config/wharf/config.toml`.
    User,
    /// `[exports.defaults]` in the `wharf.toml` of sub-repos.
    Exported,
    /// What repos laid out the older way state, and what that layout means: see [`super::older`].
    Older,
    /// `wharf.toml` at the super-repo's root.
    SuperRepo,
    /// `wharf.toml` at the root of a sub-repo.
    SubRepo,
    /// `devops/wharf.toml` of a runnable dir.
    RunnableDir,
    /// `WHARF_*` variables.
    Variables,
    /// Flags of the command line.
    Flags,
}

impl LayerKind {
    /// Its name in JSON and in the reference.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Defaults => "defaults",
            Self::User => "user",
            Self::Exported => "exported",
            Self::Older => "older",
            Self::SuperRepo => "super-repo",
            Self::SubRepo => "sub-repo",
            Self::RunnableDir => "runnable-dir",
            Self::Variables => "variables",
            Self::Flags => "flags",
        }
    }

    /// The file or thing that a user would edit, as a phrase.
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::Defaults => "the built-in defaults",
            Self::User => "the user's `config.toml`",
            Self::Exported => "`[exports.defaults]` of a sub-repo",
            Self::Older => "`repo_config.yaml`",
            Self::SuperRepo => "`wharf.toml` at the super-repo's root",
            Self::SubRepo => "`wharf.toml` at a sub-repo's root",
            Self::RunnableDir => "`devops/wharf.toml` of a runnable dir",
            Self::Variables => "a variable",
            Self::Flags => "a flag",
        }
    }
}

/// The thing in a layer that states a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The embedded defaults.
    BuiltIn,
    /// A line of a file.
    File {
        /// The file, as it was named when it was read: absolute, or relative to the super-repo's root.
        path: Arc<Path>,
        /// Line of the value's key, from 1.
        line: usize,
    },
    /// An environment variable, by name.
    Variable(Arc<str>),
    /// A flag of the command line, such as `--engine`.
    Flag(Arc<str>),
}

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The layer.
    pub layer: LayerKind,
    /// The file and line, variable or flag in that layer.
    pub source: Source,
}

impl Origin {
    /// The folder of the file that states the value; `None` where no file does.
    #[must_use]
    pub fn base_dir(&self) -> Option<&Path> {
        match &self.source {
            Source::File { path, .. } => path.parent(),
            Source::BuiltIn | Source::Variable(_) | Source::Flag(_) => None,
        }
    }

    /// The origin as JSON: `layer` always, and those of `file` and `line`, `variable`, `flag` that apply.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let mut object = serde_json::Map::new();
        object.insert("layer".into(), self.layer.name().into());
        match &self.source {
            Source::BuiltIn => {}
            Source::File { path, line } => {
                object.insert("file".into(), path.to_string_lossy().into());
                object.insert("line".into(), (*line).into());
            }
            Source::Variable(name) => {
                object.insert("variable".into(), name.as_ref().into());
            }
            Source::Flag(name) => {
                object.insert("flag".into(), name.as_ref().into());
            }
        }
        object.into()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::BuiltIn if self.layer == LayerKind::Older => write!(f, "older layout"),
            Source::BuiltIn => write!(f, "default"),
            Source::File { path, line } if self.layer == LayerKind::Exported => {
                write!(f, "{}:{line}, exported", path.display())
            }
            Source::File { path, line } => write!(f, "{}:{line}", path.display()),
            Source::Variable(name) | Source::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// A value with the place that states it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it was stated.
    pub origin: Origin,
}

/// The folders that paths in the configuration can be relative to.
#[derive(Debug, Clone)]
pub struct Places {
    /// The super-repo's root: relative names of configuration files start here.
    pub root: PathBuf,
    /// Where the user stands: paths in variables and flags start here.
    pub here: PathBuf,
    /// The user's home, for `~`; where it is unknown, `~` stays as it is.
    pub home: Option<PathBuf>,
}

impl Places {
    /// The path meant by `text`, stated at `origin`: `~` is the home folder; a relative path in a file starts at
    /// that file's folder, one in a variable or a flag where the user stands. Nothing is looked up on disk.
    #[must_use]
    pub fn path(&self, text: &str, origin: &Origin) -> PathBuf {
        if let Some(home) = &self.home {
            if text == "~" {
                return home.clone();
            }
            if let Some(rest) = text.strip_prefix("~/") {
                return home.join(rest);
            }
        }
        match origin.base_dir() {
            Some(dir) => self.root.join(dir).join(text),
            None => self.here.join(text),
        }
    }
}
