//! `wharf run`, and what it shares with `wharf bash`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use std::thread;

use semver::Version;
use wharf_core::container::{Launch, OWNER, Owner, Settings, live, running};
use wharf_core::image::choice::Wish;
use wharf_core::image::ensure::{Body, Demand};
use wharf_core::image::plan::{self, Step};
use wharf_core::image::stale::stale;
use wharf_core::image::{ImageError, Place, Ready, Stage, StageWish, ensure};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::{StateDir, Workspace};
use wharf_engine::Terminal;
use wharf_process::Command;

use super::data;
use super::interrupt::Interrupt;
use super::started;
use crate::context::Context;
use crate::exit::Failure;

/// Runs a command in the container of a runnable dir, with the code mounted; its exit code is the command's own.
#[derive(Debug, clap::Args)]
pub struct Run {
    #[command(flatten)]
    options: Options,
    /// The command and its arguments.
    #[arg(value_name = "CMD", last = true, required = true)]
    command: Vec<String>,
}

impl Run {
    /// Runs the command.
    ///
    /// # Errors
    /// When it could not be started; how it ended is the exit code.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        start(context, &self.options, "run", self.command.clone())
    }
}

/// How a command is run.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Whose container; without it, that of the runnable dir that holds the current folder.
    #[arg(value_name = "DIR")]
    pub dir: Option<String>,
    /// Stage of the image: auto takes the team's where it matches the checkout, else one built here.
    #[arg(long, value_name = "STAGE", default_value = "auto")]
    pub stage: StageName,
    /// Version of the image, where not that of the checkout.
    #[arg(long = "version", value_name = "X.Y.Z")]
    pub image_version: Option<Version>,
    /// Sets a variable (`NAME=value`), or passes the caller's on (`NAME`); repeatable.
    #[arg(short, long, value_name = "NAME[=VALUE]", value_parser = variable)]
    pub env: Vec<String>,
    /// Mounts a further folder, file or volume (`HOST:CONTAINER[:ro]`); repeatable.
    #[arg(long, value_name = "VOLUME")]
    pub volume: Vec<String>,
    /// Makes a port reachable on the host (`HOST:CONTAINER`); repeatable.
    #[arg(short, long, value_name = "PORT")]
    pub port: Vec<String>,
    /// Runs as this user (`UID[:GID]` or a name in the image) instead of the caller.
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Joins this network.
    #[arg(long, value_name = "NETWORK")]
    pub network: Option<String>,
    /// Starts in this folder: absolute in the container, or relative to the runnable dir.
    #[arg(short, long, value_name = "FOLDER")]
    pub workdir: Option<String>,
    /// Refuses (exit 5) where the image is not what the checkout asks for, instead of a warning.
    #[arg(long)]
    pub strict: bool,
    /// Prints the command that would be run, and does not build or run anything.
    #[arg(long)]
    pub dry_run: bool,
}

/// The stages that one can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StageName {
    /// The team's image where it matches the checkout, else one built here.
    Auto,
    /// The one built here.
    Local,
    /// The team's.
    Dev,
    /// The self-contained one.
    Prod,
}

impl From<StageName> for StageWish {
    fn from(name: StageName) -> Self {
        match name {
            StageName::Auto => Self::Auto,
            StageName::Local => Self::Only(Stage::Local),
            StageName::Dev => Self::Only(Stage::Dev),
            StageName::Prod => Self::Only(Stage::Prod),
        }
    }
}

fn variable(text: &str) -> Result<String, String> {
    match text.split('=').next() {
        Some("") | None => Err("a variable needs a name: `NAME` or `NAME=value`".into()),
        Some(_) => Ok(text.to_owned()),
    }
}

/// What is to be run where.
struct Job<'a> {
    context: &'a Context,
    workspace: &'a Workspace,
    place: &'a Place,
    dir: &'a RunnableDir,
    options: &'a Options,
    settings: Settings,
    interrupt: Interrupt,
}

