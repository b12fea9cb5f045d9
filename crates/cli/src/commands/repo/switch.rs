//! `wharf repo switch`.

use wharf_core::repos::Mode;
use wharf_core::repos::switch::{Missing, switch};

use super::outcomes::{Shown, show};
use super::{Bench, Manner};
use crate::context::Context;
use crate::exit::Failure;

/// Takes the same branch in every repo that has it, here or at its remote; other sub-repos go to their pins.
///
/// All is checked first; where one repo's edits would be overwritten, none moves (exit 5).
#[derive(Debug, clap::Args)]
pub(super) struct Switch {
    /// Name of the branch.
    #[arg(value_name = "NAME")]
    name: String,
    /// Makes it in the super-repo, and wherever something changed, where it is missing.
    #[arg(short, long)]
    create: bool,
    #[command(flatten)]
    manner: Manner,
}

impl Switch {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let bench = Bench::new(context, self.manner.jobs)?;
        let _lock = bench.lock("switch", self.manner.dry_run)?;
        let mode = if self.manner.dry_run { Mode::Plan } else { Mode::Apply };
        let missing = if self.create { Missing::Create } else { Missing::Leave };
        let outcomes = switch(&bench.repos, &self.name, missing, mode, &bench.work()?)?;
        bench.interrupt.check()?;
        show(context, &outcomes, Shown { json: self.manner.json, verb: "switch" })
    }
}
