//! `cargo xtask engine`: real container engines for the tests.
//!
//! Owns installing what is missing (Debian and Ubuntu, as root), starting `dockerd` where no Docker Engine answers, and the
//! settings that let Podman run on any machine, and emulation of one more architecture. Refuses to stop or change an engine that it did not start.

mod docker;
mod emulation;
mod packages;
mod podman;

use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::test_environment;

/// Makes docker, podman and emulation ready; does nothing where they are.
pub fn start(place: &Place) -> Outcome {
    packages::ensure()?;
    let docker = docker::ensure_running(place)?;
    eprintln!("docker: {docker}");
    let podman = podman::ensure_working(place)?;
    eprintln!("podman: {podman}");
    let emulated = ensure_emulation()?;
    eprintln!("emulation: {emulated}");
    Ok(())
}

/// Stops what `start` started, and nothing else.
pub fn stop(place: &Place) -> Outcome {
    eprintln!("docker: {}", docker::stop_started(place)?);
    Ok(())
}

/// Prints how each engine stands; fails where one is not ready.
pub fn status(place: &Place) -> Outcome {
    let missing = packages::missing();
    if !missing.is_empty() {
        println!("packages: missing {}", missing.join(" "));
    }
    let docker = docker::state();
    let podman = podman::state(place)?;
    println!("docker: {}{}", docker.as_deref().unwrap_or("not ready"), docker::who_started(place));
    println!("podman: {}", podman.as_deref().unwrap_or("not ready"));
    let emulated = emulation::state();
    println!("emulation: {}", emulated.unwrap_or("not ready"));
    if docker.is_none() || podman.is_none() || emulated.is_none() {
        return Err(Failure::not_ready("not every engine is ready").hint("make them ready with `cargo xtask engine`"));
    }
    Ok(())
}

/// Prints the variables that the tests need, for `eval "$(cargo xtask engine env)"`.
pub fn print_env(place: &Place) -> Outcome {
    for (name, value) in test_environment::variables(place)? {
        println!("export {name}='{}'", value.to_string_lossy().replace('\'', r"'\''"));
    }
    Ok(())
}

/// Makes sure that programs of another architecture run; gives its platform.
pub fn ensure_emulation() -> Outcome<&'static str> {
    emulation::ensure()
}

/// Podman's settings for the tests, written where they are missing.
pub fn containers_conf(place: &Place) -> Outcome<PathBuf> {
    podman::write_settings(place)
}
