//! `wharf image rollback`.

use semver::Version;
use wharf_core::image::Stage;
use wharf_core::image::registry::session;
use wharf_core::release::{Move, Rollback as Order, RollbackWay, left_behind, move_back, plan_rollback};

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;

/// Makes the floating tag of a stage, at all registries and in the engine, name a version that was released before, or go
/// forward again.
///
/// That is what whoever pulls `<name>:dev` or `<name>:prod` gets from then on. The versions' own tags, Git tags and the checkout
/// stay, and `wharf run`, `bash` and `test` go on taking the version that the checkout states.
#[derive(Debug, clap::Args)]
pub(super) struct Rollback {
    /// Whose.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: String,
    /// The version.
    #[arg(long, value_name = "X.Y.Z")]
    to: String,
    /// The stage: dev or prod.
    #[arg(long, value_name = "STAGE", default_value = "dev")]
    stage: StageName,
    /// Prints the commands that would do it, and does nothing.
    #[arg(long)]
    dry_run: bool,
}

/// The stages that registries have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum StageName {
    /// The team's.
    Dev,
    /// The self-contained one.
    Prod,
}

impl StageName {
    pub(super) fn stage(self) -> Stage {
        match self {
            Self::Dev => Stage::Dev,
            Self::Prod => Stage::Prod,
        }
    }
}

impl Rollback {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let to = Version::parse(&self.to).map_err(|error| {
            Failure::usage(format!("`{}` is no version: {error}", self.to))
                .hint("write it as X.Y.Z, such as `--to 1.4.0`")
        })?;
        let workspace = context.workspace()?;
        let dir = workspace.image_owner(workspace.dir(&self.dir)?)?;
        let place = context.place(&workspace)?;
        let client = super::client(&place, "roll back images")?;
        let session = session(&workspace, client.kind(), &[dir], Box::new(|_| {}))?;
        let order = Order { dir, stage: self.stage.stage(), to: &to };
        let way = RollbackWay { client, session: &session };
        let moves = plan_rollback(&order, &way)?;
        let stage = order.stage;
        if self.dry_run {
            for one in &moves {
                match one {
                    Move::Registry { repository, is_there: true, .. } => {
                        data::line(&format!("# {repository}:{stage} is {to} already"))?;
                    }
                    Move::Registry { repository, .. } => data::line(&format!(
                        "skopeo copy --all docker://{repository}:{stage}-{to} docker://{repository}:{stage}"
                    ))?,
                    Move::Engine { name, is_there: true, .. } => data::line(&format!("# {name} is {to} already"))?,
                    Move::Engine { name, id, .. } => data::line(&client.tag_command(id, name).to_string())?,
                }
            }
            return Ok(0);
        }
        move_back(&order, &way, &moves)?;
        for one in &moves {
            data::line(&match one {
                Move::Registry { repository, digest, is_there: true, .. } => {
                    format!("{repository}:{stage} is {to} already ({digest})")
                }
                Move::Registry { repository, digest, from: Some(from), .. } => {
                    format!("{repository}:{stage} is {to} now, it was {from} ({digest})")
                }
                Move::Registry { repository, digest, .. } => format!("{repository}:{stage} is {to} now ({digest})"),
                Move::Engine { name, is_there: true, .. } => {
                    format!("{name} is {to} already, in engine {}", client.kind())
                }
                Move::Engine { name, .. } => format!("{name} is {to} now, in engine {}", client.kind()),
            })?;
        }
        if let Some(name) = left_behind(&order, &way, &moves)? {
            context.talk.warning(&format!(
                "{name} stays as it is in engine {}: the image of {to} is not here (`wharf image pull {} --version {to}`)",
                client.kind(),
                dir.address
            ));
        }
        let note = "whoever pulls that tag gets it; `wharf run`, `bash` and `test` go by the checkout's version";
        context.talk.note(&format!("{}: {note}, {}", dir.address, dir.version));
        Ok(0)
    }
}
