//! Decides what a sync does: pure, from states and contents. Either every file has a step or is settled, or there are
//! conflicts, and then nothing is done at all.

use super::contents::Contents;
use super::declared::Mode;
use super::examine::Examined;
use super::merge::Merged;
use super::record::Recorded;
use super::scene::Scene;
use super::select::Selection;
use super::status::{CommonFile, State};
use super::version::{Local, Version};

/// What a sync does.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Changes in work trees, by repo and path.
    pub steps: Vec<Step>,
    /// Lines of records: repo, path, the new line.
    pub records: Vec<(usize, String, Option<Recorded>)>,
    /// What stands in the way; with any, nothing is done.
    pub conflicts: Vec<Conflict>,
}

/// A change to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The declaring repo.
    pub repo: usize,
    /// Path in it.
    pub path: String,
    /// What must still be there when it is done.
    pub expected: Local,
    /// What to do.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// The owner and the path in it.
    pub source: (usize, String),
    /// The owner's blob, for a command that can be pasted.
    pub id: Option<String>,
}

/// What to do with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Give it this content.
    Put {
        /// All of it.
        bytes: Vec<u8>,
        /// Whether it can be executed.
        executable: bool,
    },
    /// Make it a symbolic link with this text.
    Link(String),
    /// Remove it.
    Remove,
}

/// Why a step is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was never here.
    Added,
    /// It changed at the owner, and only there.
    Updated,
    /// It changed on both sides.
    Merged,
    /// It changed on both sides in the same place, and markers were asked for.
    Marked,
    /// It was deleted here and named on the command line.
    Restored,
    /// It was deleted at the owner.
    Deleted,
    /// It has another name at the owner: this removes the old one.
    Renamed,
    /// A link that was missing or led elsewhere.
    Linked,
}

impl Reason {
    /// In a word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Updated => "updated",
            Self::Merged => "merged",
            Self::Marked => "merged, with conflict markers",
            Self::Restored => "restored",
            Self::Deleted => "deleted",
            Self::Renamed => "renamed",
            Self::Linked => "linked",
        }
    }
}

/// Something that stands in the way of a sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Path from the super-repo's root.
    pub path: String,
    /// Why it is one.
    pub why: String,
    /// Whether markers can be written.
    pub can_mark: bool,
}

/// What to do about changes to the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// Do nothing at all.
    Refuse,
    /// Write conflict markers.
    Mark,
}

/// Decides what a sync of these files does.
#[must_use]
pub fn plan(
    scene: &Scene,
    examined: &Examined,
    contents: &Contents,
    selection: &Selection,
    on_conflict: OnConflict,
) -> Plan {
    let mut planner = Planner { scene, examined, contents, selection, on_conflict, plan: Plan::default() };
    for file in &examined.files {
        match file.mode {
            Mode::Copy => planner.copy(file),
            Mode::Link => planner.link(file),
        }
    }
    let Planner { mut plan, .. } = planner;
    // A record is written where it says something new.
    plan.records
        .retain(|(repo, path, line)| examined.records.get(repo).and_then(|known| known.get(path)) != line.as_ref());
    plan
}

struct Planner<'a> {
    scene: &'a Scene,
    examined: &'a Examined,
    contents: &'a Contents,
    selection: &'a Selection,
    on_conflict: OnConflict,
    plan: Plan,
}

