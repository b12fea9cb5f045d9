//! `wharf ide image`.

use std::os::unix::fs::symlink;
use std::path::Path;

use wharf_core::container::{Launch, Owner, SITE, Settings};
use wharf_core::ide::{IMAGE_TAG, site_link};
use wharf_core::image::Place;
use wharf_core::image::ensure::Body;
use wharf_core::image::stage::INPUTS;
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::{StateDir, Workspace};

use super::super::data;
use super::super::interrupt::Interrupt;
use super::super::job::Job;
use super::super::run::Options;
use crate::context::Context;
use crate::exit::Failure;

/// Gets the image that `wharf bash` would take, and gives the tag that `devcontainer.json` names to a twin of it that runs as the
/// caller. The devcontainers tools call this before they start a container.
#[derive(Debug, clap::Args)]
pub(super) struct Image {
    /// Whose; without it, that of the runnable dir that holds the current folder.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: Option<String>,
}

impl Image {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let dir = match &self.dir {
            Some(text) => workspace.dir(text)?,
            None => workspace.here()?,
        };
        let place = context.place(&workspace)?;
        let Place::Containers(client) = &place else {
            return Err(Failure::environment("engine `host` has no images, and editors' containers need one")
                .hint("use `--engine docker`, or `wharf ide generate vscode`, which works without containers too"));
        };
        let options = Options::of(&[])?;
        let settings = Settings::new("bash", Vec::new());
        let interrupt = Interrupt::listen()?;
        let job = Job {
            context,
            workspace: &workspace,
            place: &place,
            dir,
            options: &options,
            settings,
            secret: None,
            interrupt,
        };
        let ready = job.ready()?;
        let Body::Image(image) = &ready.body else {
            return Err(Failure::environment(format!("`{}` has no image", dir.address)));
        };
        let tag = format!("{}:{IMAGE_TAG}", workspace.image_owner(dir)?.name);
        // It is not one of those that commands choose from.
        client.tag_for_caller(image, &tag, INPUTS)?;
        let (state, owner) = (StateDir::open(&workspace)?, Owner::current());
        let launch = Launch { workspace: &workspace, place: &place, dir, ready: &ready, state: &state, owner: &owner };
        let spec = launch.spec(client, image, &job.settings)?;
        let site = spec.mounts.iter().find(|mount| mount.container == SITE);
        if let Some(site) = site {
            link(&workspace, dir, &site.host)?;
        }
        data::line(&tag)?;
        Ok(0)
    }
}

/// Makes the link that `devcontainer.json` mounts lead to where the metadata of the dir's package is now.
fn link(workspace: &Workspace, dir: &RunnableDir, site: &Path) -> Result<(), Failure> {
    let link = workspace.root.join(site_link(dir));
    if std::fs::read_link(&link).is_ok_and(|there| there == site) {
        return Ok(());
    }
    let folder = link.parent().unwrap_or(&workspace.root);
    fs_err::create_dir_all(folder)?;
    let fresh = folder.join(format!(".site-{}", std::process::id()));
    symlink(site, &fresh)?;
    fs_err::rename(&fresh, &link)?;
    Ok(())
}
