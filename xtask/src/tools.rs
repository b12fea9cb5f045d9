//! Tools that the tests want and that no Debian package has.

use std::path::PathBuf;

use crate::failure::Outcome;
use crate::place::Place;
use crate::program::Program;

/// The version of uv that the tests are run with.
const UV: &str = "uv==0.13.9";

/// The folder that holds `uv` once `ensure_uv` has run.
pub fn uv_dir(place: &Place) -> PathBuf {
    place.target.join("tools/uv/bin")
}

/// Puts uv into a venv under `target/tools`, unless it is there.
pub fn ensure_uv(place: &Place) -> Outcome {
    let uv = uv_dir(place).join("uv");
    if Program::new(&uv).arg("--version").succeeds() {
        return Ok(());
    }
    let venv = place.target_dir("tools")?.join("uv");
    Program::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&venv)
        .run()?;
    Program::new(venv.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", UV])
        .run_on_stderr()
}
