//! Finds what decides a runnable dir's Python dependencies and has it read.

use std::path::{Path, PathBuf};

use super::declared::Declared;
use super::lock::Lock;
use super::manifest::{Manifest, read_text};
use super::names::relative;
use super::{Dependencies, Error, Install, Manager, PIP_LOCK, Request, locked, pip};

/// What a runnable dir needs; with [`Manager::None`] where nothing states any.
///
/// # Errors
/// Files that cannot be read or make no sense, a named manager whose file is missing, a configured group that does not exist.
pub fn discover(request: &Request) -> Result<Dependencies, Error> {
    let found = find(request)?;
    let mut dependencies = match found {
        Some(Found::Uv { place, root }) => locked::uv(request, &place, &root)?,
        Some(Found::Poetry(place)) => locked::poetry(request, &place)?,
        Some(Found::Pip(place, declared)) => pip::plan(request, &place, &declared)?,
        None => nothing(request)?,
    };
    if !dependencies.brings_pytest {
        dependencies.plan.dev.push(Install::Packages { names: vec!["pytest".into()] });
        dependencies.plan.notes.push("nothing in the dev groups brings pytest; it is added".into());
    }
    let mut plan = dependencies.plan;
    plan.sources = plan.sources.iter().map(|path| relative(request.dir, path)).collect();
    plan.sources.dedup();
    Ok(plan)
}

/// Where what `wharf image lock` writes belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lockable {
    /// What resolves.
    pub manager: Manager,
    /// The folder of the manifest.
    pub place: PathBuf,
    /// The folder of the lock; another than `place` for a member of a uv workspace.
    pub root: PathBuf,
    /// The lock, whether it is there yet or not.
    pub lock: PathBuf,
}

/// What can be locked for a dir; `None` where nothing states any dependencies. Finds what [`discover`] finds, and the place
/// of a first `uv.lock` or `poetry.lock` where the config names that manager.
///
/// # Errors
/// As [`discover`].
pub fn locate(request: &Request) -> Result<Option<Lockable>, Error> {
    let places = [request.dir, request.devops];
    let at = |manager, place: PathBuf, root: PathBuf, name: &str| {
        let lock = root.join(name);
        Some(Lockable { manager, place, root, lock })
    };
    match find(request) {
        Ok(Some(Found::Uv { place, root })) => Ok(at(Manager::Uv, place, root, "uv.lock")),
        Ok(Some(Found::Poetry(place))) => Ok(at(Manager::Poetry, place.clone(), place, "poetry.lock")),
        Ok(Some(Found::Pip(place, _))) => Ok(at(Manager::Pip, place, request.devops.to_owned(), PIP_LOCK)),
        Ok(None) => Ok(None),
        Err(error @ Error::ManagerFile { manager: manager @ (Manager::Uv | Manager::Poetry), .. }) => {
            let place = places.iter().find(|place| place.join("pyproject.toml").is_file()).ok_or(error)?.to_path_buf();
            let name = if manager == Manager::Uv { "uv.lock" } else { "poetry.lock" };
            Ok(at(manager, place.clone(), place, name))
        }
        Err(error) => Err(error),
    }
}

/// A plan, and whether its dev part brings pytest.
pub(super) struct Planned {
    pub plan: Dependencies,
    pub brings_pytest: bool,
}

enum Found {
    Uv { place: PathBuf, root: PathBuf },
    Poetry(PathBuf),
    Pip(PathBuf, Box<Declared>),
}

fn find(request: &Request) -> Result<Option<Found>, Error> {
    let places = [request.dir, request.devops];
    let missing = |manager, wanted| Error::ManagerFile { manager, dir: request.dir.to_owned(), wanted };
    let uv = || {
        places
            .iter()
            .find(|place| place.join("uv.lock").is_file())
            .map(|place| Found::Uv { place: place.to_path_buf(), root: place.to_path_buf() })
    };
    let poetry = || {
        places.iter().find(|place| place.join("poetry.lock").is_file()).map(|place| Found::Poetry(place.to_path_buf()))
    };
    match request.manager {
        Some(Manager::None) => Ok(None),
        Some(Manager::Uv) => match uv() {
            Some(found) => Ok(Some(found)),
            None => workspace(request)?.map(Some).ok_or_else(|| missing(Manager::Uv, "`uv.lock`")),
        },
        Some(Manager::Poetry) => poetry().map(Some).ok_or_else(|| missing(Manager::Poetry, "`poetry.lock`")),
        Some(Manager::Pip) => find_pip(&places)?
            .map(Some)
            .ok_or_else(|| missing(Manager::Pip, "`requirements.txt` or `pyproject.toml` with dependencies")),
        None => match uv().or_else(poetry) {
            Some(found) => Ok(Some(found)),
            None => match workspace(request)? {
                Some(found) => Ok(Some(found)),
                None => find_pip(&places),
            },
        },
    }
}

fn find_pip(places: &[&Path]) -> Result<Option<Found>, Error> {
    for place in places {
        let declared = Declared::read(place)?;
        if declared.says_anything() || pip::has_requirements_files(place) {
            return Ok(Some(Found::Pip(place.to_path_buf(), Box::new(declared))));
        }
    }
    Ok(None)
}

/// The uv workspace above the dir that the dir is a member of.
fn workspace(request: &Request) -> Result<Option<Found>, Error> {
    if !request.dir.join("pyproject.toml").is_file() {
        return Ok(None);
    }
    for root in request.dir.ancestors().skip(1).take_while(|root| root.starts_with(request.stop_at)) {
        let path = root.join("uv.lock");
        let Some(text) = read_text(&path)? else {
            continue;
        };
        let member = relative(root, request.dir);
        if Lock::parse(&path, &text)?
            .packages
            .values()
            .any(|locked| locked.folder.as_deref().is_some_and(|folder| Path::new(folder) == member))
        {
            return Ok(Some(Found::Uv { place: request.dir.to_owned(), root: root.to_owned() }));
        }
    }
    Ok(None)
}

/// A dir that states nothing. Configured groups are still answered for.
fn nothing(request: &Request) -> Result<Planned, Error> {
    let declared = Declared::read(request.dir)?;
    super::groups::for_prod(request.dir, &declared.groups, request.groups_prod)?;
    super::groups::for_dev(request.dir, &declared.groups, request.groups_dev, &[])?;
    let mut notes = Vec::new();
    if declared.computed {
        notes.push(SETUP_PY.to_owned());
    }
    let plan = Dependencies {
        manager: Manager::None,
        files: Default::default(),
        dev: Vec::new(),
        prod: Vec::new(),
        local: Vec::new(),
        sources: Vec::new(),
        notes,
    };
    Ok(Planned { plan, brings_pytest: false })
}

/// The note about what only running `setup.py` would tell.
pub(super) const SETUP_PY: &str =
    "`setup.py` computes what it needs, which is not read; list it in `pyproject.toml` or `requirements.txt`";

/// The manifest beside a lock.
pub(super) fn beside(lock: &Path) -> Result<Manifest, Error> {
    Manifest::load(&lock.with_file_name("pyproject.toml"))?.ok_or_else(|| Error::LockAlone { lock: lock.to_owned() })
}
