//! Folders of runs: `.wharf/runs/<n>`, each number taken once, the oldest removed.

use std::path::PathBuf;

use crate::workspace::StateDir;

/// How many runs are kept.
const KEPT: usize = 50;

/// The folder of a run.
#[derive(Debug, Clone)]
pub(super) struct RunFolder {
    /// Number of the run.
    pub number: u32,
    /// Its folder.
    pub path: PathBuf,
}

/// Takes the next number; two runs at once get two numbers, because making a folder succeeds only once.
pub(super) fn take(state: &StateDir) -> std::io::Result<RunFolder> {
    let runs = state.folder("runs")?;
    let mut known = numbers(&runs)?;
    known.sort_unstable();
    let mut number = known.last().map_or(1, |last| last + 1);
    loop {
        let path = runs.join(number.to_string());
        match std::fs::create_dir(&path) {
            Ok(()) => {
                remove_oldest(&runs, &known);
                return Ok(RunFolder { number, path });
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// A folder for what is no run: it has no report, and what was there before is written over. Its number is nobody else's now.
pub(super) fn aside(state: &StateDir) -> std::io::Result<RunFolder> {
    Ok(RunFolder { number: std::process::id(), path: state.folder("collect")? })
}

fn numbers(runs: &std::path::Path) -> std::io::Result<Vec<u32>> {
    let entries = fs_err::read_dir(runs)?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

fn remove_oldest(runs: &std::path::Path, known: &[u32]) {
    for number in known.iter().take((known.len() + 1).saturating_sub(KEPT)) {
        let _ = std::fs::remove_dir_all(runs.join(number.to_string()));
    }
}
