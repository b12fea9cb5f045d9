//! Does what a plan says. Each file is replaced by renaming a temporary one beside it; the record is written last, so that a sync
//! that was killed is simply run again: what is equal by then is only recorded.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::Builder;

use super::error::FilesError;
use super::plan::{Action, Plan, Step};
use super::record::{RECORD, Record};
use super::scene::Scene;
use super::target::check_way;
use super::version::{Local, Stamp};

const PREFIX: &str = ".wharf-files.";

/// Does what a plan without conflicts says.
///
/// # Errors
/// When a file was edited since the plan was made or cannot be written. What was done by then is done; the same plan made anew
/// goes on from there.
pub fn apply(scene: &Scene, plan: &Plan) -> Result<(), FilesError> {
    // All are looked at before the first is written, so that an edit in between stops most often before anything is done.
    for step in &plan.steps {
        check(scene, step)?;
    }
    // What is new comes before what is removed: a rename that is cut off leaves both names, never none.
    for step in plan.steps.iter().filter(|step| step.action != Action::Remove) {
        check(scene, step)?;
        act(scene, step)?;
    }
    for step in plan.steps.iter().filter(|step| step.action == Action::Remove) {
        check(scene, step)?;
        act(scene, step)?;
    }
    write_records(scene, plan)
}

/// Writes the lines of records alone.
///
/// # Errors
/// When a record cannot be read or written.
pub(super) fn write_records(scene: &Scene, plan: &Plan) -> Result<(), FilesError> {
    let mut by_repo: BTreeMap<usize, Record> = BTreeMap::new();
    for (repo, path, line) in &plan.records {
        let record = match by_repo.get_mut(repo) {
            Some(record) => record,
            None => {
                let record = Record::read(&scene.repos[*repo].root, &scene.shown(*repo, RECORD))?;
                by_repo.entry(*repo).or_insert(record)
            }
        };
        record.set(path, line.clone());
    }
    for (repo, record) in by_repo {
        let file = scene.repos[repo].root.join(RECORD);
        let is_there = file.symlink_metadata().is_ok();
        if record.is_empty() && !is_there {
            continue;
        }
        replace(&file, record.text().as_bytes(), None).map_err(FilesError::write(&file))?;
    }
    Ok(())
}

/// Nobody touched the file since it was looked at, and nobody put a link in its way.
fn check(scene: &Scene, step: &Step) -> Result<(), FilesError> {
    let root = &scene.repos[step.repo].root;
    let shown = || scene.shown(step.repo, &step.path);
    check_way(root, &step.path).map_err(|_| FilesError::Meanwhile(shown()))?;
    let file = root.join(&step.path);
    let as_expected = match (&step.expected, file.symlink_metadata()) {
        (Local::Absent, Err(_)) => true,
        (Local::File(_, stamp), Ok(metadata)) => metadata.is_file() && Stamp::of(&metadata) == *stamp,
        (Local::Link(to), Ok(metadata)) => {
            metadata.is_symlink() && std::fs::read_link(&file).is_ok_and(|now| now.as_os_str() == to.as_str())
        }
        _ => false,
    };
    if as_expected { Ok(()) } else { Err(FilesError::Meanwhile(shown())) }
}

fn act(scene: &Scene, step: &Step) -> Result<(), FilesError> {
    let root = &scene.repos[step.repo].root;
    let file = root.join(&step.path);
    let failed = |result: io::Result<()>| result.map_err(FilesError::write(&file));
    match &step.action {
        Action::Put { bytes, executable } => failed(replace(&file, bytes, Some(*executable))),
        Action::Link(text) => failed(link(&file, text)),
        Action::Remove => {
            failed(std::fs::remove_file(&file))?;
            // Git has no empty folders either.
            for folder in file.ancestors().skip(1).take_while(|folder| *folder != root.as_path()) {
                if std::fs::remove_dir(folder).is_err() {
                    break;
                }
            }
            Ok(())
        }
    }
}

/// Replaces a file, or makes it. Permissions stay but for whether it can be executed, where that is said.
pub(super) fn replace(file: &Path, bytes: &[u8], executable: Option<bool>) -> io::Result<()> {
    let folder = prepare(file)?;
    let known = file.metadata().ok().map(|metadata| metadata.permissions());
    let asked = known.clone().unwrap_or_else(|| PermissionsExt::from_mode(0o666));
    let mut temporary = Builder::new().prefix(PREFIX).suffix(".tmp").permissions(asked.clone()).tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    // The umask took its part from a new file's; an old file's are taken as they were.
    let mode = match known {
        Some(known) => known.mode(),
        None => temporary.as_file().metadata()?.permissions().mode(),
    };
    let mode = match executable {
        Some(true) => mode | ((mode & 0o444) >> 2),
        Some(false) => mode & !0o111,
        None => mode,
    };
    temporary.as_file().set_permissions(PermissionsExt::from_mode(mode))?;
    temporary.persist(file)?;
    Ok(())
}

/// Makes a link under another name, then renames it.
fn link(file: &Path, text: &str) -> io::Result<()> {
    let folder = prepare(file)?;
    let temporary =
        Builder::new().prefix(PREFIX).suffix(".tmp").make_in(folder, |path| std::os::unix::fs::symlink(text, path))?;
    temporary.into_temp_path().persist(file)?;
    Ok(())
}

/// Makes the folder of a file.
fn prepare(file: &Path) -> io::Result<&Path> {
    let folder = file.parent().ok_or(io::ErrorKind::NotFound)?;
    std::fs::create_dir_all(folder)?;
    Ok(folder)
}

/// Removes temporary files that a killed sync left where this plan writes. Only for who holds the workspace's lock.
pub fn sweep(scene: &Scene, plan: &Plan) {
    let mut folders: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| scene.repos[step.repo].root.join(&step.path).parent().map(Path::to_path_buf))
        .chain(scene.repos.iter().map(|repo| repo.root.clone()))
        .collect();
    folders.sort();
    folders.dedup();
    for folder in folders {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(PREFIX) && name.ends_with(".tmp") {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}
