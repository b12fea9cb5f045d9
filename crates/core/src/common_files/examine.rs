//! Looks at all common files of a super-repo: declarations, records, owners, the work tree.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use wharf_git::Git;

use super::declared::{By, Declaration, Mode};
use super::error::{FilesError, Trouble};
use super::ids::Ids;
use super::owner::{self, Offer};
use super::pattern::Patterns;
use super::record::{RECORD, Record};
use super::scene::{Scene, join};
use super::select::Selection;
use super::status::{CommonFile, State, of_copy, of_link};
use super::target::{self, Claims};
use super::version::{Local, Version};

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Examined {
    /// Common files by repo and path.
    pub files: Vec<CommonFile>,
    /// What is odd, by severity.
    pub troubles: Vec<Trouble>,
    /// The record of each declaring repo.
    pub records: BTreeMap<usize, Record>,
}

/// Looks at the common files that `selection` means.
///
/// # Errors
/// When a declaration or a record cannot be used, or a path is no common file.
pub fn examine(scene: &Scene, selection: &Selection) -> Result<Examined, FilesError> {
    let mut examined = Examined { troubles: scene.troubles.clone(), ..Examined::default() };
    for (repo, declarations) in scene.declared.iter().enumerate().filter(|(_, declared)| !declared.is_empty()) {
        examine_repo(scene, repo, declarations, &mut examined)?;
    }
    selection.apply(scene, &mut examined.files)?;
    note_uncommitted(scene, &mut examined);
    examined.troubles.sort_by_key(|trouble| std::cmp::Reverse(trouble.severity()));
    examined.troubles.dedup();
    Ok(examined)
}

/// Looks at what one repo declares.
pub(super) fn examine_repo(
    scene: &Scene,
    repo: usize,
    declarations: &[Declaration],
    examined: &mut Examined,
) -> Result<(), FilesError> {
    let record = Record::read(&scene.repos[repo].root, &scene.shown(repo, RECORD))?;
    let mut claims = Claims::new(scene, repo);
    let mut files = Vec::new();
    for declaration in declarations {
        if declaration.by == By::Owner {
            claims.seal();
        }
        match owner::offer(scene, declaration)? {
            Ok(offer) => {
                examined.troubles.extend(owner::troubles(scene, declaration, &offer));
                let found = claim(scene, repo, (declaration, &offer), (&record, &mut claims))?;
                examined.troubles.extend(found.1);
                files.extend(found.0);
            }
            Err(trouble) => examined.troubles.push(trouble),
        }
    }
    look(scene, repo, &mut files)?;
    find_renames(scene, &mut files)?;
    files.sort_by(|one, other| one.path.cmp(&other.path));
    examined.files.extend(files);
    examined.records.insert(repo, record);
    Ok(())
}

