//! `wharf demo`: a small super-repo for the first minutes, and its tests.
//!
//! [`files`] is what the super-repo holds, [`make`] writes and commits it. The tests are run by this same program in a
//! process of its own, exactly as the user would run them.

mod files;
mod make;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use wharf_core::config::ImageSource;
use wharf_core::image::place::pick;
use wharf_core::workspace::{Workspace, discover};
use wharf_engine::Kind;
use wharf_process::{Command, signals};

use crate::arguments::Color;
use crate::context::Context;
use crate::exit::Failure;

/// The exit code of a command that found its environment not ready.
const NOT_READY: i32 = 4;

/// Makes a small super-repo to try Wharf on, and runs its tests.
///
/// It has three runnable dirs whose dependencies conflict with each other, and a sub-repo that all of them import. One
/// test fails on purpose where the variable WHARF_DEMO_FAIL is set to 1.
#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Where to make it; must be empty or not there yet.
    #[arg(default_value = "wharf-demo", value_hint = clap::ValueHint::DirPath)]
    pub dir: PathBuf,
    /// Only make it, don't run its tests.
    #[arg(long)]
    pub no_run: bool,
}

impl Demo {
    /// Runs the command. Gives the code of the tests.
    ///
    /// # Errors
    /// When the folder is in use, Git refuses, or the tests cannot be started.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let dir = context.surroundings.here.join(&self.dir);
        make::make(&dir, &self.dir)?;
        context.talk.note(&format!("made a super-repo in `{}`", self.dir.display()));
        if self.no_run {
            self.say_next(context, false);
            return Ok(0);
        }
        let Ran { code, fell_back } = run_tests(context, &dir)?;
        if code == 0 || code == 1 {
            self.say_next(context, fell_back);
        }
        // A code is a byte by its nature; what is none comes from a signal and is reported as one.
        Ok(u8::try_from(code).unwrap_or(70))
    }

    fn say_next(&self, context: &Context, fell_back: bool) {
        let cd = Command::new("cd").arg(self.dir.clone());
        let mut lines = vec!["next steps:".to_owned(), format!("  {cd}")];
        if fell_back {
            lines.push("  export WHARF_ENGINE=host        until the engine works".to_owned());
        }
        let rest = [
            "  wharf ls                        what is there",
            "  wharf test --dir api            the tests of one dir",
            "  WHARF_DEMO_FAIL=1 wharf test    one test fails on purpose",
            "  wharf run etl -- python -V      a command in a dir's own environment",
            "  cat README.md                   what is shown here, and more to try",
        ];
        lines.extend(rest.map(str::to_owned));
        for line in lines {
            context.talk.note(&line);
        }
    }
}

/// How the tests ran.
struct Ran {
    /// Their exit code.
    code: i32,
    /// Whether the host stood in for the engine that would be taken.
    fell_back: bool,
}

/// Where the engine that would be taken by itself cannot do it, the host stands in: a machine without a registry is
/// no reason for a first impression of errors. An engine that the user chose stays the one.
fn run_tests(context: &Context, dir: &Path) -> Result<Ran, Failure> {
    let mut surroundings = context.surroundings.clone();
    dir.clone_into(&mut surroundings.here);
    let workspace = discover(surroundings)?;
    if workspace.config.engine.kind.is_some() {
        return Ok(Ran { code: Tests::new(context, dir).run(None)?, fell_back: false });
    }
    if let Some(why) = why_no_image(context, &workspace) {
        context.talk.warning(&format!("{why}; using `--engine host`, which needs no image"));
        return Ok(Ran { code: Tests::new(context, dir).run(Some(Kind::Host))?, fell_back: true });
    }
    let tests = Tests::new(context, dir);
    let code = tests.run(None)?;
    let taken = pick(&workspace).map_or(Kind::Host, |picked| picked.place.kind());
    if code != NOT_READY || taken == Kind::Host {
        return Ok(Ran { code, fell_back: false });
    }
    context.talk.warning(&format!(
        "engine {taken} works, but could not run the demo; running again with `--engine host`, which needs no container"
    ));
    Ok(Ran { code: tests.run(Some(Kind::Host))?, fell_back: true })
}

/// Makes sure that the engine which will be taken by itself has the base image or can get it; gives why not, in one line,
/// before it is said once for each dir. `None` also where the user chose the engine.
fn why_no_image(context: &Context, workspace: &Workspace) -> Option<String> {
    let place = pick(workspace).ok()?.place;
    let client = place.client()?;
    let bases = workspace.dirs.iter().filter_map(|dir| match &dir.config.image.source {
        ImageSource::Base(base) => Some(base.value.as_str()),
        ImageSource::From(_) => None,
    });
    let base = bases.into_iter().find(|base| client.image(base).is_ok_and(|image| image.is_none()))?;
    context.talk.note(&format!("fetching the image `{base}` with {}", client.kind()));
    Some(client.pull(base, &|_| {}).err()?.to_string())
}

/// `wharf test` in the demo.
struct Tests<'a> {
    context: &'a Context,
    dir: &'a Path,
    child: Arc<AtomicU32>,
}

impl<'a> Tests<'a> {
    fn new(context: &'a Context, dir: &'a Path) -> Self {
        let tests = Self { context, dir, child: Arc::default() };
        // Ctrl-C reaches the tests by the terminal: they end in good order, and this process waits for them. What is sent
        // to this process alone is passed on. Without handlers the tests run on alone, which is no reason to stop now.
        if let Ok(receiver) = signals::listen() {
            let child = Arc::clone(&tests.child);
            std::thread::spawn(move || {
                for signal in receiver {
                    let pid = i32::try_from(child.load(Ordering::Acquire)).ok().and_then(Pid::from_raw);
                    if let (Some(pid), true) = (pid, signal == Signal::TERM.as_raw()) {
                        let _ = kill_process(pid, Signal::TERM);
                    }
                }
            });
        }
        tests
    }

    fn run(&self, engine: Option<Kind>) -> Result<i32, Failure> {
        let program = std::env::current_exe()?;
        let mut command = Command::new(program).arg("-C").arg(self.dir).args(["--color", self.color()]);
        if self.context.talk.is_quiet() {
            command = command.arg("--quiet");
        }
        if let Some(kind) = engine {
            command = command.args(["--engine", kind.word()]);
        } else if let Some((_, engine, flag)) = self.context.surroundings.flags.iter().find(|flag| flag.2 == "--engine")
        {
            command = command.arg(flag).arg(engine);
        }
        let exit = command
            .arg("test")
            .foreground_with(|id| self.child.store(id, Ordering::Release))
            .map_err(|error| Failure::environment(format!("the demo's tests cannot be run: {error}")))?;
        self.child.store(0, Ordering::Release);
        Ok(exit.shell_code())
    }

    fn color(&self) -> &'static str {
        match self.context.talk.color {
            Color::Auto => "auto",
            Color::Always => "always",
            Color::Never => "never",
        }
    }
}
