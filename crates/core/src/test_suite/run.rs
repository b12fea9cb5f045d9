//! Takes a plan to its report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::affected::moment;
use super::cache::{Cache, Caching};
use super::collect::Purpose;
use super::coverage::{self, Forms};
use super::dispatch::{Dispatcher, Joints, Signal};
use super::event::{TestEvent, TestListener};
use super::finish::{finished, judge, measured, put_together, remember, settle};
use super::history::CodeState;
use super::last::LastFailed;
use super::plan::{DirPlan, TestError, TestPlan};
use super::record;
use super::report::elsewhere::{clear_elsewhere, write_elsewhere};
use super::report::model::{DirReport, DirStatus, Report, SCHEMA, Summary};
use super::report::{clear, write_all};
use super::runs;
use super::services;
use super::session::Session;
use super::warm::Warm;
use crate::container::beside::tools;
use crate::container::{Owner, running, site};
use crate::event::{Clock, Event, Listener};
use crate::image::choice::{StageWish, Wish};
use crate::image::ensure::{Demand, ensure};
use crate::image::place::Place;
use crate::image::{ImageError, Ready, Stage};
use crate::runnable_dir::RunnableDir;
use crate::service::ServicePlan;
use crate::workspace::{StateDir, Workspace};

/// What a run is told besides its plan.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many containers run at once; `None`: by cores and memory.
    pub jobs: Option<usize>,
    /// Whether the first failure ends the run.
    pub fail_fast: bool,
    /// How often a failed test is tried again; `None`: as each dir says.
    pub retries: Option<u32>,
    /// Limit of one test: `Some(None)` for none; `None`: as each dir says.
    pub timeout: Option<Option<Duration>>,
    /// Which images.
    pub wish: Wish,
    /// Whether each dir's whole suite runs, so that what comes of it says something of its image.
    pub whole: bool,
    /// Whether a stale image keeps its dirs from being run, and what is a warning else makes the run fail (exit code 5): an entry
    /// of a test list that matches nothing, a suite that takes longer than its budget.
    pub strict: bool,
    /// What tests need that must be here: markers or capabilities of `[test.requires]`, or `all`. Where it is lacking, the tests
    /// that need it fail instead of being skipped.
    pub require: Vec<String>,
    /// What the containers are started for.
    pub purpose: Purpose,
    /// Further variables for the tests: `NAME=value`, or `NAME` to pass the caller's on.
    pub env: Vec<String>,
    /// Whether coverage is measured, and in which forms it is written.
    pub coverage: Option<Forms>,
    /// Where the report goes; `None`: `.wharf/runs/<n>`.
    pub report_dir: Option<PathBuf>,
    /// Known verdicts; `None`: all is run and nothing kept.
    pub cache: Option<Caching>,
    /// Services beside those that the configuration asks for.
    pub with: Vec<String>,
    /// Containers that wait for further rounds, in a watch; `None`: each run starts its own.
    pub warm: Option<Arc<Warm>>,
    /// The command line, for the report.
    pub command: String,
    /// Version of Wharf, for the report.
    pub wharf: String,
}

/// What stays the same during a run.
pub(super) struct Shared {
    pub workspace: Arc<Workspace>,
    pub place: Arc<Place>,
    pub plan: TestPlan,
    pub options: Options,
    pub state: StateDir,
    pub owner: Owner,
    pub plugin: PathBuf,
    pub folder: PathBuf,
    pub run: u32,
    pub jobs: usize,
    pub seed: String,
    /// Which services each dir needs, in the plan's order.
    pub services: Vec<ServicePlan>,
    /// Test tools for prod images, by the address of the dir that owns the image.
    pub beside: Beside,
}

type Beside = Arc<Mutex<BTreeMap<String, PathBuf>>>;

