//! `wharf files detach`.

use wharf_core::common_files::edit::{detach, forget};
use wharf_core::common_files::{Contents, Selection, apply, examine};

use super::{scene, track};
use crate::context::Context;
use crate::exit::Failure;

/// Makes common files one's own: they stay as they are here, and no sync touches them again. A link becomes a file.
#[derive(Debug, clap::Args)]
pub(super) struct Detach {
    /// Files and folders.
    #[arg(value_name = "PATH", required = true, add = crate::commands::complete::common_files())]
    paths: Vec<String>,
    /// Prints the change to `wharf.toml` as a patch, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Detach {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let here = &context.surroundings.here;
        let scene = scene(context, here)?;
        let lock = if self.dry_run { None } else { Some(super::lock(context, &scene, "detach")?) };
        let examined = examine(&scene, &Selection::new(&scene, here, &self.paths)?)?;
        let contents = Contents::fetch(&scene, &examined)?;
        let (edits, plan) = detach(&scene, &examined, &contents)?;
        for edit in &edits {
            match self.dry_run {
                true => track::show(&scene, edit)?,
                false => edit.write()?,
            }
        }
        if self.dry_run {
            return Ok(0);
        }
        if plan.steps.is_empty() {
            forget(&scene, &plan)?;
        } else {
            apply(&scene, &plan)?;
        }
        drop(lock);
        for (repo, path, _) in &plan.records {
            context.talk.note(&format!("`{}` is its repo's own now", scene.shown(*repo, path)));
        }
        Ok(0)
    }
}
