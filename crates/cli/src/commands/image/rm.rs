//! `wharf image rm`.

use semver::Version;
use wharf_core::image::remove::{self, Filter, InUse, Owner, Removal, Removals};
use wharf_core::image::{Stage, stage, tested};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::{StateDir, Workspace};
use wharf_engine::{Client, EngineError, Image};

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;

/// Removes images of runnable dirs.
///
/// Only such as Wharf made for dirs of this workspace, and none that a container uses. An image that has other names loses
/// the one that is given; with its last name it goes. Prints a line for each name.
#[derive(Debug, clap::Args)]
pub(super) struct Rm {
    /// Runnable dirs, for all of their images; or names with tags or ids from `wharf image ls`.
    #[arg(value_name = "DIR|REFERENCE", required = true, add = crate::commands::complete::dirs())]
    what: Vec<String>,
    /// Of dirs only images of this stage: local, dev, prod.
    #[arg(long, value_name = "STAGE")]
    stage: Option<Stage>,
    /// Of dirs only images of this version.
    #[arg(long, value_name = "X.Y.Z")]
    version: Option<Version>,
    /// Prints the commands that would be run, and removes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Rm {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let client =
            super::client(&place, "remove images: `wharf prune` removes environments that are not used any more")?;
        let images = client.images(stage::INPUTS)?;
        let owners = owners(&workspace);
        let mut chosen: Vec<(&Image, &str)> = Vec::new();
        for text in &self.what {
            for found in self.meant(&workspace, client, &images, text)? {
                if !chosen.contains(&found) {
                    chosen.push(found);
                }
            }
        }
        if chosen.is_empty() {
            context.talk.note("there is none of that here");
            return Ok(0);
        }
        let owners: Vec<Owner<'_>> = owners.into_iter().map(Owner::from).collect();
        let removals = remove::plan(&chosen, &owners, &client.image_users()?);
        refuse_in_use(client, &removals)?;
        if self.dry_run {
            return show(client, &removals.go);
        }
        for removal in &removals.go {
            client.remove_image(&removal.reference)?;
            data::line(&done(&workspace, client, removal)?.describe())?;
        }
        Ok(0)
    }

    /// The images and names that `text` means.
    fn meant<'i>(
        &self,
        workspace: &Workspace,
        client: &Client,
        images: &'i [Image],
        text: &str,
    ) -> Result<Vec<(&'i Image, &'i str)>, Failure> {
        match workspace.dir(text) {
            Ok(dir) => {
                let owner = workspace.image_owner(dir)?;
                if owner.address != dir.address {
                    return Err(Failure::refused(format!(
                        "`{}` has no image of its own, it takes that of `{}`",
                        dir.address, owner.address
                    ))
                    .hint(format!("remove that one with `wharf image rm {}`", owner.address)));
                }
                let filter = Filter { stage: self.stage, version: self.version.as_ref() };
                Ok(remove::of_dir(dir.into(), filter, images))
            }
            Err(error) => match by_reference(workspace, images, text) {
                Some(found) => Ok(found),
                None if text.contains(':') || client.image(text)?.is_some() => Err(not_ours(client, text)?),
                None => Err(error.into()),
            },
        }
    }
}

/// The dirs that own their images.
pub(super) fn owners(workspace: &Workspace) -> Vec<&RunnableDir> {
    workspace.dirs.iter().filter(|dir| dir.image_from().is_none()).collect()
}

/// A name of one of this workspace's images, or by the start of its id all of its names.
fn by_reference<'i>(workspace: &Workspace, images: &'i [Image], text: &str) -> Option<Vec<(&'i Image, &'i str)>> {
    let owners = owners(workspace);
    let is_ours = |reference: &str| owners.iter().any(|dir| remove::tag_of(reference, &dir.name).is_some());
    let named = images.iter().find_map(|image| {
        let name =
            image.references.iter().find(|name| *name == text || name.trim_start_matches("localhost/") == text)?;
        is_ours(name).then_some(vec![(image, name.as_str())])
    });
    if named.is_some() {
        return named;
    }
    let id = text.trim_start_matches("sha256:");
    if id.len() < 8 {
        return None;
    }
    let image = images.iter().find(|image| image.id.trim_start_matches("sha256:").starts_with(id))?;
    let names: Vec<_> =
        image.references.iter().filter(|name| is_ours(name)).map(|name| (image, name.as_str())).collect();
    let labelled = || image.labels.get(stage::NAME).is_some_and(|name| owners.iter().any(|dir| dir.name == *name));
    match names.as_slice() {
        [] if image.references.is_empty() && labelled() => Some(vec![(image, image.id.as_str())]),
        [] => None,
        _ => Some(names),
    }
}

fn not_ours(client: &Client, text: &str) -> Result<Failure, EngineError> {
    let failure = match client.image(text)? {
        Some(_) => Failure::refused(format!("`{text}` is not an image that Wharf made for a dir of this workspace")),
        None => Failure::usage(format!("there is no image `{text}` here")),
    };
    Ok(failure.hint("see those of this workspace with `wharf image ls`"))
}

fn refuse_in_use(client: &Client, removals: &Removals) -> Result<(), Failure> {
    let Some(InUse { container, .. }) = removals.in_use.first() else { return Ok(()) };
    let lines: Vec<String> = removals
        .in_use
        .iter()
        .map(|used| format!("`{}` is used by container `{}` ({})", used.reference, used.container, used.state))
        .collect();
    let engine = client.kind();
    Err(Failure::refused(format!("{}; nothing was removed", lines.join(", ")))
        .hint(format!("end it with `wharf stop {container}`, or remove it with `{engine} rm {container}`")))
}

/// Prints the commands.
pub(super) fn show(client: &Client, removals: &[Removal]) -> Result<u8, Failure> {
    for removal in removals {
        data::line(&client.remove_image_command(&removal.reference).to_string())?;
    }
    Ok(0)
}

/// What came of a removal: an engine may keep an image from which it has made another. Where the image is gone, what is
/// recorded of its tests goes too, unless it speaks for an image that was promoted from it.
pub(super) fn done(workspace: &Workspace, client: &Client, removal: &Removal) -> Result<Removal, Failure> {
    let mut removal = removal.clone();
    if removal.left.is_empty() {
        if client.image(&removal.image)?.is_some() {
            removal.left.push("a part of others".into());
        } else {
            forget(workspace, client, &removal.image)?;
        }
    }
    Ok(removal)
}

fn forget(workspace: &Workspace, client: &Client, image: &str) -> Result<(), Failure> {
    let state = StateDir::peek(workspace);
    let is_recorded = |dir: &&RunnableDir| tested::read(&state, dir, image).is_some();
    let recorded: Vec<&RunnableDir> = workspace.dirs.iter().filter(is_recorded).collect();
    if recorded.is_empty() || !client.images(&format!("{}={image}", stage::PROMOTED_FROM))?.is_empty() {
        return Ok(());
    }
    recorded.into_iter().try_for_each(|dir| Ok(tested::forget(&state, dir, image)?))
}
