//! What a dir's container tells of its tests beside their verdicts.

use std::collections::BTreeSet;

use super::message::{Facts, Message};

/// What one dir told.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Found {
    /// Whether tests are only collected: then no verdict of theirs is awaited.
    pub collects: bool,
    /// Ids of the tests that were collected, where that is all.
    pub ids: Vec<String>,
    /// Whether its collection came to its end.
    pub is_over: bool,
    /// Entries of test lists that matched, once its collection is over.
    pub listed: Option<BTreeSet<usize>>,
    /// What selects the tests that were asked for.
    pub facts: Vec<Facts>,
}

impl Found {
    /// Takes a message of these kinds; others are none of its business.
    pub fn take(&mut self, message: Message) {
        match message {
            // Of a later attempt, which runs less, it would say less.
            Message::Listed { entries } => {
                self.listed.get_or_insert(entries);
            }
            Message::Explained(facts) => self.facts.push(*facts),
            _ => {}
        }
    }
}
