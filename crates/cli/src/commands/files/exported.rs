//! The common files that a sub-repo exports, brought here as soon as it is added.

use std::path::Path;

use wharf_core::common_files::{Contents, OnConflict, Scene, Selection, apply, declared, examine, plan, sweep};

use super::{Context, Failure, lock, scene};

/// Says what the sub-repo at `path` exports to the super-repo at `root`, and brings its common files, unless one of them differs
/// from what is here.
pub(in super::super) fn bring(context: &Context, root: &Path, path: &str) -> Result<(), Failure> {
    let scene = match scene(context, root) {
        Ok(scene) => scene,
        // It is added all the same; whoever needs the configuration hears of it.
        Err(failure) => {
            context.talk.warning(&format!("what `{path}` exports was not looked at: {}", failure.message));
            return Ok(());
        }
    };
    let Some(exporter) = scene.exporters.iter().find(|exporter| exporter.path == path) else { return Ok(()) };
    let parts: Vec<&str> = exporter.parts().iter().map(|part| part.name()).collect();
    context.talk.note(&format!(
        "`{path}` exports {}; `[workspace] exports` in `wharf.toml` says what is taken",
        parts.join(", ")
    ));
    let places: Vec<String> = declared::exported(exporter).into_iter().map(|declared| declared.place).collect();
    if places.is_empty() { Ok(()) } else { files(context, &scene, &places) }
}

fn files(context: &Context, scene: &Scene, places: &[String]) -> Result<(), Failure> {
    let _lock = lock(context, scene, "sync")?;
    let selection = Selection::default();
    let mut examined = examine(scene, &selection)?;
    examined.files.retain(|file| file.repo == 0 && places.contains(&file.place));
    let contents = Contents::fetch(scene, &examined)?.with_merges(scene, &examined)?;
    let plan = plan(scene, &examined, &contents, &selection, OnConflict::Refuse);
    if let Some(conflict) = plan.conflicts.first() {
        let text =
            format!("no common file was brought: `{}` {}; see `wharf files status`", conflict.path, conflict.why);
        context.talk.warning(&text);
        return Ok(());
    }
    sweep(scene, &plan);
    apply(scene, &plan)?;
    for step in &plan.steps {
        context.talk.note(&format!("{}: {}", scene.shown(step.repo, &step.path), step.reason.word()));
    }
    Ok(())
}
