//! `cargo xtask ci`: every check, in one order, the same on a laptop and in CI.
//!
//! Preparing and cheap checks come first, and the first that fails ends the run; the tests then all run, whichever of them fails.

use std::ffi::OsString;
use std::time::Instant;

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::program::Program;
use crate::{base_image, engine, layers, reference, test_environment, tools};

/// Runs every check.
pub fn run(place: &Place) -> Outcome {
    for (name, step) in PREPARATION {
        timed(name, || step(place))?;
    }
    let variables = test_environment::variables(place)?;
    let mut failed = Vec::new();
    for (name, step) in TESTS {
        if let Err(failure) = timed(name, || step(place, &variables)) {
            eprintln!("error: {}", failure.message);
            failed.push(*name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!("failed: {}", failed.join(", "))))
}

type Step = fn(&Place) -> Outcome;
type TestStep = fn(&Place, &[(String, OsString)]) -> Outcome;

const PREPARATION: &[(&str, Step)] = &[
    ("engines", engine::start),
    ("base image", base_image::run),
    ("uv", tools::ensure_uv),
    ("format", |place| cargo(place, &["fmt", "--all", "--check"]).run()),
    ("clippy", |place| {
        let arguments = [
            "clippy",
            "--workspace",
            "--exclude",
            REMOTE,
            "--all-targets",
            "--features",
            "wharf-cli/reference",
            "--",
            "-D",
            "warnings",
        ];
        cargo(place, &arguments).run()
    }),
    ("layers", layers::run),
    ("reference", reference::check),
];

const TESTS: &[(&str, TestStep)] = &[
    ("plugin matrix", |place, variables| {
        Program::new("bash").arg("pytest/tests/matrix.sh").cwd(&place.root).envs(variables).run()
    }),
    ("doc tests", |place, variables| {
        cargo(place, &["test", "--doc", "--workspace", "--exclude", REMOTE]).envs(variables).run()
    }),
    ("remote cache", |place, variables| {
        // This builds the binary once more, with a feature that the others do without.
        let packages = ["--package", REMOTE, "--package", "wharf-cli", "--features", "wharf-cli/remote-cache"];
        let checked = [&["clippy"][..], &packages, &["--all-targets", "--", "-D", "warnings"]].concat();
        cargo(place, &checked).run()?;
        cargo(place, &["test", "--package", REMOTE, "--tests", "--lib"]).envs(variables).run()?;
        let shared =
            ["test", "--package", "wharf-cli", "--features", "remote-cache", "--test", "scenarios", "remote_cache::"];
        cargo(place, &shared).envs(variables).run()
    }),
    ("tests", |place, variables| {
        let nextest: &[&str] =
            &["nextest", "run", "--workspace", "--exclude", REMOTE, "--no-fail-fast", "--profile", "ci"];
        let plain: &[&str] =
            &["test", "--workspace", "--exclude", REMOTE, "--no-fail-fast", "--lib", "--bins", "--tests"];
        let has_nextest = Program::new("cargo").args(["nextest", "--version"]).succeeds();
        // nextest says its closing line on standard error; it belongs to the data of this run.
        cargo(place, if has_nextest { nextest } else { plain }).envs(variables).run_on_stdout()
    }),
];

/// The crate that only builds with the feature `remote-cache` need.
const REMOTE: &str = "wharf-remote-cache";

fn cargo(place: &Place, arguments: &[&str]) -> Program {
    Program::new("cargo").args(arguments).cwd(&place.root)
}

fn timed(name: &str, step: impl FnOnce() -> Outcome) -> Outcome {
    eprintln!("== {name}");
    let start = Instant::now();
    let outcome = step();
    let verdict = if outcome.is_ok() { "ok" } else { "FAILED" };
    eprintln!("== {name}: {verdict} in {:.1} s", start.elapsed().as_secs_f64());
    outcome
}
