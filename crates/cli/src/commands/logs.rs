//! `wharf logs`.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use wharf_core::container::{Entry, Log, Scope, running};
use wharf_core::image::Place;
use wharf_core::workspace::Workspace;

use super::interrupt::Interrupt;
use super::started;
use crate::context::Context;
use crate::exit::Failure;

/// Time between two looks at a log that grows.
const POLL: Duration = Duration::from_millis(100);

/// Shows what a container that Wharf started has printed so far.
///
/// That of tests is the log of their run, where all that they print goes.
#[derive(Debug, clap::Args)]
pub struct Logs {
    /// Name from `wharf ps`, a service, or a runnable dir that has one container.
    #[arg(value_name = "NAME|SERVICE|DIR")]
    what: String,
    /// Goes on until the container ends.
    #[arg(short, long)]
    follow: bool,
}

impl Logs {
    /// Runs the command.
    ///
    /// # Errors
    /// When nothing of that name runs, or the engine keeps no log.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let place = context.place(&workspace)?;
        let entries = running::list(&workspace, &place, Scope::Workspace)?;
        let found = started::matching(&workspace, &entries, &self.what).unwrap_or_default();
        let own: Vec<&Entry> = found.iter().filter(|entry| entry.service.is_none()).copied().collect();
        let found = if own.is_empty() { found } else { own };
        let entry = match found.as_slice() {
            [] => return Err(started::unknown(&self.what)),
            [entry] => *entry,
            several => {
                let names: Vec<&str> = several.iter().map(|entry| entry.name.as_str()).collect();
                return Err(Failure::usage(format!("`{}` has {} containers", self.what, names.len()))
                    .hint(format!("name one of them: {}", names.join(", "))));
            }
        };
        let interrupt = Interrupt::listen()?;
        if let Some(log) = &entry.log {
            let there = || is_there(&workspace, &place, entry);
            return self.show(log, &interrupt, &there);
        }
        let Place::Containers(client) = &place else {
            return Err(Failure::environment("engine `host` keeps no log of what it runs: it prints to your terminal")
                .hint("logs of tests are in `.wharf/runs/`"));
        };
        let command = client.logs_command(&entry.id, self.follow);
        let exit = command
            .foreground_with(|pid| interrupt.hand_over(pid, None))
            .map_err(|source| wharf_engine::EngineError::Process { kind: client.kind(), source })?;
        Ok(u8::try_from(exit.shell_code() & 0xff).unwrap_or(1))
    }

    /// Shows the log of a run; `there` says whether the container goes on, for a file system on which the log itself
    /// cannot tell.
    fn show(
        &self,
        path: &Path,
        interrupt: &Interrupt,
        there: &dyn Fn() -> Result<bool, Failure>,
    ) -> Result<u8, Failure> {
        let failed = |error: std::io::Error| {
            Failure::environment(format!("the log `{}` cannot be shown: {error}", path.display()))
                .hint("it is on the machine where `wharf test` runs, or the next run has replaced it")
        };
        let mut log = Log::read(path).map_err(failed)?;
        let mut out = std::io::stdout().lock();
        while !interrupt.stop().load(Ordering::Relaxed) {
            let written = log.is_written();
            match log.copy(&mut out) {
                Ok(0) if self.follow && (written || there()?) => {
                    std::thread::sleep(if written { POLL } else { POLL * 5 });
                }
                Ok(count) if self.follow && count > 0 => {}
                Ok(_) => return Ok(0),
                // Whoever reads it has seen enough.
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(0),
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(130)
    }
}

fn is_there(workspace: &Workspace, place: &Place, entry: &Entry) -> Result<bool, Failure> {
    let entries = running::list(workspace, place, Scope::Workspace)?;
    Ok(entries.iter().any(|other| other.id == entry.id && other.is_running()))
}
