//! `wharf repo worktree`.

use serde_json::json;
use wharf_core::repos::compose::{NewWorktree, add_worktree, list_worktrees, plan_worktree_removal, remove_worktree};

use super::super::data;
use super::super::interrupt::Interrupt;
use super::cloned;
use super::progress::Progress;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Table;

/// Further work trees of the super-repo, each on a branch of its own, with all sub-repos. Those that are here are not fetched
/// again: all work trees share one history. `wharf test` and all else works in each.
#[derive(Debug, clap::Args)]
pub(super) struct Worktree {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Makes a worktree with all sub-repos at their pins.
    Add(Add),
    /// Lists all worktrees.
    List(List),
    /// Removes a worktree, where nothing is lost with it. Its branch stays.
    Remove(Remove),
}

/// Makes a worktree with all sub-repos at their pins.
#[derive(Debug, clap::Args)]
struct Add {
    /// Folder to make, such as `../fix`.
    #[arg(value_name = "PATH")]
    path: String,
    /// Its branch, made from the current commit where there is none; without it, the folder's name.
    #[arg(value_name = "BRANCH")]
    branch: Option<String>,
    /// Prints the commands that would do it, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// Lists all worktrees.
#[derive(Debug, clap::Args)]
struct List {
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

/// Removes a worktree, where nothing is lost with it. Its branch stays.
#[derive(Debug, clap::Args)]
struct Remove {
    /// Its folder.
    #[arg(value_name = "PATH")]
    path: String,
    /// Prints the commands that would do it, and changes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Worktree {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        match &self.command {
            Command::Add(command) => command.run(context),
            Command::List(command) => command.run(context),
            Command::Remove(command) => command.run(context),
        }
    }
}

impl Add {
    fn run(&self, context: &Context) -> Result<u8, Failure> {
        let top = super::top(context)?;
        let plan = NewWorktree::plan(&top, &context.surroundings.here, &self.path, self.branch.as_deref())?;
        if self.dry_run {
            for command in plan.commands() {
                data::line(&command.to_string())?;
            }
            return Ok(0);
        }
        let login = super::login(context, &top.root)?;
        let interrupt = Interrupt::listen()?;
        let progress = Progress::new(&context.talk);
        let done = add_worktree(&plan, &login, &super::holder("worktree add"), &progress, interrupt.stop());
        progress.finish();
        interrupt.check().map_err(|failure| failure.hint("run the same again: it goes on where it stopped"))?;
        let repos = done?;
        let path = &self.path;
        context.talk.note(&format!("`{path}` is on branch `{}`; next: `cd {path} && wharf`", plan.branch));
        cloned::verdict(context, &repos, false)
    }
}

impl List {
    fn run(&self, context: &Context) -> Result<u8, Failure> {
        let rows = list_worktrees(&super::top(context)?)?;
        if self.json {
            let rows: Vec<_> = rows
                .iter()
                .map(|row| {
                    json!({
                        "path": row.root.display().to_string(), "branch": row.branch, "commit": row.head, "here": row.is_here,
                        "gone": row.is_gone, "sub_repos": row.sub_repos, "ready": row.ready,
                    })
                })
                .collect();
            data::json(&rows)?;
            return Ok(0);
        }
        let mut table = Table::new(&["path", "branch", "commit", "sub-repos", ""]);
        for row in rows {
            let state = if row.is_gone {
                "its folder is gone"
            } else if row.is_here {
                "here"
            } else {
                ""
            };
            table.row([
                row.root.display().to_string().into(),
                row.branch.unwrap_or_else(|| "(none)".into()).into(),
                row.head.map(|head| head.chars().take(9).collect::<String>()).unwrap_or_default().into(),
                format!("{} of {}", row.ready, row.sub_repos).into(),
                state.into(),
            ]);
        }
        data::table(context, &table)?;
        Ok(0)
    }
}

impl Remove {
    fn run(&self, context: &Context) -> Result<u8, Failure> {
        let top = super::top(context)?;
        let (commands, ignored) = plan_worktree_removal(&top, &context.surroundings.here, &self.path)?;
        if self.dry_run {
            for command in &commands {
                data::line(&command.to_string())?;
            }
            super::say_ignored(context, &ignored, "would go");
            return Ok(0);
        }
        super::say_ignored(context, &ignored, "goes");
        remove_worktree(&commands)?;
        context.talk.note(&format!("`{}` is removed; its branch stays", self.path));
        Ok(0)
    }
}
