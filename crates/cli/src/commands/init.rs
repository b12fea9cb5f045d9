//! `wharf init`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wharf_core::config::{Config, ImageSource, resolve};
use wharf_core::event::Clock;
use wharf_core::start::{self, Base, Plan, Reason};
use wharf_core::workspace::{WorkspaceError, discover};
use wharf_git::PlaceError;
use wharf_git::place::innermost;
use wharf_process::Command;

use super::{ask, data};
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Paint;

/// Makes a Git repo one that Wharf works in: finds the Python projects in it and makes each a runnable dir.
///
/// It writes a `wharf.toml` for what all share, and for each dir a `devops/wharf.toml` and a `changelog.txt`. What is
/// there already is never changed. On a terminal it asks before it writes.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// A folder of the repo.
    #[arg(value_name = "DIR", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    dir: PathBuf,
    /// Writes without asking.
    #[arg(short, long)]
    yes: bool,
    /// Prints the commands that would do it, and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Makes the folder a Git repo first, where it is in none.
    #[arg(long)]
    git: bool,
}

impl Init {
    /// Runs the command.
    ///
    /// # Errors
    /// When the folder is in no Git repo, or a file cannot be written.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let dir = context.surroundings.here.join(&self.dir);
        let dir = dir.canonicalize().map_err(|error| Failure::usage(format!("`{}`: {error}", self.dir.display())))?;
        let (root, to_be) = self.root(&dir)?;
        let plan = plan(context, &root, to_be)?;
        say(context, &root, &plan);
        if self.dry_run {
            let init = to_be.then(|| git_init(&root).to_string());
            let lines: Vec<String> = init.into_iter().chain(plan.files.commands()).collect();
            return data::text(&lines.iter().map(|line| format!("{line}\n")).collect::<String>()).map(|()| 0);
        }
        if plan.files.files.is_empty() && !to_be {
            context.talk.note("nothing to do: all of it is there");
            return Ok(0);
        }
        if !self.yes {
            ask::go_on(context)?;
        }
        if to_be {
            git_init(&root).run_checked().map_err(|error| Failure::environment(error.to_string()))?;
        }
        plan.files.apply()?;
        for file in &plan.files.files {
            data::line(&file.path)?;
        }
        self.say_next(context, &root, &plan)
    }

    /// The root of the repo around `dir`, and whether there has to be one first.
    fn root(&self, dir: &Path) -> Result<(PathBuf, bool), Failure> {
        match innermost(dir) {
            Ok(place) => Ok((place.root, false)),
            Err(PlaceError::NoRepo { .. }) if self.git => Ok((dir.to_path_buf(), true)),
            Err(PlaceError::NoRepo { dir }) => {
                let again = Command::new("wharf").arg("init").arg("--git").arg(self.dir.clone());
                Err(Failure::refused(format!("`{}` is not in a Git repo", dir.display()))
                    .hint(format!("make it one with `{}`, or with `{again}`", git_init(&dir))))
            }
            Err(error) => Err(WorkspaceError::from(error).into()),
        }
    }

    /// Looks whether what was written is what Wharf finds, and says how to go on.
    fn say_next(&self, context: &Context, root: &Path, plan: &Plan) -> Result<u8, Failure> {
        let mut surroundings = context.surroundings.clone();
        root.clone_into(&mut surroundings.here);
        let workspace = discover(surroundings)?;
        let found: BTreeSet<&Path> = workspace.dirs.iter().map(|dir| dir.path.as_path()).collect();
        for proposal in &plan.proposals {
            let path: PathBuf = root.join(&proposal.path).components().collect();
            if !found.contains(path.as_path()) {
                let check = Command::new("git").args(["check-ignore", "-v"]).arg(path.join("devops"));
                context.talk.warning(&format!(
                    "`{}` is not found again: Git ignores it, or `[workspace] exclude` does (`{check}`)",
                    proposal.address()
                ));
            }
        }
        if plan.proposals.iter().any(|proposal| proposal.reason == Reason::Empty) {
            context.talk.note("there is no Python here yet: make a first dir with tests with `wharf new NAME`");
        }
        let at = if root == context.surroundings.here { String::new() } else { format!(" -C {}", shell(root)) };
        context.talk.note(&format!("next: `wharf{at} test`, then commit what is new"));
        Ok(0)
    }
}

fn plan(context: &Context, root: &Path, to_be: bool) -> Result<Plan, Failure> {
    // Where there is no repo yet, only the defaults are known.
    let config = if to_be {
        Config::from_resolved(&resolve(&[]))?
    } else {
        let mut surroundings = context.surroundings.clone();
        root.clone_into(&mut surroundings.here);
        (*discover(surroundings)?.config).clone()
    };
    let survey = start::survey(root, &config.workspace.exclude)?;
    let base = match config.image.source {
        ImageSource::Base(base) => base.value,
        ImageSource::From(_) => String::new(),
    };
    let today = context.clock.timestamp();
    Ok(start::plan(&survey, &name(root), &Base(base), today.get(..10).unwrap_or(&today)))
}

/// The folder's name, as far as it can be that of a workspace.
fn name(root: &Path) -> String {
    let folder = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if folder.chars().all(is_plain) && folder.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return folder;
    }
    wharf_core::runnable_dir::image_name(&folder, "")
}

fn git_init(dir: &Path) -> Command {
    Command::new("git").args(["init", "--quiet"]).arg(dir)
}

fn shell(path: &Path) -> String {
    Command::new(path).to_string()
}

/// What was seen, a line each.
fn say(context: &Context, root: &Path, plan: &Plan) {
    let talk = &context.talk;
    let bold = |text: &str| talk.style.paint(Paint::Bold, text);
    for path in &plan.present {
        talk.note(&format!("{}: runnable already", if path.is_empty() { "." } else { path }));
    }
    for proposal in &plan.proposals {
        let why = match proposal.reason {
            Reason::Project => "states a project",
            Reason::Scripts => "has scripts with tests",
            Reason::Rest if plan.proposals.len() + plan.present.len() == 1 => "has Python, and nothing that divides it",
            Reason::Rest => "has tests that are in no other dir",
            Reason::Empty => "is a place to begin",
        };
        let saw = if proposal.saw.is_empty() { String::new() } else { format!(": {}", proposal.saw.join(", ")) };
        talk.note(&format!("{} {why}{saw}", bold(proposal.address())));
    }
    for left in &plan.left_out {
        let path = if left.path.is_empty() { "." } else { &left.path };
        talk.note(&format!("{path} is left out: {} (`mkdir -p {path}/devops` would make it runnable)", left.why));
    }
    for warning in &plan.warnings {
        talk.warning(warning);
    }
    if !plan.files.files.is_empty() {
        let paths: Vec<&str> = plan.files.files.iter().map(|file| file.path.as_str()).collect();
        talk.note(&format!("new files in `{}`: {}", root.display(), paths.join(", ")));
    }
}
