//! `cargo xtask real-repo DIR`: a super-repo of published Python projects with their own tests.
//!
//! Owns what the end-to-end comparison with plain pytest runs on. The same input gives the same commits. Refuses to write into
//! a folder that holds anything, and needs no container engine. `DIR/.real-repo.json` says how to run each project's tests by
//! hand: install `requirements` in a fresh venv, then run `python -m pytest` in `path` with `pythonpath` on `PYTHONPATH`.

mod download;
mod projects;

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::program::Program;
use crate::test_environment;
use projects::{PROJECTS, Place as ProjectPlace, Project};

/// All five keep their package below this folder.
const PYTHONPATH: &str = "src";
/// The date of every commit and release, so that commit ids are the same each time.
const DATE: &str = "2024-09-01T12:00:00+00:00";

/// Composes the super-repo at `dir`, with its remotes beside it in `DIR.remotes`.
pub fn run(place: &Place, dir: &Path) -> Outcome {
    let dir = std::path::absolute(dir)?;
    let remotes = PathBuf::from(format!("{}.remotes", dir.display()));
    for folder in [&dir, &remotes] {
        if folder.exists() && fs_err::read_dir(folder)?.next().is_some() {
            return Err(Failure::usage(format!("`{}` is there and not empty", folder.display())));
        }
        fs_err::create_dir_all(folder)?;
    }
    let archives = download::archives(place)?;
    let base = test_environment::base();
    git(&dir, &["init", "--quiet", "--initial-branch=main"])?;
    fs_err::write(dir.join("wharf.toml"), format!("[workspace]\nname = \"real\"\n\n[image]\nbase = \"{base}\"\n"))?;
    fs_err::write(dir.join(".gitignore"), "__pycache__/\n.pytest_cache/\n.hypothesis/\n.benchmarks/\n")?;
    fs_err::write(dir.join(".real-repo.json"), format!("{:#}\n", description()))?;
    for project in PROJECTS {
        let archive = download::archive(&archives, project);
        match project.place {
            ProjectPlace::Folder => unpack(project, &archive, &dir.join(project.path))?,
            ProjectPlace::SubRepo => add_sub_repo(project, &archive, &dir, &remotes)?,
        }
    }
    commit(&dir, "real: published projects")?;
    println!("{}", dir.display());
    Ok(())
}

fn description() -> serde_json::Value {
    let projects = PROJECTS.iter().map(|project| {
        json!({
            "path": project.path,
            "name": project.name,
            "version": project.version,
            "sub_repo": project.place == ProjectPlace::SubRepo,
            "requirements": project.requirements,
            "pythonpath": PYTHONPATH,
        })
    });
    json!({ "projects": projects.collect::<Vec<_>>() })
}

/// Unpacks a project and makes it a runnable dir.
fn unpack(project: &Project, archive: &Path, into: &Path) -> Outcome {
    let devops = into.join("devops");
    fs_err::create_dir_all(&devops)?;
    Program::new("tar")
        .args(["--strip-components=1", "--no-same-owner", "-xzf"])
        .arg(archive)
        .arg("-C")
        .arg(into)
        .run()?;
    fs_err::write(devops.join("wharf.toml"), project.wharf_toml)?;
    fs_err::write(devops.join("requirements.txt"), project.requirements.join("\n") + "\n")?;
    let date = &DATE[..10];
    fs_err::write(
        into.join("changelog.txt"),
        format!("# {}-{}\n- {date}\n- As published\n", project.name, project.version),
    )?;
    Ok(())
}

/// Makes a project a repo with a bare remote, and that a submodule of `dir`.
fn add_sub_repo(project: &Project, archive: &Path, dir: &Path, remotes: &Path) -> Outcome {
    let work = remotes.join(project.name);
    let bare = remotes.join(format!("{}.git", project.name));
    unpack(project, archive, &work)?;
    git(&work, &["init", "--quiet", "--initial-branch=main"])?;
    commit(&work, &format!("{}: {}", project.name, project.version))?;
    git(&work, &["tag", project.version])?;
    let bare_path = bare.to_string_lossy();
    git(remotes, &["clone", "--quiet", "--bare", project.name, &bare_path])?;
    fs_err::remove_dir_all(&work)?;
    let url = format!("file://{bare_path}");
    git(dir, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "-b", "main", &url, project.path])
}

fn commit(dir: &Path, message: &str) -> Outcome {
    // Some of the published files are ignored by the projects' own `.gitignore`.
    git(dir, &["add", "--all", "--force"])?;
    git(dir, &["commit", "--quiet", "--message", message])
}

/// Runs Git untouched by the user's settings, as one fixed author at one fixed time.
fn git(dir: &Path, arguments: &[&str]) -> Outcome {
    let mut program = Program::new("git").args(["-c", "core.autocrlf=false"]).args(arguments).cwd(dir);
    for who in ["AUTHOR", "COMMITTER"] {
        program = program
            .env(format!("GIT_{who}_NAME"), "Wharf")
            .env(format!("GIT_{who}_EMAIL"), "wharf@example.org")
            .env(format!("GIT_{who}_DATE"), DATE);
    }
    program.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").read().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_projects_are_what_the_comparison_needs() {
        assert!(PROJECTS.len() >= 5);
        assert_eq!(PROJECTS.iter().filter(|project| project.place == ProjectPlace::SubRepo).count(), 2);
        let pytests: std::collections::BTreeSet<_> = PROJECTS
            .iter()
            .flat_map(|project| project.requirements)
            .filter(|pin| pin.starts_with("pytest=="))
            .collect();
        assert_eq!(pytests.len(), 2, "two versions of one dependency");
        assert!(PROJECTS.iter().flat_map(|project| project.requirements).all(|pin| pin.contains("==")));
    }
}
