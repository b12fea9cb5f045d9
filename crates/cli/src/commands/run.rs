//! `wharf run`, and what it shares with `wharf bash`.

use std::io::IsTerminal;
use std::thread;

use semver::Version;
use wharf_core::container::{OWNER, Settings, running};
use wharf_core::image::{ImageError, Place, Stage, StageWish};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::Workspace;
use wharf_engine::{Platform, Terminal};

use super::interrupt::Interrupt;
use super::job::Job;
use super::{ports, started};
use crate::context::Context;
use crate::exit::Failure;

/// Runs a command in the container of a runnable dir, with the code mounted; its exit code is the command's own.
///
/// With `--stage prod` nothing is mounted but what the configuration or a flag names: the code is that in the image, and so is the
/// user.
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
#[derive(Debug, Default, clap::Args)]
pub struct Options {
    /// Whose container; without it, that of the runnable dir that holds the current folder.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    pub dir: Option<String>,
    /// Stage of the image: auto takes the team's where it matches the checkout, else one built here; prod runs the code in it.
    #[arg(long, value_name = "STAGE", default_value = "auto")]
    pub stage: StageName,
    /// Version of the image, where not that of the checkout.
    #[arg(long = "version", value_name = "X.Y.Z")]
    pub image_version: Option<Version>,
    /// Platform of the image, such as linux/arm64, where not the engine's own: by emulation.
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Option<Platform>,
    /// Sets a variable (`NAME=value`), or passes the caller's on (`NAME`); repeatable.
    #[arg(short, long, value_name = "NAME[=VALUE]", value_parser = variable)]
    pub env: Vec<String>,
    /// Mounts a further folder, file or volume (`HOST:CONTAINER[:ro]`); repeatable.
    #[arg(long, value_name = "VOLUME")]
    pub volume: Vec<String>,
    /// Makes a port reachable on the host (`HOST:CONTAINER`, `auto:CONTAINER` for a free one); repeatable.
    #[arg(short, long, value_name = "PORT")]
    pub port: Vec<String>,
    /// Starts this service of `[services]` beside it, and those of `[run] services`; repeatable.
    #[arg(long, value_name = "SERVICE")]
    pub with: Vec<String>,
    /// Runs as this user (`UID[:GID]` or a name in the image) instead of the caller.
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Joins this network.
    #[arg(long, value_name = "NETWORK")]
    pub network: Option<String>,
    /// Starts in this folder: absolute in the container, or relative to the runnable dir.
    #[arg(short, long, value_name = "FOLDER")]
    pub workdir: Option<String>,
    /// Takes a container of its own, where the configuration has one kept warm (`[run] warm`).
    #[arg(long)]
    pub fresh: bool,
    /// Refuses (exit 5) where the image is not what the checkout asks for, instead of a warning.
    #[arg(long)]
    pub strict: bool,
    /// Prints the command that would be run, and does not build or run anything.
    #[arg(long)]
    pub dry_run: bool,
}

impl Options {
    /// As they are where a command line says these words.
    ///
    /// # Errors
    /// When the words make no sense.
    pub(super) fn of(words: &[String]) -> Result<Self, Failure> {
        #[derive(Debug, clap::Parser)]
        #[command(no_binary_name = true)]
        struct Line {
            #[command(flatten)]
            options: Options,
        }
        let line = <Line as clap::Parser>::try_parse_from(words);
        line.map(|line| line.options).map_err(|error| Failure::usage(error.to_string()))
    }
}

/// The stages that one can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum StageName {
    #[default]
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

/// Runs `command` for `verb`; gives its exit code.
pub(super) fn start(
    context: &Context,
    options: &Options,
    verb: &'static str,
    command: Vec<String>,
) -> Result<u8, Failure> {
    let workspace = context.workspace()?;
    // A dir that is not there is the first thing to say.
    dir_of(&workspace, options)?;
    let place = context.place(&workspace)?;
    start_in(context, (workspace, place), options, Call { verb, command, secret: None })
}

fn dir_of<'a>(workspace: &'a Workspace, options: &Options) -> Result<&'a RunnableDir, Failure> {
    Ok(match &options.dir {
        Some(text) => workspace.dir(text)?,
        None => workspace.here()?,
    })
}

/// What is run, and what for.
pub(super) struct Call {
    pub(super) verb: &'static str,
    pub(super) command: Vec<String>,
    pub(super) secret: Option<Secret>,
}

/// A variable of the command whose value nobody may see.
#[derive(Clone)]
pub(super) struct Secret {
    pub(super) name: &'static str,
    pub(super) value: String,
}

impl Secret {
    /// A variable with its value.
    pub(super) fn new(name: &'static str, value: String) -> Self {
        Self { name, value }
    }
}

/// The same in a workspace that is read already, with a variable that is passed on unseen.
pub(super) fn start_in(
    context: &Context,
    (mut workspace, place): (Workspace, Place),
    options: &Options,
    Call { verb, command, secret }: Call,
) -> Result<u8, Failure> {
    if let Some(Secret { name, value }) = &secret {
        workspace.surroundings.variables.push((name.into(), value.into()));
    }
    let dir = dir_of(&workspace, options)?;
    if let Place::Host(_) = place {
        refuse_on_host(options, verb)?;
    }
    let mut settings = Settings::new(verb, command);
    settings.terminal = terminal();
    settings.env.clone_from(&options.env);
    settings.env.extend(secret.iter().map(|secret| secret.name.to_owned()));
    settings.volumes.clone_from(&options.volume);
    settings.ports.clone_from(&options.port);
    ports::choose(context, &mut settings.ports)?;
    settings.user.clone_from(&options.user);
    settings.network.clone_from(&options.network);
    settings.workdir =
        options.workdir.clone().or_else(|| if options.dir.is_none() { below(&workspace, dir) } else { None });
    if options.dry_run {
        // Whoever pastes the line is not this process: its container must not look like one left behind.
        settings.labels.insert(OWNER.to_owned(), "pasted".to_owned());
    }
    let interrupt = Interrupt::listen()?;
    let job = Job { context, workspace: &workspace, place: &place, dir, options, settings, interrupt, secret };
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
