//! `wharf env sync`.

use wharf_core::thin_env::{self, LineKind};

use super::super::data;
use super::super::interrupt::Interrupt;
use super::{DECLARE, Thin};
use crate::context::Context;
use crate::exit::Failure;

/// Makes the environment where it is missing, and prints its folder.
///
/// Workspaces with the same needs share one. It is made with uv where the host has it, else with venv and pip; once made,
/// nothing is fetched again.
#[derive(Debug, clap::Args)]
pub(super) struct Sync {
    /// Prints the commands that would make it, and makes nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl Sync {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let thin = Thin::read(context)?;
        let Some(needs) = &thin.needs else {
            context.talk.note(&format!("`{}` declares no thin environment; {DECLARE}", thin.outline.name));
            return Ok(0);
        };
        let env = match thin_env::find(&thin.tools, needs) {
            Some(env) if self.dry_run => {
                context.talk.note(&format!("nothing to do: it is in {}", env.path.display()));
                return Ok(0);
            }
            Some(env) => env,
            None if self.dry_run => {
                thin_env::plan(&thin.tools, needs)?.iter().try_for_each(|line| data::line(line))?;
                return Ok(0);
            }
            None => {
                let interrupt = Interrupt::listen()?;
                let count = needs.of(LineKind::Requirement).count();
                context.talk.note(&format!("making the thin environment, of {count} requirements"));
                let made = thin_env::sync(&thin.tools, needs, &context.talk);
                interrupt.check()?;
                let env = made?;
                context.talk.note(&format!("made, with Python {}", env.python_version));
                env
            }
        };
        data::line(&env.path.display().to_string())?;
        Ok(0)
    }
}
