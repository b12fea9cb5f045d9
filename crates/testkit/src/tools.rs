//! Programs that judge what Wharf writes, from PyPI and npm: installed once, at the first test that asks for one.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::place::target_dir;

/// Knows the published schemas of GitHub's workflows and of GitLab's, and needs no network for them.
const CHECK_JSONSCHEMA: &str = "check-jsonschema==0.39.0";
/// The reference implementation of devcontainers.
const DEVCONTAINERS: &str = "@devcontainers/cli@0.89.0";

/// The program `check-jsonschema`.
#[track_caller]
pub fn check_jsonschema() -> PathBuf {
    let made = made("check-jsonschema", CHECK_JSONSCHEMA, |folder| {
        let python = folder.join("venv/bin/python");
        run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")));
        run(Command::new(python).args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            CHECK_JSONSCHEMA,
        ]));
    });
    made.join("venv/bin/check-jsonschema")
}

/// The program `devcontainer`.
#[track_caller]
pub fn devcontainers_cli() -> PathBuf {
    let made = made("devcontainers", DEVCONTAINERS, |folder| {
        run(Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(folder)
            .arg(DEVCONTAINERS));
    });
    made.join("node_modules/.bin/devcontainer")
}

/// The folder of a tool, made by whichever test comes first. It may name itself in its files, so it is made where it stays.
#[track_caller]
fn made(name: &str, wanted: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let parent = target_dir().join("test-cache/tools");
    fs_err::create_dir_all(&parent).unwrap_or_else(|error| panic!("{error}"));
    let lock = fs_err::File::create(parent.join(format!("{name}.lock"))).unwrap_or_else(|error| panic!("{error}"));
    lock.file().lock().unwrap_or_else(|error| panic!("`{name}` cannot be locked: {error}"));
    let (folder, stamp) = (parent.join(name), parent.join(format!("{name}.made")));
    let is_made = fs_err::read_to_string(&stamp).is_ok_and(|made| made == wanted);
    if !is_made {
        let _ = fs_err::remove_dir_all(&folder);
        fs_err::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
        make(&folder);
        fs_err::write(&stamp, wanted).unwrap_or_else(|error| panic!("{error}"));
    }
    folder
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output();
    match output {
        Ok(output) if output.status.success() => {}
        Ok(output) => panic!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("{command:?} cannot be started: {error}\n\nhint: `cargo xtask engine` installs it"),
    }
}
