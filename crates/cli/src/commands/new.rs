//! `wharf new`.

use std::path::Path;

use wharf_core::event::Clock;
use wharf_core::start::{Wanted, find, list, plan_dir};
use wharf_process::Command;

use super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Table;

/// Makes a runnable dir with a first test that passes, from a template.
///
/// A template is a folder: one that Wharf brings along, one in `templates/` of the super-repo (NAME) or of a sub-repo
/// (SUB-REPO/NAME), or any other (//PATH). Never overwrites.
#[derive(Debug, clap::Args)]
pub struct New {
    /// Where to make it; must be empty or not there yet.
    #[arg(value_name = "DIR", required_unless_present = "list", value_hint = clap::ValueHint::DirPath)]
    dir: Option<String>,
    /// From which template; `library` without.
    #[arg(long, value_name = "NAME")]
    template: Option<String>,
    /// Lists the templates that there are.
    #[arg(long, conflicts_with_all = ["dir", "template", "dry_run"])]
    list: bool,
    /// With --list: prints JSON, an array of objects.
    #[arg(long, requires = "list")]
    json: bool,
    /// Prints the commands that would do it, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl New {
    /// Runs the command.
    ///
    /// # Errors
    /// When there is no such template, the name is no good, or the place is in use.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let Some(dir) = &self.dir else {
            let templates = list(&workspace);
            if self.json {
                return data::json(&templates).map(|()| 0);
            }
            let mut table = Table::new(&["template", "what", "from"]);
            for template in templates {
                table.row([template.name.into(), template.description.into(), template.from.into()]);
            }
            return data::table(context, &table).map(|()| 0);
        };
        let template = find(&workspace, self.template.as_deref())?;
        let today = context.clock.timestamp();
        let wanted = Wanted { dir, template: &template, today: today.get(..10).unwrap_or(&today) };
        let fresh = plan_dir(&workspace, wanted)?;
        if self.dry_run {
            let lines = fresh.files.commands();
            return data::text(&lines.iter().map(|line| format!("{line}\n")).collect::<String>()).map(|()| 0);
        }
        fresh.files.apply()?;
        for file in &fresh.files.files {
            data::line(&file.path)?;
        }
        let test = Command::new("wharf").args(["test", "--dir"]).arg(fresh.address.to_string());
        context.talk.note(&format!("made `{}` from template `{}`; next: `{test}`", fresh.address, template.name));
        let devops = fresh.address.under(Path::new("")).join("devops");
        if is_ignored(&workspace.root, &devops) {
            context.talk.warning(&format!("Git ignores `{}`, so the dir will not be found", devops.display()));
        }
        Ok(0)
    }
}

fn is_ignored(root: &Path, path: &Path) -> bool {
    let path = path.to_string_lossy();
    let answer = wharf_git::Git::new(root).command(["check-ignore", "--quiet", "--", &path]).run();
    answer.is_ok_and(|output| output.exit.is_success())
}
