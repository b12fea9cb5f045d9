//! Makes a virtual environment and fills it.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use wharf_process::Command;

use super::error::HostError;
use super::interpreter::Interpreter;
use super::runner::Runner;
use super::{HostTools, InstallStep, VenvSpec, tool};

/// Makes the environment that `spec` wants at `at`, an empty folder.
pub(super) fn build(
    tools: &HostTools,
    spec: &VenvSpec,
    python: &Interpreter,
    at: &Path,
    on_line: &mut dyn FnMut(&str),
) -> Result<(), HostError> {
    let staging = tempfile::Builder::new().prefix("stage").tempdir_in(at.parent().unwrap_or(at));
    let staging = staging.map_err(HostError::cache(at))?;
    let folder = staging.path().join("python");
    stage(&folder, spec)?;
    let installer = Installer::new(tools, spec, on_line)?;
    let name = at.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let mut runner = Runner::new(tools, at, &format!("venv-{name}"), on_line)?;
    make_venv(&mut runner, installer.uv.as_deref(), python, at, &tools.search_path)?;
    for step in &spec.steps {
        if let Some(command) = installer.command(step, at) {
            runner.run(&command.cwd(&folder))?;
        }
    }
    Ok(())
}

fn stage(folder: &Path, spec: &VenvSpec) -> Result<(), HostError> {
    std::fs::create_dir_all(folder).map_err(HostError::cache(folder))?;
    for (name, bytes) in &spec.files {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !inside || name.is_empty() {
            return Err(HostError::OutsideStaging { name: name.clone() });
        }
        let file = folder.join(name);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(HostError::cache(parent))?;
        }
        std::fs::write(&file, bytes).map_err(HostError::cache(&file))?;
    }
    Ok(())
}

/// Makes an empty environment: with uv where there is one, else with the interpreter's `venv`, else, where Debian has taken
/// `ensurepip` out of it, with `virtualenv`.
pub(super) fn make_venv(
    runner: &mut Runner<'_, '_>,
    uv: Option<&Path>,
    python: &Interpreter,
    at: &Path,
    search_path: &OsStr,
) -> Result<(), HostError> {
    match uv {
        Some(uv) => {
            runner.run(&empty(Some(uv), python, at))?;
        }
        None => {
            let made = runner.run(&empty(None, python, at));
            if let Err(error) = made {
                if !matches!(error, HostError::Install { .. }) || !runner.said("ensurepip") {
                    return Err(error);
                }
                with_virtualenv(runner, python, at, search_path)?;
            }
        }
    }
    let program = at.join("bin/python");
    if program.exists() { Ok(()) } else { Err(HostError::NotMade { missing: program, log: runner.log().to_owned() }) }
}

fn empty(uv: Option<&Path>, python: &Interpreter, at: &Path) -> Command {
    match uv {
        Some(uv) => {
            Command::new(uv).args(["venv", "--no-project", "--allow-existing", "--python"]).arg(&python.path).arg(at)
        }
        None => Command::new(&python.path).args(["-m", "venv"]).arg(at),
    }
}

/// The commands that make the environment at `at` from the files of `spec` in the current folder.
pub(super) fn commands(tools: &HostTools, spec: &VenvSpec, python: &Interpreter, at: &Path) -> Vec<Command> {
    let installer = Installer { uv: tools.uv.clone(), poetry: PathBuf::from("poetry") };
    let fill = spec.steps.iter().filter_map(|step| installer.command(step, at));
    std::iter::once(empty(tools.uv.as_deref(), python, at)).chain(fill).collect()
}

fn with_virtualenv(
    runner: &mut Runner<'_, '_>,
    python: &Interpreter,
    at: &Path,
    search_path: &OsStr,
) -> Result<(), HostError> {
    let missing = || HostError::NoEnsurePip { python: python.path.clone(), version: python.identity.version.clone() };
    let virtualenv = which::which_in("virtualenv", Some(search_path), "/").map_err(|_| missing())?;
    runner.say("its `ensurepip` is missing; trying `virtualenv`");
    let made = runner.run(&Command::new(virtualenv).args(["--clear", "--python"]).arg(&python.path).arg(at));
    made.map_err(|_| missing())
}

/// The programs that fill an environment.
struct Installer {
    uv: Option<PathBuf>,
    poetry: PathBuf,
}

impl Installer {
    fn new(tools: &HostTools, spec: &VenvSpec, on_line: &mut dyn FnMut(&str)) -> Result<Self, HostError> {
        let wants = |step: fn(&InstallStep) -> bool| spec.steps.iter().any(step);
        let uv = match &tools.uv {
            None if wants(|step| matches!(step, InstallStep::UvSync { .. })) => Some(tool::uv(tools, on_line)?),
            uv => uv.clone(),
        };
        let poetry = if wants(|step| matches!(step, InstallStep::PoetrySync { .. })) {
            tool::poetry(tools, on_line)?
        } else {
            PathBuf::from("poetry")
        };
        Ok(Self { uv, poetry })
    }

    /// The command of a step; `None` where there is nothing to install.
    fn command(&self, step: &InstallStep, at: &Path) -> Option<Command> {
        match step {
            InstallStep::UvSync { groups, extras, main, package } => {
                let command = self.uv_sync(at);
                let command = each(command, if *main { "--group" } else { "--only-group" }, groups);
                let command = each(command, "--extra", extras);
                Some(each(command, "--package", package.as_slice()))
            }
            InstallStep::PoetrySync { groups, extras } => Some(self.poetry_sync(groups, extras, at)),
            InstallStep::Requirements { file } => Some(self.install(at).arg("-r").arg(file)),
            InstallStep::Packages { names } => (!names.is_empty()).then(|| self.install(at).args(names)),
        }
    }

    fn install(&self, at: &Path) -> Command {
        let python = at.join("bin/python");
        match &self.uv {
            Some(uv) => Command::new(uv).args(["pip", "install", "--python"]).arg(python),
            None => Command::new(python).args(["-m", "pip", "install", "--no-input"]),
        }
    }

    /// `--python` keeps uv from replacing the environment by one with another interpreter.
    fn uv_sync(&self, at: &Path) -> Command {
        let uv = self.uv.clone().unwrap_or_else(|| PathBuf::from("uv"));
        Command::new(uv)
            .args(["sync", "--frozen", "--inexact", "--active", "--no-default-groups"])
            .args(["--no-install-project", "--no-install-workspace", "--no-install-local", "--python"])
            .arg(at.join("bin/python"))
            .env("VIRTUAL_ENV", at)
    }

    /// Poetry fills the environment that is active and asks no more when told not to make one.
    fn poetry_sync(&self, groups: &[String], extras: &[String], at: &Path) -> Command {
        let groups: Vec<&str> = std::iter::once("main").chain(groups.iter().map(String::as_str)).collect();
        let command = Command::new(&self.poetry)
            .args(["install", "--no-root", "--no-directory", "--no-interaction", "--no-ansi", "--only"])
            .arg(groups.join(","))
            .env("VIRTUAL_ENV", at)
            .env("POETRY_VIRTUALENVS_CREATE", "false");
        each(command, "--extras", extras)
    }
}

fn each(command: Command, option: &str, values: &[String]) -> Command {
    values.iter().fold(command, |command, value| command.arg(option).arg(value))
}
