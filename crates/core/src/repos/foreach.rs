//! `foreach`: one command in every repo, several at once, each one's output in one piece.

use std::ffi::OsString;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use wharf_process::{Command, Exit, ProcessError};

use super::{Repos, Work, absent, each};

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterFailure {
    /// Begin nothing more.
    Stop,
    /// Go on with the others.
    GoOn,
}

/// What to run.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The program and its arguments.
    pub words: &'a [OsString],
    /// What to do after a failure.
    pub after: AfterFailure,
}

/// What came of the command in one repo.
#[derive(Debug)]
pub struct Ran {
    /// The repo's path, `.` for the super-repo.
    pub path: String,
    /// What came of it.
    pub end: End,
}

/// What came of the command in one repo.
#[derive(Debug)]
pub enum End {
    /// It ended; what it wrote, its two outputs as they came.
    Ended(Exit, Vec<u8>),
    /// It could not be started.
    NotStarted(ProcessError),
    /// The repo cannot be worked in; why.
    Skipped(String),
    /// It was not begun after a failure elsewhere.
    NotBegun,
}

impl End {
    /// The exit code that a shell would show.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Self::Ended(exit, _) => u8::try_from(exit.shell_code()).unwrap_or(1),
            Self::NotStarted(error) if error.is_not_found() => 127,
            Self::NotStarted(_) => 126,
            Self::Skipped(_) | Self::NotBegun => 0,
        }
    }
}

/// The command for one repo, with the variables that tell where it is.
#[must_use]
pub fn command(repos: &Repos, place: usize, words: &[OsString]) -> Command {
    let member = &repos.members[place];
    let (program, rest) =
        words.split_first().map_or_else(|| ("true".into(), Vec::new()), |(first, rest)| (first.clone(), rest.to_vec()));
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"]
        .into_iter()
        .fold(Command::new(program).args(rest), Command::env_remove)
        .cwd(&member.repo.root)
        .env("WHARF_REPO", member.shown())
        .env("WHARF_REPO_PATH", &member.repo.root)
}

/// Runs the command in the members at `places`; `finished` gets each one as it ends, one at a time.
pub fn foreach(
    repos: &Repos,
    places: &[usize],
    call: &Call<'_>,
    work: &Work<'_>,
    finished: impl FnMut(&Ran) + Send,
) -> Vec<Ran> {
    let failed = AtomicBool::new(false);
    let finished = Mutex::new(finished);
    each(work.jobs, places, |place| {
        let member = &repos.members[*place];
        let is_over = work.is_stopped() || (call.after == AfterFailure::Stop && failed.load(Ordering::Relaxed));
        let end = match absent(member) {
            Some(why) => End::Skipped(why),
            None if is_over => End::NotBegun,
            None => run(&command(repos, *place, call.words)),
        };
        let ran = Ran { path: member.shown().to_owned(), end };
        if ran.end.code() != 0 {
            failed.store(true, Ordering::Relaxed);
        }
        if let Ok(mut finished) = finished.lock() {
            finished(&ran);
        }
        ran
    })
}

fn run(command: &Command) -> End {
    let output = std::sync::Arc::new(Mutex::new(Vec::new()));
    let sink = std::sync::Arc::clone(&output);
    let running = command.stream(move |chunk| {
        if let Ok(mut output) = sink.lock() {
            output.extend_from_slice(&chunk.bytes);
        }
    });
    let exit = match running.and_then(wharf_process::Running::wait) {
        Ok(exit) => exit,
        Err(error) => return End::NotStarted(error),
    };
    let output = output.lock().map(|mut output| std::mem::take(&mut *output)).unwrap_or_default();
    End::Ended(exit, output)
}
