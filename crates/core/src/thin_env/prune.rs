//! Which environments may go: those that no workspace that is still there asked for lately.

use std::path::Path;
use std::time::{Duration, SystemTime};

use wharf_engine::host::{HostError, HostTools, VenvInfo};

use super::users::{User, users};

/// An environment that may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The environment, or the remains of an attempt to make one.
    pub venv: VenvInfo,
    /// Who used it once.
    pub users: Vec<User>,
}

impl Unused {
    /// The folder that goes.
    #[must_use]
    pub fn place(&self) -> &Path {
        self.venv.place()
    }

    /// Why it may go, for one line.
    #[must_use]
    pub fn why(&self) -> &'static str {
        if self.venv.key.is_empty() {
            "remains of an attempt that failed"
        } else if self.users.iter().any(|user| user.exists) || self.users.is_empty() {
            "not used lately"
        } else {
            "its workspaces are gone"
        }
    }
}

/// The environments that may go at `now`: those that no workspace asked for since `older_than`, those whose workspaces are
/// all gone, and remains of failed attempts that are as old.
#[must_use]
pub fn unused(tools: &HostTools, older_than: Duration, now: SystemTime) -> Vec<Unused> {
    let is_old = |time: SystemTime| now.duration_since(time).unwrap_or_default() >= older_than;
    let remains = tools.unused(older_than, now).into_iter().filter(|venv| venv.key.is_empty());
    let whole = tools.list().into_iter().filter(|venv| last_used(venv).is_none_or(is_old));
    whole.chain(remains).map(|venv| Unused { users: users(venv.place()), venv }).collect()
}

/// When a workspace that is still there asked for it; `None` where all are gone.
fn last_used(venv: &VenvInfo) -> Option<SystemTime> {
    let users = users(venv.place());
    if users.is_empty() {
        return Some(venv.last_used);
    }
    users.into_iter().filter(|user| user.exists).map(|user| user.last_used).max()
}

/// Removes them; gives those that are gone now. One that is being made right now is left alone.
///
/// # Errors
/// When the data folder cannot be written.
pub fn prune(tools: &HostTools, unused: Vec<Unused>) -> Result<Vec<Unused>, HostError> {
    let mut removed = Vec::new();
    for one in unused {
        if tools.remove(&one.venv)? {
            removed.push(one);
        }
    }
    Ok(removed)
}