/// Runs `command` for `verb`; gives its exit code.
pub(super) fn start(
    context: &Context,
    options: &Options,
    verb: &'static str,
    command: Vec<String>,
) -> Result<u8, Failure> {
    let workspace = context.workspace()?;
    let dir = match &options.dir {
        Some(text) => workspace.dir(text)?,
        None => workspace.here()?,
    };
    let place = context.place(&workspace)?;
    if let Place::Host(_) = place {
        refuse_on_host(options, verb)?;
    }
    let mut settings = Settings::new(verb, command);
    settings.terminal = terminal();
    settings.env.clone_from(&options.env);
    settings.volumes.clone_from(&options.volume);
    settings.ports.clone_from(&options.port);
    settings.user.clone_from(&options.user);
    settings.network.clone_from(&options.network);
    settings.workdir =
        options.workdir.clone().or_else(|| if options.dir.is_none() { below(&workspace, dir) } else { None });
    if options.dry_run {
        // Whoever pastes the line is not this process: its container must not look like one left behind.
        settings.labels.insert(OWNER.to_owned(), "pasted".to_owned());
    }
    let interrupt = Interrupt::listen()?;
    let job = Job { context, workspace: &workspace, place: &place, dir, options, settings, interrupt };
    if options.dry_run {
        return job.show();
    }
    // What a killed Wharf left is looked for meanwhile, so that it costs no time.
    thread::scope(|scope| {
        let orphans = scope.spawn(|| running::remove_orphans(&workspace, &place));
        let code = job.execute();
        if let Ok(Ok(removed)) = orphans.join() {
            started::say_removed(context, &removed);
        }
        code
    })
}

