//! `wharf image push`.

use wharf_core::image::push::{self, Done, Floating, Item, Outcome, Planned, Reach, Skip, Standing, Target, Way};
use wharf_core::image::registry::session;
use wharf_core::image::{ImageError, Stage};
use wharf_core::workspace::Workspace;
use wharf_engine::{Client, Registry, Side};
use wharf_process::Command;

use super::super::data;
use super::super::interrupt::Interrupt;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Transfers;

/// Sends the images of this checkout's versions, `dev` and `prod`, to all registries of `registry.push`. A version that is there with other
/// content is never overwritten; the floating tag moves last, after all that was sent has been read back.
#[derive(Debug, clap::Args)]
pub(super) struct Push {
    /// Whose images; without it, all that are here.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dirs: Vec<String>,
    /// Stage of the images; without it, dev and prod.
    #[arg(long, value_name = "STAGE")]
    stage: Option<StageName>,
    /// Registry with path to push to instead of those of `registry.push`; repeatable.
    #[arg(long, value_name = "REGISTRY")]
    to: Vec<String>,
    /// Prints what would be done, and sends nothing.
    #[arg(long)]
    dry_run: bool,
}

/// The stages that registries have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum StageName {
    /// The team's.
    Dev,
    /// The self-contained one.
    Prod,
}

impl Push {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        let owners = super::owners(&workspace, &self.dirs)?;
        let place = context.place(&workspace)?;
        let client = place.client().ok_or_else(|| ImageError::HostCannot { what: "push images".into() })?;
        let stages = match self.stage {
            None => &[Stage::Dev, Stage::Prod][..],
            Some(StageName::Dev) => &[Stage::Dev],
            Some(StageName::Prod) => &[Stage::Prod],
        };
        let items = self.items(context, push::plan(client, &owners, stages, &self.to)?)?;
        let interrupt = Interrupt::listen()?;
        let transfers = Transfers::new(Side::Push, context.talk.style, context.talk.live, context.talk.is_quiet());
        let retries = transfers.clone();
        let session = session(&workspace, client.kind(), &owners, Box::new(move |retry| retries.retry(retry)))?;
        let mut surveyed = survey(&session, items, &interrupt)?;
        push::refuse(&mut surveyed)?;
        if self.dry_run {
            return show(&workspace, client, &surveyed);
        }
        let on_move = |item: &Item, reference: &str, news: &_| transfers.take(&item.dir, reference, news);
        let on_sent = |reference: &str| transfers.done(reference);
        let way = Way {
            client,
            session: &session,
            stop: interrupt.stop(),
            on: &on_move,
            on_sent: &on_sent,
            reach: Reach::Floating,
        };
        let outcomes = push::push(&way, surveyed);
        interrupt.check()?;
        tell(outcomes)
    }

    /// What there is to push; says what there is not, and fails where that was asked for by name.
    fn items(&self, context: &Context, planned: Vec<Planned>) -> Result<Vec<Item>, Failure> {
        let mut items = Vec::new();
        let mut failed = Vec::new();
        for Planned { dir, version, items: found } in planned {
            let (text, hint) = match found {
                Ok(found) => {
                    items.extend(found);
                    continue;
                }
                Err(Skip::NoRegistry) => (
                    format!("{dir}: there is no registry to push to"),
                    "name one in `wharf.toml`: `[registry]`, `push = [\"ghcr.io/acme\"]`, or with `--to`".to_owned(),
                ),
                Err(Skip::NoImage) => (
                    format!("{dir}: no image of version {version} is here to be pushed"),
                    format!("see what is here with `wharf image ls`, and build with `wharf image build {dir}`"),
                ),
            };
            if self.dirs.is_empty() {
                context.talk.note(&text);
            } else {
                failed.push((dir, Failure::environment(text).hint(hint)));
            }
        }
        let summary = format!("{} images cannot be pushed", failed.len());
        super::verdict(failed, &summary)?;
        Ok(items)
    }
}

fn survey(session: &Registry, items: Vec<Item>, interrupt: &Interrupt) -> Result<Vec<(Item, Vec<Target>)>, Failure> {
    let mut surveyed = Vec::new();
    for item in items {
        interrupt.check()?;
        let targets = push::survey(session, &item);
        surveyed.push((item, targets));
    }
    Ok(surveyed)
}

fn tell(outcomes: Vec<Outcome>) -> Result<u8, Failure> {
    let all = outcomes.len();
    let mut failed = Vec::new();
    for Outcome { dir, repository, result } in outcomes {
        match result {
            Ok(done) => data::line(&format!("{dir}: {}", described(&done)))?,
            Err(error) => {
                failed.push((format!("{dir} {repository}"), with_place(error.into(), &repository.to_string())));
            }
        }
    }
    let summary = format!("{} of {all} images could not be pushed; the others are where they belong", failed.len());
    super::verdict(failed, &summary)
}

/// A failure that names the place, where it does not by itself.
fn with_place(failure: Failure, repository: &str) -> Failure {
    if failure.message.contains(repository) {
        return failure;
    }
    Failure { message: format!("`{repository}`: {}", failure.message), ..failure }
}

fn described(done: &Done) -> String {
    let Done { reference, digest, sent, floating } = done;
    let sent = if *sent { "pushed" } else { "there already" };
    let floating = match floating {
        Floating::Left | Floating::Same => String::new(),
        Floating::Moved(tag) => format!(", `{tag}` is this version now"),
        Floating::Newer { tag, version } => format!(", `{tag}` stays at {version}"),
    };
    format!("{reference}@{digest} ({sent}{floating})")
}

fn show(workspace: &Workspace, client: &Client, surveyed: &[(Item, Vec<Target>)]) -> Result<u8, Failure> {
    for (item, targets) in surveyed {
        for Target { repository, standing } in targets {
            let reference = format!("{repository}:{}", item.tag());
            let platforms = item.images.iter().map(|image| image.platform.to_string());
            let platforms = platforms.collect::<Vec<_>>().join(", ");
            let what = match standing {
                Ok(Standing::Same { digest }) => format!("is there already, {digest}"),
                Ok(Standing::Lacking { .. }) => format!("lacks a platform of {platforms}"),
                Ok(_) => format!("would be pushed for {platforms}"),
                Err(error) => format!("cannot be pushed now: {error}"),
            };
            data::line(&format!("# {}: {reference} {what}", item.dir))?;
            let path = repository.to_string();
            let registry = path.strip_suffix(&format!("/{}", item.name)).unwrap_or(&path);
            let line = Command::new("wharf").arg("-C").arg(workspace.root.clone());
            let line = line.args(["--engine", client.kind().word(), "image", "push"]);
            let line = line.arg(format!("//{}", item.dir)).args(["--stage", item.stage.word(), "--to", registry]);
            data::line(&line.to_string())?;
        }
    }
    Ok(0)
}
