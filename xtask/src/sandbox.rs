//! `cargo xtask sandbox`: a throw-away sample super-repo to play in.

use std::io::IsTerminal;
use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::program::Program;
use crate::test_environment;

/// Builds `wharf`, has it make its demo, and opens a shell there with the built `wharf` first on `PATH`.
pub fn run(place: &Place, flags: &[&str]) -> Outcome {
    if let Some(flag) = flags.iter().find(|flag| !["--shell", "--keep"].contains(flag)) {
        return Err(Failure::usage(format!("`sandbox` has no `{flag}`")));
    }
    Program::new("cargo")
        .args(["build", "--quiet", "--package", "wharf-cli", "--bin", "wharf"])
        .cwd(&place.root)
        .run()?;
    let bin = place.target.join("debug");
    let home = place.target_dir("sandbox")?.join(std::process::id().to_string());
    let dir = home.join("demo");
    fs_err::create_dir_all(&home)?;

    let mut variables = test_environment::variables(place)?;
    for (_, value) in variables.iter_mut().filter(|(name, _)| name == "PATH") {
        let dirs: Vec<PathBuf> = std::iter::once(bin.clone()).chain(std::env::split_paths(&*value)).collect();
        *value = std::env::join_paths(dirs).map_err(|error| Failure::failed(error.to_string()))?;
    }
    let demo = Program::new(bin.join("wharf")).arg("demo").arg(&dir).envs(&variables).cwd(&home).run();
    if !dir.is_dir() {
        demo?;
    }
    eprintln!("sandbox: {}", dir.display());
    if flags.contains(&"--shell") || std::io::stdin().is_terminal() {
        let shell = std::env::var_os("SHELL").unwrap_or_else(|| "/bin/sh".into());
        // A shell's exit code is that of its last command, and says nothing about the sandbox.
        let _ = Program::new(shell).cwd(&dir).envs(&variables).run();
        if !flags.contains(&"--keep") {
            fs_err::remove_dir_all(&home)?;
        }
    }
    Ok(())
}
