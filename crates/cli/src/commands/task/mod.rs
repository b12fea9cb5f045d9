//! `wharf task`, and `wharf NAME` where no command has that name.

mod foreign;
mod import;
mod show;
mod stopping;
mod tell;
mod watch;

use std::io::{BufRead, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::SystemTime;

use clap::CommandFactory;
use wharf_core::runnable_dir::Address;
use wharf_core::task::fresh::Fresh;
use wharf_core::task::graph::{Graph, Request};
use wharf_core::task::run::{AfterFailure, Ended, Manner, OnEvent, Output, run};
use wharf_core::task::step::Workshop;
use wharf_core::task::{Action, Catalogue};
use wharf_core::workspace::{StateDir, Workspace};
use wharf_engine::Terminal;

pub use self::foreign::through_invoke;
use self::stopping::Stopping;
use self::tell::{Shown, Tell};
use crate::context::Context;
use crate::exit::Failure;

/// Runs a task with what it needs before it; without a name, lists tasks.
///
/// Options of `wharf task` stand before the task's name, its own arguments after it. A task that no command shares its name
/// with can be run as `wharf NAME` too.
#[derive(Debug, clap::Args)]
pub struct Task {
    #[command(flatten)]
    options: Options,
    /// The task, then its arguments; `import` writes plain ones of `tasks.py` over to `wharf.toml`.
    #[arg(value_name = "NAME [ARGS]", trailing_var_arg = true, allow_hyphen_values = true, add = crate::commands::complete::tasks())]
    words: Vec<String>,
}

/// How tasks are run.
#[derive(Debug, Clone, Default, clap::Args)]
struct Options {
    /// Prints the commands that would be run, and runs none.
    #[arg(long)]
    dry_run: bool,
    /// Prints what needs what, and runs nothing.
    #[arg(long)]
    graph: bool,
    /// How many tasks at once; by the number of cores without it.
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// After a failure, goes on with what does not need it.
    #[arg(short, long)]
    keep_going: bool,
    /// Runs tasks that are up to date, too.
    #[arg(short, long)]
    force: bool,
    /// Runs again whenever an input changes, until ctrl-C.
    #[arg(short, long)]
    watch: bool,
    /// Answers questions with yes.
    #[arg(short, long)]
    yes: bool,
    /// In this runnable dir; repeatable; `all` for all of them.
    #[arg(long = "dir", value_name = "DIR", add = crate::commands::complete::dirs())]
    dirs: Vec<String>,
    /// How output is shown: prefix, group, raw; raw for a single task, else prefix.
    #[arg(long, value_name = "HOW")]
    output: Option<Shown>,
}

impl Task {
    /// Runs the command.
    ///
    /// # Errors
    /// When a task makes no sense, cannot be run, or failed.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let mut options = self.options.clone();
        match self.words.split_first() {
            None => super::tasks::list(context, false, false),
            Some((name, words)) if name == "import" => import::run(context, &options, words),
            Some(_) => {
                let workspace = context.workspace()?;
                let catalogue = Catalogue::read(&workspace)?;
                start(context, &mut options, &workspace, &catalogue, &self.words)
            }
        }
    }
}

/// `wharf NAME ARGS` where no command has that name.
///
/// # Errors
/// As clap says it where no task has that name either.
pub fn external(context: &Context, words: &[String]) -> Result<u8, Failure> {
    let Some(name) = words.first() else { return Ok(0) };
    let workspace = match context.workspace() {
        Ok(workspace) => workspace,
        Err(failure) if failure.code == 4 => return Err(no_command(name)),
        Err(failure) => return Err(failure),
    };
    let catalogue = Catalogue::read(&workspace)?;
    if catalogue.find(name, &home(&workspace)).is_err() {
        return Err(no_command(name));
    }
    start(context, &mut Options::default(), &workspace, &catalogue, words)
}

fn no_command(name: &str) -> Failure {
    let all = crate::arguments::Arguments::command();
    let command = clap::Command::new("wharf").subcommands(all.get_subcommands().cloned());
    let message =
        command.try_get_matches_from(["wharf", name]).err().map(|error| error.to_string()).unwrap_or_default();
    let message = message.trim_start_matches("error: ").trim_end();
    Failure::usage(message).hint("`wharf tasks` lists the tasks of this workspace, `wharf --help` the commands")
}

