//! What was done to a shell's variables, as one of them holds it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use super::quote::{decoded, encoded};

/// The variable that holds it.
pub const STATE: &str = "_WHARF_SETENV";
/// Start of the names of variables that keep values from before.
const WAS: &str = "_WHARF_WAS_";
/// The form of the text; another one is not read.
const FORM: &str = "1";

/// The variable that keeps the value that `name` had.
pub(super) fn was(name: &str) -> String {
    format!("{WAS}{name}")
}

/// What was done to a shell's variables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    pub(super) items: Vec<Item>,
    /// Git's folder of hooks, where it was set too.
    pub hooks: Option<Hooks>,
}

/// A folder of Git hooks that a repo was told to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// The repo's root.
    pub root: PathBuf,
    /// The folder, as `core.hooksPath` has it.
    pub folder: String,
}

/// One variable that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) name: String,
    /// Whether it was there before, so that its value is kept.
    pub(super) was_there: bool,
    pub(super) set: Set,
}

/// What a variable was set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Set {
    /// A value with this hash.
    Value(String),
    /// These entries in front of a list.
    Entries(Vec<OsString>),
    /// Nothing: it was taken away.
    Nothing,
}

/// Tells one value from another. Values may be secret, so the state holds none.
pub(super) fn hash_of(value: &OsStr) -> String {
    blake3::hash(value.as_bytes()).to_hex()[..16].to_owned()
}

impl State {
    /// Reads the value of [`STATE`]. What is no state of this form is none.
    #[must_use]
    pub fn read(text: Option<&OsStr>) -> Self {
        text.and_then(OsStr::to_str).and_then(Self::parse).unwrap_or_default()
    }

    /// Whether nothing was done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty() && self.hooks.is_none()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut records = text.split(';');
        if records.next() != Some(FORM) {
            return None;
        }
        let mut state = Self::default();
        for record in records {
            let fields: Vec<&str> = record.split(',').collect();
            let [kind, first, second, rest @ ..] = fields.as_slice() else { return None };
            let set = match (*kind, rest) {
                ("v", [hash]) => Set::Value((*hash).to_owned()),
                ("l", entries) => {
                    let entries = entries.iter().map(|entry| decoded(entry).map(OsString::from_vec));
                    Set::Entries(entries.collect::<Option<Vec<_>>>()?)
                }
                ("u", []) => Set::Nothing,
                ("h", []) => {
                    let root = OsString::from_vec(decoded(first)?).into();
                    state.hooks = Some(Hooks { root, folder: String::from_utf8(decoded(second)?).ok()? });
                    continue;
                }
                _ => return None,
            };
            state.items.push(Item { name: (*first).to_owned(), was_there: *second == "s", set });
        }
        // The text may come from anywhere, and names become parts of statements.
        state.items.iter().all(|item| is_name(&item.name)).then_some(state)
    }

    /// Its text: ASCII without anything that a shell takes for more than a letter.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = FORM.to_owned();
        for Item { name, was_there, set } in &self.items {
            let before = if *was_there { "s" } else { "n" };
            match set {
                Set::Value(hash) => text.push_str(&format!(";v,{name},{before},{hash}")),
                Set::Entries(entries) => {
                    text.push_str(&format!(";l,{name},{before}"));
                    for entry in entries {
                        text.push(',');
                        text.push_str(&encoded(entry.as_bytes()));
                    }
                }
                Set::Nothing => text.push_str(&format!(";u,{name},{before}")),
            }
        }
        if let Some(Hooks { root, folder }) = &self.hooks {
            text.push_str(&format!(";h,{},{}", encoded(root.as_os_str().as_bytes()), encoded(folder.as_bytes())));
        }
        text
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
