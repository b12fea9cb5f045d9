//! `wharf test`: the arguments, who listens, and the exit code.

mod affected;
pub mod cache;
mod choice;
mod history;
mod remote_cache;
mod watch;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;

use clap::builder::NonEmptyStringValueParser;
use console::Term;
use semver::Version;
use wharf_core::config::parse_duration;
use wharf_core::image::Stage;
use wharf_core::image::choice::{StageWish, Wish};
use wharf_core::test_suite::affected::Affected;
use wharf_core::test_suite::cache::Caching;
use wharf_core::test_suite::collect::Purpose;
use wharf_core::test_suite::last::LastFailed;
use wharf_core::test_suite::report::HTML_FILE;
use wharf_core::test_suite::{self, Around, Options, Report, Selection, TestError, TestPlan};
use wharf_core::workspace::{StateDir, Workspace};
use wharf_engine::Platform;

use self::choice::{Choice, Given};
use self::history::{History, Question};
use self::report::Reports;
use super::beside::named;
use super::image::check_platform;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::summary::{SummaryOptions, write_summary};
use crate::render::{Listeners, Live, Plain, Table, github};

pub mod report;

/// Run the tests of every runnable dir, each in its own container, in parallel.
///
/// Every directory with a `devops` folder is tested in its own image, nested ones and those in sub-repos too. PATH narrows
/// it to files, folders or test ids; `--dir` to runnable dirs. Everything after `--` goes to pytest. `wharf test flaky` lists the tests
/// that passed and failed with the same code, `wharf test history ID` what a test did in each run.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Files, folders or test ids such as `infra/tests/test_a.py::test_one`.
    #[arg(value_name = "PATH", value_parser = NonEmptyStringValueParser::new())]
    pub paths: Vec<String>,
    /// Only this runnable dir (repeatable).
    #[arg(long = "dir", value_name = "DIR", add = crate::commands::complete::dirs())]
    pub dirs: Vec<String>,
    /// Only tests that match this expression, as pytest's `-k`.
    #[arg(short = 'k', value_name = "EXPR")]
    pub keyword: Option<String>,
    /// Only tests with these markers, as pytest's `-m`.
    #[arg(short = 'm', value_name = "MARKERS")]
    pub markers: Option<String>,
    /// Which tests, by suite and list.
    #[command(flatten)]
    pub choice: Choice,
    /// Containers at once; by default one a core, as far as memory allows.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub jobs: Option<u32>,
    /// Stop everything at the first failure.
    #[arg(long, alias = "exitfirst", short = 'x')]
    pub fail_fast: bool,
    /// Only the tests that were bad in the last run, and the dirs that could not run.
    #[arg(long, alias = "lf")]
    pub last_failed: bool,
    /// Limit of one test, such as `30s` or `2m`; `none` for none.
    #[arg(long, value_name = "TIME")]
    pub timeout: Option<String>,
    /// Start this service of `[services]` beside the tests, for each dir that has it (repeatable).
    #[arg(long, value_name = "SERVICE")]
    pub with: Vec<String>,
    /// Try failed tests again in a fresh container, up to this often.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10))]
    pub retries: Option<u32>,
    /// Which image: auto (the team's where its inputs match the checkout, else a local one), local, dev, or prod, which tests the code
    /// in it.
    #[arg(long, value_name = "STAGE", default_value = "auto")]
    pub stage: String,
    /// Use the image of this version.
    #[arg(long, value_name = "X.Y.Z")]
    pub version: Option<String>,
    /// Use images for this platform, such as linux/arm64, where not the engine's own: by emulation.
    #[arg(long, value_name = "PLATFORM")]
    pub platform: Option<Platform>,
    /// Do not run (exit 5) the tests of dirs whose image is not what the checkout asks for, instead of a warning; exit 5 too where
    /// an entry of a test list matches nothing or a suite takes longer than its budget.
    #[arg(long)]
    pub strict: bool,
    /// Where the report goes, instead of `.wharf/runs/<n>`.
    #[arg(long, value_name = "DIR")]
    pub report_dir: Option<PathBuf>,
    /// Only what changes reach.
    #[command(flatten)]
    pub affected: affected::Affected,
    /// Coverage, and repeating failures.
    #[command(flatten)]
    pub reports: Reports,
    /// Then wait for saved files and run what each change reaches, until `q` or ctrl-C; return runs all.
    #[arg(long, conflicts_with_all = ["plan", "json", "last_failed", "report_dir", "affected", "affected_or_all"])]
    pub watch: bool,
    /// Say what would run where, without an engine.
    #[arg(long, alias = "dry-run")]
    pub plan: bool,
    /// The plan, or the report, as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// Known verdicts.
    #[command(flatten)]
    pub cache: cache::Cache,
    /// Earlier runs, shares and parts.
    #[command(flatten)]
    pub history: History,
    /// Arguments for pytest.
    #[arg(last = true, value_name = "PYTEST ARGS")]
    pub pytest: Vec<String>,
}

