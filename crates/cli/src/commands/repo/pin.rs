//! `wharf repo pin`.

use std::num::NonZeroUsize;

use wharf_core::repos::Mode;
use wharf_core::repos::pin::{Options, Unpushed, pin};

use super::Bench;
use super::outcomes::{Shown, show};
use crate::context::Context;
use crate::exit::Failure;

/// Commits what sub-repos have checked out as their pins, and nothing else, with a message that lists what they bring.
///
/// Refused (exit 5) where a sub-repo's remote lacks the commit, or where the pin would go back and the sub-repo is not named.
#[derive(Debug, clap::Args)]
pub(super) struct Pin {
    /// Only these sub-repos, by path or name.
    #[arg(value_name = "REPO", add = crate::commands::complete::repos())]
    repos: Vec<String>,
    /// First line of the commit's message.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Pins also what a sub-repo's remote lacks.
    #[arg(long)]
    unpushed: bool,
    /// How many repos are looked at at once.
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Prints the commands, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

impl Pin {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let bench = Bench::new(context, self.jobs)?;
        let named = bench.named(&self.repos)?;
        let _lock = bench.lock("pin", self.dry_run)?;
        let options = Options {
            message: self.message.clone(),
            unpushed: if self.unpushed { Unpushed::Allow } else { Unpushed::Refuse },
            mode: if self.dry_run { Mode::Plan } else { Mode::Apply },
        };
        let outcomes = pin(&bench.repos, named.as_deref(), &options, &bench.work()?);
        bench.interrupt.check()?;
        show(context, &outcomes, Shown { json: self.json, verb: "pin" })
    }
}
