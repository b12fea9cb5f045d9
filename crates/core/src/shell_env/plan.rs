//! From what is there and what is wanted to steps.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::hooks::HooksPlan;
use super::state::{Item, STATE, Set, State, hash_of, was};
use super::wanted::Wanted;

/// The variables that the shell has passed on.
pub type Variables = BTreeMap<OsString, OsString>;

/// One thing for the shell to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Keep the value of the first variable in the second one.
    Keep(String, String),
    /// Give the first variable the value that the second one keeps, and drop that.
    Restore(String, String),
    /// Set a variable.
    Set(String, OsString),
    /// Take a variable away.
    Unset(String),
    /// Run a program; that it fails is no reason to stop.
    Run(Vec<OsString>),
}

/// What is to be done to a shell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// What was done before.
    pub before: State,
    /// What will have been done.
    pub after: State,
}

/// Plans the way from `variables` to what is `wanted`, or back to what was before any set-up. Planning after applying gives no
/// steps. `hooks` is what was decided about Git hooks: see [`super::hooks()`].
#[must_use]
pub fn plan(variables: &Variables, wanted: Option<&Wanted>, hooks: HooksPlan) -> Plan {
    let before = State::read(variables.get(OsStr::new(STATE)).map(OsString::as_os_str));
    let mut now = Now { variables: variables.clone(), steps: Vec::new() };
    for item in &before.items {
        now.take_back(item);
    }
    let mut after = State { items: Vec::new(), hooks: hooks.after };
    if let Some(wanted) = wanted {
        for (name, entries) in &wanted.lists {
            let value = with_entries(entries, now.get(name));
            after.items.push(now.give(name, Some(value), Set::Entries(entries.clone())));
        }
        for (name, value) in &wanted.values {
            // Not there before and not wanted now: nothing to do, then or later.
            if value.is_some() || now.get(name).is_some() {
                let set = value.as_ref().map_or(Set::Nothing, |value| Set::Value(hash_of(value)));
                after.items.push(now.give(name, value.clone(), set));
            }
        }
    }
    if after.is_empty() {
        now.unset(STATE);
    } else {
        now.set(STATE, after.text().into());
    }
    let mut steps = if now.variables == *variables { Vec::new() } else { now.steps };
    steps.extend(hooks.steps);
    Plan { steps, before, after }
}

/// The variables while steps are planned.
struct Now {
    variables: Variables,
    steps: Vec<Step>,
}

impl Now {
    fn get(&self, name: &str) -> Option<&OsString> {
        self.variables.get(OsStr::new(name))
    }

    fn set(&mut self, name: &str, value: OsString) {
        self.variables.insert(name.into(), value.clone());
        self.steps.push(Step::Set(name.to_owned(), value));
    }

    fn unset(&mut self, name: &str) {
        if self.variables.remove(OsStr::new(name)).is_some() {
            self.steps.push(Step::Unset(name.to_owned()));
        }
    }

    /// Sets a variable, or takes it away, and keeps what it was.
    fn give(&mut self, name: &str, value: Option<OsString>, set: Set) -> Item {
        let old = self.get(name).cloned();
        let was_there = old.is_some();
        if let Some(old) = old {
            self.variables.insert(was(name).into(), old);
            self.steps.push(Step::Keep(name.to_owned(), was(name)));
        }
        match value {
            Some(value) => self.set(name, value),
            None => self.unset(name),
        }
        Item { name: name.to_owned(), was_there, set }
    }

    /// Undoes what was done to one variable, unless the user has changed it since: of a list the user's part stays, any other
    /// variable stays as it is.
    fn take_back(&mut self, item: &Item) {
        let Item { name, was_there, set } = item;
        let keeper = was(name);
        let kept = self.get(&keeper).cloned().filter(|_| *was_there);
        let is_ours = match (set, self.get(name)) {
            (Set::Value(hash), Some(current)) => hash_of(current) == *hash,
            (Set::Entries(entries), Some(current)) => *current == with_entries(entries, kept.as_ref()),
            (Set::Nothing, current) => current.is_none(),
            (Set::Value(_) | Set::Entries(_), None) => false,
        };
        match (is_ours, kept, set) {
            (true, Some(kept), _) => {
                self.variables.insert(name.into(), kept);
                self.variables.remove(OsStr::new(&keeper));
                self.steps.push(Step::Restore(name.clone(), keeper));
                return;
            }
            (true, None, Set::Nothing) => {}
            (true, None, _) => self.unset(name),
            (false, _, Set::Entries(entries)) => self.drop_entries(name, entries, *was_there),
            (false, _, _) => {}
        }
        self.unset(&keeper);
    }

    fn drop_entries(&mut self, name: &str, entries: &[OsString], was_there: bool) {
        let Some(current) = self.get(name).cloned() else { return };
        let left = without_entries(entries, &current);
        if left.is_empty() && !was_there {
            self.unset(name);
        } else if left != current {
            self.set(name, left);
        }
    }
}

/// The list with `entries` in front, none of them twice. An empty list has no entries.
fn with_entries(entries: &[OsString], list: Option<&OsString>) -> OsString {
    let mut all = entries.join(OsStr::new(":"));
    let left = list.filter(|list| !list.is_empty()).map(|list| rest_of(entries, list));
    for entry in left.unwrap_or_default() {
        all.push(":");
        all.push(entry);
    }
    all
}

fn without_entries(entries: &[OsString], list: &OsStr) -> OsString {
    rest_of(entries, list).join(OsStr::new(":"))
}

fn rest_of<'a>(entries: &[OsString], list: &'a OsStr) -> Vec<&'a OsStr> {
    let all = list.as_bytes().split(|byte| *byte == b':').map(OsStr::from_bytes);
    all.filter(|entry| !entries.iter().any(|other| other == entry)).collect()
}
