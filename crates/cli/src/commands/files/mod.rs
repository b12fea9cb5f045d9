//! `wharf files`: common files, each owned by one repo and kept equal in others.

mod detach;
mod diff;
pub(super) mod exported;
mod many;
mod status;
mod sync;
mod track;
mod upstream;

use std::path::Path;

use clap::Subcommand;
use wharf_core::common_files::{CommonFile, FilesError, Scene, Severity, State, Trouble};
use wharf_core::workspace::{Lock, LockError, Patience, StateDir};

use crate::context::{Context, Intent};
use crate::exit::Failure;

/// Keeps files equal that several repos have in common: states them in `[[files]]`, shows who changed them, merges, and carries
/// improvements back to their owner.
#[derive(Debug, clap::Args)]
pub struct Files {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Status(status::Status),
    Diff(diff::Diff),
    Sync(sync::Sync),
    Upstream(upstream::Upstream),
    Track(track::Track),
    Detach(detach::Detach),
}

impl Files {
    /// Whether it only looks.
    #[must_use]
    pub fn intent(&self) -> Intent {
        match self.verb {
            Verb::Status(_) | Verb::Diff(_) => Intent::Look,
            _ => Intent::Change,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// What it could not do.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        match &self.verb {
            Verb::Status(verb) => verb.run(context),
            Verb::Diff(verb) => verb.run(context),
            Verb::Sync(verb) => verb.run(context),
            Verb::Upstream(verb) => verb.run(context),
            Verb::Track(verb) => verb.run(context),
            Verb::Detach(verb) => verb.run(context),
        }
    }
}

/// Two folders whose code lives in two repos.
#[derive(Debug, Clone, clap::Args)]
struct Between {
    /// Holds a folder of this super-repo (first) against one of another repo (second), without any `[[files]]`.
    #[arg(long, num_args = 2, value_names = ["REPO/FOLDER", "REPO/FOLDER"], conflicts_with = "paths")]
    between: Vec<String>,
}

impl Between {
    /// The two folders from the super-repo's root, where they were named.
    fn folders(&self, scene: &Scene, here: &Path) -> Result<Option<(String, String)>, Failure> {
        let [first, second] = self.between.as_slice() else { return Ok(None) };
        Ok(Some((address(scene, here, first)?, address(scene, here, second)?)))
    }
}

/// The super-repo around `dir`.
fn scene(context: &Context, dir: &Path) -> Result<Scene, Failure> {
    Ok(Scene::open(dir, &context.surroundings.cache)?)
}

/// A path from the super-repo's root; empty for the root.
fn address(scene: &Scene, here: &Path, text: &str) -> Result<String, Failure> {
    use wharf_core::runnable_dir::Address;
    let address = Address::parse(text, &scene.root, here).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(if address.is_root() { String::new() } else { address.as_str().to_owned() })
}

/// One writer at a time in a workspace.
fn lock(context: &Context, scene: &Scene, verb: &str) -> Result<Lock, Failure> {
    let state = StateDir::of_root(&scene.root, &context.surroundings.cache)?;
    let file = state.path().join("lock");
    let holder = format!("process {}, wharf files {verb}", std::process::id());
    let taken = match Lock::take(&file, &holder, Patience::GiveUp) {
        Err(LockError::Held { holder: other, .. }) => {
            context.talk.note(&format!("waiting for {other}"));
            Lock::take(&file, &holder, Patience::Wait)
        }
        taken => taken,
    };
    taken.map_err(|error| Failure::environment(Failure::describe(&error)))
}

/// Says what is odd, a line each; `prefix` names the super-repo where there are several.
fn say(context: &Context, prefix: &str, troubles: &[Trouble]) {
    for trouble in troubles {
        let text = match trouble.hint() {
            Some(hint) if trouble.severity() != Severity::Error => format!("{prefix}{trouble} (`{hint}`)"),
            _ => format!("{prefix}{trouble}"),
        };
        match trouble.severity() {
            Severity::Note => context.talk.note(&text),
            Severity::Skipped | Severity::Error => context.talk.warning(&text),
        }
    }
}

/// Files with a wrong declaration were left out; all others were done.
fn verdict(troubles: &[Trouble]) -> Result<(), Failure> {
    match troubles.iter().find(|trouble| trouble.severity() == Severity::Error) {
        Some(trouble) => {
            let failure = Failure::configuration(trouble.to_string());
            Err(trouble.hint().into_iter().fold(failure, Failure::hint))
        }
        None => Ok(()),
    }
}

/// The state of a file in words.
fn words(file: &CommonFile) -> String {
    let plain = match &file.state {
        State::Same => "same",
        State::ChangedHere => "changed here",
        State::ChangedAtOwner => "changed at owner",
        State::ChangedBoth if file.recorded.is_none() => "differs, never synced",
        State::ChangedBoth => "changed on both sides",
        State::DeletedAtOwner if file.is_contested() => "deleted at owner, changed here",
        State::DeletedAtOwner => "deleted at owner",
        State::DeletedHere if file.is_contested() => "deleted here, changed at owner",
        State::DeletedHere => "deleted here",
        State::RenamedAtOwner(to) => return format!("renamed at owner, to {to}"),
        State::RenamedHere(to) => return format!("renamed here, to {to}"),
        State::NotYetHere => "not yet here",
        State::OnlyHere => "only here",
        State::Detached => "detached",
        State::LinkOk => "link",
        State::LinkBroken => "link is broken",
        State::LinkReplaced => "link is replaced",
        State::Unreadable(reason) => return format!("unusable: {reason}"),
    };
    plain.to_owned()
}

impl From<FilesError> for Failure {
    fn from(error: FilesError) -> Self {
        let hint = error.hint();
        let message = Self::describe(&error);
        let failure = match error {
            FilesError::Workspace(error) => return error.into(),
            FilesError::Record { .. }
            | FilesError::ClaimedTwice { .. }
            | FilesError::CaseClash { .. }
            | FilesError::Escapes { .. }
            | FilesError::OwnOwner { .. }
            | FilesError::NotToml { .. }
            | FilesError::Owner(_) => Self::configuration(message),
            FilesError::NotCommon(_) | FilesError::Usage { .. } => Self::usage(message),
            FilesError::Refused { .. } | FilesError::Meanwhile(_) => Self::refused(message),
            FilesError::Git { .. } | FilesError::Io { .. } => Self::environment(message),
        };
        hint.into_iter().fold(failure, Self::hint)
    }
}
