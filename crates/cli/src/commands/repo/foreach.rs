//! `wharf repo foreach`.

use std::ffi::OsString;
use std::num::NonZeroUsize;

use wharf_core::repos::foreach::{AfterFailure, Call, End, Ran, command, foreach};

use super::super::data;
use super::Bench;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::Paint;

/// Runs a command in the super-repo and every sub-repo, several at once; each one's output comes in one piece.
///
/// The command finds `WHARF_REPO`, the repo's path in the workspace, and `WHARF_REPO_PATH`, its folder. The exit code is the
/// highest of all.
#[derive(Debug, clap::Args)]
pub(super) struct Foreach {
    /// Only in these, by path or name; repeatable.
    #[arg(short, long = "repo", value_name = "REPO", add = crate::commands::complete::repos())]
    repos: Vec<String>,
    /// How many repos at once.
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Goes on with other repos after a failure.
    #[arg(long)]
    keep_going: bool,
    /// Puts the repo's path before each line, in place of a heading.
    #[arg(long)]
    prefix: bool,
    /// Prints the commands, and runs none.
    #[arg(long)]
    dry_run: bool,
    /// The command.
    #[arg(last = true, required = true, value_name = "CMD")]
    words: Vec<OsString>,
}

impl Foreach {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let bench = Bench::new(context, self.jobs)?;
        let places = bench.select(&self.repos)?;
        if self.dry_run {
            for place in places.iter().filter(|place| bench.repos.members[**place].is_ready()) {
                data::line(&command(&bench.repos, *place, &self.words).to_string())?;
            }
            return Ok(0);
        }
        let after = if self.keep_going { AfterFailure::GoOn } else { AfterFailure::Stop };
        let mut unwritten = None;
        let ran = foreach(&bench.repos, &places, &Call { words: &self.words, after }, &bench.local_work(), |ran| {
            if let Err(failure) = self.print(context, ran) {
                unwritten.get_or_insert(failure);
            }
        });
        bench.interrupt.check()?;
        if let Some(failure) = unwritten {
            return Err(failure);
        }
        self.verdict(context, &ran)
    }

    fn print(&self, context: &Context, ran: &Ran) -> Result<(), Failure> {
        let End::Ended(_, bytes) = &ran.end else {
            if let End::Skipped(why) = &ran.end {
                context.talk.warning(&format!("{}: skipped: {why}", ran.path));
            }
            return Ok(());
        };
        let text = String::from_utf8_lossy(bytes);
        let ending = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let name = context.talk.out_style.paint(Paint::Bold, &ran.path);
        if self.prefix {
            return data::text(&text.lines().map(|line| format!("{name}: {line}\n")).collect::<String>());
        }
        data::text(&format!("== {name}\n{text}{ending}"))
    }

    fn verdict(&self, context: &Context, ran: &[Ran]) -> Result<u8, Failure> {
        let worst = ran.iter().map(|ran| ran.end.code()).max().unwrap_or(0);
        for ran in ran {
            if let End::NotStarted(error) = &ran.end {
                return Err(Failure { code: worst, ..Failure::failed(Failure::describe(error)) });
            }
        }
        if worst == 0 {
            return Ok(0);
        }
        let failed = ran.iter().filter(|ran| ran.end.code() != 0);
        let list: Vec<String> = failed.map(|ran| format!("`{}` ({})", ran.path, ran.end.code())).collect();
        let skipped = ran.iter().filter(|ran| matches!(ran.end, End::NotBegun)).count();
        if skipped > 0 {
            context.talk.note(&format!("not begun in {skipped} repos; `--keep-going` goes on after a failure"));
        }
        let message = format!("the command failed in {} of {} repos: {}", list.len(), ran.len(), list.join(", "));
        Err(Failure { code: worst, ..Failure::failed(message) })
    }
}
