//! `wharf repo push`.

use wharf_core::repos::Mode;
use wharf_core::repos::push::push;

use super::outcomes::{Shown, show};
use super::{Bench, Manner};
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
    #[command(flatten)]
    manner: Manner,
}

impl Push {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let bench = Bench::new(context, self.manner.jobs)?;
        let selected = bench.select(&self.repos)?;
        let _lock = bench.lock("push", self.manner.dry_run)?;
        let mode = if self.manner.dry_run { Mode::Plan } else { Mode::Apply };
        let outcomes = push(&bench.repos, &selected, mode, &bench.work()?);
        bench.interrupt.check()?;
        show(context, &outcomes, Shown { json: self.manner.json, verb: "push" })
    }
}
