//! `wharf clone`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use wharf_core::repos::compose::{CloneSettings, Cloned, Outcome, clone};
use wharf_core::workspace::own_config;
use wharf_git::Amount;

use super::interrupt::Interrupt;
use super::repo::cloned;
use super::repo::progress::Progress;
use crate::context::Context;
use crate::exit::Failure;

/// Clones a super-repo with all its sub-repos, nested ones too, several at once. A sub-repo comes at the commit that is pinned,
/// and on its branch where that is the branch's head. Sub-repos that you may not read are left out and named. Nothing is ever
/// asked: what needs a login and has none fails at once. A clone that was stopped goes on when the same is run again.
#[derive(Debug, clap::Args)]
pub struct Clone {
    /// Where the super-repo is: an https, ssh, git or file URL, or a folder.
    #[arg(value_name = "URL", allow_hyphen_values = true)]
    url: String,
    /// Folder to make; without it, one named after the URL.
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Branch or tag of the super-repo to check out.
    #[arg(short, long, value_name = "BRANCH")]
    branch: Option<String>,
    /// Fetches only so many of the last commits of each repo.
    #[arg(long, value_name = "N")]
    depth: Option<std::num::NonZeroU32>,
    /// Fetches the contents of files when they are first needed (`--filter=blob:none`).
    #[arg(long)]
    partial: bool,
    /// How many repos are fetched at once; 16 without it, 8 over ssh.
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Checks sub-repos out at the heads of their branches instead of at the pinned commits.
    #[arg(long)]
    latest: bool,
    /// Fails with exit code 4 when a sub-repo cannot be read, instead of leaving it out.
    #[arg(long)]
    require_all: bool,
}

impl Clone {
    /// Runs the command.
    ///
    /// # Errors
    /// When the super-repo cannot be had, or sub-repos are missing for another reason than that they may not be read.
    pub fn run(self, context: &Context) -> Result<u8, Failure> {
        let config = own_config(&context.surroundings)?;
        let settings = CloneSettings {
            url: self.url,
            dir: self.dir,
            branch: self.branch,
            amount: Amount { depth: self.depth.map(std::num::NonZeroU32::get), partial: self.partial },
            jobs: self.jobs,
            latest: self.latest,
            holder: format!("process {}, wharf clone", std::process::id()),
        };
        let interrupt = Interrupt::listen()?;
        let progress = Progress::new(&context.talk);
        let cloned = clone(&settings, &config.git, &context.surroundings, &progress, interrupt.stop());
        progress.finish();
        interrupt.check().map_err(|failure| failure.hint("run the same again: it goes on where it stopped"))?;
        let cloned = cloned?;
        summary(context, &cloned);
        cloned::verdict(context, &cloned.repos, self.require_all)
    }
}

fn summary(context: &Context, cloned: &Cloned) {
    let ready = cloned.repos.iter().skip(1).filter(|repo| matches!(repo.outcome, Outcome::Ready { .. })).count();
    let all = cloned.repos.len() - 1;
    let shown = cloned.root.strip_prefix(&context.surroundings.here).unwrap_or(&cloned.root).display();
    let subs = match (ready, all) {
        (_, 0) => "it names no sub-repos".to_owned(),
        (1, 1) => "its sub-repo is there".to_owned(),
        (ready, all) if ready == all => format!("all {all} sub-repos are there"),
        (ready, all) => format!("{ready} of {all} sub-repos are there"),
    };
    let verb = if cloned.resumed { "went on with the clone in" } else { "cloned into" };
    context.talk.note(&format!("{verb} `{shown}`; {subs}; next: `cd {shown} && wharf`"));
}
