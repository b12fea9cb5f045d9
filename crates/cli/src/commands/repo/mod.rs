//! `wharf repo`.

mod add;
pub(super) mod outcomes;
pub(super) mod progress;
mod remove;
mod worktree;

use wharf_core::repos::Login;
use wharf_core::workspace::own_config;
use wharf_git::{Git, GitPlace};

use crate::context::Context;
use crate::exit::Failure;

/// Works on the super-repo and its sub-repos as Git repos.
#[derive(Debug, clap::Args)]
pub struct Repo {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Adds a repo as a sub-repo, with those that it has itself.
    Add(add::Add),
    /// Removes a sub-repo, where nothing is lost with it.
    Remove(remove::Remove),
    /// Further work trees of the super-repo, with all sub-repos.
    Worktree(worktree::Worktree),
}

impl Repo {
    /// Runs the command.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(self, context: &Context) -> Result<u8, Failure> {
        match self.command {
            Command::Add(command) => command.run(context),
            Command::Remove(command) => command.run(context),
            Command::Worktree(command) => command.run(context),
        }
    }
}

/// The super-repo around the current folder.
fn top(context: &Context) -> Result<GitPlace, Failure> {
    Ok(wharf_git::outermost(&context.surroundings.here).map_err(wharf_core::workspace::WorkspaceError::from)?)
}

/// How remotes are reached from a super-repo.
fn login(context: &Context, top: &GitPlace) -> Result<Login, Failure> {
    let config = own_config(&context.surroundings)?;
    let git = Git::new(&top.root);
    let remote = git.setting("remote.origin.url").unwrap_or_default();
    let ssh = git.setting("core.sshCommand");
    Ok(Login::new(&config.git, &context.surroundings, &remote, ssh.as_deref()))
}

/// What others read who wait for this process.
fn holder(verb: &str) -> String {
    format!("process {}, wharf repo {verb}", std::process::id())
}

/// What Git ignores in a folder goes with it: said, because it may be a `.env` that somebody wrote.
fn say_ignored(context: &Context, ignored: &[String], verb: &str) {
    const SHOWN: usize = 5;
    if ignored.is_empty() {
        return;
    }
    let shown: Vec<String> = ignored.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = ignored.len().saturating_sub(SHOWN);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    context.talk.note(&format!("what Git ignores there {verb} too: {}{more}", shown.join(", ")));
}
