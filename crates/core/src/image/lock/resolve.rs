//! Resolves what a dir needs, and says what would be written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::pip::Pip;
use super::room::{Room, Said};
use super::{LockError, Target, pins, poetry, stage, target, uv};
use crate::event::{Event, Listener};
use crate::image::change::{Change, Extent, Versions, compare};
use crate::image::python::names::{normalize, slashed};
use crate::image::python::{self, Install, Manager};
use crate::image::{ImageError, Place, spec};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// How many of a manager's last lines are shown.
const SHOWN: usize = 25;

/// What is to be resolved, and where.
#[derive(Clone, Copy)]
pub struct Order<'a> {
    /// The workspace.
    pub workspace: &'a Workspace,
    /// The dir; it must own an image.
    pub dir: &'a RunnableDir,
    /// Where images are built.
    pub place: &'a Place,
    /// Labels of the containers that resolve.
    pub labels: &'a BTreeMap<String, String>,
    /// Who is told how it goes.
    pub listener: &'a dyn Listener,
}

/// Which versions may move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upgrade {
    /// Those alone that no longer satisfy.
    Nothing,
    /// These packages, and what they need.
    Only(Vec<String>),
    /// All.
    All,
}

/// A file as it was and as it will be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// The file.
    pub path: PathBuf,
    /// Its content when it was read; `None` where it was not there.
    pub before: Option<Vec<u8>>,
    /// Its content to be.
    pub after: Vec<u8>,
}

/// What a manager decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// What was locked.
    pub target: Target,
    /// What moved in the lock.
    pub changes: Vec<Change>,
    /// Whether the lock that is there is missing or not what the manifest asks for.
    pub is_stale: bool,
    /// The lock and the list.
    pub files: Vec<Rewrite>,
}

/// Has the dir's manager resolve. Writes nothing in the workspace.
///
/// # Errors
/// When there is nothing to lock, the manager finds no solution or no index, or where it runs cannot be had.
pub fn resolve(order: &Order<'_>, upgrade: &Upgrade) -> Result<Resolution, LockError> {
    if let Some(target) = super::built::target(order.workspace, order.dir)? {
        return super::built::resolve(order, target, upgrade);
    }
    let target = target(order.workspace, order.dir)?;
    let before = read(&target.lock)?;
    let text = before.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let known = pins::read(target.manager, text.as_deref().unwrap_or_default());
    let upgrade = named(&target, &known, upgrade)?;
    let room = Room::open(order, &target)?;
    let work = Work { order, target: &target, room: &room, known: &known, upgrade: &upgrade };
    order.listener.on(Event::Note(format!("{}: {} resolves what it needs", target.dir, target.manager)));
    let (lock, held) = match target.manager {
        Manager::Uv | Manager::Poetry => work.by_tool(text.as_deref())?,
        Manager::Pip | Manager::None => work.by_pip(text.as_deref())?,
    };
    let changes = compare(&known, &pins::read(target.manager, &lock), Extent::Differences);
    let is_stale = text.as_deref() != Some(lock.as_str());
    let list =
        Rewrite { before: read(&target.list)?, path: target.list.clone(), after: pins::list(&held).into_bytes() };
    let lock = Rewrite { path: target.lock.clone(), before, after: lock.into_bytes() };
    Ok(Resolution { target, changes, is_stale, files: vec![lock, list] })
}

/// The bytes of a file; `None` where there is none.
pub(super) fn read(file: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match fs_err::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The upgrade with names as locks have them.
fn named(target: &Target, known: &Versions, upgrade: &Upgrade) -> Result<Upgrade, LockError> {
    let Upgrade::Only(names) = upgrade else { return Ok(upgrade.clone()) };
    let names: Result<Vec<String>, LockError> = names
        .iter()
        .map(|package| {
            let name = normalize(package);
            if known.contains_key(&name) {
                return Ok(name);
            }
            let scored = known.keys().map(|other| (strsim::damerau_levenshtein(&name, other), other));
            let nearest = scored.filter(|(distance, _)| *distance <= 3).min().map(|(_, other)| other.clone());
            Err(LockError::NotLocked { dir: target.dir.clone(), package: package.clone(), nearest })
        })
        .collect();
    names.map(Upgrade::Only)
}

struct Work<'a> {
    order: &'a Order<'a>,
    target: &'a Target,
    room: &'a Room<'a>,
    known: &'a Versions,
    upgrade: &'a Upgrade,
}

