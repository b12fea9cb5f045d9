//! `wharf image release`.

use std::sync::Arc;

use wharf_core::image::registry::session;
use wharf_core::image::{Place, Stage};
use wharf_core::release::{self, Planned, ReleaseError, Request, Standing, Step, Suite, Told, Tools, Where};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::test_suite::collect::Purpose;
use wharf_core::test_suite::{self, Around, Options, Report, TestError};
use wharf_core::workspace::{StateDir, Workspace};
use wharf_engine::{Client, Side};

use super::super::data;
use super::super::interrupt::Interrupt;
use super::super::version::errors_of;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::summary::{SummaryOptions, write_summary};
use crate::render::{Listeners, Plain, Transfers};

/// Releases versions: checks, builds for all platforms, tests, sends to all registries, reads back, then moves the floating tags
/// and sets the Git tag `<name>-<version>`.
///
/// What is done is noted after each step: after any stop the same command goes on from there. A version that is there with
/// other content, here, in a registry or as a Git tag, is refused. Prints a line for each dir.
#[derive(Debug, clap::Args)]
pub(super) struct Release {
    /// Whose versions, one after the other.
    #[arg(value_name = "DIR", required = true, add = crate::commands::complete::dirs())]
    dirs: Vec<String>,
    /// The stage that is released: dev, the team's image, or prod, the self-contained one.
    #[arg(long, value_name = "STAGE", default_value = "dev")]
    stage: super::rollback::StageName,
    /// Where one cannot be released, goes on with the others.
    #[arg(long)]
    keep_going: bool,
    /// Prints the steps, which are done and why the others are not, with the commands that would do them; changes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Release {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = Arc::new(context.workspace()?);
        context.say_problems(&workspace);
        let mut dirs: Vec<&RunnableDir> = Vec::new();
        for text in &self.dirs {
            let dir = workspace.dir(text)?;
            if !dirs.iter().any(|known| known.address == dir.address) {
                dirs.push(dir);
            }
        }
        let place = Arc::new(context.place(&workspace)?);
        let scene = Scene {
            context,
            client: super::client(&place, "release images")?,
            state: if self.dry_run { StateDir::peek(&workspace) } else { StateDir::open(&workspace)? },
            interrupt: Interrupt::listen()?,
            stage: self.stage.stage(),
            workspace: &workspace,
            place: &place,
        };
        let mut failed: Vec<(String, Failure)> = Vec::new();
        let mut begun = 0;
        for dir in &dirs {
            begun += 1;
            let outcome = if self.dry_run { scene.show(dir) } else { scene.release(dir) };
            if let Err(failure) = outcome {
                let stopped = failure.code == 130;
                failed.push((dir.address.to_string(), failure));
                if stopped || !self.keep_going {
                    break;
                }
            }
        }
        if begun < dirs.len() {
            let rest: Vec<String> = dirs[begun..].iter().map(|dir| format!("`{}`", dir.address)).collect();
            context.talk.warning(&format!("not begun: {} (`--keep-going` begins them too)", rest.join(", ")));
        }
        let summary = format!("{} of {} dirs could not be released", failed.len(), dirs.len());
        super::verdict(failed, &summary)
    }
}

/// What is the same for all dirs.
struct Scene<'a> {
    context: &'a Context,
    workspace: &'a Arc<Workspace>,
    place: &'a Arc<Place>,
    client: &'a Client,
    state: StateDir,
    interrupt: Interrupt,
    stage: Stage,
}