impl Job<'_> {
    fn execute(&self) -> Result<u8, Failure> {
        let ready = self.ready()?;
        self.check_stale(&ready)?;
        let state = StateDir::open(self.workspace)?;
        let owner = Owner::current();
        let command = self.command(&ready, &state, &owner)?;
        let mut registered = None;
        let exit = command.foreground_with(|pid| {
            self.interrupt.hand_over(pid);
            registered = self.register(&owner, pid, &command);
        });
        drop(registered);
        let exit = exit.map_err(|error| self.not_started(&error))?;
        Ok(u8::try_from(exit.shell_code() & 0xff).unwrap_or(1))
    }

    /// The line that starts it, after a warning for each thing in the configuration that cannot be done here.
    fn command(&self, ready: &Ready, state: &StateDir, owner: &Owner) -> Result<Command, Failure> {
        let Self { workspace, place, dir, .. } = *self;
        let launch = Launch { workspace, place, dir, ready, state, owner };
        for warning in launch.warnings() {
            self.context.talk.warning(&warning);
        }
        Ok(launch.command(&self.settings)?)
    }

    fn ready(&self) -> Result<Ready, Failure> {
        let wish = self.wish();
        let demand = self.demand(&wish);
        let owner = self.workspace.image_owner(self.dir)?;
        let outcome: Mutex<Option<Result<Ready, ImageError>>> = Mutex::default();
        let keep = |_: &RunnableDir, result| {
            if let Ok(mut outcome) = outcome.lock() {
                *outcome = Some(result);
            }
        };
        let ensured = ensure(&demand, &[owner], &self.context.talk, &keep);
        self.interrupt.check()?;
        ensured?;
        match outcome.into_inner() {
            Ok(Some(result)) => Ok(result?),
            _ => Err(Failure { code: 130, message: "interrupted".into(), hint: None }),
        }
    }

    /// Says in one line where image and checkout have drifted apart.
    fn check_stale(&self, ready: &Ready) -> Result<(), Failure> {
        let owner = self.workspace.image_owner(self.dir)?;
        match stale(self.dir, owner, ready) {
            Some(stale) if self.options.strict => Err(Failure::refused(stale.to_string()).hint(stale.hint())),
            Some(stale) => {
                self.context.talk.warning(&stale.to_string());
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn wish(&self) -> Wish {
        Wish { stage: self.options.stage.into(), version: self.options.image_version.clone() }
    }

    fn demand<'b>(&'b self, wish: &'b Wish) -> Demand<'b> {
        Demand { workspace: self.workspace, place: self.place, wish, stop: self.interrupt.stop() }
    }

    /// Notes the process down on the host, where no engine keeps a list.
    fn register(&self, owner: &Owner, pid: u32, command: &Command) -> Option<live::Registered> {
        let Place::Host(tools) = self.place else { return None };
        let group = live::Group {
            workspace: self.workspace.id.clone(),
            dir: self.dir.address.to_string(),
            verb: self.settings.verb.to_owned(),
            process: Owner::of(pid).to_string(),
            owner: owner.to_string(),
            command: command.to_string(),
        };
        // The list is a courtesy: a full disk must not stop the command.
        live::register(&tools.cache, &group).ok()
    }

    /// Prints what would be run, and nothing else there.
    fn show(&self) -> Result<u8, Failure> {
        let wish = self.wish();
        let owner = self.workspace.image_owner(self.dir)?;
        let steps = plan::plan(&self.demand(&wish), &[owner])?;
        let Some(step) = steps.into_iter().next() else { return Ok(0) };
        let ready = match step {
            Step::Use(ready) => {
                self.context.talk.note(&format!("{}: {} ({})", owner.address, ready.reference, ready.why));
                ready
            }
            Step::Make(making) => {
                self.context.talk.note(&format!("{}: would make {}: {}", owner.address, making.reference, making.why));
                if let Place::Host(_) = self.place {
                    // There is no path yet that could be pasted.
                    return self.show_both_steps(owner);
                }
                let body = Body::Image(making.reference.clone());
                let labels = BTreeMap::new();
                Ready { reference: making.reference, why: making.why, body, spec: making.spec, labels }
            }
        };
        self.check_stale(&ready)?;
        let command = self.command(&ready, &StateDir::peek(self.workspace), &Owner::current())?;
        data::line(&command.to_string())?;
        Ok(0)
    }

    fn show_both_steps(&self, owner: &RunnableDir) -> Result<u8, Failure> {
        let wharf = || Command::new("wharf").args(["-C"]).arg(self.workspace.root.clone()).args(["--engine", "host"]);
        let build = wharf().args(["image", "build"]).arg(format!("//{}", owner.address.prefix()));
        let mut run = wharf().arg("run").arg(format!("//{}", self.dir.address.prefix()));
        for variable in &self.settings.env {
            run = run.arg("--env").arg(variable.clone());
        }
        if let Some(folder) = &self.settings.workdir {
            run = run.arg("--workdir").arg(folder.clone());
        }
        data::line(&format!("{build} && {}", run.arg("--").args(self.settings.command.iter().cloned())))?;
        Ok(0)
    }

    fn not_started(&self, error: &wharf_process::ProcessError) -> Failure {
        let mut message = error.to_string();
        if let Some(cause) = std::error::Error::source(error) {
            message = format!("{message}: {cause}");
        }
        match self.place {
            // As a shell would say it; in a container the engine gives the same codes.
            Place::Host(_) if error.is_not_found() => Failure { code: 127, message, hint: None },
            Place::Host(_) => Failure { code: 126, message, hint: None },
            Place::Containers(_) => Failure::environment(message),
        }
    }
}

/// What only containers have.
fn refuse_on_host(options: &Options, verb: &str) -> Result<(), Failure> {
    let refused = |what: &str| Err(ImageError::HostCannot { what: what.into() }.into());
    match () {
        () if verb == "bash" => Err(Failure::environment(
            "engine `host` has no image to open a shell in: it runs commands on the host itself",
        )
        .hint(
            "`wharf run DIR -- bash` starts a shell on the host, in the dir's environment; or use `--engine docker`",
        )),
        () if !options.volume.is_empty() => refused("mount volumes (`--volume`): commands see the host's own files"),
        () if !options.port.is_empty() => refused("publish ports (`--port`): commands open the host's own"),
        () if options.user.is_some() => refused("run as another user (`--user`)"),
        () if options.network.is_some() => refused("join a network (`--network`)"),
        () => Ok(()),
    }
}

/// A terminal where both ends are one; else input is piped through, unless there is none.
fn terminal() -> Terminal {
    let stdin = std::io::stdin();
    match () {
        () if stdin.is_terminal() && std::io::stdout().is_terminal() => Terminal::Full,
        () if is_null(&stdin) => Terminal::None,
        () => Terminal::Input,
    }
}

fn is_null(stdin: &std::io::Stdin) -> bool {
    match (rustix::fs::fstat(stdin), rustix::fs::stat("/dev/null")) {
        (Ok(stdin), Ok(null)) => stdin.st_rdev == null.st_rdev && stdin.st_mode == null.st_mode,
        // It is closed.
        (Err(_), _) => true,
        _ => false,
    }
}

/// The current folder, from the dir that holds it.
fn below(workspace: &Workspace, dir: &RunnableDir) -> Option<String> {
    let below = workspace.surroundings.here.strip_prefix(&dir.path).ok()?;
    let below = below.to_str()?;
    (!below.is_empty()).then(|| below.to_owned())
}
