//! One question to many super-repos at once.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use wharf_core::common_files::{Examined, FilesError, Scene, Selection, examine};

use crate::context::Context;
use crate::exit::Failure;

/// One super-repo and what was found in it, or why nothing was.
pub(super) struct Looked {
    /// As the user named it.
    pub(super) name: String,
    pub(super) found: Result<(Scene, Examined), FilesError>,
}

/// The folders that `--repos` names: paths, or files with a path a line, relative to the file's folder.
pub(super) fn folders(context: &Context, texts: &[String]) -> Result<Vec<(String, PathBuf)>, Failure> {
    let here = &context.surroundings.here;
    let mut folders = Vec::new();
    for text in texts {
        let path = here.join(text);
        if !path.is_file() {
            folders.push((text.clone(), path));
            continue;
        }
        let lines = std::fs::read_to_string(&path)
            .map_err(|error| Failure::usage(format!("`--repos {text}` cannot be read: {error}")))?;
        let base = path.parent().unwrap_or(here).to_path_buf();
        let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        folders.extend(lines.map(|line| (line.to_owned(), base.join(line))));
    }
    Ok(folders)
}

/// Looks into all.
pub(super) fn look(context: &Context, folders: Vec<(String, PathBuf)>) -> Vec<Looked> {
    let cache = &context.surroundings.cache;
    let all = each(folders, |folder| {
        let scene = Scene::open(folder, cache)?;
        let examined = examine(&scene, &Selection::default())?;
        Ok((scene, examined))
    });
    all.into_iter().map(|(name, found)| Looked { name, found }).collect()
}

/// Does the same in all folders, several at a time; the answers come in the order of the question.
pub(super) fn each<T: Send>(folders: Vec<(String, PathBuf)>, work: impl Fn(&Path) -> T + Sync) -> Vec<(String, T)> {
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get).min(folders.len());
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(folders.len())));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((_, folder)) = folders.get(at) else { break };
                    let done = work(folder);
                    if let Ok(mut found) = found.lock() {
                        found.push((at, done));
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_default();
    found.sort_by_key(|(at, _)| *at);
    folders.into_iter().zip(found).map(|((name, _), (_, done))| (name, done)).collect()
}
