//! `wharf files sync`.

use wharf_core::common_files::{
    Action, Conflict, Contents, Examined, Local, OnConflict, Plan, Reason, Scene, Selection, Step, apply, examine,
    folder, plan, sweep,
};

use super::super::data;
use super::{Between, many, scene};
use crate::context::Context;
use crate::exit::Failure;
use crate::render::table::Cell;
use crate::render::{Paint, Table};

/// Brings what changed at the owners here, merged with what changed here; records what was equal last.
///
/// Nothing that only exists here is overwritten. With a conflict nothing at all is changed (exit 5), unless `--merge` asks for
/// conflict markers.
#[derive(Debug, clap::Args)]
pub(super) struct Sync {
    /// Files and folders; without any, all common files. A file named itself comes back though it was deleted here.
    #[arg(value_name = "PATH", add = crate::commands::complete::common_files())]
    paths: Vec<String>,
    /// Writes conflict markers where both sides changed the same place; then exits 1.
    #[arg(long)]
    merge: bool,
    /// Prints what would be done, as commands, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// Syncs these super-repos instead: paths, or a file with a path a line. A conflict in one stops no other.
    #[arg(long, value_name = "LIST", num_args = 1.., conflicts_with_all = ["paths", "between"])]
    repos: Vec<String>,
    #[command(flatten)]
    between: Between,
}

/// What came of one super-repo.
struct Done {
    examined: Examined,
    plan: Plan,
}

impl Sync {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        if !self.repos.is_empty() {
            return self.many(context);
        }
        let scene = scene(context, &context.surroundings.here)?;
        let Done { examined, plan } = self.one(context, &scene)?;
        super::say(context, "", &examined.troubles);
        refuse(&plan)?;
        if self.dry_run {
            data::text(&plan.steps.iter().map(|step| pasted(&scene, &examined, step)).collect::<String>())?;
            super::verdict(&examined.troubles)?;
            return Ok(0);
        }
        report(context, &scene, &plan);
        super::verdict(&examined.troubles)?;
        marked(&plan)?;
        Ok(0)
    }

    /// Plans, and applies where nothing stands in the way.
    fn one(&self, context: &Context, scene: &Scene) -> Result<Done, Failure> {
        let here = &context.surroundings.here;
        let _lock = if self.dry_run { None } else { Some(super::lock(context, scene, "sync")?) };
        let (selection, examined) = match self.between.folders(scene, here)? {
            Some((one, other)) => (Selection::default(), folder::between(scene, &one, &other)?),
            None => {
                let selection = Selection::new(scene, here, &self.paths)?;
                let examined = examine(scene, &selection)?;
                (selection, examined)
            }
        };
        let contents = Contents::fetch(scene, &examined)?.with_merges(scene, &examined)?;
        let on_conflict = if self.merge { OnConflict::Mark } else { OnConflict::Refuse };
        let plan = plan(scene, &examined, &contents, &selection, on_conflict);
        if !self.dry_run && plan.conflicts.is_empty() {
            sweep(scene, &plan);
            apply(scene, &plan)?;
        }
        Ok(Done { examined, plan })
    }

    /// Each super-repo by itself: a conflict in one stops no other. The exit code is that of the first that did not succeed.
    fn many(&self, context: &Context) -> Result<u8, Failure> {
        let all =
            many::each(many::folders(context, &self.repos)?, |folder| self.one(context, &scene(context, folder)?));
        let mut table = Table::new(&["repo", "result"]);
        let mut first: Option<Failure> = None;
        for (name, done) in all {
            let result = done.and_then(|done| {
                super::say(context, &format!("{name}: "), &done.examined.troubles);
                refuse(&done.plan)?;
                super::verdict(&done.examined.troubles)?;
                marked(&done.plan)?;
                Ok(summary(&done.plan, self.dry_run))
            });
            let cell = match &result {
                Ok(text) => text.as_str().into(),
                Err(failure) => Cell::painted(failure.message.lines().next().unwrap_or_default(), Paint::Red),
            };
            table.row([name.as_str().into(), cell]);
            if let Err(failure) = result {
                first.get_or_insert(Failure { message: format!("{name}: {}", failure.message), ..failure });
            }
        }
        data::table(context, &table)?;
        first.map_or(Ok(0), Err)
    }
}

