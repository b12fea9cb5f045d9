//! A super-repo of published Python projects, for comparing Wharf with plain pytest.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::place::{repo_root, target_dir};
use crate::repo::Repo;
use crate::sandbox::Sandbox;

/// One project of the real super-repo, with how to run its tests by hand: install `requirements` into a fresh venv, then run
/// `python -m pytest` in the folder `path` with `PYTHONPATH` set to its folder `pythonpath`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RealProject {
    /// Its folder, from the super-repo's root.
    pub path: String,
    /// Its name on the package index.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Is it a sub-repo?
    pub is_sub_repo: bool,
    /// What its tests need, pinned.
    pub requirements: Vec<String>,
    /// The folder, in its own, that its package is imported from.
    pub pythonpath: PathBuf,
}

/// Composes the real super-repo in the sandbox's work folder with `cargo xtask real-repo`. The first call on a machine downloads
/// the projects; later ones take about a second.
#[track_caller]
pub fn real_repo(sandbox: &Sandbox) -> (Repo, Vec<RealProject>) {
    let dir = sandbox.path().join("real");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // The caller's own environment: this prepares the test and is no part of it.
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--package", "xtask", "--", "real-repo"])
        .arg(&dir)
        .current_dir(repo_root())
        .env("CARGO_TARGET_DIR", target_dir())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot start `cargo xtask real-repo`: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`cargo xtask real-repo` failed: {}\n{said}", output.status);
    let repo = Repo::open(dir);
    let projects =
        read(&repo.read(".real-repo.json")).unwrap_or_else(|| panic!("`.real-repo.json` is not as expected"));
    (repo, projects)
}

fn read(text: &str) -> Option<Vec<RealProject>> {
    let file: Value = serde_json::from_str(text).ok()?;
    file["projects"].as_array()?.iter().map(project).collect()
}

fn project(value: &Value) -> Option<RealProject> {
    let text = |key: &str| value[key].as_str().map(str::to_owned);
    let pins = value["requirements"].as_array()?.iter();
    Some(RealProject {
        path: text("path")?,
        name: text("name")?,
        version: text("version")?,
        is_sub_repo: value["sub_repo"].as_bool()?,
        requirements: pins.map(|pin| pin.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        pythonpath: text("pythonpath")?.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_real_repo_is_clean_and_described() {
        let sandbox = Sandbox::new();
        let (repo, projects) = real_repo(&sandbox);
        assert_eq!(repo.git(&["status", "--short"]), "");
        assert!(projects.len() >= 5);
        assert_eq!(projects.iter().filter(|project| project.is_sub_repo).count(), 2);
        for project in projects {
            let dir = repo.join(&project.path);
            assert!(dir.join("devops/wharf.toml").is_file() && dir.join(&project.pythonpath).is_dir(), "{project:?}");
            assert_eq!(dir.join(".git").exists(), project.is_sub_repo, "{project:?}");
        }
    }
}