/// The runnable dir that the user stands in, else the super-repo.
fn home(workspace: &Workspace) -> Address {
    workspace.here().map_or_else(|_| Address::root(), |dir| dir.address.clone())
}

/// The command's own flags among a task's words, where the task has no argument of that name.
fn take_flags(options: &mut Options, task: &wharf_core::task::Task, words: &[String]) -> Vec<String> {
    if matches!(task.action, Action::Invoke(_)) {
        return words.to_vec();
    }
    let mut left = Vec::with_capacity(words.len());
    let mut is_over = false;
    for word in words {
        is_over |= word == "--";
        let flag = match word.as_str() {
            _ if is_over || task.arguments.iter().any(|argument| argument.flag() == *word) => None,
            "--dry-run" => Some(&mut options.dry_run),
            "--graph" => Some(&mut options.graph),
            "--keep-going" => Some(&mut options.keep_going),
            "--force" => Some(&mut options.force),
            "--watch" => Some(&mut options.watch),
            "--yes" => Some(&mut options.yes),
            _ => None,
        };
        match flag {
            Some(flag) => *flag = true,
            None => left.push(word.clone()),
        }
    }
    left
}

/// Runs the task that `words` start with.
fn start(
    context: &Context,
    options: &mut Options,
    workspace: &Workspace,
    catalogue: &Catalogue,
    words: &[String],
) -> Result<u8, Failure> {
    let Some((name, words)) = words.split_first() else { return Ok(0) };
    let requests = requests(options, workspace, catalogue, name, words)?;
    let graph = Graph::plan(catalogue, &requests, std::env::consts::OS)?;
    if options.graph {
        return show::graph(&graph);
    }
    let stopping = Stopping::listen()?;
    let workshop = Workshop::new(workspace, catalogue, &graph, &context.talk, stopping.stop());
    workshop.check()?;
    let session = Session { context, options, workshop, stopping: stopping.clone() };
    match () {
        () if options.dry_run => show::plan(&session),
        () if options.watch => watch::run(&session),
        () => session.once(&session.fresh()?),
    }
}

/// The tasks that are meant: one, or one for each dir that is asked for.
fn requests(
    options: &mut Options,
    workspace: &Workspace,
    catalogue: &Catalogue,
    name: &str,
    words: &[String],
) -> Result<Vec<Request>, Failure> {
    if options.dirs.is_empty() {
        let task = catalogue.find(name, &home(workspace))?;
        let words = take_flags(options, &catalogue.tasks[task], words);
        return Ok(vec![Request { task, words, moved: None }]);
    }
    let mut dirs: Vec<Address> = Vec::new();
    for text in &options.dirs.clone() {
        let of_text: Vec<Address> = match text.as_str() {
            "all" => workspace.dirs.iter().map(|dir| dir.address.clone()).collect(),
            text => vec![workspace.dir(text)?.address.clone()],
        };
        dirs.extend(of_text);
    }
    let mut requests: Vec<Request> = Vec::new();
    for dir in dirs {
        let own = catalogue.own_of(name, &dir);
        let task = match own {
            Some(task) => task,
            None => catalogue.find(name, &Address::root())?,
        };
        let words = take_flags(options, &catalogue.tasks[task], words);
        let request = Request { task, words, moved: Some(dir).filter(|_| own.is_none()) };
        if !requests.contains(&request) {
            requests.push(request);
        }
    }
    Ok(requests)
}

/// All that a run needs.
struct Session<'a> {
    context: &'a Context,
    options: &'a Options,
    workshop: Workshop<'a>,
    stopping: Stopping,
}

