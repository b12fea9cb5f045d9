//! `wharf repo branch`.

use wharf_core::repos::Mode;
use wharf_core::repos::branch::branch;

use super::outcomes::{Shown, show};
use super::{Bench, Manner};
use crate::context::Context;
use crate::exit::Failure;

/// Makes the same branch in the super-repo and wherever something changed: edits, unpushed commits, a moved pin.
///
/// All is checked first; where one repo is in the way, none gets it (exit 5).
#[derive(Debug, clap::Args)]
pub(super) struct Branch {
    /// Name of the branch.
    #[arg(value_name = "NAME")]
    name: String,
    /// Only in these, by path or name, and in the repos around them.
    #[arg(value_name = "REPO", add = crate::commands::complete::repos())]
    repos: Vec<String>,
    #[command(flatten)]
    manner: Manner,
}

impl Branch {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let bench = Bench::new(context, self.manner.jobs)?;
        let named = bench.named(&self.repos)?;
        let _lock = bench.lock("branch", self.manner.dry_run)?;
        let mode = if self.manner.dry_run { Mode::Plan } else { Mode::Apply };
        let outcomes = branch(&bench.repos, &self.name, named.as_deref(), mode, &bench.work()?)?;
        bench.interrupt.check()?;
        show(context, &outcomes, Shown { json: self.manner.json, verb: "branch" })
    }
}
