//! `wharf adopt`.

use serde::Serialize;
use serde_json::json;
use wharf_core::adopt::{self, AdoptError, Deleted, DirPlan, Fate, OldFile, Plan};
use wharf_core::image::place::pick;
use wharf_core::runnable_dir::Address;

use super::data;
use super::interrupt::Interrupt;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Table;

/// The file that makes a dir a native one.
const CONFIG: &str = "devops/wharf.toml";

/// Writes the small native files for dirs of the older layout (`devops/docker_build`, `repo_config.yaml`), and proves that nothing else
/// changes: images, mounts, variables and tests stay what they are.
///
/// Nothing is overwritten. Dirs of both kinds can stand beside each other, so that one dir after the other can be done.
#[derive(Debug, clap::Args)]
pub struct Adopt {
    /// Which dirs; without it, all of the super-repo.
    #[arg(value_name = "DIR", add = super::complete::dirs())]
    dirs: Vec<String>,
    /// Also removes the old files that nothing needs, as far as they are committed and unchanged.
    #[arg(long)]
    delete: bool,
    /// Prints the commands that would write the files, and what becomes of the old ones, and changes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Prints JSON: an object with files, dirs, native, old, by_hand and, where old files were to be removed, removed and left.
    #[arg(long)]
    json: bool,
}

/// What is printed with `--json`.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    schema: u32,
    files: Vec<&'a str>,
    dirs: &'a [DirPlan],
    native: &'a [String],
    old: &'a [OldFile],
    by_hand: &'a [String],
    /// How many facts were found to be as they were; none where nothing was written.
    compared: Option<usize>,
    removed: &'a [String],
    /// Old files that could go and stayed, with the reason.
    left: Vec<serde_json::Value>,
}

impl Adopt {
    /// Runs the command.
    ///
    /// # Errors
    /// When a dir would not be the same afterwards, or a file is in the way.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        let dirs = self.dirs.iter().map(|dir| Ok(workspace.dir(dir)?.address.clone()));
        let wanted: Vec<Address> = dirs.collect::<Result<_, Failure>>()?;
        let plan = adopt::plan(&workspace, &wanted);
        let (mut compared, mut deleted) = (None, Deleted::default());
        if !self.dry_run && !plan.files.files.is_empty() {
            let place = pick(&workspace).ok().map(|picked| picked.place);
            if place.as_ref().and_then(|place| place.client()).is_none() {
                context
                    .talk
                    .warning("no container engine works here, so the lines that start containers are not compared");
            }
            let interrupt = Interrupt::listen()?;
            let adopted = adopt::adopt(&workspace, &plan, place.as_ref(), interrupt.stop());
            compared = Some(adopted?.facts);
            interrupt.check()?;
        }
        if !self.dry_run && self.delete {
            deleted = adopt::delete(&workspace, &plan)?;
        }
        if self.json {
            return print_json(&plan, compared, &deleted);
        }
        if self.dry_run {
            let lines = plan.files.commands();
            data::text(&lines.iter().map(|line| format!("{line}\n")).collect::<String>())?;
        } else {
            plan.files.files.iter().try_for_each(|file| data::line(&file.path))?;
        }
        self.say(context, &plan, compared, &deleted);
        Ok(0)
    }

    /// What became of everything.
    fn say(&self, context: &Context, plan: &Plan, compared: Option<usize>, deleted: &Deleted) {
        let talk = &context.talk;
        for dir in &plan.native {
            talk.note(&format!("{dir}: native already"));
        }
        for line in &plan.by_hand {
            talk.warning(line);
        }
        if plan.dirs.is_empty() {
            talk.note("there is nothing to adopt");
        }
        // Of dirs that were adopted earlier only what there is to do is told.
        let told: Vec<&OldFile> =
            plan.old.iter().filter(|old| !plan.dirs.is_empty() || old.fate == Fate::CanGo).collect();
        if !told.is_empty() {
            let mut table = Table::new(&["old file", "", "what became of it"]);
            for old in told {
                let fate = match old.fate {
                    Fate::Stays => "stays",
                    Fate::Yours => "yours to judge",
                    Fate::CanGo => "can go",
                };
                table.row([old.path.as_str().into(), fate.into(), old.became.as_str().into()]);
            }
            talk.note(table.render(None, talk.style).trim_end());
        }
        if let Some(facts) = compared {
            let dirs = adopted(plan);
            let dirs = if dirs == 1 { "1 dir".to_owned() } else { format!("{dirs} dirs") };
            talk.note(&format!(
                "{dirs} adopted: {facts} values, files of images, lines of containers and test plans are as they were"
            ));
        }
        for path in &deleted.removed {
            talk.note(&format!("removed {path}"));
        }
        for (path, why) in &deleted.left {
            talk.warning(&format!("`{path}` is left: {why}"));
        }
        let can_go = plan.old.iter().filter(|old| old.fate == Fate::CanGo).count();
        if can_go > 0 && !self.delete {
            talk.note("`wharf adopt --delete` removes what can go");
        }
    }
}

/// How many dirs got a file: one whose file was there already is not adopted.
fn adopted(plan: &Plan) -> usize {
    let file = |dir: &str| if dir == "." { CONFIG.to_owned() } else { format!("{dir}/{CONFIG}") };
    plan.dirs.iter().filter(|dir| plan.files.files.iter().any(|new| new.path == file(&dir.dir))).count()
}

fn print_json(plan: &Plan, compared: Option<usize>, deleted: &Deleted) -> Result<u8, Failure> {
    let shown = Shown {
        schema: 1,
        files: plan.files.files.iter().map(|file| file.path.as_str()).collect(),
        dirs: &plan.dirs,
        native: &plan.native,
        old: &plan.old,
        by_hand: &plan.by_hand,
        compared,
        removed: &deleted.removed,
        left: deleted.left.iter().map(|(path, why)| json!({ "path": path, "why": why })).collect(),
    };
    data::json(&json!(shown))?;
    Ok(0)
}

impl From<AdoptError> for Failure {
    fn from(error: AdoptError) -> Self {
        let hint = error.hint();
        let message = Self::describe(&error);
        let failure = match error {
            AdoptError::Workspace(error) => return error.into(),
            AdoptError::Image(error) => return error.into(),
            AdoptError::Tests(error) => return error.into(),
            AdoptError::Start(error) => return error.into(),
            AdoptError::Stopped => Self { code: 130, message, hint: None },
            AdoptError::Differs(_) => Self::failed(message),
            AdoptError::There(_) => Self::refused(message),
            AdoptError::Io { .. } | AdoptError::Git(_) => Self::environment(message),
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