fn marked(plan: &Plan) -> Result<(), Failure> {
    match plan.steps.iter().filter(|step| step.reason == Reason::Marked).count() {
        0 => Ok(()),
        marked => Err(Failure::failed(format!("{marked} common files have conflict markers now"))
            .hint("resolve them as after `git merge`, then commit")),
    }
}

fn summary(plan: &Plan, is_dry: bool) -> String {
    match (plan.steps.len(), plan.records.len()) {
        (0, 0) => "nothing to do".to_owned(),
        (steps, _) if is_dry => format!("{} would change", files(steps)),
        (0, records) => format!("recorded {} as equal", files(records)),
        (1, _) => "1 file changed; commit it together with `wharf.files.lock`".to_owned(),
        (steps, _) => format!("{} changed; commit them together with `wharf.files.lock`", files(steps)),
    }
}

fn files(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

fn refuse(plan: &Plan) -> Result<(), Failure> {
    if plan.conflicts.is_empty() {
        return Ok(());
    }
    let lines = plan.conflicts.iter().map(|Conflict { path, why, .. }| format!("\n  {path}: {why}"));
    let message = format!(
        "{} common files are in conflict, so nothing was changed{}",
        plan.conflicts.len(),
        lines.collect::<String>()
    );
    let hint = match plan.conflicts.iter().all(|conflict| conflict.can_mark) {
        true => "look with `wharf files diff`; `wharf files sync --merge` writes conflict markers to be resolved",
        false => {
            "look with `wharf files diff`; `wharf files sync PATH` leaves out the others, `wharf files detach PATH` makes one your own"
        }
    };
    Err(Failure::refused(message).hint(hint))
}

/// A line a step and a sentence, as talk.
fn report(context: &Context, scene: &Scene, plan: &Plan) {
    for step in &plan.steps {
        context.talk.note(&format!("{}: {}", scene.shown(step.repo, &step.path), step.reason.word()));
    }
    context.talk.note(&summary(plan, false));
}

/// A step as a command that can be pasted at the super-repo's root.
fn pasted(scene: &Scene, examined: &Examined, step: &Step) -> String {
    let path = quote(&scene.shown(step.repo, &step.path));
    let owner = &scene.repos[step.source.0].path;
    let git = if owner.is_empty() { "git".to_owned() } else { format!("git -C {}", quote(owner)) };
    let blob = |id: &str| format!("{git} cat-file blob {id}");
    let there = step.id.as_deref().unwrap_or_default();
    let folder = match scene.shown(step.repo, &step.path).rsplit_once('/') {
        Some((folder, _)) if step.expected == Local::Absent => format!("mkdir -p {} && ", quote(folder)),
        _ => String::new(),
    };
    let file = examined.files.iter().find(|file| file.repo == step.repo && file.path == step.path);
    let base = file.and_then(|file| file.base());
    match (&step.action, step.reason, base) {
        (Action::Remove, ..) => format!("rm {path}\n"),
        (Action::Link(to), ..) => format!("{folder}ln -sfn {} {path}\n", quote(to)),
        (Action::Put { .. }, Reason::Merged | Reason::Marked, Some(base)) => {
            format!("git merge-file --diff3 {path} <({}) <({})\n", blob(&base.id), blob(there))
        }
        (Action::Put { executable, .. }, ..) => {
            let mode = if *executable { format!(" && chmod +x {path}") } else { String::new() };
            format!("{folder}{} > {path}{mode}\n", blob(there))
        }
    }
}

fn quote(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ',' | '@' | ':');
    if text.chars().all(plain) && !text.is_empty() {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
