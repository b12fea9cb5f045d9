//! The developers' own commands, run as `cargo xtask COMMAND`.
//!
//! Owns everything that builds, checks or prepares this repo; `cargo xtask ci` is all of CI. Refuses to depend on
//! Wharf's own crates or on anything slow to compile, so that it starts within seconds on a cold clone.
//!
//! | file | command |
//! | --- | --- |
//! | `ci.rs` | `ci`: every check, in order |
//! | `engine/` | `engine`: real container engines for the tests |
//! | `base_image.rs` | `base-image`: the images that the tests build on |
//! | `tiny_image.rs` | `base-image`: those of two architectures |
//! | `real_repo/` | `real-repo`: a super-repo of published projects |
//! | `layers/` | `layers`: the one-way rule between crates and modules |
//! | `reference.rs` | `gen`: the generated reference |
//! | `sandbox.rs` | `sandbox`: a shell in a throw-away super-repo |

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a developer's tool talks directly")]

mod base_image;
mod ci;
mod engine;
mod failure;
mod layers;
mod place;
mod program;
mod real_repo;
mod reference;
mod sandbox;
mod test_environment;
mod tiny_image;
mod tools;

use std::process::ExitCode;

use failure::{Failure, Outcome};
use place::Place;

const HELP: &str = "\
The developers' own commands of Wharf.

Usage: cargo xtask COMMAND [OPTIONS]

Commands:
  ci                              every check, as CI runs it
  engine [start|stop|status|env]  make docker, podman and emulation ready for the tests (default: start);
                                  `stop` stops only what `start` started, `env` prints the variables to export
  base-image                      make the images that the tests build on, print the name of the first
  real-repo DIR                   compose a super-repo at DIR from published Python projects
  layers                          fail on an import against the one-way rule
  gen [--check]                   rewrite docs/reference, or fail where it is out of date
  sandbox [--shell] [--keep]      a throw-away sample super-repo, with a shell in it where there is a terminal
                                  (--shell: also where there is none; --keep: leave it behind)

Exit codes: 0 done, 1 a check failed, 2 usage, 4 environment not ready.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match dispatch(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            if let Some(hint) = &failure.hint {
                eprintln!("\nhint: {hint}");
            }
            ExitCode::from(failure.code)
        }
    }
}

fn dispatch(words: &[&str]) -> Outcome {
    if words.is_empty() || words.iter().any(|word| matches!(*word, "-h" | "--help" | "help")) {
        println!("{HELP}");
        return Ok(());
    }
    let place = Place::find()?;
    match words {
        ["ci"] => ci::run(&place),
        ["engine"] | ["engine", "start"] => engine::start(&place),
        ["engine", "stop"] => engine::stop(&place),
        ["engine", "status"] => engine::status(&place),
        ["engine", "env"] => engine::print_env(&place),
        ["base-image"] => base_image::run(&place),
        ["real-repo", dir] | ["real-repo", dir, "--engine-free"] | ["real-repo", "--engine-free", dir]
            if !dir.starts_with('-') =>
        {
            real_repo::run(&place, dir.as_ref())
        }
        ["layers"] => layers::run(&place),
        ["gen"] => reference::write(&place),
        ["gen", "--check"] => reference::check(&place),
        ["sandbox", flags @ ..] => sandbox::run(&place, flags),
        _ => Err(Failure::usage(format!("cannot read `{}`", words.join(" ")))),
    }
}
