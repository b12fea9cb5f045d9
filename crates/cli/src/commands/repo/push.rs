//! `wharf repo push`.

use std::num::NonZeroUsize;

use wharf_core::repos::Mode;
use wharf_core::repos::push::push;

use super::Bench;
use super::outcomes::{Shown, show};
use crate::context::Context;
use crate::exit::Failure;

/// Pushes what remotes lack: sub-repos first, the deepest before those around them, then the super-repo. Never by force.
///
/// A repo is left alone (exit 5) where its new commits pin what a sub-repo's remote lacks, where it has diverged, or where its
/// commits are on no branch. A branch without an upstream gets that of the same name.
#[derive(Debug, clap::Args)]
pub(super) struct Push {
    /// Only these, by path or name.
    #[arg(value_name = "REPO", add = crate::commands::complete::repos())]
    repos: Vec<String>,
    /// How many repos at once.
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Prints the commands for what was fetched before, and pushes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

impl Push {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let bench = Bench::new(context, self.jobs)?;
        let selected = bench.select(&self.repos)?;
        let _lock = bench.lock("push", self.dry_run)?;
        let mode = if self.dry_run { Mode::Plan } else { Mode::Apply };
        let outcomes = push(&bench.repos, &selected, mode, &bench.work()?);
        bench.interrupt.check()?;
        show(context, &outcomes, Shown { json: self.json, verb: "push" })
    }
}
