//! `wharf image build`.

use std::sync::Mutex;

use wharf_core::event::{Event, ImageState, Listener};
use wharf_core::image::choice::Wish;
use wharf_core::image::ensure::Demand;
use wharf_core::image::plan::{self, Making, Step};
use wharf_core::image::{ImageError, Ready, Stage, StageWish, ensure};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::Workspace;
use wharf_engine::Platform;
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
    /// Builds for these platforms, such as linux/amd64,linux/arm64, instead of the engine's own (repeatable). Others than the
    /// engine's own are built by emulation, and have a tag that ends in the platform, such as -arm64.
    #[arg(long = "platform", value_name = "PLATFORM", value_delimiter = ',')]
    platforms: Vec<Platform>,
    /// Builds for all platforms that `platforms` in `[image]` names.
    #[arg(long, conflicts_with = "platforms")]
    all_platforms: bool,
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
        let owners = super::owners(&workspace, &self.dirs)?;
        let place = context.place(&workspace)?;
        let interrupt = Interrupt::listen()?;
        let rounds = self.rounds(&owners);
        let demand = |wish| Demand { workspace: &workspace, place: &place, wish, stop: interrupt.stop() };
        if self.dry_run {
            return rounds.iter().try_fold(0, |_, (wish, owners)| self.show(&workspace, &demand(wish), owners));
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
        for (wish, owners) in &rounds {
            let ensured = ensure(&demand(wish), owners, &Progress(&context.talk), &on_ready);
            interrupt.check()?;
            ensured?;
        }
        let all: usize = rounds.iter().map(|(_, owners)| owners.len()).sum();
        let failed = failed.into_inner().unwrap_or_default();
        let summary = format!("{} of {all} images could not be had", failed.len());
        super::verdict(failed, &summary)
    }

    /// What is built together: the owners that have an image for a platform, one platform after the other.
    fn rounds<'a>(&self, owners: &[&'a RunnableDir]) -> Vec<(Wish, Vec<&'a RunnableDir>)> {
        let stage = self.wish();
        let mut rounds: Vec<(Wish, Vec<&RunnableDir>)> = Vec::new();
        for owner in owners {
            let asked = if self.all_platforms { &owner.config.image.platforms } else { &self.platforms };
            let asked: Vec<Option<Platform>> = match asked.as_slice() {
                [] => vec![None],
                some => some.iter().copied().map(Some).collect(),
            };
            for platform in asked {
                match rounds.iter_mut().find(|(wish, _)| wish.platform == platform) {
                    // One that is named twice is built once.
                    Some((_, owners)) if owners.last().is_some_and(|last| last.address == owner.address) => {}
                    Some((_, owners)) => owners.push(owner),
                    None => rounds.push((Wish { stage, platform, ..Wish::default() }, vec![owner])),
                }
            }
        }
        rounds
    }

    fn wish(&self) -> StageWish {
        match self.stage {
            None => StageWish::Auto,
            Some(StageName::Local) => StageWish::Only(Stage::Local),
            Some(StageName::Prod) => StageWish::BuildProd,
        }
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
                    let mut line = if self.no_cache { line.arg("--no-cache") } else { line };
                    if let Some(platform) = demand.wish.platform {
                        line = line.arg("--platform").arg(platform.to_string());
                    }
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