/// The files of one declaration, at each of its places, not yet looked at.
fn claim(
    scene: &Scene,
    repo: usize,
    (declaration, offer): (&Declaration, &Offer),
    (record, claims): (&Record, &mut Claims<'_>),
) -> Result<(Vec<CommonFile>, Vec<Trouble>), FilesError> {
    let root = &scene.repos[repo].root;
    let owner_path = &scene.repos[offer.repo].path;
    let patterns = Patterns::new(&declaration.paths);
    let mut files = Vec::new();
    let (folders, mut troubles) = folders(root, declaration);
    for folder in &folders {
        let blank = |inner: &str, there: Option<Version>| CommonFile {
            repo,
            path: join(folder, inner),
            owner: offer.repo,
            source: join(&offer.folder, inner),
            commit: offer.commit.clone(),
            mode: declaration.mode,
            state: State::Same,
            here: Local::Absent,
            recorded: record.get(&join(folder, inner)).cloned(),
            link: String::new(),
            there,
            place: declaration.place.clone(),
        };
        let offered: BTreeSet<&str> = offer.files.iter().map(|file| file.path.as_str()).collect();
        let mut found: Vec<CommonFile> =
            offer.files.iter().map(|file| blank(&file.path, Some(file.version()))).collect();
        // What was here at the last sync and is not there any more.
        for (path, line) in record.lines().filter(|(_, line)| line.owner == *owner_path) {
            let inner = if folder.is_empty() { Some(path) } else { path.strip_prefix(&format!("{folder}/")) };
            let Some(inner) = inner.filter(|inner| !offered.contains(inner)) else { continue };
            if line.source == join(&offer.folder, inner) && patterns.matches(inner) {
                found.push(blank(inner, None));
            }
        }
        for mut file in found {
            if declaration.by == By::Owner && claims.is_keepers(&file.path) {
                continue;
            }
            if declaration.by == By::Owner && decides_what_runs(&file.path) {
                troubles.push(Trouble::NotAFile {
                    place: declaration.place.clone(),
                    path: file.source,
                    owner: owner_path.clone(),
                    what: "configuration, which a super-repo writes itself,",
                });
                continue;
            }
            if declaration.detached.contains(&file.path) {
                file.state = State::Detached;
            } else if (file.owner, &file.source) == (repo, &file.path) {
                let path = scene.shown(repo, &file.path);
                return Err(FilesError::OwnOwner { place: declaration.place.clone(), path });
            }
            claims.claim(&file.path, &declaration.place)?;
            // A name that is gone on both sides is in nobody's way.
            if file.there.is_some() || root.join(&file.path).symlink_metadata().is_ok() {
                claims.name(&file.path, &declaration.place)?;
            }
            file.link = target::link_text(scene, (repo, &file.path), (file.owner, &file.source));
            files.push(file);
        }
    }
    Ok((files, troubles))
}

/// Files that count as soon as they lie there. An owner that could export them would state what it may not export as a default.
fn decides_what_runs(path: &str) -> bool {
    let path = path.to_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    ["wharf.toml", RECORD, ".gitmodules"].contains(&name) || path.split('/').any(|part| part == ".wharf")
}

/// Where a declaration puts its files, and which of its places mean nothing.
fn folders(root: &Path, declaration: &Declaration) -> (BTreeSet<String>, Vec<Trouble>) {
    let (mut folders, mut troubles) = (BTreeSet::new(), Vec::new());
    for to in &declaration.to {
        let found = target::folders(root, to);
        if found.is_empty() {
            troubles.push(Trouble::NoPlace { place: declaration.place.clone(), to: to.clone() });
        }
        folders.extend(found);
    }
    (folders, troubles)
}

/// Fills in what is here, and the state.
fn look(scene: &Scene, repo: usize, files: &mut [CommonFile]) -> Result<(), FilesError> {
    let root = &scene.repos[repo].root;
    let mut ids = Ids::load(root, &scene.cache);
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let found = ids.look(&paths);
    ids.save();
    for (file, here) in files.iter_mut().zip(found) {
        if file.state != State::Detached {
            let base = file.recorded.as_ref().and_then(|recorded| recorded.version.as_ref());
            file.state = match file.mode {
                Mode::Copy => of_copy(file.there.as_ref(), &here, base),
                Mode::Link => of_link(file.there.as_ref(), &here, &file.link, file.recorded.is_some()),
            };
        }
        if matches!(file.state, State::NotYetHere)
            && let Some(other) = target::case_on_disk(root, &file.path)
        {
            let (path, other) = (scene.shown(repo, &file.path), scene.shown(repo, &other));
            return Err(FilesError::CaseClash { place: file.place.clone(), path, other });
        }
        file.here = here;
    }
    Ok(())
}

/// Of the copies that are gone at the owner, those that have another name there now.
fn find_renames(scene: &Scene, files: &mut [CommonFile]) -> Result<(), FilesError> {
    let is_gone = |file: &CommonFile| file.state == State::DeletedAtOwner && file.mode == Mode::Copy;
    let gone: Vec<usize> = (0..files.len()).filter(|at| is_gone(&files[*at])).collect();
    let mut known: BTreeMap<(usize, String), Vec<(String, String)>> = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for at in gone {
        let Some(recorded) = files[at].recorded.clone() else { continue };
        let owner = files[at].owner;
        let is_new = |file: &&CommonFile| {
            file.state == State::NotYetHere && file.owner == owner && file.place == files[at].place
        };
        let mut new = files.iter().filter(is_new).filter(|file| !taken.contains(&file.path));
        let same = new.clone().find(|file| file.there.is_some() && file.there == recorded.version);
        let found = match same {
            Some(file) => Some(file.path.clone()),
            None => {
                let key = (owner, recorded.commit.clone());
                let renames = match known.get(&key) {
                    Some(renames) => renames,
                    None => known.entry(key).or_insert(renames(scene, &files[at])),
                };
                let to = renames.iter().find(|(from, _)| *from == recorded.source).map(|(_, to)| to);
                new.find(|file| Some(&file.source) == to).map(|file| file.path.clone())
            }
        };
        if let Some(path) = found {
            taken.insert(path.clone());
            files[at].state = State::RenamedAtOwner(path);
        }
    }
    Ok(())
}

/// What Git finds; nothing where the owner's history does not have the recorded commit any more.
fn renames(scene: &Scene, file: &CommonFile) -> Vec<(String, String)> {
    let git = Git::new(&scene.repos[file.owner].root);
    let commit = file.recorded.as_ref().and_then(|recorded| git.commit(&recorded.commit));
    commit.and_then(|commit| git.renames(&commit, &file.commit).ok()).unwrap_or_default()
}

/// Notes files whose work tree at the owner differs from what is committed there.
fn note_uncommitted(scene: &Scene, examined: &mut Examined) {
    let mut sources: BTreeMap<usize, BTreeMap<&str, &Version>> = BTreeMap::new();
    for file in examined.files.iter().filter(|file| file.mode == Mode::Copy && file.state != State::Detached) {
        if let Some(there) = &file.there {
            sources.entry(file.owner).or_default().insert(&file.source, there);
        }
    }
    for (owner, sources) in sources {
        let repo = &scene.repos[owner];
        let paths: Vec<&str> = sources.keys().copied().collect();
        let mut ids = Ids::load(&repo.root, &scene.cache);
        let found = ids.look(&paths);
        ids.save();
        for ((path, there), local) in sources.into_iter().zip(found) {
            if matches!(&local, Local::File(version, _) if version != there) {
                examined.troubles.push(Trouble::Uncommitted { path: path.to_owned(), owner: repo.path.clone() });
            }
        }
    }
}