impl Work<'_> {
    /// The lock of uv or Poetry, and what the dev image would hold by it.
    fn by_tool(&self, before: Option<&str>) -> Result<(String, Versions), LockError> {
        let root = &self.order.workspace.root;
        let tree = self.room.folder().join("tree");
        stage::fill(root, self.target, &tree)?;
        let folder = self.within(&self.target.root);
        let is_uv = self.target.manager == Manager::Uv;
        let mut keep = false;
        if *self.upgrade == Upgrade::Nothing && before.is_some() {
            keep = if is_uv { uv::is_fresh(self.room, &folder)? } else { poetry::is_fresh(self.room, &folder)? };
        }
        if !keep {
            let said = match is_uv {
                true => uv::lock(self.room, &folder, self.upgrade)?,
                false => poetry::lock(self.room, &folder, self.upgrade)?,
            };
            if !said.is_success {
                return Err(self.failure(&said));
            }
        }
        let copy = tree.join(self.target.lock.strip_prefix(root).unwrap_or(&self.target.lock));
        let made = self.room.kept(&fs_err::read_to_string(&copy)?);
        let lock = match before {
            // Poetry writes its own version into a comment.
            Some(before) if keep || without_comments(before) == without_comments(&made) => before.to_owned(),
            _ => made,
        };
        Ok((lock, self.held(&tree, &folder)?))
    }

    /// What the dev image would hold by the lock in the copy.
    fn held(&self, tree: &Path, folder: &str) -> Result<Versions, LockError> {
        let dir = self.order.dir;
        let (at, devops) = (tree.join(self.within(&dir.path)), tree.join(self.within(&dir.devops())));
        let original = dir.devops();
        let request = python::Request {
            dir: &at,
            devops: &devops,
            stop_at: tree,
            manager: Some(self.target.manager),
            ..spec::request(self.order.workspace, dir, &original)
        };
        let plan = python::discover(&request).map_err(|source| self.python(source))?;
        let mut held = Versions::new();
        for step in &plan.dev {
            let found = match step {
                Install::UvSync { .. } => uv::installed(self.room, folder, step)?,
                Install::PoetrySync { .. } => poetry::installed(self.room, folder, step)?,
                Install::Packages { .. } | Install::Requirements { .. } => {
                    Pip::new(self.room, &plan)?.keeping(&[step], &held)?.map(|chosen| chosen.all())
                }
            };
            held.extend(found.map_err(|said| self.failure(&said))?);
        }
        Ok(held)
    }

    /// pip's lock, and what the dev image would hold by it.
    fn by_pip(&self, before: Option<&str>) -> Result<(String, Versions), LockError> {
        let plan = spec::dependencies(self.order.workspace, self.order.dir)?;
        let pip = Pip::new(self.room, &plan)?;
        let mut steps: Vec<&Install> = plan.dev.iter().collect();
        steps.extend(plan.prod.iter().filter(|step| !plan.dev.contains(step)));
        let chosen = match self.upgrade {
            Upgrade::Nothing => pip.keeping(&steps, self.known)?,
            Upgrade::All => pip.keeping(&steps, &Versions::new())?,
            Upgrade::Only(names) => pip.upgrading(&steps, self.known, names)?,
        };
        let chosen = chosen.map_err(|said| self.failure(&said))?;
        let mut held = chosen.clone();
        if self.order.dir.config.python.prod_groups.is_some() {
            let dev: Vec<&Install> = plan.dev.iter().collect();
            held = pip.keeping(&dev, &chosen.versions)?.map_err(|said| self.failure(&said))?;
        }
        let made = pins::pip_lock(&chosen.versions, &chosen.direct);
        let same = before.is_some_and(|before| pins::read(Manager::Pip, before) == chosen.versions);
        Ok((before.filter(|_| same).map_or(made, str::to_owned), held.all()))
    }

    /// A path of the workspace from its root, as scripts take it.
    fn within(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.order.workspace.root).map(slashed).unwrap_or_default();
        if below.is_empty() { ".".into() } else { below }
    }

    fn python(&self, source: python::Error) -> LockError {
        ImageError::Python { dir: self.target.dir.clone(), source }.into()
    }

    fn failure(&self, said: &Said) -> LockError {
        let (dir, manager) = (self.target.dir.clone(), self.target.manager);
        let shown = telling(&said.text);
        if is_network(&said.text) {
            LockError::Network { dir, manager, said: shown }
        } else {
            LockError::Unsatisfiable { dir, manager, said: shown }
        }
    }
}

fn without_comments(text: &str) -> Vec<&str> {
    text.lines().filter(|line| !line.starts_with('#')).collect()
}

/// Whether a manager failed because it reached no index. Words about a conflict count for more: pip and Poetry also
/// tell of connections that they then had again.
pub(super) fn is_network(text: &str) -> bool {
    let text = text.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let conflict =
        ["conflicting dependencies", "no solution found", "version solving failed", "doesn't match any versions"];
    !has(&conflict)
        && has(&[
            "name resolution",
            "name or service not known",
            "failed to establish a new connection",
            "connection refused",
            "connection reset",
            "network is unreachable",
            "no route to host",
            "could not connect",
            "dns error",
            "error sending request",
            "all attempts to connect",
            "max retries exceeded",
            "timed out",
            "certificate_verify_failed",
            "invalid peer certificate",
        ])
}

/// The lines of a manager that tell why it failed: from the first error on, without progress.
fn telling(text: &str) -> String {
    let is_progress = |line: &&str| {
        let line = line.trim_start();
        ["Collecting ", "Using cached", "Downloading ", "Looking in indexes", "Using CPython", "Obtaining "]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let lines: Vec<&str> =
        text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !is_progress(line)).collect();
    let is_start = |line: &&str| ["ERROR", "error", "  ×", "The conflict"].iter().any(|start| line.starts_with(start));
    let first = lines.iter().position(is_start).unwrap_or(0);
    let telling = &lines[first..];
    telling[telling.len().saturating_sub(SHOWN)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_network_is_told_from_no_solution() {
        assert!(is_network(
            "error: Failed to fetch\n  Caused by: tcp connect error: Connection refused (os error 111)"
        ));
        assert!(is_network(
            "WARNING: Retrying … Temporary failure in name resolution\nERROR: No matching distribution found for six"
        ));
        assert!(!is_network("ERROR: ResolutionImpossible: conflicting dependencies"));
        assert!(!is_network("Connection reset by peer, retrying\n × No solution found when resolving dependencies"));
    }

    #[test]
    fn only_telling_lines_are_shown() {
        let text =
            "Collecting six\n  Using cached six.whl\nERROR: Cannot install x\n\nThe conflict is caused by:\n    a\n";
        assert_eq!(telling(text), "ERROR: Cannot install x\nThe conflict is caused by:\n    a");
        assert_eq!(telling("plain words"), "plain words");
    }
}
