//! The owner's side: what its `HEAD` has in the folder that an entry names. Listings are kept in the cache by commit, which never
//! changes.

use std::path::Path;

use wharf_git::{Git, place};

use super::declared::Declaration;
use super::error::{FilesError, Trouble};
use super::pattern::Patterns;
use super::scene::{Scene, join};
use super::version::Version;
use crate::sub_repo::State;

/// What an owner offers to one entry.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Offer {
    /// The owner, as a place in [`Scene::repos`].
    pub repo: usize,
    /// The folder in it; empty for its root.
    pub folder: String,
    /// Its `HEAD`.
    pub commit: String,
    /// Its files that the entry means: path in the folder, version.
    pub files: Vec<Offered>,
    /// What the entry means but cannot be carried: path in the owner, mode.
    pub others: Vec<(String, u32)>,
    /// Inclusions that mean nothing.
    pub idle: Vec<String>,
}

/// One file of an offer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Offered {
    pub path: String,
    pub id: String,
    pub executable: bool,
}

impl Offered {
    pub(super) fn version(&self) -> Version {
        Version { id: self.id.clone(), executable: self.executable }
    }
}

/// What the owner of an entry offers, or why it offers nothing.
pub(super) fn offer(scene: &Scene, declaration: &Declaration) -> Result<Result<Offer, Trouble>, FilesError> {
    let place = declaration.place.clone();
    let (repo, folder) = scene.repo_of(&declaration.from);
    let owner = &scene.repos[repo];
    let shown = owner.path.clone();
    match &owner.state {
        State::Ready => {}
        State::NotPopulated => return Ok(Err(Trouble::NotPopulated { place, owner: shown })),
        State::Unreadable(reason) => {
            return Ok(Err(Trouble::Unreadable { place, owner: shown, reason: reason.clone() }));
        }
    }
    let head = place::at(&owner.root).ok().flatten().and_then(|place| place.head());
    let Some(commit) = head.and_then(|head| head.commit) else {
        return Ok(Err(Trouble::Unreadable { place, owner: shown, reason: "it has no commit".into() }));
    };
    let key = blake3::hash(
        format!("{}\0{commit}\0{folder}\0{}", owner.root.display(), declaration.paths.join("\0")).as_bytes(),
    );
    let file = scene.cache.join(format!("{}.tree", &key.to_hex()[..24]));
    let cached = std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice::<Offer>(&bytes).ok());
    let offer = match cached {
        Some(offer) => Offer { repo, ..offer },
        None => {
            let offer = list(scene, declaration, (repo, folder), commit)?;
            keep(&file, &offer);
            offer
        }
    };
    let is_there = folder.is_empty() || !offer.files.is_empty() || owner.root.join(folder).exists();
    if is_there || repo != 0 {
        return Ok(Ok(offer));
    }
    // A folder of the super-repo that is not there was more likely meant as a repo.
    Ok(Err(Trouble::NoOwner { place, from: declaration.from.clone() }))
}

fn list(
    scene: &Scene,
    declaration: &Declaration,
    (repo, folder): (usize, &str),
    commit: String,
) -> Result<Offer, FilesError> {
    let root = &scene.repos[repo].root;
    let entries = Git::new(root).entries(&commit, folder).map_err(FilesError::git(root))?;
    let patterns = Patterns::new(&declaration.paths);
    let (mut files, mut others) = (Vec::new(), Vec::new());
    for entry in entries {
        let inner = match folder.is_empty() {
            true => Some(entry.path.as_str()),
            false => entry.path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')),
        };
        let Some(inner) = inner.filter(|inner| patterns.matches(inner)) else { continue };
        let is_file = matches!(entry.mode, 0o100_644 | 0o100_755 | 0o100_664);
        match is_file && !inner.contains(|c: char| c.is_control()) {
            true => files.push(Offered { path: inner.to_owned(), id: entry.id, executable: entry.mode == 0o100_755 }),
            false => others.push((join(folder, inner), entry.mode)),
        }
    }
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let idle = patterns.idle(&declaration.paths, &paths).into_iter().map(str::to_owned).collect();
    Ok(Offer { repo, folder: folder.to_owned(), commit, files, others, idle })
}

/// Keeps a listing; a cache that cannot be written costs only time.
fn keep(file: &Path, offer: &Offer) {
    if let Ok(bytes) = serde_json::to_vec(offer) {
        let _ = super::apply::replace(file, &bytes, None);
    }
}

/// What is odd about an offer.
pub(super) fn troubles(scene: &Scene, declaration: &Declaration, offer: &Offer) -> Vec<Trouble> {
    let owner = scene.repos[offer.repo].path.clone();
    let place = || declaration.place.clone();
    let others = offer.others.iter().map(|(path, mode)| Trouble::NotAFile {
        place: place(),
        path: path.clone(),
        owner: owner.clone(),
        what: match mode {
            0o120_000 => "a symbolic link",
            0o160_000 => "a sub-repo",
            _ => "a name with control characters",
        },
    });
    let idle = offer.idle.iter().map(|pattern| Trouble::Idle {
        place: place(),
        pattern: pattern.clone(),
        owner: owner.clone(),
    });
    others.chain(idle).collect()
}
