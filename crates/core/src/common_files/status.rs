//! The state of one common file: which of *there*, *here* and *base* are equal.

use super::declared::Mode;
use super::record::Recorded;
use super::version::{Local, Version};

/// What happened to a common file since the last sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Equal on both sides.
    Same,
    /// Only here.
    ChangedHere,
    /// Only at the owner.
    ChangedAtOwner,
    /// On both sides, or different without ever having been synced.
    ChangedBoth,
    /// Gone at the owner.
    DeletedAtOwner,
    /// Gone here.
    DeletedHere,
    /// Has another name at the owner; the path that it has here then.
    RenamedAtOwner(String),
    /// At the owner, and never here.
    NotYetHere,
    /// In a shared folder, and never at the owner.
    OnlyHere,
    /// Has another name here; which.
    RenamedHere(String),
    /// One's own, as `detached` says.
    Detached,
    /// A link that leads to the owner's file.
    LinkOk,
    /// A link that leads elsewhere or nowhere, or none yet.
    LinkBroken,
    /// A file or folder where a link should be.
    LinkReplaced,
    /// Something here that is neither file nor link, or cannot be read; the reason.
    Unreadable(String),
}

impl State {
    /// Its name in JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::ChangedHere => "changed-here",
            Self::ChangedAtOwner => "changed-at-owner",
            Self::ChangedBoth => "changed-both",
            Self::DeletedAtOwner => "deleted-at-owner",
            Self::DeletedHere => "deleted-here",
            Self::RenamedAtOwner(_) => "renamed-at-owner",
            Self::NotYetHere => "not-yet-here",
            Self::OnlyHere => "only-here",
            Self::RenamedHere(_) => "renamed-here",
            Self::Detached => "detached",
            Self::LinkOk => "link-ok",
            Self::LinkBroken => "link-broken",
            Self::LinkReplaced => "link-replaced",
            Self::Unreadable(_) => "unreadable",
        }
    }

    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Same | Self::Detached | Self::LinkOk)
    }
}

/// One common file at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommonFile {
    /// The declaring repo, as a place in [`super::Scene::repos`].
    pub repo: usize,
    /// Path in it.
    pub path: String,
    /// The owner, likewise.
    pub owner: usize,
    /// Path in it.
    pub source: String,
    /// The owner's commit that was looked at.
    pub commit: String,
    /// Copy or link.
    pub mode: Mode,
    /// What happened.
    pub state: State,
    /// What is here.
    pub here: Local,
    /// What the owner has.
    pub there: Option<Version>,
    /// The line of the record.
    pub recorded: Option<Recorded>,
    /// The text of its link, where it is one.
    pub link: String,
    /// Where it is declared.
    pub place: String,
}

impl CommonFile {
    /// What both were at the last sync.
    #[must_use]
    pub fn base(&self) -> Option<&Version> {
        self.recorded.as_ref().and_then(|recorded| recorded.version.as_ref())
    }

    /// Whether both sides did something that cannot be told apart without looking into the file, or at all.
    #[must_use]
    pub fn is_contested(&self) -> bool {
        let kept = || self.here.version() == self.base();
        match &self.state {
            State::ChangedBoth => true,
            State::DeletedAtOwner => !kept() && !matches!(self.here, Local::Absent),
            State::RenamedAtOwner(_) => !kept(),
            State::DeletedHere | State::RenamedHere(_) => self.there.as_ref() != self.base(),
            _ => false,
        }
    }
}

/// The state of a copy; renames are found later, among several files.
pub(super) fn of_copy(there: Option<&Version>, here: &Local, base: Option<&Version>) -> State {
    let local = match here {
        Local::Other => return State::Unreadable("it is a folder or no plain file".into()),
        Local::Link(to) => return State::Unreadable(format!("it is a symbolic link to `{to}`")),
        Local::Unreadable(reason) => return State::Unreadable(reason.clone()),
        Local::Absent => None,
        Local::File(version, _) => Some(version),
    };
    match (there, local, base) {
        (None, ..) => State::DeletedAtOwner,
        (Some(_), None, None) => State::NotYetHere,
        (Some(_), None, Some(_)) => State::DeletedHere,
        (Some(there), Some(here), _) if there == here => State::Same,
        (_, Some(here), Some(base)) if here == base => State::ChangedAtOwner,
        (Some(there), _, Some(base)) if there == base => State::ChangedHere,
        _ => State::ChangedBoth,
    }
}

/// The state of a link whose text should be `text`.
pub(super) fn of_link(there: Option<&Version>, here: &Local, text: &str, is_recorded: bool) -> State {
    match (there, here) {
        (_, Local::Unreadable(reason)) => State::Unreadable(reason.clone()),
        (None, _) => State::DeletedAtOwner,
        (Some(_), Local::Absent) if is_recorded => State::LinkBroken,
        (Some(_), Local::Absent) => State::NotYetHere,
        (Some(_), Local::Link(to)) if to == text => State::LinkOk,
        (Some(_), Local::Link(_)) => State::LinkBroken,
        (Some(_), Local::File(..) | Local::Other) => State::LinkReplaced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common_files::version::Stamp;

    fn version(id: &str) -> Version {
        Version { id: id.into(), executable: false }
    }

    fn copy(there: &str, here: &str, base: &str) -> &'static str {
        let some = |id: &str| (id != "-").then(|| version(id));
        let stamp = Stamp { size: 0, changed: 0, touched: 0, inode: 0 };
        let here = some(here).map_or(Local::Absent, |version| Local::File(version, stamp));
        of_copy(some(there).as_ref(), &here, some(base).as_ref()).kind()
    }

    #[test]
    fn every_combination_of_three_versions_has_a_state() {
        let table = [
            ("a", "a", "a", "same"),
            ("a", "a", "-", "same"),
            ("b", "b", "a", "same"),
            ("a", "b", "a", "changed-here"),
            ("b", "a", "a", "changed-at-owner"),
            ("b", "c", "a", "changed-both"),
            ("a", "b", "-", "changed-both"),
            ("a", "-", "-", "not-yet-here"),
            ("a", "-", "a", "deleted-here"),
            ("b", "-", "a", "deleted-here"),
            ("-", "a", "a", "deleted-at-owner"),
            ("-", "b", "a", "deleted-at-owner"),
            ("-", "-", "a", "deleted-at-owner"),
        ];
        for (there, here, base, expected) in table {
            assert_eq!(copy(there, here, base), expected, "there {there}, here {here}, base {base}");
        }
    }

    #[test]
    fn links_are_right_broken_or_replaced() {
        let there = version("a");
        let link = |here: &Local, recorded| of_link(Some(&there), here, "../x", recorded).kind();
        assert_eq!(link(&Local::Absent, false), "not-yet-here");
        assert_eq!(link(&Local::Absent, true), "link-broken");
        assert_eq!(link(&Local::Link("../x".into()), true), "link-ok");
        assert_eq!(link(&Local::Link("../../x".into()), true), "link-broken");
        assert_eq!(link(&Local::Other, true), "link-replaced");
        assert_eq!(of_link(None, &Local::Absent, "", true).kind(), "deleted-at-owner");
    }
}