impl Test {
    /// Runs the command.
    ///
    /// # Errors
    /// When nothing could be run at all; failing tests are an exit code, not an error.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let question = Question { paths: &self.paths, json: self.json };
        if let Some(code) = self.history.answer(context, &question)? {
            return Ok(code);
        }
        let wish = self.wish()?;
        if self.watch {
            return self.run_watch(context);
        }
        let workspace = context.workspace()?;
        context.say_problems(&workspace);
        if self.reports.repro.is_some() {
            return self.reports.print_repro(context, &workspace, self.report_dir.as_deref());
        }
        if self.reports.forms().is_some() && self.history.split.is_some() {
            return Err(Failure::usage("`--coverage` cannot be measured with `--split`")
                .hint("leave out `--split`; several dirs are measured at once anyhow"));
        }
        let cache = self.cache.of(context, self, wish.stage, &workspace)?;
        let selection = self.selection(&workspace)?;
        self.choice.check(&workspace)?;
        let mut plan = test_suite::plan(&workspace, &selection)?;
        let affected = self.affected.narrow(context, &workspace, &mut plan)?;
        let jobs = self.jobs.and_then(|jobs| usize::try_from(jobs).ok());
        let plan = self.history.spread(context, &workspace, plan, jobs)?;
        if self.plan {
            return self.print_plan(context, &plan, affected.as_ref());
        }
        self.choice.warn(context, &plan, self.strict)?;
        if plan.dirs.is_empty() && self.choice.explain.is_none() {
            context.talk.note(self.choice.nothing(&selection));
            return self.choice.print_nothing(self.json);
        }
        let place = context.place(&workspace)?;
        check_platform(&place, &wish)?;
        let options = self.options(&workspace, &selection, &plan, (wish, cache))?;
        let signals = wharf_process::signals::listen()?;
        if self.choice.only_looks() {
            let given = Given { workspace, place, selection, plan, options, signals, json: self.json, affected };
            return self.choice.look(context, given);
        }
        let mut listeners = self.listeners(context, &workspace);
        let around = Around { clock: &context.clock, listener: &mut listeners, signals };
        let workspace = Arc::new(workspace);
        let report =
            test_suite::run(&workspace, &Arc::new(place), plan, options, around).map_err(|error| match error {
                TestError::Service(error) => named(*error, &self.with),
                error => error.into(),
            })?;
        self.print_summary(context, &workspace, &report)?;
        if self.json {
            print_json(&report)?;
        }
        if report.interrupted {
            // Whatever could not be ended in time must not outlive the command.
            wharf_process::kill_all();
        }
        Ok(report.exit_code)
    }

    /// What a run of `plan` is told.
    fn options(
        &self,
        workspace: &Workspace,
        selection: &Selection,
        plan: &TestPlan,
        (wish, cache): (Wish, Option<Caching>),
    ) -> Result<Options, Failure> {
        Ok(Options {
            jobs: self.jobs.and_then(|jobs| usize::try_from(jobs).ok()),
            fail_fast: self.fail_fast,
            retries: self.retries,
            timeout: self.timeout()?,
            wish,
            whole: selection.is_whole()
                && !self.history.is_partial()
                && plan.has_all_markers()
                && plan.dirs.iter().all(|dir| dir.leave_out.is_empty()),
            strict: self.strict,
            require: self.choice.require.clone(),
            purpose: Purpose::Run,
            env: Vec::new(),
            with: self.with.clone(),
            coverage: self.reports.forms(),
            report_dir: self.report_dir.as_ref().map(|dir| workspace.surroundings.here.join(dir)),
            cache,
            warm: None,
            command: command_line(),
            wharf: env!("CARGO_PKG_VERSION").into(),
        })
    }

    fn wish(&self) -> Result<Wish, Failure> {
        Ok(Wish { stage: stage(&self.stage)?, version: self.version()?, platform: self.platform })
    }

    fn version(&self) -> Result<Option<Version>, Failure> {
        let parse = |text: &String| {
            Version::parse(text).map_err(|error| {
                Failure::usage(format!("`{text}` is no version: {error}"))
                    .hint("write it as X.Y.Z, such as `--version 1.4.0`")
            })
        };
        self.version.as_ref().map(parse).transpose()
    }

    fn timeout(&self) -> Result<Option<Option<std::time::Duration>>, Failure> {
        match self.timeout.as_deref() {
            None => Ok(None),
            Some("none") => Ok(Some(None)),
            Some(text) => parse_duration(text).map(|limit| Some(Some(limit))).ok_or_else(|| {
                Failure::usage(format!("`--timeout {text}` is no time")).hint("write it as `30s`, `2m` or `1h30m`")
            }),
        }
    }

    fn selection(&self, workspace: &Workspace) -> Result<Selection, Failure> {
        let mut selection = Selection {
            paths: self.paths.clone(),
            dirs: self.dirs.clone(),
            keyword: self.keyword.clone(),
            markers: self.markers.clone(),
            suites: self.choice.suites.clone(),
            lists: self.choice.lists.clone(),
            fail_fast: self.fail_fast,
            pytest: self.pytest.clone(),
            only: None,
        };
        if self.last_failed {
            let last = LastFailed::read(&StateDir::peek(workspace))?;
            selection.only = Some(last);
        }
        Ok(selection)
    }

    fn listeners(&self, context: &Context, workspace: &Workspace) -> Listeners {
        let talk = &context.talk;
        let slow = workspace.config.test.slow;
        let mut listeners = Listeners::default();
        if talk.is_quiet() {
            // The summary says it all.
        } else if talk.live {
            listeners.0.push(Box::new(Live::new(Term::stderr(), talk.style, slow)));
        } else {
            listeners.0.push(Box::new(Plain::new(std::io::stderr(), talk.style)));
        }
        listeners
    }

    /// The summary: with `--json` standard output is data alone.
    fn print_summary(&self, context: &Context, workspace: &Workspace, report: &Report) -> Result<(), Failure> {
        let talk = &context.talk;
        let on_terminal = std::io::stdout().is_terminal();
        let folder = self.folder(workspace, report);
        let options = SummaryOptions {
            style: if self.json { talk.style } else { talk.out_style },
            columns: (on_terminal && !self.json).then(|| usize::from(Term::stdout().size().1)),
            slow: workspace.config.test.slow,
            has_page: folder.join(HTML_FILE).is_file(),
            place: folder.strip_prefix(&workspace.surroundings.here).unwrap_or(&folder).display().to_string(),
        };
        if self.json {
            write_summary(report, &mut std::io::stderr().lock(), &options)?;
            self.reports.print_coverage(report, &mut std::io::stderr().lock(), &options.place, options.style)?;
        } else {
            write_summary(report, &mut std::io::stdout().lock(), &options)?;
            self.reports.print_coverage(report, &mut std::io::stdout().lock(), &options.place, options.style)?;
        }
        if context.surroundings.variable("GITHUB_ACTIONS") == Some("true") {
            // GitHub reads both streams.
            if self.json {
                github::annotate(report, &mut std::io::stderr().lock())?;
            } else {
                github::annotate(report, &mut std::io::stdout().lock())?;
            }
        }
        Ok(())
    }

    /// The report's folder.
    fn folder(&self, workspace: &Workspace, report: &Report) -> PathBuf {
        match &self.report_dir {
            Some(dir) => workspace.surroundings.here.join(dir),
            None => StateDir::peek(workspace).path().join("runs").join(report.run.to_string()),
        }
    }

    fn print_plan(&self, context: &Context, plan: &TestPlan, affected: Option<&Affected>) -> Result<u8, Failure> {
        let mut out = std::io::stdout().lock();
        if self.json {
            let text = serde_json::to_string_pretty(&Planned { plan, affected }).map_err(std::io::Error::from)?;
            writeln!(out, "{text}")?;
            return Ok(0);
        }
        let mut table = Table::new(&["dir", "image", "files", "pytest"]);
        for dir in &plan.dirs {
            let nothing = || dir.nothing.clone().unwrap_or_else(|| "nothing to run".into());
            let arguments = if dir.runs { dir.arguments.join(" ") } else { nothing() };
            let files =
                match affected.filter(|affected| affected.everything.is_none()).and_then(|all| all.dir(&dir.path)) {
                    Some(found) => format!("{} of {}", found.affected.len(), found.files),
                    None => dir.test_files.to_string(),
                };
            table.row([
                dir.shown().into(),
                dir.image.as_str().into(),
                files.as_str().into(),
                arguments.as_str().into(),
            ]);
        }
        write!(out, "{}", table.render(None, context.talk.out_style))?;
        Ok(0)
    }
}

