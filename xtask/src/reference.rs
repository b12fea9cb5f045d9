//! `cargo xtask gen`: the generated part of the docs, written by the program itself.

use std::path::Path;

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::program::Program;

/// Where the reference is kept.
const REFERENCE: &str = "docs/reference";

/// Rewrites `docs/reference`.
pub fn write(place: &Place) -> Outcome {
    generate(place, &place.root.join(REFERENCE))
}

/// Fails, showing the difference, where `docs/reference` is not what the program would write.
pub fn check(place: &Place) -> Outcome {
    let fresh = place.target.join("reference-check");
    if fresh.exists() {
        fs_err::remove_dir_all(&fresh)?;
    }
    generate(place, &fresh)?;
    let kept = place.root.join(REFERENCE);
    Program::new("git").args(["diff", "--no-index", "--stat", "--patch", "--"]).arg(&kept).arg(&fresh).run().map_err(
        |_| Failure::failed(format!("`{REFERENCE}` is out of date")).hint("rewrite it with `cargo xtask gen`"),
    )?;
    eprintln!("`{REFERENCE}` is up to date");
    Ok(())
}

fn generate(place: &Place, out: &Path) -> Outcome {
    fs_err::create_dir_all(out)?;
    Program::new("cargo")
        .args(["run", "--quiet", "--package", "wharf-cli", "--features", "reference", "--bin", "wharf-reference", "--"])
        .arg(out)
        .cwd(&place.root)
        .run()
}
