//! `wharf repo pin`.

use wharf_core::repos::Mode;
use wharf_core::repos::pin::{Options, Unpushed, pin};

use super::outcomes::{Shown, show};
use super::{Bench, Manner};
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
    #[command(flatten)]
    manner: Manner,
}

impl Pin {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let bench = Bench::new(context, self.manner.jobs)?;
        let named = bench.named(&self.repos)?;
        let _lock = bench.lock("pin", self.manner.dry_run)?;
        let options = Options {
            message: self.message.clone(),
            unpushed: if self.unpushed { Unpushed::Allow } else { Unpushed::Refuse },
            mode: if self.manner.dry_run { Mode::Plan } else { Mode::Apply },
        };
        let outcomes = pin(&bench.repos, named.as_deref(), &options, &bench.work()?);
        bench.interrupt.check()?;
        show(context, &outcomes, Shown { json: self.manner.json, verb: "pin" })
    }
}