impl Session<'_> {
    /// What is remembered; the state folder is made only where something is to be remembered.
    fn fresh(&self) -> Result<Fresh, Failure> {
        let nodes = &self.workshop.graph.nodes;
        let state = if !self.options.dry_run && nodes.iter().any(|node| self.workshop.freshness(node).is_some()) {
            StateDir::open(self.workshop.workspace)?
        } else {
            StateDir::peek(self.workshop.workspace)
        };
        Ok(Fresh::load(state.path(), SystemTime::now()))
    }

    fn shown(&self) -> Shown {
        let single = if self.workshop.graph.nodes.len() == 1 { Shown::Raw } else { Shown::Prefix };
        self.options.output.unwrap_or(single)
    }

    /// Asks what has to be asked, runs all once, and says what came of it.
    fn once(&self, fresh: &Fresh) -> Result<u8, Failure> {
        self.confirm()?;
        let ended = self.attempt(fresh);
        fresh.save()?;
        self.verdict(&ended)
    }

    fn attempt(&self, fresh: &Fresh) -> Vec<Ended> {
        let shown = self.shown();
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let manner = Manner {
            jobs: self.options.jobs.unwrap_or(cores),
            after: if self.options.keep_going { AfterFailure::GoOn } else { AfterFailure::Stop },
            output: if shown == Shown::Raw { Output::Own } else { Output::Told },
            force: self.options.force,
        };
        let has_terminal = shown == Shown::Raw && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        self.workshop.set_terminal(if has_terminal { Terminal::Full } else { Terminal::None });
        self.stopping.share(has_terminal);
        let labels = self.workshop.graph.nodes.iter().map(|node| node.label.clone()).collect();
        let tell = Tell::new(self.context, shown, labels, self.stopping.clone());
        let tell: OnEvent = Arc::new(move |event| tell.on(event));
        run(&self.workshop, fresh, manner, tell)
    }

    /// Asks the questions of all tasks that have one.
    fn confirm(&self) -> Result<(), Failure> {
        for node in &self.workshop.graph.nodes {
            let task = self.workshop.task(node);
            let Some(question) = task.confirm.as_ref().filter(|_| !self.options.yes) else { continue };
            if !std::io::stdin().is_terminal() {
                return Err(Failure::refused(format!(
                    "task `{}` asks `{question}`, and nobody is here to answer",
                    node.label
                ))
                .hint(format!("answer with `wharf task --yes {}`", node.label)));
            }
            // Nobody to ask is found out by the answer.
            let _ = write!(std::io::stderr(), "{question} [y/N] ");
            let mut answer = String::new();
            std::io::stdin().lock().read_line(&mut answer)?;
            if !matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
                return Err(Failure::refused(format!("task `{}` was not confirmed", node.label)));
            }
        }
        Ok(())
    }

    fn verdict(&self, ended: &[Ended]) -> Result<u8, Failure> {
        let nodes = &self.workshop.graph.nodes;
        let not_run: Vec<String> = nodes
            .iter()
            .zip(ended)
            .filter(|(_, ended)| **ended == Ended::NotRun)
            .map(|(node, _)| format!("`{}`", node.label))
            .collect();
        let rest = match not_run.len() {
            0 => String::new(),
            count if count > 10 => format!("\n  not run: {} and {} more", not_run[..10].join(", "), count - 10),
            _ => format!("\n  not run: {}", not_run.join(", ")),
        };
        if self.stopping.is_stopped() {
            self.stopping.finish();
            return Err(Failure { code: 130, message: format!("interrupted{rest}"), hint: None });
        }
        let mut code = 0;
        let (mut lines, mut hints) = (Vec::new(), Vec::new());
        for (node, ended) in nodes.iter().zip(ended) {
            match ended {
                Ended::Failed { command, exit } => {
                    code = 1;
                    lines.push(format!("task `{}` failed: `{}` {exit}", node.label, command.trim()));
                }
                Ended::NotStarted { why, hint } => {
                    code = if code == 0 { 4 } else { code };
                    lines.push(format!("task `{}` could not start: {why}", node.label));
                    hints.extend(hint.clone());
                }
                Ended::Done | Ended::UpToDate | Ended::NotRun => {}
            }
        }
        if code == 0 {
            return Ok(0);
        }
        Err(Failure { code, message: format!("{}{rest}", lines.join("\n")), hint: hints.into_iter().next() })
    }
}
