//! `wharf repo add`.

use std::num::NonZeroUsize;

use wharf_core::repos::compose::{self, AddSettings};

use super::super::data;
use super::super::files::exported;
use super::super::interrupt::Interrupt;
use super::cloned;
use super::progress::Progress;
use crate::context::Context;
use crate::exit::Failure;

/// Adds a repo as a sub-repo of the repo that you stand in, with the sub-repos that it has itself. It is staged, not
/// committed. Where it cannot be had, nothing is changed.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Where it is: a URL, or one relative to where this repo comes from (`../other.git`).
    #[arg(value_name = "URL", allow_hyphen_values = true)]
    url: String,
    /// Folder for it; without it, one named after the URL.
    #[arg(value_name = "PATH")]
    path: Option<String>,
    /// Branch to follow, kept in `.gitmodules`; without it, the remote's default branch.
    #[arg(short, long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Name in `.gitmodules`; without it, its path.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// How many repos are fetched at once.
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Prints the commands that would do it, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Add {
    pub(super) fn run(self, context: &Context) -> Result<u8, Failure> {
        let top = super::top(context)?;
        let settings = AddSettings {
            url: self.url,
            path: self.path,
            branch: self.branch,
            name: self.name,
            jobs: self.jobs,
            holder: super::holder("add"),
        };
        let plan = compose::Add::plan(&settings, &context.surroundings.here, &top.root)?;
        if self.dry_run {
            for command in plan.commands() {
                data::line(&command.to_string())?;
            }
            return Ok(0);
        }
        let login = super::login(context, &top.root)?;
        let interrupt = Interrupt::listen()?;
        let progress = Progress::new(&context.talk);
        let done = plan.apply(&settings, &login, &progress, interrupt.stop());
        progress.finish();
        interrupt.check()?;
        let repos = done?;
        let path = plan.path();
        let repo = plan.repo();
        let place = if repo == top.root { String::new() } else { format!(" -C {}", repo.display()) };
        context.talk.note(&format!("`{path}` is staged; next: `git{place} commit -m \"Add {path}\"`"));
        if repo == top.root {
            exported::bring(context, &top.root, &path)?;
        }
        cloned::verdict(context, &repos, false)
    }
}
