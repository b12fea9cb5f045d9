//! Git's verbs, tried: what it said is kept, with credentials masked.

use wharf_git::{GitError, Trouble};
use wharf_process::Command;

use super::clone_error::{CloneError, Said};
use super::login::Login;
use crate::config::mask_credentials;

/// Why a verb was not done.
#[derive(Debug)]
pub(super) enum Miss {
    /// Git said so.
    Said(Said),
    /// Git did not run.
    Git(GitError),
}

impl Miss {
    /// What is the matter with the remote.
    pub(super) fn trouble(&self) -> Trouble {
        match self {
            Self::Said(said) => Trouble::of(&said.0),
            Self::Git(_) => Trouble::Other,
        }
    }

    /// As an error about a remote.
    pub(super) fn remote(self, url: &str, login: &Login) -> CloneError {
        let trouble = self.trouble();
        match self {
            Self::Git(error) => error.into(),
            Self::Said(said) => CloneError::Remote {
                url: mask_credentials(url).into_owned(),
                trouble,
                said,
                token: login.token_for(url).map(str::to_owned),
            },
        }
    }

    /// As an error about something else.
    pub(super) fn failed(self, what: impl Into<String>) -> CloneError {
        match self {
            Self::Git(error) => error.into(),
            Self::Said(said) => CloneError::Failed { what: what.into(), said },
        }
    }
}

/// Runs a command to its end.
pub(super) fn attempt(command: &Command) -> Result<String, Miss> {
    let output = command.run().map_err(|error| Miss::Git(error.into()))?;
    if output.exit.is_success() {
        return Ok(output.text());
    }
    let told = output.error_text();
    // What is said above the reason is progress and advice.
    let lines: Vec<&str> =
        told.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("hint:")).collect();
    let fatal: Vec<&str> =
        lines.iter().copied().filter(|line| line.contains("fatal: ") || line.contains("error: ")).collect();
    let said = if fatal.is_empty() { lines } else { fatal };
    let text = said.join("; ");
    let text = if text.is_empty() { format!("it {}", output.exit) } else { mask_credentials(&text).into_owned() };
    Err(Miss::Said(Said(text)))
}
