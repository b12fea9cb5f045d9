//! `wharf env path`.

use wharf_core::thin_env;

use super::super::data;
use super::{DECLARE, Thin};
use crate::context::Context;
use crate::exit::Failure;

/// Prints the folder of the environment; exit code 4 where it is not made.
#[derive(Debug, clap::Args)]
pub(super) struct Path {}

impl Path {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let thin = Thin::read(context)?;
        let Some(needs) = &thin.needs else {
            let name = &thin.outline.name;
            return Err(Failure::environment(format!("`{name}` declares no thin environment")).hint(DECLARE));
        };
        let Some(env) = thin_env::find(&thin.tools, needs) else {
            let failure = Failure::environment("the thin environment is not made, or its needs have changed since");
            return Err(failure.hint("make it with `wharf env sync`"));
        };
        data::line(&env.path.display().to_string())?;
        Ok(0)
    }
}
