//! Why repos are left alone.

use std::path::PathBuf;
use std::time::Duration;

use wharf_git::{Operation, PlaceError};

use super::short;
use crate::workspace::LockError;

/// Why nothing was done at all.
#[derive(Debug, thiserror::Error)]
pub enum ReposError {
    /// There is no repo here.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// No repo has this path or name.
    #[error("there is no repo `{text}` in this workspace")]
    Unknown {
        /// What was asked for.
        text: String,
        /// Those spelled alike.
        nearest: Vec<String>,
    },
    /// Someone else works on the repos, or the lock cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The folder for the lock cannot be made.
    #[error("the folder `.wharf` cannot be written")]
    State(#[source] std::io::Error),
    /// A branch cannot be called so.
    #[error("`{name}` is no name for a branch")]
    BranchName {
        /// The name.
        name: String,
    },
    /// Nobody has the branch.
    #[error("no repo has a branch `{name}`, here or at its remote")]
    NoBranch {
        /// The branch.
        name: String,
    },
    /// Git cannot be asked.
    #[error(transparent)]
    Git(#[from] wharf_git::GitError),
}

impl ReposError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Place(error) => Some(error.hint()),
            Self::Unknown { nearest, .. } => Some(format!("the nearest are `{}`", nearest.join("`, `"))),
            Self::Lock(LockError::Held { .. }) => Some("wait until it has ended, then run this again".into()),
            Self::Lock(_) | Self::State(_) => None,
            Self::BranchName { .. } => Some("see `git help check-ref-format` for what may be one".into()),
            Self::NoBranch { name } => Some(format!("make it with `wharf repo switch --create {name}`")),
            Self::Git(error) => error.hint(),
        }
    }
}

/// Why one repo is left alone: what would be lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A merge, rebase or the like waits for its user.
    #[error("a {} is under way", .0.word())]
    Operation(Operation),
    /// Files have conflicts.
    #[error("{} with conflicts: {}", count(.paths.len(), "file"), list(.paths))]
    Conflicts {
        /// The files.
        paths: Vec<String>,
    },
    /// Git's lock of the index is held, or left over.
    #[error("`{}` is there since {} and held by {}", .file.display(), age_text(*.age), .holder.as_deref().unwrap_or("no process that can be seen"))]
    Locked {
        /// The lock's file.
        file: PathBuf,
        /// How long it has been there.
        age: Duration,
        /// Who has it open.
        holder: Option<String>,
    },
    /// The branch and its upstream both have commits of their own.
    #[error("`{branch}` and `{upstream}` have diverged: {ahead} here, {behind} there")]
    Diverged {
        /// The branch.
        branch: String,
        /// Its upstream.
        upstream: String,
        /// Commits that only the branch has.
        ahead: u32,
        /// Commits that only the upstream has.
        behind: u32,
    },
    /// The branch has unpushed commits, and the pin is not among what it has.
    #[error("`{branch}` has {}, and the pin {} has {} that it lacks", count(*.own as usize, "unpushed commit"), short(.pin), count(*.behind as usize, "commit"))]
    BesidePin {
        /// The branch.
        branch: String,
        /// The pinned commit.
        pin: String,
        /// Its commits that no remote has.
        own: u32,
        /// Commits of the pin that it lacks.
        behind: u32,
    },
    /// The head is detached and has commits that no branch has.
    #[error("the head is detached, and {} would be lost that no branch has", count(*.commits as usize, "commit"))]
    Unnamed {
        /// How many.
        commits: u32,
    },
    /// The head is detached and has commits that no remote has.
    #[error("the head is detached: {} can go to no branch", count(*.commits as usize, "unpushed commit"))]
    Headless {
        /// How many.
        commits: u32,
    },
    /// Edits or files that Git does not know are in the way.
    #[error("{} would be overwritten: {}", count(.paths.len(), "file"), list(.paths))]
    Overwrite {
        /// The files.
        paths: Vec<String>,
    },
    /// The pinned commit is neither here nor at the remote.
    #[error("its pin {} is neither here nor at its remote", short(.pin))]
    PinMissing {
        /// The pinned commit.
        pin: String,
    },
    /// A sub-repo's remote lacks the commit that is pinned.
    #[error("it pins `{sub_repo}` at {}, which the remote of `{sub_repo}` lacks", short(.pin))]
    PinUnpushed {
        /// Path of the sub-repo, from the super-repo's root.
        sub_repo: String,
        /// The commit.
        pin: String,
    },
    /// The pin would go back to an older commit.
    #[error("`{sub_repo}` is {} behind its pin, which would go back", count(*.behind as usize, "commit"))]
    Backwards {
        /// Path of the sub-repo, from the super-repo's root.
        sub_repo: String,
        /// How many commits it would go back.
        behind: u32,
    },
    /// There is another branch of this name.
    #[error("it has a branch `{branch}` already")]
    BranchTaken {
        /// The branch.
        branch: String,
    },
    /// A rebase came to conflicts and was given up.
    #[error("the commits of `{branch}` conflict with `{onto}`")]
    RebaseConflict {
        /// The branch.
        branch: String,
        /// What it was to be put on.
        onto: String,
    },
    /// A commit would be on no branch.
    #[error("the head is detached: a commit would be on no branch")]
    Detached,
    /// The remote has commits that were not fetched, or refuses for such a reason.
    #[error("the remote's `{branch}` has commits that are not here")]
    RemoteMoved {
        /// The branch.
        branch: String,
    },
}

