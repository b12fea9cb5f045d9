//! Git hooks of the team, on request: `core.hooksPath` of the super-repo (git-config(1)).
//!
//! They stand in the repo's own configuration and so hold for all shells; a set-up that set them takes them back. The shell runs
//! Git itself: what is printed is all that happens.

use std::ffi::OsString;
use std::path::Path;

use super::error::ShellEnvError;
use super::plan::Step;
use super::state::{Hooks, State};

const KEY: &str = "core.hooksPath";

/// What is to be done about hooks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HooksPlan {
    /// Calls of Git.
    pub steps: Vec<Step>,
    /// What will have been set by us.
    pub after: Option<Hooks>,
}

/// Plans hooks. `before` is what an earlier set-up did, `root` the super-repo that is set up now, `wanted` its hooks where they are
/// asked for; `setting` gives the folder that Git uses in a repo.
///
/// # Errors
/// [`ShellEnvError::HooksTaken`] where the repo's hooks come from another place.
pub fn hooks(
    before: &State,
    root: Option<&Path>,
    wanted: Option<Hooks>,
    setting: &dyn Fn(&Path) -> Option<String>,
) -> Result<HooksPlan, ShellEnvError> {
    let mut plan = HooksPlan::default();
    let stays = |old: &Hooks| match &wanted {
        Some(wanted) => wanted == old,
        None => root == Some(&old.root),
    };
    let mut freed = None;
    match &before.hooks {
        Some(old) if stays(old) => plan.after = Some(old.clone()),
        Some(old) if setting(&old.root).as_deref() == Some(&old.folder) => {
            plan.steps.push(git(&old.root, &["--unset", KEY]));
            freed = Some(old.root.clone());
        }
        _ => {}
    }
    let Some(wanted) = wanted else { return Ok(plan) };
    match setting(&wanted.root).filter(|_| freed.as_ref() != Some(&wanted.root)) {
        Some(current) if current == wanted.folder => {}
        Some(folder) => return Err(ShellEnvError::HooksTaken { root: wanted.root, folder }),
        None => {
            plan.steps.push(git(&wanted.root, &[KEY, &wanted.folder]));
            plan.after = Some(wanted);
        }
    }
    Ok(plan)
}

fn git(root: &Path, words: &[&str]) -> Step {
    let start = [OsString::from("git"), "-C".into(), root.into(), "config".into(), "--local".into()];
    Step::Run(start.into_iter().chain(words.iter().map(OsString::from)).collect())
}
