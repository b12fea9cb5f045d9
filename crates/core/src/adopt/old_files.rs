//! What became of the files of the older layout, and which of them nothing needs any more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::image::{ImageSpec, Stage};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// A file of the older layout.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct OldFile {
    /// Its path from the super-repo's root.
    pub path: String,
    /// What became of it.
    pub became: String,
    /// Whether it can go.
    pub fate: Fate,
}

/// Whether an old file can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It is still used.
    Stays,
    /// Wharf does not need it; whether the repo's own code does is not known.
    Yours,
    /// Nothing needs it.
    CanGo,
}

/// Files at the root or in a dir, with what became of them.
const KNOWN: [(&str, &str, Fate); 6] = [
    ("repo_config.yaml", "its values are in `wharf.toml`; code of the shared repo reads it, too", Fate::Yours),
    ("repo_config.py", "its values are in `wharf.toml`; code of the shared repo reads it, too", Fate::Yours),
    ("runnable_dir", "`devops/wharf.toml` makes the dir runnable", Fate::CanGo),
    ("tasks.py", "`wharf tasks` lists it, `wharf task import` moves plain tasks to `wharf.toml`", Fate::Yours),
    ("invoke.yaml", "goes with `tasks.py`", Fate::Yours),
    ("main_pytest.py", "`wharf test` does it; `wharf self link` keeps the name", Fate::Yours),
];

/// What a file that would be of no use otherwise is needed for.
const NEEDED: &str = "an image is built of it, or a value of `wharf.toml` names it";

/// Folders in `devops`.
const FOLDERS: [(&str, &str); 4] = [
    ("devops/docker_build", "named by `[image]` or copied by the Dockerfile"),
    ("devops/docker_run", "named by `entrypoint` in `[run]`"),
    ("devops/compose", "`[run]` and `[services]` say what a compose file said"),
    ("devops/env", "`env` in `[run]` says what it said"),
];

/// The old files of these dirs.
pub(super) fn find(workspace: &Workspace, dirs: &[&RunnableDir]) -> Vec<OldFile> {
    let mut found = Vec::new();
    // One dir's image may be built of another's files.
    let needed: BTreeSet<PathBuf> = workspace.dirs.iter().flat_map(|dir| needed(workspace, dir)).collect();
    for dir in dirs {
        for (name, became, fate) in KNOWN {
            let file = dir.path.join(name);
            if file.symlink_metadata().is_ok() {
                let (became, fate) = if needed.contains(&file) { (NEEDED, Fate::Stays) } else { (became, fate) };
                found.push(OldFile { path: shown(workspace, &file), became: became.to_owned(), fate });
            }
        }
        for (folder, became) in FOLDERS {
            for file in files(&dir.path.join(folder)) {
                let is_idle = matches!(folder, "devops/compose" | "devops/env");
                let fate = match folder {
                    _ if needed.contains(&file) => Fate::Stays,
                    _ if is_idle => Fate::CanGo,
                    // Scripts call each other by ways that cannot be read.
                    _ => Fate::Yours,
                };
                let became = match fate {
                    Fate::Yours => "neither the Dockerfile nor `wharf.toml` names it; scripts may".to_owned(),
                    Fate::Stays if is_idle => NEEDED.to_owned(),
                    _ => became.to_owned(),
                };
                found.push(OldFile { path: shown(workspace, &file), became, fate });
            }
        }
    }
    if dirs.iter().any(|dir| dir.address.is_root()) {
        found.extend(thin_client(workspace));
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found.dedup_by(|a, b| a.path == b.path);
    found
}

/// The scripts of `dev_scripts_<suffix>/thin_client`.
fn thin_client(workspace: &Workspace) -> Vec<OldFile> {
    let folders = std::fs::read_dir(&workspace.root).into_iter().flatten().flatten();
    let folders = folders.filter(|entry| entry.file_name().to_string_lossy().starts_with("dev_scripts_"));
    let mut found = Vec::new();
    for folder in folders.map(|entry| entry.path().join("thin_client")) {
        for (name, became, fate) in [
            ("requirements.txt", "named by `requirements` in `[thin-env]`", Fate::Stays),
            ("build.py", "`wharf env sync` does it", Fate::Yours),
            ("setenv.sh", "`wharf setenv` does it", Fate::Yours),
            ("tmux.py", "`wharf setenv` sets up each shell", Fate::Yours),
        ] {
            if folder.join(name).is_file() {
                found.push(OldFile { path: shown(workspace, &folder.join(name)), became: became.to_owned(), fate });
            }
        }
    }
    found
}

fn shown(workspace: &Workspace, path: &Path) -> String {
    path.strip_prefix(&workspace.root).unwrap_or(path).display().to_string()
}

/// Files that the images of a dir are built of, and files that a value names, also those at the other end of a link.
fn needed(workspace: &Workspace, dir: &RunnableDir) -> BTreeSet<PathBuf> {
    let mut needed = BTreeSet::new();
    let both = |file: &String| [dir.path.join(file), workspace.root.join(file)];
    if dir.image_from().is_none() {
        for stage in [Stage::Dev, Stage::Prod] {
            if let Ok(spec) = ImageSpec::of_stage(workspace, dir, stage) {
                needed.extend(spec.files.keys().flat_map(both));
            }
        }
    }
    for (_, value, _) in dir.resolved.entries() {
        let texts = value.as_text().into_iter().chain(value.as_list().unwrap_or_default().iter().map(String::as_str));
        // A mount, a file that is copied out and a file of variables name one among other words.
        let parts = texts.flat_map(|text| text.split([':', ' ', '=', '?'])).filter(|part| part.contains("devops/"));
        let plain = parts.map(|part| part.trim_start_matches("./").trim_start_matches('/').to_owned());
        for path in plain.flat_map(|part| both(&part)) {
            if path.is_dir() {
                needed.extend(files(&path));
            }
            needed.insert(path);
        }
    }
    let ends: Vec<PathBuf> = needed.iter().filter_map(|file| file.canonicalize().ok()).collect();
    needed.extend(ends);
    needed
}

/// All files below a folder; links are files.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let is_link = folder.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink());
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        if is_link {
            found.push(folder);
            continue;
        }
        for entry in entries {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found
}
