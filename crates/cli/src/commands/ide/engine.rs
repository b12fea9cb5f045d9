//! `wharf ide engine`.

use std::path::PathBuf;
use std::thread;

use wharf_core::container::nested::Lent;

use crate::exit::Failure;

/// Serves the engine of the host to programs in a devcontainer, with paths translated and what they start labelled, until it is ended.
///
/// Devcontainers of dirs with `[run] docker = "sibling"` call this when they start.
#[derive(Debug, clap::Args)]
pub(super) struct Engine {
    /// The file in which `wharf ide image` has written what is served where.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Engine {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let file = self.file.display();
        let text = fs_err::read(&self.file)?;
        let lent: Lent = serde_json::from_slice(&text).map_err(|error| {
            Failure::environment(format!("`{file}` does not say what is served: {error}"))
                .hint("`wharf ide image` writes it, on the host")
        })?;
        // Of one that was killed.
        let _ = std::fs::remove_file(&lent.listens);
        let failed =
            |error| Failure::environment(format!("nothing can listen at `{}`: {error}", lent.listens.display()));
        let _proxy = lent.serve().map_err(failed)?;
        loop {
            thread::park();
        }
    }
}
