//! Getting the source distributions, once.

use std::path::{Path, PathBuf};

use super::projects::{PROJECTS, Project};
use crate::failure::{Failure, Outcome};
use crate::place::Place;
use crate::program::Program;

/// The folder that holds every project's archive, downloaded where one is missing.
pub fn archives(place: &Place) -> Outcome<PathBuf> {
    let dir = place.target_dir("real-repo/sdists")?;
    let missing: Vec<&Project> = PROJECTS.iter().filter(|project| !archive(&dir, project).is_file()).collect();
    if !missing.is_empty() {
        download(place, &dir, &missing)?;
    }
    Ok(dir)
}

/// A project's archive in `dir`.
pub fn archive(dir: &Path, project: &Project) -> PathBuf {
    dir.join(format!("{}-{}.tar.gz", project.name, project.version))
}

/// pip knows the user's index, proxies and certificates, and checks the hashes.
fn download(place: &Place, dir: &Path, projects: &[&Project]) -> Outcome {
    let names: Vec<&str> = projects.iter().map(|project| project.name).collect();
    eprintln!("downloading {}", names.join(", "));
    let fresh = place.target_dir(format!("real-repo/download-{}", std::process::id()))?;
    let pins: String = projects
        .iter()
        .map(|project| format!("{}=={} --hash=sha256:{}\n", project.name, project.version, project.sha256))
        .collect();
    let requirements = fresh.join("requirements.txt");
    fs_err::write(&requirements, pins)?;
    Program::new("python3")
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"])
        .args(["--no-binary", &names.join(","), "--dest"])
        .arg(&fresh)
        .arg("--requirement")
        .arg(&requirements)
        .run_on_stderr()
        .map_err(|failure| {
            Failure::not_ready(failure.message).hint("a package index with source distributions must be reachable")
        })?;
    for project in projects {
        let got = find(&fresh, project)?;
        fs_err::rename(got, archive(dir, project))?;
    }
    fs_err::remove_dir_all(&fresh)?;
    Ok(())
}

/// Old archives are named as the project is (`MarkupSafe-2.1.5`), newer ones as the index normalises it.
fn find(dir: &Path, project: &Project) -> Outcome<PathBuf> {
    let wanted = format!("{}-{}.tar.gz", project.name, project.version);
    fs_err::read_dir(dir)?
        .filter_map(Result::ok)
        .find(|entry| entry.file_name().to_string_lossy().eq_ignore_ascii_case(&wanted))
        .map(|entry| entry.path())
        .ok_or_else(|| Failure::failed(format!("the package index gave no `{wanted}`")))
}
