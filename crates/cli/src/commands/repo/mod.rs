//! `wharf repo`.

mod branch;
mod foreach;
mod outcomes;
mod pin;
mod pull;
mod push;
mod status;
mod switch;

use std::num::NonZeroUsize;
use std::time::SystemTime;

use wharf_core::repos::{Repos, Work};
use wharf_core::workspace::Lock;

use super::interrupt::Interrupt;
use crate::context::{Context, Intent};
use crate::exit::Failure;

/// Works on the super-repo and all sub-repos at once: their state, pull, push, branches, pins.
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
}

impl Repo {
    /// Whether it only looks.
    #[must_use]
    pub fn intent(&self) -> Intent {
        match self.command {
            Command::Status(_) => Intent::Look,
            _ => Intent::Change,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// What could not be done.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        match &self.command {
            Command::Status(command) => command.run(context),
            Command::Pull(command) => command.run(context),
            Command::Push(command) => command.run(context),
            Command::Branch(command) => command.run(context),
            Command::Switch(command) => command.run(context),
            Command::Pin(command) => command.run(context),
            Command::Foreach(command) => command.run(context),
        }
    }
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

    fn work(&self) -> Work<'_> {
        let surroundings = &self.context.surroundings;
        let own_ssh = ["GIT_SSH_COMMAND", "GIT_SSH"].iter().any(|name| surroundings.variable(name).is_some());
        Work {
            jobs: self.jobs,
            own_ssh,
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
