//! `wharf ide python`.

use wharf_core::ide::call;
use wharf_core::image::Place;
use wharf_core::image::place::pick;

use super::super::run::{Options, start};
use crate::context::Context;
use crate::exit::Failure;

/// Runs the Python of a runnable dir's container for an editor: with the host's paths, and with what the editor hands over.
///
/// This is what `.vscode/wharf/bin/python` calls, which an editor takes for an interpreter.
#[derive(Debug, clap::Args)]
pub(super) struct Python {
    /// Whose.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dir: String,
    /// Arguments for Python.
    #[arg(value_name = "ARGS", last = true)]
    arguments: Vec<String>,
}

impl Python {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let dir = workspace.dir(&self.dir)?;
        let call = call(&workspace, dir, &self.arguments);
        let mut words = vec![dir.address.anywhere()];
        let mut add = |option: &str, value: &str| words.extend([option.to_owned(), value.to_owned()]);
        call.env.iter().for_each(|variable| add("--env", variable));
        // On the host all is seen as it is.
        if matches!(pick(&workspace)?.place, Place::Containers(_)) {
            call.volumes.iter().for_each(|volume| add("--volume", volume));
        }
        add("--workdir", &call.workdir.display().to_string());
        start(context, &Options::of(&words)?, "run", call.command)
    }
}
