//! `--shard I/N`: one machine's share of a run.
//!
//! Every machine must come to the same list. So it is made of what all of them have: the commit's test files and the
//! committed durations. Not of the machine's own history, and not of files that are not committed.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use wharf_git::{Git, GitError};

use super::{DirShard, Durations, Rest, assign, by_hash};
use crate::runnable_dir::{Address, RunnableDir};
use crate::test_suite::TestPlan;
use crate::test_suite::plan::may_collect_more;
use crate::workspace::Workspace;

/// Which share of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    pub index: u32,
    /// At least 1.
    pub total: u32,
}

/// Why a text names no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// It has another form.
    #[error("`{0}` is no shard")]
    Form(String),
    /// There is no such one.
    #[error("there is no shard {index} of {total}")]
    Outside {
        /// The one that was asked for.
        index: u32,
        /// How many there are.
        total: u32,
    },
}

impl ShardError {
    /// What to write instead.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Outside { total, .. } if *total > 0 => {
                format!("shards go from 1 to {total}, such as `--shard 1/{total}`")
            }
            Self::Form(_) | Self::Outside { .. } => {
                "write it as I/N, such as `--shard 1/4` for the first of four".into()
            }
        }
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let numbers = text.split_once('/').and_then(|(index, total)| {
            let number =
                |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
            Some((number(index)?, number(total)?))
        });
        match numbers {
            None => Err(ShardError::Form(text.to_owned())),
            Some((index, total)) if index == 0 || index > total => Err(ShardError::Outside { index, total }),
            Some((index, total)) => Ok(Self { index, total }),
        }
    }
}

/// What a shard holds, for one line of talk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sharded {
    /// Known test files of this shard.
    pub mine: usize,
    /// Of all shards.
    pub all: usize,
    /// A short hash of who runs what: machines that share out differently show different ones.
    pub fingerprint: String,
}

/// Leaves in a plan what `shard` runs. Dirs with nothing in it get no container.
///
/// # Errors
/// When Git cannot say which files a repo has.
pub fn shard(
    workspace: &Workspace,
    plan: &mut TestPlan,
    shard: Shard,
    durations: &Durations,
) -> Result<Sharded, GitError> {
    let files = known_files(workspace, durations)?;
    let unknown = durations.unknown();
    let weighed = files.keys().map(|file| (file.as_str(), durations.files.get(file).copied().unwrap_or(unknown)));
    let assigned = assign(weighed, shard.total);
    let mut by_dir: BTreeMap<&str, BTreeMap<String, u32>> = BTreeMap::new();
    for (file, share) in &assigned {
        by_dir.entry(files[file].as_str()).or_default().insert(file.clone(), *share);
    }
    for dir in &mut plan.dirs {
        let known = workspace.dirs.iter().find(|known| known.address.as_str() == dir.path);
        let Some(known) = known.filter(|_| dir.runs) else { continue };
        let part = dir_shard(known, shard, by_dir.remove(dir.path.as_str()).unwrap_or_default());
        if let Some(only) = &mut dir.only {
            only.retain(|id| part.holds(id.split("::").next().unwrap_or(id)));
        }
        let nothing_known = part.mine().all(|file| dir.leave_out.contains(file)) && part.rest == Rest::None;
        let nothing_asked = dir.only.as_ref().is_some_and(Vec::is_empty);
        if nothing_known || nothing_asked {
            dir.runs = false;
            dir.nothing = Some(format!("it has no test in shard {} of {}", shard.index, shard.total));
        }
        dir.shard = Some(part);
    }
    let mine = assigned.values().filter(|share| **share == shard.index).count();
    let list: String = assigned.iter().map(|(file, share)| format!("{share} {file}\n")).collect();
    let fingerprint = blake3::hash(list.as_bytes()).to_hex()[..8].to_owned();
    Ok(Sharded { mine, all: assigned.len(), fingerprint })
}

/// Files that are on no list go to one shard that has the dir's container anyway. Where the dir's own settings collect files
/// of other names, there may be many of those: they go by hash, and every shard starts a container.
fn dir_shard(dir: &RunnableDir, shard: Shard, files: BTreeMap<String, u32>) -> DirShard {
    let Shard { index, total } = shard;
    let home = files.values().next().copied().unwrap_or_else(|| by_hash(dir.address.as_str(), total));
    let rest = if may_collect_more(dir) {
        Rest::Hash { index, total }
    } else if home == index {
        Rest::All
    } else {
        Rest::None
    };
    DirShard { index, total, files, rest, part: None }
}

/// Committed test files with the address of their dir: those with a test's name, and those whose duration is known.
///
/// # Errors
/// When Git cannot say which files a repo has.
pub fn known_files(workspace: &Workspace, durations: &Durations) -> Result<BTreeMap<String, String>, GitError> {
    let mut files = BTreeMap::new();
    for repo in &workspace.repos {
        let git = Git::new(&repo.root);
        // Before the first commit nothing is on any list.
        if git.head().is_none() {
            continue;
        }
        for entry in git.entries("HEAD", "")? {
            let path = if repo.path.is_empty() { entry.path } else { format!("{}/{}", repo.path, entry.path) };
            if !is_test_file(&path) && !durations.files.contains_key(&path) {
                continue;
            }
            let address = Address::from_relative(Path::new(&path));
            let holder = address.ok().and_then(|address| workspace.holder(&address));
            if let Some(holder) = holder {
                files.insert(path, holder.address.to_string());
            }
        }
    }
    Ok(files)
}

/// The names that pytest collects by default (`python_files`). A list holds one file a line.
fn is_test_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.strip_suffix(".py");
    stem.is_some_and(|stem| stem.starts_with("test_") || stem.ends_with("_test")) && !path.contains(['\n', '\r'])
}
