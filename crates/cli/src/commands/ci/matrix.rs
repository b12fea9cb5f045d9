//! `wharf ci matrix`.

use wharf_core::ci;
use wharf_core::test_suite::TestPlan;
use wharf_core::test_suite::affected::{OutOfReach, Remembered, Seen, affected};
use wharf_core::workspace::{StateDir, Workspace};

use super::super::data;
use super::Which;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Table;

/// Lists the jobs that CI starts: one a runnable dir with tests, or the shards of `[ci] shards`, each for each platform.
///
/// For a pull request, dirs are left out that the changes do not reach, where it is known what all of their tests read.
#[derive(Debug, clap::Args)]
pub(super) struct Matrix {
    #[command(flatten)]
    which: Which,
    /// Prints JSON: `{"schema": 1, "event", "jobs": [{"id", "name", "run", …}]}`.
    #[arg(long)]
    json: bool,
}

impl Matrix {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let event = self.which.event()?;
        let mut plan = super::whole(&workspace)?;
        let by_dir = self.which.tag.is_none() && workspace.config.ci.shards.is_none();
        if event == ci::Event::PullRequest && by_dir {
            narrow(context, &workspace, &mut plan)?;
        }
        let jobs = self.which.jobs(&workspace, &plan)?;
        if self.json {
            data::json(&serde_json::json!({ "schema": 1, "event": event, "tag": self.which.tag, "jobs": jobs }))?;
            return Ok(0);
        }
        if jobs.is_empty() {
            context.talk.note("there is no job to start");
            return Ok(0);
        }
        let mut table = Table::new(&["job", "runner", "runs"]);
        for job in &jobs {
            table.row([job.id.as_str().into(), job.runner.as_str().into(), job.run.as_str().into()]);
        }
        data::table(context, &table)?;
        Ok(0)
    }
}

/// Leaves out dirs that no change reaches, as far as it was seen what their tests read. Of others it is only known what they import, and
/// their own job, which has what was learned, says whether that is all.
fn narrow(context: &Context, workspace: &Workspace, plan: &mut TestPlan) -> Result<(), Failure> {
    let seen = Remembered::open(&workspace.root, &StateDir::peek(workspace));
    let mut found = affected(workspace, None, OutOfReach::RunAll, &seen)?;
    context.talk.note(&found.line());
    let before = found.dirs.len();
    found.dirs.retain(|dir| !dir.affected.is_empty() || dir.left_out.iter().all(|file| seen.is_current(file)));
    let unseen = before - found.dirs.len();
    if found.everything.is_none() && unseen > 0 {
        let dirs =
            if unseen == 1 { "1 dir has a job as well".to_owned() } else { format!("{unseen} dirs have jobs as well") };
        context.talk.note(&format!("{dirs}: it is not known here what all of their tests read, so the jobs find out"));
    }
    found.apply(plan);
    Ok(())
}
