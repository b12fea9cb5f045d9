//! `cargo xtask gen`: the generated part of the docs, written by the program itself.

use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::program::Program;

/// Where the reference is kept.
const REFERENCE: &str = "docs/reference";

/// Rewrites `docs/reference`, so that it holds what the program writes and nothing else.
pub fn write(place: &Place) -> Outcome {
    let fresh = generate(place)?;
    let kept = place.root.join(REFERENCE);
    if kept.exists() {
        fs_err::remove_dir_all(&kept)?;
    }
    if let Some(docs) = kept.parent() {
        fs_err::create_dir_all(docs)?;
    }
    Program::new("cp").arg("-R").arg(&fresh).arg(&kept).run()
}

/// Fails, showing the difference, where `docs/reference` is not what the program would write.
pub fn check(place: &Place) -> Outcome {
    let fresh = generate(place)?;
    let kept = place.root.join(REFERENCE);
    Program::new("git")
        .args(["--no-pager", "diff", "--no-ext-diff", "--no-index", "--stat", "--patch", "--"])
        .arg(&kept)
        .arg(&fresh)
        .run()
        .map_err(|_| {
            Failure::failed(format!("`{REFERENCE}` is out of date")).hint("rewrite it with `cargo xtask gen`")
        })?;
    eprintln!("`{REFERENCE}` is up to date");
    Ok(())
}

/// Has the program write its reference into an empty folder, and gives that back.
fn generate(place: &Place) -> Outcome<PathBuf> {
    let out = place.target.join("reference");
    if out.exists() {
        fs_err::remove_dir_all(&out)?;
    }
    fs_err::create_dir_all(&out)?;
    Program::new("cargo")
        .args(["run", "--quiet", "--package", "wharf-cli", "--features", "reference", "--bin", "wharf-reference", "--"])
        .arg(&out)
        .cwd(&place.root)
        .run()?;
    Ok(out)
}
