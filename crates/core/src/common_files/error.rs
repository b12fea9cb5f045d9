//! Why common files cannot be worked with, and what is merely odd.

use std::path::PathBuf;

use wharf_git::GitError;

use crate::workspace::WorkspaceError;

/// Why common files cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// The super-repo cannot be read.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// Git does not answer.
    #[error("git did not answer in `{}`", .root.display())]
    Git {
        /// Which repo.
        root: PathBuf,
        /// Why.
        #[source]
        source: GitError,
    },
    /// A line of the record that is none.
    #[error("`{file}`, line {line}: {reason}")]
    Record {
        /// The record, from the super-repo's root.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// Two entries, or two paths of one, want the same place.
    #[error("`{path}` is claimed twice: by {first} and by {second}")]
    ClaimedTwice {
        /// Path from the super-repo's root.
        path: String,
        /// File and line of the one.
        first: String,
        /// File and line of the other.
        second: String,
    },
    /// Two names that are one on systems that do not tell upper from lower case.
    #[error("{place}: `{path}` and `{other}` differ only in upper and lower case")]
    CaseClash {
        /// File and line of the entry.
        place: String,
        /// The one.
        path: String,
        /// The other.
        other: String,
    },
    /// A place that is not the declaring repo's to write.
    #[error("{place}: `{path}` leads {how}")]
    Escapes {
        /// File and line of the entry.
        place: String,
        /// Path from the super-repo's root.
        path: String,
        /// Why not: "through the symbolic link `x`".
        how: String,
    },
    /// A file that is its own owner.
    #[error("{place}: `{path}` would be its own owner")]
    OwnOwner {
        /// File and line of the entry.
        place: String,
        /// Path from the super-repo's root.
        path: String,
    },
    /// A path that is no common file.
    #[error("`{0}` is no common file here")]
    NotCommon(String),
    /// A file or folder cannot be read or written.
    #[error("`{}` cannot be {}", .file.display(), .verb)]
    Io {
        /// Which.
        file: PathBuf,
        /// "read" or "written".
        verb: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Somebody edited a file while we worked.
    #[error("`{0}` was edited meanwhile")]
    Meanwhile(String),
    /// An owner that is asked for is not to be had.
    #[error("{0}")]
    Owner(Trouble),
    /// Something would be lost or overwritten.
    #[error("{message}")]
    Refused {
        /// What and why.
        message: String,
        /// The next command to type.
        hint: String,
    },
    /// The command line asks for something that makes no sense.
    #[error("{message}")]
    Usage {
        /// What and why.
        message: String,
        /// The next command to type.
        hint: String,
    },
    /// A `wharf.toml` that cannot be edited.
    #[error("`{}` cannot be edited: {reason}", .file.display())]
    NotToml {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

impl FilesError {
    pub(super) fn git(root: &std::path::Path) -> impl FnOnce(GitError) -> Self {
        let root = root.to_path_buf();
        move |source| Self::Git { root, source }
    }

    pub(super) fn read(file: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let file = file.to_path_buf();
        move |source| Self::Io { file, verb: "read", source }
    }

    pub(super) fn write(file: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let file = file.to_path_buf();
        move |source| Self::Io { file, verb: "written", source }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Workspace(error) => error.hint(),
            Self::Git { source, .. } => source.hint(),
            Self::Record { file, .. } => Some(format!(
                "take one side of it, for example with `git checkout --ours {file}`, then run `wharf files sync`: what is equal is \
                 recorded anew"
            )),
            Self::ClaimedTwice { .. } => {
                Some("remove one, or exclude the path from one with `!PATH` in `paths`".into())
            }
            Self::CaseClash { .. } => Some("rename one of them, or exclude it with `!PATH` in `paths`".into()),
            Self::Escapes { .. } => Some("name a folder that is the repo's own in `to`".into()),
            Self::OwnOwner { .. } => Some("state another folder in `to`".into()),
            Self::NotCommon(_) => {
                Some("`wharf files status --all` lists them; `wharf files track PATH --from OWNER` adds one".into())
            }
            Self::Io { .. } => None,
            Self::Meanwhile(_) => Some("run the command again".into()),
            Self::Owner(trouble) => trouble.hint(),
            Self::Refused { hint, .. } | Self::Usage { hint, .. } => Some(hint.clone()),
            Self::NotToml { .. } => Some("correct it by hand first".into()),
        }
    }
}

/// Something odd that stops no other file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// An owner that is no repo of the workspace.
    #[error("{place}: owner `//{from}` is not in this super-repo")]
    NoOwner {
        /// File and line of the entry.
        place: String,
        /// What it names.
        from: String,
    },
    /// An owner whose files are not here.
    #[error("{place}: owner `//{owner}` is not populated, its files are skipped")]
    NotPopulated {
        /// File and line of the entry.
        place: String,
        /// Which.
        owner: String,
    },
    /// An owner that cannot be read.
    #[error("{place}: owner `//{owner}` cannot be read, its files are skipped: {reason}")]
    Unreadable {
        /// File and line of the entry.
        place: String,
        /// Which.
        owner: String,
        /// Why.
        reason: String,
    },
    /// A pattern that means nothing.
    #[error("{place}: `{pattern}` matches nothing that `//{owner}` has committed")]
    Idle {
        /// File and line of the entry.
        place: String,
        /// As written.
        pattern: String,
        /// The owner.
        owner: String,
    },
    /// A `to` that means nothing.
    #[error("{place}: no folder matches `{to}`")]
    NoPlace {
        /// File and line of the entry.
        place: String,
        /// As written.
        to: String,
    },
    /// Something that is no plain file at the owner.
    #[error("{place}: `{path}` of `//{owner}` is {what} and is not carried")]
    NotAFile {
        /// File and line of the entry.
        place: String,
        /// Path in the owner.
        path: String,
        /// The owner.
        owner: String,
        /// What it is.
        what: &'static str,
    },
    /// The owner's work tree differs from its commit.
    #[error("`//{owner}` has uncommitted changes in `{path}`; only what is committed there is carried")]
    Uncommitted {
        /// Path in the owner.
        path: String,
        /// The owner.
        owner: String,
    },
    /// A sub-repo whose `wharf.toml` cannot be used.
    #[error("`{path}` cannot be used: {reason}")]
    Config {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
}

/// How bad a trouble is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Note,
    /// Files were skipped through no fault of the configuration.
    Skipped,
    /// The configuration is wrong.
    Error,
}

impl Trouble {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::NoOwner { .. } | Self::Config { .. } => Severity::Error,
            Self::NotPopulated { .. } | Self::Unreadable { .. } | Self::NotAFile { .. } => Severity::Skipped,
            Self::Idle { .. } | Self::NoPlace { .. } | Self::Uncommitted { .. } => Severity::Note,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoOwner { .. } => Some("name a repo of this super-repo in `from`, or add it as a sub-repo".into()),
            Self::NotPopulated { owner, .. } => Some(format!("git submodule update --init {owner}")),
            Self::Uncommitted { owner, .. } => Some(format!("git -C {owner} commit")),
            _ => None,
        }
    }
}