impl Shared {
    /// A folder of its own for each dir's pytest cache, so that dirs that share a root do not write into one.
    pub fn pytest_cache(&self, dir: &RunnableDir, plan: &DirPlan) -> Option<String> {
        if self.state.stands_in() {
            return None;
        }
        let part = plan.shard.as_ref().and_then(|shard| shard.part).filter(|part| part.number > 1);
        let name = part.map_or_else(|| dir.slug(), |part| format!("{}.{}", dir.slug(), part.number));
        let path = self.state.path().join("pytest").join(name);
        Some(match &*self.place {
            Place::Containers(_) => self.workspace.in_container(&path),
            Place::Host(_) => path.display().to_string(),
        })
    }

    /// Test tools for the prod image of `owner`, where tests run in that.
    pub fn beside(&self, owner: &RunnableDir) -> Option<PathBuf> {
        self.beside.lock().ok()?.get(owner.address.as_str()).cloned()
    }

    /// Containers that wait: they see lists of tests in the state folder, which must lie in the work tree.
    pub fn warm(&self) -> Option<&Warm> {
        self.options.warm.as_deref().filter(|_| !self.state.stands_in())
    }

    /// What tells this container's events from anything that a test prints.
    pub fn nonce(&self, index: usize, number: usize) -> String {
        blake3::hash(format!("{}/{index}/{number}", self.seed).as_bytes()).to_hex()[..20].to_owned()
    }
}

/// Runs a plan. `signals` brings the numbers of signals that ask the run to end.
///
/// # Errors
/// When the run cannot even begin: no folder for its report can be made.
pub fn run(
    workspace: &Arc<Workspace>,
    place: &Arc<Place>,
    plan: TestPlan,
    options: Options,
    surroundings: Around<'_>,
) -> Result<Report, TestError> {
    let Around { clock, listener, signals } = surroundings;
    let shared = share(workspace, place, plan, options, clock)?;
    let started = clock.timestamp();
    let began = moment(&shared.state).ok();
    let code = CodeState::start(&shared.workspace);
    let mut done = perform(&shared, Around { clock, listener: &mut *listener, signals });
    let learned = done.sessions.iter_mut().flat_map(Session::take_learned).collect();
    done.problems.extend(finished(&shared, &learned, began));
    let cache = done.cache.take();
    let wrong = cache.map_or(Vec::new(), |cache| settle(cache, &shared, &done.sessions, &learned, listener));
    let is_wrong = !wrong.is_empty();
    done.problems.extend(wrong);
    let judged = if done.interrupted { Vec::new() } else { judge(&shared, &done.sessions) };
    let refused = done.refused || (shared.options.strict && !judged.is_empty());
    done.problems.extend(judged);
    let measured = shared.options.coverage.map(|forms| measured(&shared, forms, &started, &mut done.sessions));
    let (dirs, images) = put_together(&shared, done.sessions, &done.images, &mut done.problems);
    let code = code.wait();
    done.problems.extend(record::note(&shared, &started, dirs.iter(), &images, &code.repos));
    let mut report = Report {
        schema: SCHEMA,
        wharf: shared.options.wharf.clone(),
        run: shared.run,
        workspace: workspace.name.clone(),
        command: shared.options.command.clone(),
        started,
        duration: clock.elapsed().as_secs_f64(),
        engine: place.kind().word().into(),
        exit_code: 0,
        interrupted: done.interrupted,
        summary: Summary::default(),
        coverage: measured.as_ref().and_then(|measured| measured.total),
        problems: done.problems,
        dirs,
    };
    for dir in &report.dirs {
        report.summary.merge(&dir.summary);
    }
    let (lacking, below) = measured.map_or((false, false), |measured| {
        report.problems.extend(measured.problems);
        (measured.lacking && shared.options.strict, measured.below)
    });
    report.exit_code = match exit_code(&report) {
        130 => 130,
        _ if refused => 5,
        0 if is_wrong || below => 1,
        0 if lacking => 4,
        code => code,
    };
    remember(&shared, &mut report, &code, &images);
    write(&shared, &mut report);
    let event = TestEvent::RunFinished(Box::new(report));
    listener.on(&event);
    match event {
        TestEvent::RunFinished(report) => Ok(*report),
        _ => unreachable!("the event was made two lines above"),
    }
}

