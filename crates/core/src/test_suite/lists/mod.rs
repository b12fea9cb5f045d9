//! Test lists: named sets of tests, by id, file, folder, glob and other lists, less what is excluded.
//!
//! Owns what an entry means, which dirs and files it can be in, and what is said of an entry that matches nothing. The matching of
//! ids is the plugin's, which gets a list as [`Lists::to_json`]; refused here is any guess about what pytest will collect.
//!
//! # Theory of operation
//! Each list is a node: names that match exactly (a test, a test without its parameters, a class, a file, a folder), globs as
//! regular expressions, further lists, and at most one node that is excluded. The first node is the union of what was asked for.
//! A list that only excludes stands for all other tests.

mod error;
mod glob;
mod locate;
mod parse;

use std::collections::BTreeMap;

use serde::Serialize;

pub use error::ListError;
pub use locate::Located;
pub use parse::{names, resolve};

/// The tests that were asked for by list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lists {
    /// All entries of all lists; what the plugin tells refers to them by index.
    pub entries: Vec<ListEntry>,
    nodes: Vec<Node>,
}

/// One entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntry {
    /// The list that it stands in: its name, or its file with a line.
    pub list: String,
    /// The entry as it is written.
    pub text: String,
    /// Path from the super-repo's root, perhaps a glob.
    pub path: String,
    /// Whether it adds tests; else it takes some away.
    pub adds: bool,
}

/// A list as the plugin reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Node {
    /// Names, each with the index of its entry.
    names: BTreeMap<String, usize>,
    /// Regular expressions that match a whole id, each with the index of its entry.
    globs: Vec<(String, usize)>,
    /// Further lists.
    lists: Vec<usize>,
    /// What is excluded.
    not: Option<usize>,
}

impl Lists {
    /// What the plugin reads: the nodes, the first of which is the whole.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.nodes).expect("names and numbers are always JSON")
    }

    /// What is said of an entry that matches nothing.
    #[must_use]
    pub fn unmatched(&self, index: usize) -> String {
        let ListEntry { list, text, .. } = &self.entries[index];
        format!("list {list}: `{text}` matches no test")
    }
}
