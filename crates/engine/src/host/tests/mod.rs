//! With real interpreters, pip, uv and Poetry, and small packages from the package index.

mod atonce;
mod choice;
mod refusals;
mod ways;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{HostTools, InstallStep, Venv, VenvSpec};

/// A host with an empty cache and the search path and home of whoever runs the tests.
fn host() -> (TempDir, HostTools) {
    let folder = TempDir::new().unwrap();
    let tools = host_at(&folder.path().join("cache"));
    (folder, tools)
}

fn host_at(cache: &Path) -> HostTools {
    let search_path = std::env::var_os("PATH").unwrap();
    let uv = which::which("uv").expect("these tests need uv on the search path");
    let env = std::env::var_os("HOME").map(|home| (OsString::from("HOME"), home)).into_iter().collect();
    HostTools { cache: cache.to_owned(), venvs: None, uv: Some(uv), search_path, env }
}

fn without_uv(mut tools: HostTools) -> HostTools {
    tools.uv = None;
    tools
}

fn spec(key: &str, steps: &[InstallStep]) -> VenvSpec {
    VenvSpec { key: key.to_owned(), python: None, files: BTreeMap::new(), steps: steps.to_vec() }
}

fn packages(names: &[&str]) -> InstallStep {
    InstallStep::Packages { names: names.iter().map(|name| (*name).to_owned()).collect() }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What a Python program prints in the environment.
fn python(venv: &Venv, program: &str) -> String {
    let output = venv.command(&words(&["python", "-c", program])).run().unwrap();
    assert!(output.exit.is_success(), "{}", output.error_text());
    output.text().trim().to_owned()
}

/// Names and versions of what is installed, such as `iniconfig 2.0.0`, without the installers themselves.
fn installed(venv: &Venv) -> Vec<String> {
    let program = "import importlib.metadata as m\nfor d in m.distributions(): print(d.metadata['Name'], d.version)";
    let mut all: Vec<String> = python(venv, program).lines().map(str::to_owned).collect();
    all.retain(|line| !["pip ", "setuptools ", "wheel "].iter().any(|own| line.starts_with(own)));
    all.sort();
    all
}

fn quiet() -> impl FnMut(&str) {
    |_: &str| {}
}

/// Folders of environments, whole or not, below the cache.
fn attempts(tools: &HostTools) -> Vec<PathBuf> {
    let below =
        |folder: PathBuf| folder.read_dir().map(|all| all.map(|entry| entry.unwrap().path()).collect::<Vec<_>>());
    let slots = below(tools.cache.join("venvs")).unwrap_or_default();
    let inside = slots.into_iter().filter(|slot| slot.is_dir()).flat_map(|slot| below(slot).unwrap());
    inside.filter(|attempt| attempt.is_dir()).collect()
}