/// What came of the containers.
pub(super) struct Performed {
    pub sessions: Vec<Session>,
    pub problems: Vec<String>,
    pub interrupted: bool,
    /// Whether a dir was not run because its image is stale.
    pub refused: bool,
    images: BTreeMap<usize, String>,
    /// What keeps verdicts, where any are kept.
    cache: Option<Cache>,
}

/// Makes ready what stays the same. Only a run takes a number and a folder of its own.
pub(super) fn share(
    workspace: &Arc<Workspace>,
    place: &Arc<Place>,
    plan: TestPlan,
    options: Options,
    clock: &dyn Clock,
) -> Result<Shared, TestError> {
    let services = match options.purpose {
        Purpose::Run => services::plans(workspace, &plan, &options.with)?,
        Purpose::Collect | Purpose::Explain(_) => vec![ServicePlan::default(); plan.dirs.len()],
    };
    let state = StateDir::open(workspace)?;
    let taken = match options.purpose {
        Purpose::Run => runs::take(&state)?,
        Purpose::Collect | Purpose::Explain(_) => runs::aside(&state)?,
    };
    let folder = options.report_dir.clone().unwrap_or_else(|| taken.path.clone());
    fs_err::create_dir_all(&folder)?;
    if options.purpose == Purpose::Run {
        clear(&folder).map_err(|failure| std::io::Error::other(failure.to_string()))?;
        coverage::write::clear(&folder)?;
        let dirs = plan.dirs.iter().map(|dir| dir.path.as_str());
        clear_elsewhere(workspace, dirs).map_err(|failure| std::io::Error::other(failure.to_string()))?;
    }
    let owner = Owner::current();
    let shared = Shared {
        services,
        jobs: options.jobs.or(workspace.config.test.jobs.map(std::num::NonZero::get)).unwrap_or_else(default_jobs),
        seed: format!("{owner}/{}/{:?}/{}", clock.timestamp(), clock.elapsed(), folder.display()),
        plugin: site::plugin(&workspace.surroundings.cache)?,
        workspace: Arc::clone(workspace),
        place: Arc::clone(place),
        plan,
        options,
        state,
        owner,
        folder,
        run: taken.number,
        beside: Beside::default(),
    };
    clear_logs(&shared)?;
    Ok(shared)
}

/// Starts the containers and waits for their end.
pub(super) fn perform(shared: &Shared, surroundings: Around<'_>) -> Performed {
    let Around { clock, listener, signals } = surroundings;
    let dirs = shared.plan.dirs.iter().map(DirPlan::shown).collect();
    listener.on(&TestEvent::RunStarted { run: shared.run, dirs, jobs: shared.jobs });
    if shared.state.stands_in() {
        let text = format!("the work tree is read-only, so reports go to `{}`", shared.folder.display());
        listener.on(&TestEvent::Progress(Event::Note(text)));
    }
    let (sender, receiver) = sync_channel(1024);
    let stop_images = Arc::new(AtomicBool::new(false));
    forward_signals(signals, sender.clone());
    get_images(shared, &stop_images, sender.clone());
    remove_orphans(shared, sender.clone());
    let caching = shared.options.cache.clone().filter(|_| shared.options.purpose == Purpose::Run);
    let cache = caching.map(|caching| Cache::start(caching, &shared.workspace.root, shared.state.path()));
    let joints = Joints { clock, listener: &mut *listener, sender, stop_images: &stop_images, cache };
    let mut dispatcher = Dispatcher::new(shared, sessions(shared), joints);
    dispatcher.run(&receiver);
    Performed {
        interrupted: dispatcher.interrupted(),
        refused: dispatcher.refused,
        problems: std::mem::take(&mut dispatcher.problems),
        images: dispatcher.images(),
        cache: dispatcher.cache.take(),
        sessions: std::mem::take(&mut dispatcher.sessions),
    }
}

/// What a run is lent.
pub struct Around<'a> {
    /// The clock, started with the command.
    pub clock: &'a dyn Clock,
    /// Hears all that happens.
    pub listener: &'a mut dyn TestListener,
    /// Brings signals.
    pub signals: Receiver<i32>,
}

