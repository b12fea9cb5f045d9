//! `wharf repo`.

mod add;
mod branch;
pub(super) mod cloned;
mod foreach;
mod outcomes;
mod pin;
pub(super) mod progress;
mod pull;
mod push;
mod remove;
mod status;
mod switch;
mod worktree;

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::SystemTime;

use wharf_core::repos::compose::Login;
use wharf_core::repos::{Repos, Work};
use wharf_core::workspace::{Lock, own_config};
use wharf_git::{Git, GitPlace};

use super::interrupt::Interrupt;
use crate::context::{Context, Intent};
use crate::exit::Failure;

/// Works on the super-repo and its sub-repos as Git repos.
#[derive(Debug, clap::Args)]
pub struct Repo {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Shows all repos in one table: branch, commits ahead and behind, edits, pins.
    Status(status::Status),
    /// Brings the super-repo forward, then the sub-repos to their pins.
    Pull(pull::Pull),
    /// Pushes sub-repos, then the super-repo with their pins.
    Push(push::Push),
    /// Makes the same branch wherever something changed.
    Branch(branch::Branch),
    /// Takes the same branch in every repo that has it.
    Switch(switch::Switch),
    /// Commits what sub-repos have checked out as their pins.
    Pin(pin::Pin),
    /// Runs a command in every repo.
    Foreach(foreach::Foreach),
    /// Adds a repo as a sub-repo, with those that it has itself.
    Add(add::Add),
    /// Removes a sub-repo, where nothing is lost with it.
    Remove(remove::Remove),
    /// Further work trees of the super-repo, with all sub-repos.
    Worktree(worktree::Worktree),
    /// Shows repos, runnable dirs and images, who holds whom: the same as `wharf graph`.
    Graph(super::graph::Graph),
}

impl Repo {
    /// Whether it only looks.
    #[must_use]
    pub fn intent(&self) -> Intent {
        match self.command {
            Command::Status(_) | Command::Graph(_) => Intent::Look,
            _ => Intent::Change,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(self, context: &Context) -> Result<u8, Failure> {
        match self.command {
            Command::Status(command) => command.run(context),
            Command::Pull(command) => command.run(context),
            Command::Push(command) => command.run(context),
            Command::Branch(command) => command.run(context),
            Command::Switch(command) => command.run(context),
            Command::Pin(command) => command.run(context),
            Command::Foreach(command) => command.run(context),
            Command::Add(command) => command.run(context),
            Command::Remove(command) => command.run(context),
            Command::Worktree(command) => command.run(context),
            Command::Graph(command) => command.run(context),
        }
    }
}

/// How all that change several repos go about it.
#[derive(Debug, Clone, clap::Args)]
struct Manner {
    /// How many repos at once.
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Prints the commands for what is known without asking remotes, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

/// What all of these commands start from.
struct Bench<'a> {
    context: &'a Context,
    repos: Repos,
    interrupt: Interrupt,
    jobs: usize,
}

impl<'a> Bench<'a> {
    /// Finds the repos, and takes the signals over.
    fn new(context: &'a Context, jobs: Option<NonZeroUsize>) -> Result<Self, Failure> {
        let repos = Repos::discover(&context.surroundings.here)?;
        Ok(Self {
            context,
            repos,
            interrupt: Interrupt::listen()?,
            jobs: jobs.map_or_else(usual_jobs, NonZeroUsize::get),
        })
    }

    /// For work that asks remotes.
    fn work(&self) -> Result<Work<'_>, Failure> {
        Ok(Work { login: login(self.context, &self.repos.root)?, ..self.local_work() })
    }

    /// For work that asks no remote: settings of Git need not be looked up.
    fn local_work(&self) -> Work<'_> {
        Work {
            jobs: self.jobs,
            login: Login::default(),
            now: SystemTime::now(),
            listener: &self.context.talk,
            stop: self.interrupt.stop(),
        }
    }

    /// The members that are named; all where none is.
    fn select(&self, texts: &[String]) -> Result<Vec<usize>, Failure> {
        Ok(self.repos.select(texts, &self.context.surroundings.here)?)
    }

    /// The members that are named; `None` where none is.
    fn named(&self, texts: &[String]) -> Result<Option<Vec<usize>>, Failure> {
        if texts.is_empty() { Ok(None) } else { self.select(texts).map(Some) }
    }

    /// One at a time may change repos; a mere plan needs no lock.
    fn lock(&self, verb: &str, dry_run: bool) -> Result<Option<Lock>, Failure> {
        if dry_run {
            return Ok(None);
        }
        let holder = format!("process {}, wharf repo {verb}", std::process::id());
        Ok(Some(self.repos.lock(&self.context.surroundings, &holder)?))
    }
}

/// Git waits for files and remotes more than it computes.
fn usual_jobs() -> usize {
    std::thread::available_parallelism().map_or(4, |cores| (cores.get() * 2).clamp(4, 16))
}

/// The super-repo around the current folder.
fn top(context: &Context) -> Result<GitPlace, Failure> {
    Ok(wharf_git::outermost(&context.surroundings.here).map_err(wharf_core::workspace::WorkspaceError::from)?)
}

/// How remotes are reached from the super-repo at `root`.
fn login(context: &Context, root: &Path) -> Result<Login, Failure> {
    let config = own_config(&context.surroundings)?;
    let git = Git::new(root);
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
