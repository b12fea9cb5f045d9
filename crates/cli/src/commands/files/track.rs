//! `wharf files track`.

use wharf_core::common_files::edit::{Edit, track};
use wharf_core::common_files::{Scene, folder};

use super::super::data;
use super::scene;
use crate::context::Context;
use crate::exit::Failure;

/// Starts to share a file or folder that is here: adds it to `[[files]]` in the repo's `wharf.toml`, where comments and layout
/// stay as they are. A file that was detached is shared again.
#[derive(Debug, clap::Args)]
pub(super) struct Track {
    /// The file or folder.
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    path: String,
    /// Who owns it: the address of a repo, or of a folder in one; `.` for the super-repo.
    #[arg(long, value_name = "OWNER", add = crate::commands::complete::repos())]
    from: String,
    /// Prints the change to `wharf.toml` as a patch, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Track {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let here = &context.surroundings.here;
        let scene = scene(context, here)?;
        let lock = if self.dry_run { None } else { Some(super::lock(context, &scene, "track")?) };
        let path = super::address(&scene, here, &self.path)?;
        let from = match self.from.as_str() {
            "." | "//" | "//." => String::new(),
            from => super::address(&scene, &scene.root, from)?,
        };
        let edit = track(&scene, &path, &from)?;
        if self.dry_run {
            return show(&scene, &edit).map(|()| 0);
        }
        edit.write()?;
        drop(lock);
        let file = scene.shown(edit.repo, "wharf.toml");
        context.talk.note(&format!(
            "`{path}` is shared with `//{from}` now, by `{file}`; `wharf files status {path}` says whether they are equal"
        ));
        Ok(0)
    }
}

/// An edit as a patch.
pub(super) fn show(scene: &Scene, edit: &Edit) -> Result<(), Failure> {
    let file = scene.shown(edit.repo, "wharf.toml");
    let (from, to) = (format!("a/{file}"), format!("b/{file}"));
    let patch = folder::diff(&from, &to, edit.old.as_deref().map(str::as_bytes), Some(edit.new.as_bytes()));
    data::text(&String::from_utf8_lossy(&patch.unwrap_or_default()))
}
