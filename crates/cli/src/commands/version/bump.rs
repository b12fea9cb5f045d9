//! `wharf version bump`.

use wharf_core::event::Clock;
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::version::bump::{Bumped, News, plan};
use wharf_core::version::{BumpError, FILE, Part, apply};
use wharf_core::workspace::{Lock, LockError, Patience, StateDir, Workspace};

use super::super::data;
use super::diff::diff;
use crate::context::Context;
use crate::exit::Failure;

/// Adds an entry with the next version to a dir's `changelog.txt`, which is made where it is missing; older entries stay as
/// they are, byte for byte. Prints the new version.
#[derive(Debug, clap::Args)]
pub(super) struct Bump {
    /// Whose; without it, that of the runnable dir that holds the current folder.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: Option<String>,
    /// Raises the first number: what worked before may not work now.
    #[arg(long, group = "part")]
    major: bool,
    /// Raises the second number: something is new.
    #[arg(long, group = "part")]
    minor: bool,
    /// Raises the third number, as happens without any of these flags.
    #[arg(long, group = "part")]
    patch: bool,
    /// What changed; repeatable, an item each.
    #[arg(short, long = "message", value_name = "TEXT", required = true)]
    messages: Vec<String>,
    /// Prints the change as a patch, and writes nothing.
    #[arg(long)]
    dry_run: bool,
}

impl Bump {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let dir = match &self.dir {
            Some(text) => workspace.dir(text)?,
            None => workspace.here()?,
        };
        if self.dry_run {
            let (old, bumped) = self.plan(context, dir)?;
            let file = super::shown(dir).display().to_string();
            data::text(&diff(&file, old.as_deref(), &bumped.bytes))?;
            return Ok(0);
        }
        let lock = lock(context, &workspace)?;
        let (_, bumped) = self.plan(context, dir)?;
        let file = super::shown(dir);
        apply::write(&dir.path.join(FILE), &bumped.bytes)
            .map_err(|error| Failure::environment(format!("`{}` cannot be written: {error}", file.display())))?;
        drop(lock);
        data::line(&bumped.version.to_string())?;
        let Bumped { from, version, .. } = bumped;
        context.talk.note(&format!("{}: {from} -> {version}, in `{}`; commit it", dir.address, file.display()));
        Ok(0)
    }

    /// What there is, and what becomes of it.
    fn plan(&self, context: &Context, dir: &RunnableDir) -> Result<(Option<Vec<u8>>, Bumped), Failure> {
        let old = super::read(dir)?;
        let today = context.clock.timestamp();
        let news = News { name: &dir.name, date: today.get(..10).unwrap_or(&today), items: &self.messages };
        let bumped =
            plan(old.as_deref().unwrap_or_default(), self.part(), &news).map_err(|error| refusal(dir, &error))?;
        Ok((old, bumped))
    }

    fn part(&self) -> Part {
        match (self.major, self.minor) {
            (true, _) => Part::Major,
            (_, true) => Part::Minor,
            _ => Part::default(),
        }
    }
}

/// One writer at a time in a workspace.
fn lock(context: &Context, workspace: &Workspace) -> Result<Lock, Failure> {
    let file = StateDir::open(workspace)?.path().join("lock");
    let holder = format!("process {}, wharf version bump", std::process::id());
    let taken = match Lock::take(&file, &holder, Patience::GiveUp) {
        Err(LockError::Held { holder: other, .. }) => {
            context.talk.note(&format!("waiting for {other}"));
            Lock::take(&file, &holder, Patience::Wait)
        }
        taken => taken,
    };
    taken.map_err(|error| Failure::environment(Failure::describe(&error)))
}

fn refusal(dir: &RunnableDir, error: &BumpError) -> Failure {
    let message = format!("`{}`: {error}", super::shown(dir).display());
    let failure = match error {
        BumpError::Unclear(_) => Failure::configuration(message),
        BumpError::There { .. } | BumpError::TooHigh(_) => Failure::refused(message),
        BumpError::NoText => Failure::usage(error.to_string()),
    };
    failure.hint(error.hint())
}
