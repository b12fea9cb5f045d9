//! `wharf image prune`.

use serde::Serialize;
use wharf_core::image::remove::{self, InUse, Keep, Owner, Removal};
use wharf_core::image::{Stage, stage};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::Workspace;
use wharf_engine::{Client, Details, EngineError, Image, Layer};

use super::super::data;
use super::rm::{done, owners, show};
use crate::context::Context;
use crate::exit::Failure;
use crate::render::bytes;

/// Removes images of old versions, by dir and stage, and what builds left without a name.
///
/// Only such as Wharf made for dirs of this workspace. The version that the checkout asks for, what a name without a
/// version points to, local images of other users and all that a container uses stay. Prints a line for each name.
#[derive(Debug, clap::Args)]
pub(super) struct Prune {
    /// Whose images; without it, those of all dirs.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dirs: Vec<String>,
    /// How many of the newest versions stay, by dir and stage.
    #[arg(long, value_name = "N", default_value_t = 3)]
    keep: usize,
    /// Only images of this stage: local, dev, prod.
    #[arg(long, value_name = "STAGE")]
    stage: Option<Stage>,
    /// Prints the commands that would be run, and removes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON: what goes, what stays because a container uses it, and the bytes that are freed.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Pruned {
    /// What went; with `--dry-run` what would.
    removed: Vec<Removal>,
    /// What would go if no container used it.
    in_use: Vec<InUse>,
    /// Bytes of layers that no other image has.
    freed: u64,
}

impl Prune {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let client =
            super::client(&place, "prune images: `wharf prune` removes environments that are not used any more")?;
        let images = client.images(stage::INPUTS)?;
        let user = Stage::Local.tag(&workspace.surroundings.user, &semver::Version::new(0, 0, 0));
        let user = user.trim_start_matches("local-").trim_end_matches("-0.0.0");
        let keep = Keep { newest: self.keep, stage: self.stage, user };
        let dirs = self.owners(&workspace)?;
        let chosen: Vec<(&Image, &str)> =
            dirs.iter().flat_map(|dir| remove::prunable((*dir).into(), keep, &images)).collect();
        let users = if chosen.is_empty() { Vec::new() } else { client.image_users()? };
        let all: Vec<Owner<'_>> = workspace.dirs.iter().map(Owner::from).collect();
        let removals = remove::plan(&chosen, &all, &users);
        let gone: Vec<&str> = removals
            .go
            .iter()
            .filter(|removal| removal.left.is_empty())
            .map(|removal| removal.image.as_str())
            .collect();
        let freed = freed(client, &gone)?;
        for used in &removals.in_use {
            context
                .talk
                .note(&format!("{} stays: container `{}` uses it ({})", used.reference, used.container, used.state));
        }
        let removed = if self.dry_run {
            if !self.json {
                show(client, &removals.go)?;
            }
            removals.go
        } else {
            self.remove(context, &workspace, client, &removals.go)?
        };
        let word = if self.dry_run { "would free" } else { "freed" };
        match removed.len() {
            0 => context.talk.note("nothing to remove"),
            count => context.talk.note(&format!("{count} names or images, {word} {}", bytes(freed))),
        }
        if self.json {
            data::json(&Pruned { removed, in_use: removals.in_use, freed })?;
        }
        Ok(0)
    }

    fn remove(
        &self,
        context: &Context,
        workspace: &Workspace,
        client: &Client,
        removals: &[Removal],
    ) -> Result<Vec<Removal>, Failure> {
        let mut removed = Vec::new();
        for removal in removals {
            match client.remove_image(&removal.reference) {
                // Such as a container that came meanwhile.
                Err(EngineError::Refused { detail, .. }) => {
                    context.talk.note(&format!("{} stays: {detail}", removal.reference));
                    continue;
                }
                other => other?,
            }
            let removal = done(workspace, client, removal)?;
            if !self.json {
                data::line(&removal.describe())?;
            }
            removed.push(removal);
        }
        Ok(removed)
    }

    fn owners<'a>(&self, workspace: &'a Workspace) -> Result<Vec<&'a RunnableDir>, Failure> {
        if self.dirs.is_empty() {
            return Ok(owners(workspace));
        }
        let mut found: Vec<&RunnableDir> = Vec::new();
        for text in &self.dirs {
            let owner = workspace.image_owner(workspace.dir(text)?)?;
            if !found.iter().any(|known| known.address == owner.address) {
                found.push(owner);
            }
        }
        Ok(found)
    }
}

fn freed(client: &Client, gone: &[&str]) -> Result<u64, Failure> {
    if gone.is_empty() {
        return Ok(0);
    }
    let (going, remaining): (Vec<Details>, Vec<Details>) =
        client.all_details()?.into_iter().partition(|details| gone.contains(&details.id.as_str()));
    let mut with_history: Vec<(Details, Vec<Layer>)> = Vec::new();
    for details in going {
        let history = client.history(&details.id)?;
        with_history.push((details, history));
    }
    Ok(remove::freed(&with_history, &remaining))
}