/// 130 when interrupted, 1 when a test was bad or a process died, 4 when something could not start, else 0.
#[must_use]
pub fn exit_code(report: &Report) -> u8 {
    let any = |status: DirStatus| report.dirs.iter().any(|dir| dir.status == status);
    if report.interrupted {
        130
    } else if report.summary.bad() > 0 || any(DirStatus::Failed) || any(DirStatus::Crashed) {
        1
    } else if any(DirStatus::NotRun) || any(DirStatus::Interrupted) {
        4
    } else {
        0
    }
}

fn write(shared: &Shared, report: &mut Report) {
    if let Err(error) = write_all(report, &shared.folder) {
        let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        report.problems.push(format!("{error}{hint}"));
        if report.exit_code == 0 {
            report.exit_code = 4;
        }
    }
    for failure in write_elsewhere(report, &shared.workspace) {
        report.problems.push(format!("{failure}: {}", failure.source));
    }
    // A run that was stopped by hand has not said what is bad: what the one before said stays.
    let left_out = |file: &str| shared.plan.dirs.iter().any(|dir| dir.leave_out.contains(file));
    if !report.interrupted
        && let Err(error) = LastFailed::of(report).keeping(&shared.state, left_out).write(&shared.state)
    {
        report.problems.push(format!("the record for `--last-failed` could not be written: {error}"));
    }
}

/// Logs are appended to, so that attempts stand in one file: those of an earlier run in the same folder go first.
fn clear_logs(shared: &Shared) -> std::io::Result<()> {
    for dir in &shared.workspace.dirs {
        remove_log(&shared.folder.join(format!("{}.log", dir.slug())))?;
        for plan in shared.plan.dirs.iter().filter(|plan| plan.path == dir.address.as_str()) {
            remove_log(&shared.folder.join(plan.log(&dir.slug())))?;
        }
    }
    Ok(())
}

fn remove_log(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn sessions(shared: &Shared) -> Vec<Session> {
    let dir_of = |plan: &DirPlan| shared.workspace.dirs.iter().find(|dir| dir.address.as_str() == plan.path);
    let sessions = shared.plan.dirs.iter().enumerate().map(|(index, plan)| {
        let dir = dir_of(plan);
        let mut session = Session::new(index, blank_report(plan, dir), shared.retries(plan, dir), plan.only.clone());
        session.found.collects = shared.options.purpose != Purpose::Run;
        session
    });
    sessions.collect()
}

fn blank_report(plan: &DirPlan, dir: Option<&RunnableDir>) -> DirReport {
    let repo = dir.map(|dir| dir.repo.clone()).unwrap_or_default();
    DirReport {
        path: plan.path.clone(),
        name: plan.image.clone(),
        repo: if repo.is_empty() { ".".into() } else { repo },
        image: None,
        status: DirStatus::NotRun,
        cause: None,
        hint: None,
        log: None,
        python: None,
        pytest: None,
        waited: 0.0,
        duration: 0.0,
        exit_code: None,
        summary: Summary::default(),
        coverage: None,
        image_ready: None,
        session_started: None,
        image_id: None,
        tests: Vec::new(),
    }
}

fn forward_signals(signals: Receiver<i32>, sender: SyncSender<Signal>) {
    thread::spawn(move || {
        for _ in signals {
            if sender.send(Signal::Stop).is_err() {
                return;
            }
        }
    });
}

struct Forward(SyncSender<Signal>);

impl Listener for Forward {
    fn on(&self, event: Event) {
        let _ = self.0.send(Signal::Progress(event));
    }
}

/// Not waited for when the run is stopped: a build cannot always be ended, the process that asked for it can.
fn get_images(shared: &Shared, stop: &Arc<AtomicBool>, sender: SyncSender<Signal>) {
    let mut wanted: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, dir) in shared.plan.dirs.iter().enumerate().filter(|(_, dir)| dir.runs) {
        wanted.entry(dir.image_of.clone()).or_default().push(index);
    }
    let weight =
        |owner: &str| wanted.get(owner).and_then(|dirs| dirs.iter().map(|dir| shared.plan.dirs[*dir].weight()).max());
    let weights: BTreeMap<String, u64> =
        wanted.keys().map(|owner| (owner.clone(), weight(owner).unwrap_or_default())).collect();
    let (workspace, place, stop) = (Arc::clone(&shared.workspace), Arc::clone(&shared.place), Arc::clone(stop));
    let wish = shared.options.wish.clone();
    let beside = Arc::clone(&shared.beside);
    thread::spawn(move || {
        let mut owners: Vec<&RunnableDir> =
            workspace.dirs.iter().filter(|dir| wanted.contains_key(dir.address.as_str())).collect();
        owners.sort_by_key(|dir| std::cmp::Reverse(weights.get(dir.address.as_str()).copied()));
        let demand = Demand { workspace: &workspace, place: &place, wish: &wish, stop: &stop };
        let listener = Forward(sender.clone());
        let tell = |dir: &RunnableDir, outcome: Result<Ready, ImageError>| {
            let dirs = wanted.get(dir.address.as_str()).cloned().unwrap_or_default();
            let _ = sender.send(Signal::Image { dirs, outcome: Box::new(outcome) });
        };
        let outcome = if wish.stage == StageWish::Only(Stage::Prod) {
            prod_images(&demand, &owners, &listener, &beside, &tell)
        } else {
            ensure(&demand, &owners, &listener, &tell)
        };
        let _ = sender.send(Signal::ImagesOver(outcome.err().map(Box::new)));
    });
}

