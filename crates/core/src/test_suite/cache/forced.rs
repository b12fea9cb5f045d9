//! Files that Git tracks though an ignore pattern matches them (`git add --force`): walks that heed ignore files do not see them.
//!
//! Git knows them, and asking it costs milliseconds a repo. So the answer is kept, and stands as long as the repo's index and its
//! ignore files are as they were.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use wharf_git::{Git, place};

use super::scene::field;
use super::tree::Listed;
use crate::dependency::walk::Stamp;

/// Goes up whenever the form changes.
const NAME: &str = "forced-1";

/// What Git answered for one repo.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    /// Hash over what decides it.
    by: String,
    files: Vec<String>,
}

/// By path of the repo.
type Answers = BTreeMap<String, Answer>;

/// Those of `repos`, by path from the root, in which a repo's path is empty for the root. `files` are all that a walk found; answers are
/// kept in `folder`.
pub(super) fn forced(root: &Path, repos: &[String], files: &[Listed], folder: &Path) -> Vec<String> {
    let file = folder.join(NAME);
    let known: Answers =
        std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let rules: Vec<&Listed> = files.iter().filter(|(path, _)| is_rules(path)).collect();
    let mut now = Answers::new();
    for repo in repos {
        let by = decided_by(root, repo, &rules);
        let kept = known.get(repo).filter(|answer| answer.by == by);
        let answer = kept.cloned().unwrap_or_else(|| Answer { by, files: ask(root, repo) });
        now.insert(repo.clone(), answer);
    }
    if now != known {
        // What cannot be kept is asked for again.
        let _ = keep(&file, folder, &now);
    }
    now.into_values().flat_map(|answer| answer.files).collect()
}

/// What Git says of one repo now; nothing where it says nothing.
pub(in crate::test_suite) fn ask(root: &Path, repo: &str) -> Vec<String> {
    let files = Git::new(root.join(repo)).tracked_though_ignored().unwrap_or_default();
    let files = files.into_iter().filter_map(|path| path.into_os_string().into_string().ok());
    files.map(|path| if repo.is_empty() { path } else { format!("{repo}/{path}") }).collect()
}

fn is_rules(path: &str) -> bool {
    path == ".gitignore" || path.ends_with("/.gitignore")
}

fn decided_by(root: &Path, repo: &str, rules: &[&Listed]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |name: &str, stamp: Option<Stamp>| {
        field(&mut hasher, name.as_bytes());
        let stamp = stamp.unwrap_or_default();
        for number in [stamp.size, stamp.modified.cast_unsigned(), stamp.changed.cast_unsigned(), stamp.inode] {
            hasher.update(&number.to_le_bytes());
        }
    };
    if let Ok(Some(place)) = place::at(&root.join(repo)) {
        for path in [place.git_dir.join("index"), place.common_dir().join("info/exclude")] {
            add(&path.to_string_lossy(), std::fs::metadata(&path).ok().map(|metadata| Stamp::of(&metadata)));
        }
    }
    let prefix = if repo.is_empty() { String::new() } else { format!("{repo}/") };
    for (path, stamp) in rules.iter().filter(|(path, _)| path.starts_with(&prefix)) {
        add(path, Some(*stamp));
    }
    hasher.finalize().to_string()
}

fn keep(file: &Path, folder: &Path, answers: &Answers) -> std::io::Result<()> {
    let mut draft = tempfile::NamedTempFile::new_in(folder)?;
    draft.write_all(&serde_json::to_vec(answers)?)?;
    draft.persist(file).map_err(|error| error.error)?;
    Ok(())
}
