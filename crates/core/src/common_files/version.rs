//! The versions of a file that are held against each other.

/// A file's content and whether it can be executed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Id of its blob.
    pub id: String,
    /// Whether it is executable.
    pub executable: bool,
}

impl Version {
    /// Its mode in Git.
    #[must_use]
    pub fn mode(&self) -> u32 {
        if self.executable { 0o100_755 } else { 0o100_644 }
    }
}

/// What is in the work tree at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// Nothing.
    Absent,
    /// A file.
    File(Version, Stamp),
    /// A symbolic link, with its text.
    Link(String),
    /// A folder, or something that is no file.
    Other,
    /// Something that cannot be read; the reason.
    Unreadable(String),
}

impl Local {
    /// The version of a file.
    #[must_use]
    pub fn version(&self) -> Option<&Version> {
        match self {
            Self::File(version, _) => Some(version),
            _ => None,
        }
    }
}

/// What tells a file that was touched from one that was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// Last change of its content, in nanoseconds.
    pub changed: i128,
    /// Last change of anything about it, in nanoseconds.
    pub touched: i128,
    /// Its inode.
    pub inode: u64,
}

impl Stamp {
    /// The stamp of a file.
    #[must_use]
    pub fn of(metadata: &std::fs::Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            size: metadata.size(),
            changed: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
            touched: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
        }
    }
}
