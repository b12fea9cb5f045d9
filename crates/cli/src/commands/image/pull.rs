//! `wharf image pull`.

use std::sync::Mutex;

use semver::Version;
use wharf_core::image::pull::{self, NotPulled, Order, Pulled};
use wharf_core::image::{ImageError, Stage};
use wharf_engine::{Client, Side};

use super::super::data;
use super::super::interrupt::Interrupt;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Transfers;

/// Fetches the team's images of all runnable dirs from `registry.pull`, in parallel. Prints a line for each.
#[derive(Debug, clap::Args)]
pub(super) struct Pull {
    /// Whose images; without it, those of all that the registry has.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dirs: Vec<String>,
    /// Stage of the images; auto is dev.
    #[arg(long, value_name = "STAGE", default_value = "auto")]
    stage: StageName,
    /// Version of the images, where not those of the checkout.
    #[arg(long = "version", value_name = "X.Y.Z")]
    image_version: Option<Version>,
    /// Prints the commands that would be run, and fetches nothing.
    #[arg(long)]
    dry_run: bool,
}

/// The stages that registries have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StageName {
    /// What `run` and `test` would fetch: dev.
    Auto,
    /// The team's.
    Dev,
    /// The self-contained one.
    Prod,
}

impl Pull {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        let owners = super::owners(&workspace, &self.dirs)?;
        let stage = if self.stage == StageName::Prod { Stage::Prod } else { Stage::Dev };
        let place = context.place(&workspace)?;
        let client = place.client().ok_or_else(|| ImageError::HostCannot { what: "pull images".into() })?;
        let orders = pull::plan(&workspace, &owners, stage, self.image_version.as_ref())?;
        if self.dry_run {
            return show(client, &orders);
        }
        let interrupt = Interrupt::listen()?;
        let transfers = Transfers::new(Side::Pull, context.talk.style, context.talk.live, context.talk.is_quiet());
        let failed: Mutex<Vec<(String, Failure)>> = Mutex::default();
        let on_done = |order: &Order, outcome| {
            if let Some(reference) = &order.reference {
                transfers.done(reference);
            }
            let told = transfers.aside(|| self.tell(context, order, outcome));
            if let (Err(failure), Ok(mut failed)) = (told, failed.lock()) {
                failed.push((order.dir.clone(), failure));
            }
        };
        let on_move = |dir: &str, reference: &str, news: &_| transfers.take(dir, reference, news);
        pull::pull(client, &orders, interrupt.stop(), &on_move, &on_done);
        interrupt.check()?;
        let failed = failed.into_inner().unwrap_or_default();
        let summary = format!("{} of {} images could not be pulled", failed.len(), orders.len());
        super::verdict(failed, &summary)
    }

    /// Says what came of one order. What is not in the registry is a failure only where it was asked for by name.
    fn tell(&self, context: &Context, order: &Order, outcome: pull::Outcome) -> Result<(), Failure> {
        let dir = &order.dir;
        let not_there = |text: String, hint: String| {
            if self.dirs.is_empty() && self.image_version.is_none() {
                context.talk.note(&format!("{dir}: {text}"));
                return Ok(());
            }
            Err(Failure::environment(format!("{dir}: {text}")).hint(hint))
        };
        match outcome {
            Ok(Pulled { reference, matches }) => {
                let matches = match matches {
                    Some(true) => " (its inputs match the checkout)",
                    Some(false) => " (its inputs differ from the checkout)",
                    None => "",
                };
                data::line(&format!("{dir}: {reference}{matches}"))
            }
            Err(NotPulled::NoRegistry) => not_there(
                "there is no registry to pull from".into(),
                "name one in `wharf.toml`: `[registry]`, `pull = \"ghcr.io/acme\"`".into(),
            ),
            Err(NotPulled::Missing { reference }) => not_there(
                format!("the registry has no `{reference}`"),
                format!("build one from the checkout with `wharf image build {dir}`"),
            ),
            Err(NotPulled::Failed(error)) => Err(error.into()),
        }
    }
}

fn show(client: &Client, orders: &[Order]) -> Result<u8, Failure> {
    for Order { dir, reference, .. } in orders {
        match reference {
            Some(reference) => data::line(&client.transfer_command(Side::Pull, reference).to_string())?,
            None => data::line(&format!("# {dir}: there is no registry to pull from"))?,
        }
    }
    Ok(0)
}