/// Prod images, and the tools that their tests need beside them, from the dev image of each.
fn prod_images(
    demand: &Demand<'_>,
    owners: &[&RunnableDir],
    listener: &Forward,
    beside: &Beside,
    tell: &(dyn Fn(&RunnableDir, Result<Ready, ImageError>) + Sync),
) -> Result<(), ImageError> {
    let found: Mutex<BTreeMap<String, Ready>> = Mutex::default();
    ensure(demand, owners, listener, &|dir, outcome| match outcome {
        Ok(ready) => {
            if let Ok(mut found) = found.lock() {
                found.insert(dir.address.to_string(), ready);
            }
        }
        Err(error) => tell(dir, Err(error)),
    })?;
    let found = found.into_inner().unwrap_or_default();
    let owners: Vec<&RunnableDir> =
        owners.iter().filter(|dir| found.contains_key(dir.address.as_str())).copied().collect();
    let wish = Wish { platform: demand.wish.platform, ..Wish::default() };
    let dev = Demand { wish: &wish, ..*demand };
    ensure(&dev, &owners, listener, &|dir, outcome| {
        let Some(client) = demand.place.client() else { return };
        let tools = outcome.and_then(|ready| tools(demand.workspace, client, dir, &ready));
        let outcome = tools.map(|tools| {
            if let Ok(mut beside) = beside.lock() {
                beside.insert(dir.address.to_string(), tools);
            }
            found[dir.address.as_str()].clone()
        });
        tell(dir, outcome);
    })
}

fn remove_orphans(shared: &Shared, sender: SyncSender<Signal>) {
    let (workspace, place) = (Arc::clone(&shared.workspace), Arc::clone(&shared.place));
    thread::spawn(move || {
        // An engine that does not answer is reported by those who need it.
        let removed = running::remove_orphans(&workspace, &place).unwrap_or_default();
        let _ = sender.send(Signal::Orphans(removed.into_iter().map(|entry| entry.name).collect()));
    });
}

/// One container a core, as long as each has half a GiB.
#[must_use]
pub fn default_jobs() -> usize {
    let cores = thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let memory = available_memory(Path::new("/proc/meminfo"))
        .map_or(cores, |kib| usize::try_from(kib / (512 * 1024)).unwrap_or(cores));
    cores.min(memory).max(1)
}

/// KiB of memory that can be had without swapping (proc(5), `MemAvailable`).
fn available_memory(file: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
