//! `wharf image build`.

use std::sync::Mutex;

use wharf_core::event::{Event, ImageState, Listener};
use wharf_core::image::choice::Wish;
use wharf_core::image::ensure::Demand;
use wharf_core::image::plan::{self, Making, Step};
use wharf_core::image::{ImageError, Ready, Stage, StageWish, ensure};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::{Workspace, WorkspaceError};
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
    /// Which images: local, or the self-contained prod; without it local, unless the team's image matches the checkout.
    #[arg(long, value_name = "STAGE")]
    stage: Option<StageName>,
    /// Builds anew, whatever is here and whatever earlier builds left.
    #[arg(long)]
    no_cache: bool,
    /// Prints what would be done and why, and builds nothing.
    #[arg(long)]
    dry_run: bool,
}

/// The stages that can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StageName {
    /// For development here: the code is mounted.
    Local,
    /// Self-contained: main dependencies and the code that Git tracks.
    Prod,
}

type Outcome = (String, Result<Ready, ImageError>);

impl Build {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let flags = [("build.cache", "none".to_owned(), "--no-cache")];
        let workspace = context.workspace_with(if self.no_cache { &flags } else { &[] })?;
        context.say_problems(&workspace);
        let owners = self.owners(&workspace)?;
        if owners.is_empty() {
            let problems = workspace.problems.clone();
            return Err(WorkspaceError::NoDirs { root: workspace.root.clone(), problems }.into());
        }
        let place = context.place(&workspace)?;
        let interrupt = Interrupt::listen()?;
        let wish = Wish { stage: self.wish(), version: None };
        let demand = Demand { workspace: &workspace, place: &place, wish: &wish, stop: interrupt.stop() };
        if self.dry_run {
            return self.show(&workspace, &demand, &owners);
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
        verdict(failed.into_inner().unwrap_or_default(), owners.len())
    }

    fn wish(&self) -> StageWish {
        match self.stage {
            None => StageWish::Auto,
            Some(StageName::Local) => StageWish::Only(Stage::Local),
            Some(StageName::Prod) => StageWish::BuildProd,
        }
    }

    /// The dirs that own the images asked for, each once.
    fn owners<'a>(&self, workspace: &'a Workspace) -> Result<Vec<&'a RunnableDir>, Failure> {
        let mut owners: Vec<&RunnableDir> = Vec::new();
        let asked: Vec<&RunnableDir> = match self.dirs.as_slice() {
            [] => workspace.dirs.iter().collect(),
            some => some.iter().map(|text| workspace.dir(text)).collect::<Result<_, _>>()?,
        };
        for dir in asked {
            let owner = workspace.image_owner(dir)?;
            if !owners.iter().any(|known| known.address == owner.address) {
                owners.push(owner);
            }
        }
        Ok(owners)
    }

    fn show(&self, workspace: &Workspace, demand: &Demand<'_>, owners: &[&RunnableDir]) -> Result<u8, Failure> {
        for (dir, step) in owners.iter().zip(plan::plan(demand, owners)?) {
            match step {
                Step::Use(ready) => {
                    data::line(&format!("# {}: nothing, {} ({})", dir.address, ready.reference, ready.why))?;
                }
                Step::Make(Making { reference, why, pull, .. }) => {
                    let first =
                        pull.map_or_else(String::new, |pull| format!(" unless `{pull}` can be pulled and matches"));
                    data::line(&format!("# {}: {reference}{first}, because {why}", dir.address))?;
                    let line = Command::new("wharf").arg("-C").arg(workspace.root.clone());
                    let line = line.args(["--engine", demand.place.kind().word(), "image", "build"]);
                    let line = match self.stage {
                        None => line,
                        Some(StageName::Local) => line.args(["--stage", "local"]),
                        Some(StageName::Prod) => line.args(["--stage", "prod"]),
                    };
                    let line = if self.no_cache { line.arg("--no-cache") } else { line };
                    data::line(&line.arg(format!("//{}", dir.address)).to_string())?;
                }
            }
        }
        Ok(0)
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

/// One failure as it is; several together, each with its hint.
fn verdict(mut failed: Vec<(String, Failure)>, all: usize) -> Result<u8, Failure> {
    failed.sort_by(|a, b| a.0.cmp(&b.0));
    if failed.len() < 2 {
        return failed.pop().map_or(Ok(0), |(_, failure)| Err(failure));
    }
    let mut message = format!("{} of {all} images could not be had", failed.len());
    for (_, failure) in &failed {
        message.push_str("\n\n");
        message.push_str(&failure.message);
        if let Some(hint) = &failure.hint {
            message.push_str(&format!("\n  hint: {hint}"));
        }
    }
    let code = failed.iter().map(|(_, failure)| failure.code).max().unwrap_or(4);
    Err(Failure { code, message, hint: None })
}