impl Planner<'_> {
    fn copy(&mut self, file: &CommonFile) {
        match &file.state {
            State::Same => self.record(file),
            State::Detached => self.forget(file),
            State::ChangedHere
            | State::OnlyHere
            | State::RenamedHere(_)
            | State::LinkOk
            | State::LinkBroken
            | State::LinkReplaced => {}
            State::NotYetHere if self.is_renamed_to(file) => {}
            State::NotYetHere => self.take(file, Reason::Added),
            State::ChangedAtOwner => self.take(file, Reason::Updated),
            State::ChangedBoth => self.both(file),
            State::DeletedHere if self.selection.names(&self.shown(file)) => self.take(file, Reason::Restored),
            State::DeletedHere if file.is_contested() => {
                let why =
                    "deleted here, changed at the owner; name it on the command line to have it back, or `detach` it";
                self.conflict(file, why);
            }
            State::DeletedHere => {}
            State::DeletedAtOwner if file.is_contested() => {
                self.conflict(file, "deleted at the owner, changed here; `detach` it to keep it as your own");
            }
            State::DeletedAtOwner => {
                if file.here != Local::Absent {
                    self.step(file, Action::Remove, Reason::Deleted);
                }
                self.forget(file);
            }
            State::RenamedAtOwner(to) => self.renamed(file, to),
            State::Unreadable(reason) => self.conflict(file, reason),
        }
    }

    fn link(&mut self, file: &CommonFile) {
        match &file.state {
            State::LinkOk => self.record(file),
            State::Detached => self.forget(file),
            State::LinkReplaced if file.here.version() == file.there.as_ref() => self.make_link(file),
            State::LinkReplaced => {
                self.conflict(
                    file,
                    "a file that differs from the owner's stands where the link should; `upstream` or move it",
                );
            }
            State::NotYetHere => self.make_link(file),
            State::LinkBroken if self.leads_nowhere(file) => self.make_link(file),
            State::LinkBroken => self.conflict(file, "a link to something else stands here"),
            State::DeletedAtOwner => {
                if matches!(&file.here, Local::Link(to) if *to == file.link) {
                    self.step(file, Action::Remove, Reason::Deleted);
                }
                self.forget(file);
            }
            State::Unreadable(reason) => self.conflict(file, reason),
            _ => {}
        }
    }

    /// A link that is missing, dangles, or leads to another file of that owner or repo by the same name, as one that was moved
    /// together with its folder may.
    fn leads_nowhere(&self, file: &CommonFile) -> bool {
        let Local::Link(to) = &file.here else { return file.here == Local::Absent };
        let link = self.scene.repos[file.repo].root.join(&file.path);
        let target = link.parent().map(|folder| folder.join(to));
        file.recorded.is_some() || target.is_none_or(|target| !target.exists())
    }

    fn make_link(&mut self, file: &CommonFile) {
        self.step(file, Action::Link(file.link.clone()), Reason::Linked);
        self.record(file);
    }

    fn take(&mut self, file: &CommonFile, reason: Reason) {
        match (&file.there, self.contents.there(file)) {
            (Some(there), Some(bytes)) => {
                let action = Action::Put { bytes: bytes.to_vec(), executable: there.executable };
                self.step(file, action, reason);
                self.record(file);
            }
            _ => self.conflict(file, "the owner's content is not here; fetch it there"),
        }
    }

    fn both(&mut self, file: &CommonFile) {
        if let Some((action, reason)) = self.merged(file, file) {
            self.step(file, action, reason);
            self.record(file);
        }
    }

    /// Merges what `old` was with what `new` is at the owner; they differ where the file was renamed.
    fn merged(&mut self, old: &CommonFile, new: &CommonFile) -> Option<(Action, Reason)> {
        let (Some(merged), Some(version)) = (self.contents.merged(old).cloned(), &new.there) else {
            self.conflict(old, "one side cannot be read");
            return None;
        };
        let why = match (old.base(), self.contents.base(old)) {
            (None, _) => "differs, and was never synced, so there is nothing to merge by",
            (Some(_), None) => "changed on both sides, and no history has what it was at the last sync",
            _ => "changed on both sides in the same place",
        };
        let executable = executable(old, version);
        match (merged, self.on_conflict) {
            (Merged::Clean(bytes), _) => Some((Action::Put { bytes, executable }, Reason::Merged)),
            (Merged::Conflict(bytes), OnConflict::Mark) => Some((Action::Put { bytes, executable }, Reason::Marked)),
            (Merged::Conflict(_), OnConflict::Refuse) => {
                self.add_conflict(old, why, true);
                None
            }
            (Merged::Binary, _) => {
                self.conflict(old, "changed on both sides, and is no text");
                None
            }
        }
    }

    fn renamed(&mut self, old: &CommonFile, to: &str) {
        let Some(new) = self.examined.files.iter().find(|file| file.repo == old.repo && file.path == to) else {
            return self.conflict(old, &format!("renamed to `{to}` at the owner, which was not named too"));
        };
        if old.here != Local::Absent {
            let Some((action, reason)) = self.merged(old, new) else { return };
            let reason = if reason == Reason::Merged { Reason::Renamed } else { reason };
            self.step(new, action, reason);
            self.step(old, Action::Remove, Reason::Renamed);
            self.record(new);
        } else {
            self.take(new, Reason::Added);
        }
        self.forget(old);
    }

    fn is_renamed_to(&self, file: &CommonFile) -> bool {
        self.examined
            .files
            .iter()
            .any(|old| old.repo == file.repo && matches!(&old.state, State::RenamedAtOwner(to) if *to == file.path))
    }

    fn step(&mut self, file: &CommonFile, action: Action, reason: Reason) {
        self.plan.steps.push(Step {
            repo: file.repo,
            path: file.path.clone(),
            expected: file.here.clone(),
            action,
            reason,
            source: (file.owner, file.source.clone()),
            id: file.there.as_ref().map(|there| there.id.clone()),
        });
    }

    /// What the owner has is the base from now on. The commit stays while the content does.
    fn record(&mut self, file: &CommonFile) {
        let version = file.there.clone().filter(|_| file.mode == Mode::Copy);
        let owner = self.scene.repos[file.owner].path.clone();
        let line = Recorded { owner, source: file.source.clone(), version, commit: file.commit.clone() };
        let line = match &file.recorded {
            Some(known) if Recorded { commit: known.commit.clone(), ..line.clone() } == *known => known.clone(),
            _ => line,
        };
        self.plan.records.push((file.repo, file.path.clone(), Some(line)));
    }

    fn forget(&mut self, file: &CommonFile) {
        self.plan.records.push((file.repo, file.path.clone(), None));
    }

    fn conflict(&mut self, file: &CommonFile, why: &str) {
        self.add_conflict(file, why, false);
    }

    fn add_conflict(&mut self, file: &CommonFile, why: &str, can_mark: bool) {
        let path = self.shown(file);
        self.plan.conflicts.push(Conflict { path, why: why.to_owned(), can_mark });
    }

    fn shown(&self, file: &CommonFile) -> String {
        self.scene.shown(file.repo, &file.path)
    }
}

/// Of the mode, the side that changed it wins; both can only have changed it to the same.
fn executable(file: &CommonFile, there: &Version) -> bool {
    let here = file.here.version().map_or(there.executable, |here| here.executable);
    match file.base() {
        Some(base) if here == base.executable => there.executable,
        Some(_) => here,
        None => here || there.executable,
    }
}
