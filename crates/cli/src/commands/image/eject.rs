//! `wharf image eject`.

use wharf_core::image::ImageSpec;
use wharf_core::image::eject::{eject, target};
use wharf_process::Command;

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;

/// Writes the generated Dockerfile to `devops/Dockerfile`, from where on it is the dir's own. It makes the same image
/// until it is changed. Never overwrites one that is there.
#[derive(Debug, clap::Args)]
pub(super) struct Eject {
    /// Whose; without it, that of the runnable dir that holds the current folder.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: Option<String>,
    /// Prints the command that would do it, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Eject {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let dir = super::dir(&workspace, self.dir.as_deref())?;
        let owner = workspace.image_owner(dir)?;
        if owner.address != dir.address {
            return Err(Failure::refused(format!(
                "`{}` has no image of its own, it takes that of `{}`",
                dir.address, owner.address
            ))
            .hint(format!("eject that one with `wharf image eject {}`", owner.address)));
        }
        let spec = ImageSpec::read(&workspace, dir)?;
        if self.dry_run {
            let file = target(dir)?;
            let print = Command::new("wharf").arg("-C").arg(workspace.root.clone()).args(["image", "dockerfile"]);
            let print = print.arg(format!("//{}", dir.address));
            // Quoted as any other word of a command is.
            let file = Command::new(file).to_string();
            data::line(&format!("{print} > {file}"))?;
            return Ok(0);
        }
        let file = eject(dir, &spec)?;
        data::line(&file.display().to_string())?;
        context.talk.note(&format!(
            "from now on this file decides the image of `{}`: its stages `dev` and `prod` must stay, and `[os]`, `[python]` \
             and `[image] base` in `wharf.toml` no longer change it; commit it, or remove it to go back",
            dir.address
        ));
        Ok(0)
    }
}
