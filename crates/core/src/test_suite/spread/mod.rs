//! Tests of a run over several machines (`--shard`) or several containers (`--split`), by test file.
//!
//! Owns who runs which file. Refuses to know how a file is run: a [`DirShard`] goes to the plugin, which collects what is
//! its own and nothing else.
//!
//! # Theory of operation
//! A list names the test files that are known before anything runs, and the share of each ([`assign`]). Pytest may collect
//! files that are on no list: new ones that are not committed, ones with other names. Those follow a rule
//! ([`Rest`]) that gives each to exactly one share whatever it is. So the union of all shares is the whole, and no
//! test runs twice, whether or not the list is right.

mod assign;
mod durations;
mod shard;
mod split;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::dir as plan_of;

pub use assign::assign;
pub use durations::{DURATIONS_FILE, Durations, DurationsError};
pub use shard::{Shard, ShardError, Sharded, known_files, shard};
pub use split::{merge, split};

use std::collections::BTreeMap;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// What of a dir's tests one container runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirShard {
    /// Which share it is, from 1.
    pub index: u32,
    /// How many there are.
    pub total: u32,
    /// The share of each known test file of the dir, by workspace-relative path.
    pub files: BTreeMap<String, u32>,
    /// What becomes of files that are not on the list.
    pub rest: Rest,
    /// Which of several containers for the dir it is, with `--split`.
    pub part: Option<Part>,
}

/// One of several containers for one dir.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Which, from 1.
    pub number: u32,
    /// How many there are.
    pub total: u32,
    /// How many of them run at once.
    pub lanes: u32,
}

/// What becomes of files that are on no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rest {
    /// All of them belong to this share.
    All,
    /// None does.
    None,
    /// Each goes by a hash of its path.
    Hash {
        /// The share, from 1, whose files are meant.
        index: u32,
        /// Of how many.
        total: u32,
    },
}

/// As a plan shows it: which share, and its own files. Those of others say nothing to whoever reads it.
impl Serialize for DirShard {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut shown = serializer.serialize_struct("DirShard", 4)?;
        shown.serialize_field("index", &self.index)?;
        shown.serialize_field("total", &self.total)?;
        shown.serialize_field("files", &self.mine().collect::<Vec<_>>())?;
        shown.serialize_field("rest", &self.rest)?;
        shown.end()
    }
}

impl DirShard {
    /// The known files that are its own.
    pub fn mine(&self) -> impl Iterator<Item = &String> {
        self.files.iter().filter(|(_, share)| **share == self.index).map(|(file, _)| file)
    }

    /// Whether a test file belongs to it.
    #[must_use]
    pub fn holds(&self, file: &str) -> bool {
        match (self.files.get(file), self.rest) {
            (Some(share), _) => *share == self.index,
            (None, Rest::All) => true,
            (None, Rest::None) => false,
            (None, Rest::Hash { index, total }) => by_hash(file, total) == index,
        }
    }

    /// The list as the plugin reads it: `share path`, a line each.
    #[must_use]
    pub fn list(&self) -> String {
        self.files.iter().map(|(file, share)| format!("{share} {file}\n")).collect()
    }

    /// The plugin's setting; `list` is where the list lies for it.
    #[must_use]
    pub fn setting(&self, list: &str) -> serde_json::Value {
        let rest = match self.rest {
            Rest::All => serde_json::json!(true),
            Rest::None => serde_json::json!(false),
            Rest::Hash { index, total } => serde_json::json!([index, total]),
        };
        serde_json::json!({ "index": self.index, "total": self.total, "assigned": list, "rest": rest })
    }
}

/// The share, from 1, of a path that is on no list: FNV-1a of its bytes, which the plugin has too.
#[must_use]
pub fn by_hash(path: &str, total: u32) -> u32 {
    let hash = path.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // The lower bits of FNV-1a alone follow the last letters.
    (hash ^ (hash >> 16)) % total.max(1) + 1
}
