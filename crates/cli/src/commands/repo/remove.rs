//! `wharf repo remove`.

use wharf_core::repos::compose::plan_removal;

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;

/// Removes a sub-repo from `.gitmodules`, the index and the work tree; staged, not committed. Refuses where it holds changes,
/// new files, stashes or commits that are nowhere else, and where something outside of it needs it.
#[derive(Debug, clap::Args)]
pub(super) struct Remove {
    /// Path of the sub-repo.
    #[arg(value_name = "PATH", add = crate::commands::complete::repos())]
    path: String,
    /// Removes its history in `.git/modules` too, which is kept otherwise.
    #[arg(long)]
    purge: bool,
    /// Prints the commands that would do it, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Remove {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let top = super::top(context)?;
        // A workspace that cannot be read must not keep one from removing what breaks it.
        let dirs = match context.workspace() {
            Ok(workspace) => workspace.dirs,
            Err(failure) => {
                let first = failure.message.lines().next().unwrap_or_default().to_owned();
                context.talk.warning(&format!("whether a runnable dir uses it is not known: {first}"));
                Vec::new()
            }
        };
        let here = &context.surroundings.here;
        let plan = plan_removal(&top, here, &self.path, &dirs, self.purge)?;
        if self.dry_run {
            for command in plan.commands() {
                data::line(&command.to_string())?;
            }
            super::say_ignored(context, &plan.ignored, "would go");
            return Ok(0);
        }
        super::say_ignored(context, &plan.ignored, "goes");
        plan.apply()?;
        let kept = plan.kept().map_or_else(String::new, |kept| format!("; its history stays in `{}`", kept.display()));
        let repo = plan.repo();
        let place = if repo == top.root { String::new() } else { format!(" -C {}", repo.display()) };
        let path = self.path.trim_end_matches('/');
        context.talk.note(&format!("`{path}` is removed{kept}; next: `git{place} commit -m \"Remove {path}\"`"));
        Ok(0)
    }
}
