//! The command line as a whole: global options and the list of commands.

use clap::{CommandFactory, Parser, Subcommand};

use crate::commands;
use crate::context::{Context, Intent};
use crate::deferred::Deferred;
use crate::exit::Failure;

/// Composes Git repos and makes every directory in them runnable: each directory with a `devops` folder is built, run
/// and tested in its own container.
#[derive(Debug, Parser)]
#[command(name = "wharf", version, max_term_width = 100, disable_help_subcommand = true)]
#[command(subcommand_value_name = "COMMAND", add = commands::complete::task_names())]
pub struct Arguments {
    /// Options that all commands have.
    #[command(flatten)]
    pub global: Global,
    /// What to do; without it, the state of what is here and the next sensible command.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that all commands have.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// What runs containers: docker, podman, or host (no isolation).
    #[arg(long, global = true, value_name = "ENGINE", help_heading = "Global options")]
    pub engine: Option<String>,
    /// Run as if started in this folder.
    #[arg(short = 'C', global = true, value_name = "DIR", help_heading = "Global options")]
    pub directory: Option<std::path::PathBuf>,
    /// When to use colours: auto, always, never.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Global options")]
    pub color: Color,
    /// Say less: only warnings and errors.
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub quiet: bool,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
#[allow(missing_docs, reason = "the help of a command is the comment of its struct")]
pub enum Command {
    Init(Deferred<commands::init::Init>),
    New(Deferred<commands::new::New>),
    Adopt(Deferred<commands::adopt::Adopt>),
    Test(Deferred<Box<commands::test::Test>>),
    Run(Deferred<commands::run::Run>),
    Bash(Deferred<commands::bash::Bash>),
    Ls(Deferred<commands::ls::Ls>),
    Deps(Deferred<commands::deps::Deps>),
    Clone(Deferred<commands::clone::Clone>),
    Repo(Deferred<commands::repo::Repo>),
    Graph(Deferred<commands::graph::Graph>),
    Image(Deferred<commands::image::Image>),
    Version(Deferred<commands::version::Version>),
    Files(Deferred<commands::files::Files>),
    Ci(Deferred<commands::ci::Ci>),
    Ide(Deferred<commands::ide::Ide>),
    Env(Deferred<commands::env::Env>),
    Task(Deferred<Box<commands::task::Task>>),
    Tasks(Deferred<commands::tasks::Tasks>),
    Up(Deferred<commands::up::Up>),
    Down(Deferred<commands::up::Down>),
    Jupyter(Deferred<commands::jupyter::Jupyter>),
    Ps(Deferred<commands::ps::Ps>),
    Stats(Deferred<commands::stats::Stats>),
    Logs(Deferred<commands::logs::Logs>),
    Stop(Deferred<commands::stop::Stop>),
    Prune(Deferred<commands::prune::Prune>),
    Config(Deferred<commands::config::Config>),
    Setenv(Deferred<commands::setenv::Setenv>),
    Demo(Deferred<commands::demo::Demo>),
    Doctor(Deferred<commands::doctor::Doctor>),
    Completions(Deferred<commands::completions::Completions>),
    #[command(name = "self")]
    Itself(Deferred<commands::itself::Itself>),
    /// A task.
    #[command(external_subcommand)]
    External(Vec<String>),
}

impl Command {
    /// Whether it only looks. Ending what runs counts as looking: it must be possible with whatever Wharf is at hand.
    #[must_use]
    pub fn intent(&self) -> Intent {
        match self {
            Self::Ls(_)
            | Self::Ps(_)
            | Self::Down(_)
            | Self::Stats(_)
            | Self::Logs(_)
            | Self::Stop(_)
            | Self::Config(_)
            | Self::Demo(_)
            | Self::Doctor(_)
            | Self::Completions(_)
            | Self::Setenv(_)
            | Self::Graph(_)
            | Self::Deps(_)
            | Self::Tasks(_)
            | Self::Itself(_) => Intent::Look,
            Self::Image(Deferred(command)) => command.intent(),
            Self::Version(Deferred(command)) => command.intent(),
            Self::Repo(Deferred(command)) => command.intent(),
            Self::Env(Deferred(command)) => command.intent(),
            Self::Files(Deferred(command)) => command.intent(),
            Self::Ci(Deferred(command)) => command.intent(),
            Self::Ide(_)
            | Self::Init(_)
            | Self::New(_)
            | Self::Adopt(_)
            | Self::Test(_)
            | Self::Run(_)
            | Self::Bash(_)
            | Self::Up(_)
            | Self::Jupyter(_)
            | Self::Clone(_)
            | Self::Prune(_)
            | Self::Task(_)
            | Self::External(_) => Intent::Change,
        }
    }
}

/// The names of all commands, written out because building them from the arguments takes longer than many a command.
const NAMES: [&str; 34] = [
    "init",
    "new",
    "adopt",
    "test",
    "run",
    "bash",
    "ls",
    "deps",
    "clone",
    "repo",
    "graph",
    "image",
    "version",
    "files",
    "ci",
    "ide",
    "env",
    "task",
    "tasks",
    "up",
    "down",
    "jupyter",
    "ps",
    "stats",
    "logs",
    "stop",
    "prune",
    "config",
    "setenv",
    "demo",
    "doctor",
    "completions",
    "self",
    "help",
];

/// The names of all commands: no task may have one of them.
#[must_use]
pub fn names() -> Vec<String> {
    NAMES.map(str::to_owned).to_vec()
}

impl Arguments {
    /// Runs the command; gives its exit code.
    ///
    /// # Errors
    /// What the command could not do.
    pub fn dispatch(self) -> Result<u8, Failure> {
        let intent = self.command.as_ref().map_or(Intent::Look, Command::intent);
        let context = Context::new(&self.global, intent)?;
        match self.command {
            None => commands::status::run(&context),
            Some(Command::Init(Deferred(command))) => command.run(&context),
            Some(Command::New(Deferred(command))) => command.run(&context),
            Some(Command::Adopt(Deferred(command))) => command.run(&context),
            Some(Command::Test(Deferred(command))) => command.run(&context),
            Some(Command::Run(Deferred(command))) => command.run(&context),
            Some(Command::Bash(Deferred(command))) => command.run(&context),
            Some(Command::Ls(Deferred(command))) => command.run(&context),
            Some(Command::Deps(Deferred(command))) => command.run(&context),
            Some(Command::Clone(Deferred(command))) => command.run(&context),
            Some(Command::Repo(Deferred(command))) => command.run(&context),
            Some(Command::Graph(Deferred(command))) => command.run(&context),
            Some(Command::Image(Deferred(command))) => command.run(&context),
            Some(Command::Version(Deferred(command))) => command.run(&context),
            Some(Command::Files(Deferred(command))) => command.run(&context),
            Some(Command::Ci(Deferred(command))) => command.run(&context),
            Some(Command::Ide(Deferred(command))) => command.run(&context),
            Some(Command::Env(Deferred(command))) => command.run(&context),
            Some(Command::Task(Deferred(command))) => command.run(&context),
            Some(Command::Tasks(Deferred(command))) => command.run(&context),
            Some(Command::External(words)) => commands::task::external(&context, &words),
            Some(Command::Up(Deferred(command))) => command.run(&context),
            Some(Command::Down(Deferred(command))) => command.run(&context),
            Some(Command::Jupyter(Deferred(command))) => command.run(&context),
            Some(Command::Stats(Deferred(command))) => command.run(&context),
            Some(Command::Ps(Deferred(command))) => command.run(&context),
            Some(Command::Logs(Deferred(command))) => command.run(&context),
            Some(Command::Stop(Deferred(command))) => command.run(&context),
            Some(Command::Prune(Deferred(command))) => command.run(&context),
            Some(Command::Config(Deferred(command))) => command.run(&context),
            Some(Command::Setenv(Deferred(command))) => command.run(&context),
            Some(Command::Demo(Deferred(command))) => command.run(&context),
            Some(Command::Doctor(Deferred(command))) => command.run(&context),
            Some(Command::Completions(Deferred(command))) => command.run(&context),
            Some(Command::Itself(Deferred(command))) => command.run(&context),
        }
    }
}

/// The command line with all options of all commands, for help, completions and the reference.
#[must_use]
pub fn command() -> clap::Command {
    let mut command = Arguments::command();
    command.build();
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_commands_are_named() {
        let command = Command::augment_subcommands(clap::Command::new("wharf"));
        let names = command.get_subcommands().flat_map(|command| {
            let aliases = command.get_all_aliases().map(str::to_owned);
            [command.get_name().to_owned()].into_iter().chain(aliases).collect::<Vec<_>>()
        });
        assert_eq!(names.chain(["help".to_owned()]).collect::<Vec<_>>(), NAMES);
    }
}
