//! `wharf setenv`.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use wharf_core::image::place::thin_env_tools;
use wharf_core::shell_env::{
    Completions, Facts, Hooks, HooksPlan, PlannedFile, STATE, Shell, ShellEnvError, State, Step, Variables, Wanted,
    envrc, hooks, plan, script, setenv_script,
};
use wharf_core::sub_repo;
use wharf_core::thin_env;
use wharf_core::workspace::{Brief, brief};
use wharf_git::Git;

use super::{completions, data};
use crate::context::Context;
use crate::exit::Failure;

/// Prints what sets up a shell for this workspace: thin environment, PATH, PYTHONPATH, WHARF_* and the team's own variables.
///
/// In bash, zsh or sh: eval "$(wharf setenv)"
///
/// In fish: wharf setenv | source
#[derive(Debug, clap::Args)]
pub struct Setenv {
    /// A runnable dir whose own set-up comes on top.
    #[arg(value_name = "DIR", conflicts_with_all = ["undo", "write", "envrc"], add = crate::commands::complete::dirs())]
    dir: Option<String>,
    /// The shell; without it, the one that SHELL names.
    #[arg(long, value_name = "SHELL")]
    shell: Option<ShellName>,
    /// Takes all of it back: every variable is as it was, but for what was changed since.
    #[arg(long, conflicts_with_all = ["hooks", "write", "envrc"])]
    undo: bool,
    /// Makes Git take its hooks from the folder that `[setenv] git-hooks` names, until --undo.
    #[arg(long)]
    hooks: bool,
    /// Leaves the completions of wharf out.
    #[arg(long)]
    no_completions: bool,
    /// Writes a file to source instead: `dev_scripts_NAME/setenv.sh`.
    #[arg(long)]
    write: bool,
    /// Writes `.envrc` for direnv instead.
    #[arg(long)]
    envrc: bool,
    /// With --write or --envrc: prints the commands that would write the file, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// A shell that can be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ShellName {
    /// Bash.
    Bash,
    /// Zsh.
    Zsh,
    /// Fish.
    Fish,
    /// Any POSIX shell, such as dash.
    Sh,
}

impl From<ShellName> for Shell {
    fn from(name: ShellName) -> Self {
        match name {
            ShellName::Bash => Self::Bash,
            ShellName::Zsh => Self::Zsh,
            ShellName::Fish => Self::Fish,
            ShellName::Sh => Self::Sh,
        }
    }
}