impl Refusal {
    /// How to go on, for the repo at `path`.
    #[must_use]
    pub fn hint(&self, path: &str) -> String {
        let git = if path == "." { "git".to_owned() } else { format!("git -C {path}") };
        match self {
            Self::Operation(Operation::Bisect) => format!("end it with `{git} bisect reset`"),
            Self::Operation(operation) => {
                let word = operation.word();
                format!("end it with `{git} {word} --continue`, or give it up with `{git} {word} --abort`")
            }
            Self::Conflicts { .. } => format!("resolve them and `{git} commit`; `{git} status` lists them"),
            Self::Locked { file, holder: None, .. } => {
                format!("if no Git runs there, `rm {}`, then run this again", file.display())
            }
            Self::Locked { .. } => "wait until it has ended, then run this again".into(),
            Self::Diverged { upstream, .. } => {
                format!("`wharf repo pull --rebase {path}`, or `{git} merge {upstream}`")
            }
            Self::BesidePin { pin, .. } => {
                format!("`{git} rebase {0}` puts them on the pin; `{git} merge {0}` merges it", short(pin))
            }
            Self::Unnamed { .. } | Self::Headless { .. } => {
                format!("give them a branch with `wharf repo branch NAME {path}`")
            }
            Self::Overwrite { .. } => format!("commit them, move them away, or `{git} stash --include-untracked`"),
            Self::PinMissing { .. } => {
                "who pinned it has to push it (`wharf repo push`); `--latest` takes the branch's head instead".into()
            }
            Self::PinUnpushed { sub_repo, .. } => format!("push it first: `wharf repo push {sub_repo}`"),
            Self::Backwards { sub_repo, .. } => {
                format!("bring it forward with `wharf repo pull`, or mean it: `wharf repo pin {sub_repo}`")
            }
            Self::BranchTaken { branch } => {
                format!("take it with `wharf repo switch {branch}`, or choose another name")
            }
            Self::RebaseConflict { onto, .. } => format!("`{git} rebase {onto}`, and resolve them as it goes"),
            Self::Detached => format!("make a branch with `wharf repo branch NAME {path}`"),
            Self::RemoteMoved { .. } => format!("`wharf repo pull --rebase {path}`, then push again"),
        }
    }
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// At most three of them.
fn list(paths: &[String]) -> String {
    let mut text = paths.iter().take(3).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    if paths.len() > 3 {
        text.push_str(", …");
    }
    text
}

fn age_text(age: Duration) -> String {
    match age.as_secs() {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