impl Scene<'_> {
    fn request<'b>(&'b self, dir: &'b RunnableDir, findings: &'b [String]) -> Request<'b> {
        let Self { client, state, stage, .. } = self;
        Request { workspace: self.workspace, place: self.place, client, dir, stage: *stage, state, findings }
    }

    fn release(&self, dir: &RunnableDir) -> Result<(), Failure> {
        let findings = errors_of(self.workspace, dir)?;
        let request = self.request(dir, &findings);
        let talk = &self.context.talk;
        let transfers = Transfers::new(Side::Push, talk.style, talk.live, talk.is_quiet());
        let (retries, moves) = (transfers.clone(), transfers.clone());
        let session = session(self.workspace, self.client.kind(), &[dir], Box::new(move |retry| retries.retry(retry)))?;
        let name = format!("{} {}", dir.address, dir.version);
        let on_step = |step: Step, told: Told| match told {
            Told::Holds => talk.note(&format!("{name}: {} is done", step.word())),
            Told::Begins(why) => talk.note(&format!("{name}: {}: {} ({why})", step.word(), step.describe())),
            Told::Done(Some(said)) => talk.note(&format!("{name}: {}: {said}", step.word())),
            Told::Done(None) => {}
        };
        let tools = Tools {
            session: &session,
            stop: self.interrupt.stop(),
            clock: &self.context.clock,
            listener: talk,
            on_step: &on_step,
            on_move: &|item, reference, news| transfers.take(&item.dir, reference, news),
            on_sent: &|reference| moves.done(reference),
        };
        let mut tests = |suite: Suite| self.test(suite);
        let record = release::run(&request, &tools, &mut tests);
        self.interrupt.check()?;
        let record = record?;
        for (place, digest) in &record.digests {
            data::line(&format!("{}: {place}:{}@{digest} (released)", dir.address, request.tag()))?;
        }
        Ok(())
    }

    fn test(&self, suite: Suite) -> Result<Report, TestError> {
        let place = match suite.place {
            Where::Inside => Arc::clone(self.place),
            Where::Outside(place) => Arc::new(place),
        };
        let options = Options {
            jobs: None,
            fail_fast: false,
            retries: None,
            timeout: None,
            wish: suite.wish,
            whole: false,
            strict: false,
            require: Vec::new(),
            purpose: Purpose::Run,
            with: Vec::new(),
            env: suite.env,
            coverage: None,
            report_dir: None,
            // What is released was tested now.
            cache: None,
            warm: None,
            command: super::super::test::command_line(),
            wharf: env!("CARGO_PKG_VERSION").into(),
        };
        let talk = &self.context.talk;
        let mut listeners = Listeners::default();
        if !talk.is_quiet() {
            listeners.0.push(Box::new(Plain::new(std::io::stderr(), talk.style)));
        }
        let signals = wharf_process::signals::listen()?;
        let around = Around { clock: &self.context.clock, listener: &mut listeners, signals };
        let report = test_suite::run(self.workspace, &place, suite.plan, options, around)?;
        if report.exit_code != 0 {
            self.show_failures(&report)?;
        }
        Ok(report)
    }

    /// What `wharf test` would say of them.
    fn show_failures(&self, report: &Report) -> Result<(), TestError> {
        let options = SummaryOptions {
            style: self.context.talk.style,
            columns: None,
            slow: self.workspace.config.test.slow,
            has_page: true,
            place: format!(".wharf/runs/{}", report.run),
        };
        Ok(write_summary(report, &mut std::io::stderr().lock(), &options)?)
    }

    fn show(&self, dir: &RunnableDir) -> Result<(), Failure> {
        let findings = errors_of(self.workspace, dir)?;
        let session = session(self.workspace, self.client.kind(), &[dir], Box::new(|_| {}))?;
        let request = self.request(dir, &findings);
        for Planned { step, standing, commands } in release::plan(&request, &session)? {
            let how = match standing {
                Standing::Done => "is done".to_owned(),
                Standing::Open(why) => format!("{} ({why})", step.describe()),
            };
            data::line(&format!("# {} {}: {}: {how}", dir.address, dir.version, step.word()))?;
            commands.iter().try_for_each(|line| data::line(line))?;
        }
        Ok(())
    }
}

impl From<ReleaseError> for Failure {
    fn from(error: ReleaseError) -> Self {
        let hint = error.hint();
        let code = match &error {
            ReleaseError::Tests { code, .. } => *code,
            ReleaseError::NoRegistry { .. } => 3,
            ReleaseError::Interrupted => 130,
            ReleaseError::NotOwner { .. }
            | ReleaseError::NoCommit { .. }
            | ReleaseError::Dirty { .. }
            | ReleaseError::Version { .. }
            | ReleaseError::TagTaken { .. }
            | ReleaseError::Taken { .. }
            | ReleaseError::Busy { .. }
            | ReleaseError::NoVersion { .. } => 5,
            _ => 4,
        };
        match error {
            ReleaseError::Image(error) => error.into(),
            ReleaseError::Promote(error) => error.into(),
            ReleaseError::Suite(error) => error.into(),
            error => Self { code, message: Self::describe(&error), hint },
        }
    }
}
