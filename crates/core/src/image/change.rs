//! What differs between two sets of named things: added, removed, changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

/// Versions by name. Several versions of one name stand in one text, with `, ` between them.
pub type Versions = BTreeMap<String, String>;

/// One thing on both sides; missing on one of them where it was added or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

impl Change {
    /// Whether both sides have the same.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        self.before == self.after
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "+ {name} {after}"),
            (Some(before), None) => write!(f, "- {name} {before}"),
            (Some(before), Some(after)) if before != after => write!(f, "{name} {before} -> {after}"),
            (_, Some(same)) => write!(f, "{name} {same}"),
            (None, None) => write!(f, "{name}"),
        }
    }
}

/// Whether things that are equal on both sides are listed too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Only what differs.
    Differences,
    /// All.
    All,
}

/// Compares two sets, by name.
#[must_use]
pub fn compare(before: &Versions, after: &Versions, extent: Extent) -> Vec<Change> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changes = names.into_iter().map(|name| Change {
        name: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    });
    changes.filter(|change| extent == Extent::All || !change.is_equal()).collect()
}

/// Adds a version to those that a name has already.
pub(super) fn add(versions: &mut Versions, name: String, version: &str) {
    let known = versions.entry(name).or_default();
    let mut all: BTreeSet<&str> = known.split(", ").filter(|text| !text.is_empty()).collect();
    all.insert(version);
    *known = all.into_iter().collect::<Vec<_>>().join(", ");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn versions(pairs: &[(&str, &str)]) -> Versions {
        let mut versions = Versions::new();
        pairs.iter().for_each(|(name, version)| add(&mut versions, (*name).to_owned(), version));
        versions
    }

    #[test]
    fn changes_say_what_happened() {
        let before = versions(&[("a", "1.0"), ("b", "1"), ("c", "2"), ("d", "1"), ("d", "2")]);
        let after = versions(&[("a", "1.1"), ("c", "2"), ("d", "2"), ("e", "1")]);
        let lines: Vec<String> =
            compare(&before, &after, Extent::Differences).iter().map(ToString::to_string).collect();
        assert_eq!(lines, ["a 1.0 -> 1.1", "- b 1", "d 1, 2 -> 2", "+ e 1"]);
        assert_eq!(compare(&before, &after, Extent::All).len(), 5);
        assert_eq!(compare(&before, &before, Extent::Differences), []);
    }
}
