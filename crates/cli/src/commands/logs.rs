//! `wharf logs`.

use wharf_core::container::Scope;
use wharf_core::image::Place;

use super::interrupt::Interrupt;
use super::started;
use crate::context::Context;
use crate::exit::Failure;

/// Shows what a container that Wharf started has printed so far.
#[derive(Debug, clap::Args)]
pub struct Logs {
    /// Name from `wharf ps`, or a runnable dir that has one container.
    #[arg(value_name = "NAME|DIR")]
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
        let Place::Containers(client) = &place else {
            return Err(Failure::environment("engine `host` keeps no log of what it runs: it prints to your terminal")
                .hint("logs of tests are in `.wharf/runs/`"));
        };
        let entries = wharf_core::container::running::list(&workspace, &place, Scope::Workspace)?;
        let found = started::matching(&workspace, &entries, &self.what).unwrap_or_default();
        let entry = match found.as_slice() {
            [] => return Err(started::unknown(&self.what)),
            [entry] => entry,
            several => {
                let names: Vec<&str> = several.iter().map(|entry| entry.name.as_str()).collect();
                return Err(Failure::usage(format!("`{}` has {} containers", self.what, names.len()))
                    .hint(format!("name one of them: {}", names.join(", "))));
            }
        };
        let interrupt = Interrupt::listen()?;
        let command = client.logs_command(&entry.id, self.follow);
        let exit = command
            .foreground_with(|pid| interrupt.hand_over(pid, None))
            .map_err(|source| wharf_engine::EngineError::Process { kind: client.kind(), source })?;
        Ok(u8::try_from(exit.shell_code() & 0xff).unwrap_or(1))
    }
}
