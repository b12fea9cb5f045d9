//! `wharf repo pull`.

use wharf_core::repos::Mode;
use wharf_core::repos::pull::{Divergence, Edits, Goal, Options, pull};

use super::outcomes::{Shown, show};
use super::{Bench, Manner};
use crate::context::Context;
use crate::exit::Failure;

/// Brings the super-repo forward to its upstream, then each sub-repo to its pin; those that are new are populated.
///
/// A branch stays checked out where it can go forward to the pin. Edits that are in the way are put aside and back. A repo
/// in which something would be lost is left alone (exit 5), and the others go on. Nothing is ever deleted.
#[derive(Debug, clap::Args)]
pub(super) struct Pull {
    /// Only these, by path or name.
    #[arg(value_name = "REPO", add = crate::commands::complete::repos())]
    repos: Vec<String>,
    /// Brings sub-repos to the heads of their branches instead; `wharf repo pin` then commits that.
    #[arg(long)]
    latest: bool,
    /// Puts a branch's own commits on top of its upstream's where they have diverged.
    #[arg(long)]
    rebase: bool,
    /// Leaves a repo alone where edits are in the way.
    #[arg(long)]
    no_autostash: bool,
    #[command(flatten)]
    manner: Manner,
}

impl Pull {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let bench = Bench::new(context, self.manner.jobs)?;
        let selected = bench.select(&self.repos)?;
        let _lock = bench.lock("pull", self.manner.dry_run)?;
        if self.manner.dry_run {
            context.talk.note("from what was fetched before; without --dry-run, all is fetched first");
        }
        let options = Options {
            goal: if self.latest { Goal::Latest } else { Goal::Pins },
            divergence: if self.rebase { Divergence::Rebase } else { Divergence::Refuse },
            edits: if self.no_autostash { Edits::Refuse } else { Edits::Stash },
            mode: if self.manner.dry_run { Mode::Plan } else { Mode::Apply },
        };
        let outcomes = pull(&bench.repos, &selected, options, &bench.work()?);
        bench.interrupt.check()?;
        show(context, &outcomes, Shown { json: self.manner.json, verb: "pull" })
    }
}
