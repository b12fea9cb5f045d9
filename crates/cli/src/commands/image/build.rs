//! `wharf image build`.

use std::sync::Mutex;

use wharf_core::event::{Event, ImageState, Listener};
use wharf_core::image::choice::Wish;
use wharf_core::image::ensure::Demand;
use wharf_core::image::plan::{self, Making, Step};
use wharf_core::image::{ImageError, Ready, ensure};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::Workspace;
use wharf_process::Command;

use super::super::data;
use super::super::interrupt::Interrupt;
use crate::context::Context;
use crate::exit::Failure;
use crate::talk::Talk;

/// Builds the images that are missing or that no longer match the checkout, in parallel. Prints a line for each.
#[derive(Debug, clap::Args)]
pub(super) struct Build {
    /// Whose images; without it, all.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dirs: Vec<String>,
    /// Prints what would be done and why, and builds nothing.
    #[arg(long)]
    dry_run: bool,
}

type Outcome = (String, Result<Ready, ImageError>);

impl Build {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        let owners = super::owners(&workspace, &self.dirs)?;
        let place = context.place(&workspace)?;
        let interrupt = Interrupt::listen()?;
        let wish = Wish::default();
        let demand = Demand { workspace: &workspace, place: &place, wish: &wish, stop: interrupt.stop() };
        if self.dry_run {
            return show(&workspace, &demand, &owners);
        }
        let failed: Mutex<Vec<(String, Failure)>> = Mutex::default();
        let on_ready = |dir: &RunnableDir, result| {
            let outcome: Outcome = (dir.address.to_string(), result);
            if let Err(failure) = say(outcome)
                && let Ok(mut failed) = failed.lock()
            {
                failed.push(failure);
            }
        };
        let ensured = ensure(&demand, &owners, &Progress(&context.talk), &on_ready);
        interrupt.check()?;
        ensured?;
        let failed = failed.into_inner().unwrap_or_default();
        let summary = format!("{} of {} images could not be had", failed.len(), owners.len());
        super::verdict(failed, &summary)
    }
}

/// Progress alone: results are data here.
struct Progress<'a>(&'a Talk);

impl Listener for Progress<'_> {
    fn on(&self, event: Event) {
        match event {
            Event::Image { state: ImageState::Found { .. } | ImageState::Ready { .. }, .. } => {}
            other => self.0.on(other),
        }
    }
}

fn say((dir, result): Outcome) -> Result<(), (String, Failure)> {
    match result {
        Ok(ready) => {
            data::line(&format!("{dir}: {} ({})", ready.reference, ready.why)).map_err(|failure| (dir, failure))
        }
        Err(error) => Err((dir, error.into())),
    }
}

fn show(workspace: &Workspace, demand: &Demand<'_>, owners: &[&RunnableDir]) -> Result<u8, Failure> {
    for (dir, step) in owners.iter().zip(plan::plan(demand, owners)?) {
        match step {
            Step::Use(ready) => {
                data::line(&format!("# {}: nothing, {} ({})", dir.address, ready.reference, ready.why))?;
            }
            Step::Make(Making { reference, why, pull, .. }) => {
                let first = pull.map_or_else(String::new, |pull| format!(" unless `{pull}` can be pulled and matches"));
                data::line(&format!("# {}: {reference}{first}, because {why}", dir.address))?;
                let line = Command::new("wharf").arg("-C").arg(workspace.root.clone());
                let line = line.args(["--engine", demand.place.kind().word(), "image", "build"]);
                data::line(&line.arg(format!("//{}", dir.address)).to_string())?;
            }
        }
    }
    Ok(0)
}