impl Setenv {
    /// Runs the command. Nothing is printed to standard output unless all of it is known to be good.
    ///
    /// # Errors
    /// When the shell is not known, or there is no workspace that can be used.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        if self.write || self.envrc {
            return self.write_files(context);
        }
        if self.dry_run {
            return Err(Failure::usage("`--dry-run` goes with `--write` or `--envrc`")
                .hint("without them nothing is changed: what `wharf setenv` prints is all that would happen"));
        }
        let shell = match self.shell {
            Some(name) => name.into(),
            None => Shell::of_program(context.surroundings.variable("SHELL"))?,
        };
        let variables: Variables = context.surroundings.variables.iter().cloned().collect();
        let before = State::read(variables.get(std::ffi::OsStr::new(STATE)).map(AsRef::as_ref));
        let plan = if self.undo {
            if before.is_empty() {
                context.talk.note("there is nothing to take back");
            }
            plan(&variables, None, hooks(&before, None, None, &hooks_folder)?)
        } else {
            let brief = brief(&context.surroundings, self.dir.as_deref())?;
            let hooks = self.hooks(context, &brief, &before)?;
            plan(&variables, Some(&wanted(context, &brief)), hooks)
        };
        let definition = definition(shell)?;
        let completions = match self {
            Self { undo: true, .. } => Completions::Remove,
            Self { no_completions: true, .. } => Completions::Leave,
            _ => Completions::Define(&definition),
        };
        print(&script(shell, &plan, completions))?;
        if std::io::stdout().is_terminal() {
            context.talk.note(&format!("this shell is set up by: {}", shell.evaluates("wharf setenv")));
        }
        Ok(0)
    }

    fn hooks(&self, context: &Context, brief: &Brief, before: &State) -> Result<HooksPlan, Failure> {
        let wanted = match (self.hooks, &brief.config.setenv.git_hooks) {
            (false, _) => None,
            (true, None) => return Err(ShellEnvError::NoHooks.into()),
            (true, Some(folder)) => Some(Hooks { root: brief.root.clone(), folder: folder.value.clone() }),
        };
        let plan = hooks(before, Some(&brief.root), wanted, &hooks_folder)?;
        if let (Some(after), true) = (&plan.after, plan.steps.iter().any(|step| matches!(step, Step::Run(_)))) {
            context.talk.note(&format!(
                "Git takes its hooks of `{}` from `{}`, in every shell, until `wharf setenv --undo`",
                after.root.display(),
                after.folder
            ));
        }
        Ok(plan)
    }

    fn write_files(&self, context: &Context) -> Result<u8, Failure> {
        let brief = brief(&context.surroundings, None)?;
        let mut files: Vec<PlannedFile> = Vec::new();
        if self.write {
            files.push(setenv_script(&brief.root, &brief.name)?);
        }
        if self.envrc {
            files.push(envrc(&brief.root)?);
        }
        for file in files.iter().filter(|file| !file.is_there) {
            if self.dry_run {
                data::text(&file.commands())?;
            } else {
                file.write()?;
                data::line(&file.path.display().to_string())?;
            }
        }
        for file in files.iter().filter(|file| file.is_there) {
            context.talk.note(&format!("`{}` is there already", file.path.display()));
        }
        Ok(0)
    }
}

/// The folder that Git takes hooks from in the repo at `root`, where it is not its own.
fn hooks_folder(root: &std::path::Path) -> Option<String> {
    Git::new(root).setting("core.hooksPath")
}

fn wanted(context: &Context, brief: &Brief) -> Wanted {
    let ready = brief.repos.iter().filter(|repo| repo.state == sub_repo::State::Ready);
    let dir = brief.dir.as_ref();
    let configs = dir.map(|dir| &dir.config).into_iter().chain([&brief.config]);
    let mut path: Vec<PathBuf> = Vec::new();
    for folders in configs.filter_map(|config| config.setenv.path.as_ref()) {
        path.extend(folders.value.iter().map(|folder| brief.places.path(folder, &folders.origin)));
    }
    Wanted::of(&Facts {
        root: &brief.root,
        workspace: &brief.name,
        repos: ready.map(|repo| repo.root.clone()).collect(),
        dir: dir.map(|dir| (dir.address.to_string(), dir.path.clone())),
        home: context.surroundings.home.as_deref(),
        thin_env: thin_env(context, brief),
        path,
        setenv: dir.map_or(&brief.config.setenv, |dir| &dir.config.setenv),
    })
}

/// The thin environment, where it is made; what is amiss with it is said, and is no reason to have no shell.
fn thin_env(context: &Context, brief: &Brief) -> Option<PathBuf> {
    let needs = match &brief.thin_env {
        Ok(needs) => needs.as_ref()?,
        Err(error) => {
            context.talk.warning(&format!("no thin environment: {error}"));
            return None;
        }
    };
    let found = thin_env::find(&thin_env_tools(&brief.config, &context.surroundings), needs);
    if found.is_none() {
        context.talk.note("the thin environment is not made yet; `wharf env sync` makes it");
    }
    found.map(|env| env.path)
}

/// What defines the completions of `wharf` in a shell.
fn definition(shell: Shell) -> Result<Vec<u8>, Failure> {
    let shell = match shell {
        Shell::Bash => completions::Shell::Bash,
        Shell::Zsh => completions::Shell::Zsh,
        Shell::Fish => completions::Shell::Fish,
        Shell::Sh => return Ok(Vec::new()),
    };
    Ok(completions::script(shell)?)
}

/// Values may be any bytes, so they are written as they are.
fn print(script: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(script).and_then(|()| out.flush())?;
    Ok(())
}
