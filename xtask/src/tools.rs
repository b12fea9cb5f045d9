//! Tools that the tests want and that no Debian package has.

use std::path::PathBuf;

use crate::failure::Outcome;
use crate::place::Place;
use crate::program::Program;

/// The version of uv that the tests are run with.
const UV: &str = "uv==0.13.9";

/// The folder of the tools alone: a venv's own folder would hide the caller's `python3`.
pub fn dir(place: &Place) -> PathBuf {
    place.target.join("tools/bin")
}

/// Puts uv into a venv under `target/tools`, unless it is there.
pub fn ensure_uv(place: &Place) -> Outcome {
    let link = dir(place).join("uv");
    if Program::new(&link).arg("--version").succeeds() {
        return Ok(());
    }
    let venv = place.target_dir("tools")?.join("uv");
    Program::new("python3").args(["-m", "venv", "--clear"]).arg(&venv).run()?;
    Program::new(venv.join("bin/python")).args(["-m", "pip", "install", "--quiet", UV]).run_on_stderr()?;
    place.target_dir("tools/bin")?;
    Program::new("ln").arg("-sfn").arg(venv.join("bin/uv")).arg(&link).run()
}
