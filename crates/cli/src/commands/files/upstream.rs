//! `wharf files upstream`.

use wharf_core::common_files::upstream::{Upstream as Plan, Wish, apply, plan};
use wharf_core::common_files::{Contents, Scene, Selection, examine, folder};

use super::super::data;
use super::{Between, scene};
use crate::context::Context;
use crate::exit::Failure;

/// Carries what was improved here back to the owner, as a commit on a branch there. The owner's work tree, index and current
/// branch are not touched. In a folder, files that are only here are carried too.
#[derive(Debug, clap::Args)]
pub(super) struct Upstream {
    /// Files and folders.
    #[arg(value_name = "PATH", required_unless_present = "between", add = crate::commands::complete::common_files())]
    paths: Vec<String>,
    /// The branch; without it `common-files/NAME`, with the super-repo's name.
    #[arg(long, value_name = "NAME")]
    branch: Option<String>,
    /// The message of the commit; without it, the names of the files.
    #[arg(short, long, value_name = "TEXT")]
    message: Option<String>,
    /// Prints the changes as patches, and makes no commit.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    between: Between,
}

impl Upstream {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let here = &context.surroundings.here;
        let scene = scene(context, here)?;
        let lock = if self.dry_run { None } else { Some(super::lock(context, &scene, "upstream")?) };
        let mut examined = match self.between.folders(&scene, here)? {
            Some((one, other)) => folder::between(&scene, &one, &other)?,
            None => {
                let selection = Selection::new(&scene, here, &self.paths)?;
                // A file that is only here is no common file yet, so paths are chosen after both were found.
                let mut examined = examine(&scene, &Selection::default())?;
                folder::only_here(&scene, &selection, &mut examined)?;
                selection.restrict(&scene, &mut examined)?;
                examined
            }
        };
        super::say(context, "", &examined.troubles);
        let contents = Contents::fetch(&scene, &examined)?;
        folder::find_renames_here(&mut examined, &contents);
        let wish = Wish { branch: self.branch.as_deref(), message: self.message.as_deref() };
        let plans = plan(&scene, &examined, &contents, wish)?;
        super::verdict(&examined.troubles)?;
        if plans.is_empty() {
            context.talk.note("nothing to carry: the owners have all that is here");
        }
        for plan in &plans {
            if self.dry_run {
                show(&scene, &examined, &contents, plan)?;
                continue;
            }
            let folder = tempfile::tempdir()?;
            let commit = apply(&scene, plan, &folder.path().join("index"))?;
            data::line(&commit)?;
            say(context, &scene, plan);
        }
        drop(lock);
        Ok(0)
    }
}

fn say(context: &Context, scene: &Scene, plan: &Plan) {
    let owner = &scene.repos[plan.owner].path;
    let git = if owner.is_empty() { "git".to_owned() } else { format!("git -C {owner}") };
    for change in &plan.changes {
        context.talk.note(&format!("{} -> //{owner}, {}", change.from, change.path));
    }
    context.talk.note(&format!(
        "branch `{0}` of `//{owner}` has them now: push it with `{git} push -u origin {0}`, or look with `{git} switch {0}`",
        plan.branch
    ));
}

fn show(
    scene: &Scene,
    examined: &wharf_core::common_files::Examined,
    contents: &Contents,
    plan: &Plan,
) -> Result<(), Failure> {
    for change in &plan.changes {
        let file = examined.files.iter().find(|file| file.owner == plan.owner && file.source == change.path);
        let old = file.and_then(|file| contents.there(file));
        let new = change.content.as_ref().map(|(bytes, _)| bytes.as_slice());
        let (from, to) = (format!("a/{}", change.path), format!("b/{}", change.path));
        if let Some(patch) = folder::diff(&from, &to, old, new) {
            data::text(&String::from_utf8_lossy(&patch))?;
        }
    }
    data::line(&format!("# a commit on branch `{}` of `//{}`", plan.branch, scene.repos[plan.owner].path))
}