/// The plan as JSON.
#[derive(Debug, serde::Serialize)]
struct Planned<'a> {
    #[serde(flatten)]
    plan: &'a TestPlan,
    #[serde(skip_serializing_if = "Option::is_none")]
    affected: Option<&'a Affected>,
}

fn stage(text: &str) -> Result<StageWish, Failure> {
    match text {
        "auto" => Ok(StageWish::Auto),
        other => other.parse::<Stage>().map(StageWish::Only).map_err(Failure::usage),
    }
}

fn print_json(report: &Report) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(report).map_err(std::io::Error::from)?;
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// The command line as one could paste it.
pub(super) fn command_line() -> String {
    let mut arguments = std::env::args();
    let _ = arguments.next();
    let command = wharf_process::Command::new("wharf").args(arguments);
    command.to_string()
}

impl From<TestError> for Failure {
    fn from(error: TestError) -> Self {
        let hint = error.hint();
        let failure = match error {
            TestError::Workspace(error) => return error.into(),
            TestError::Config(error) => return error.into(),
            TestError::Image(error) => return error.into(),
            TestError::Io(error) => return error.into(),
            TestError::Service(error) => return (*error).into(),
            error @ (TestError::NoHolder { .. }
            | TestError::NoCapability { .. }
            | TestError::NoSuite { from: None, .. }) => Self::usage(error.to_string()),
            error @ TestError::NoSuite { .. } => Self::configuration(error.to_string()),
            error @ TestError::Unmatched { .. } => Self::refused(error.to_string()),
            TestError::List(error) if error.is_configuration() => Self::configuration(error.to_string()),
            TestError::List(error) => Self::usage(error.to_string()),
            error @ TestError::NoLastRun => Self::environment(error.to_string()),
            error @ TestError::LastRun(_) => Self::environment(error.to_string()),
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
