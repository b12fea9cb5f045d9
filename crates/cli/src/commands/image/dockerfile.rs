//! `wharf image dockerfile`.

use wharf_core::image::ImageSpec;

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;

/// Prints the Dockerfile of a runnable dir's image: the generated one, or the dir's own.
#[derive(Debug, clap::Args)]
pub(super) struct Dockerfile {
    /// Whose; without it, that of the runnable dir that holds the current folder.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: Option<String>,
}

impl Dockerfile {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let dir = super::dir(&workspace, self.dir.as_deref())?;
        let owner = workspace.image_owner(dir)?;
        if owner.address != dir.address {
            context.talk.note(&format!("`{}` takes its image from `{}`", dir.address, owner.address));
        }
        let spec = ImageSpec::read(&workspace, owner)?;
        for note in &spec.dependencies.notes {
            context.talk.note(&note.to_string());
        }
        data::text(&spec.dockerfile)?;
        Ok(0)
    }
}
