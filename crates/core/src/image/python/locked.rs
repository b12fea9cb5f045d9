//! Plans from a lock: `uv.lock` and `poetry.lock`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::declared::{Declared, Group, GroupKind, Needed};
use super::discover::{Planned, beside};
use super::lock::{Lock, without_own_versions};
use super::manifest::{Manifest, line_of, read_bytes, read_text};
use super::names::{head, is_pytest, normalize, slashed, tidy};
use super::reduce::reduced;
use super::{Dependencies, Error, Install, Manager, Request, groups};

/// A plan from the `uv.lock` in `root`, for the project in `place` (`root` itself, or a member of its workspace).
pub(super) fn uv(request: &Request, place: &Path, root: &Path) -> Result<Planned, Error> {
    let lock_path = root.join("uv.lock");
    let manifest = beside(&place.join("uv.lock"))?;
    let root_manifest = beside(&lock_path)?;
    let read = Read::new(request, place, lock_path, &manifest, &[GroupKind::Group, GroupKind::Extra])?;
    let mut files = BTreeMap::from([
        ("uv.lock".to_owned(), without_own_versions(&read.text).into_bytes()),
        ("pyproject.toml".to_owned(), reduced(&root_manifest).into_bytes()),
    ]);
    if let Some(settings) = read_text(&root.join("uv.toml"))? {
        files.insert("uv.toml".into(), settings.into_bytes());
    }
    for folder in read.lock.packages.values().filter_map(|locked| locked.folder.as_deref()) {
        let inside = folder != "." && !folder.starts_with("..");
        if let Some(member) =
            inside.then(|| Manifest::load(&root.join(folder).join("pyproject.toml"))).transpose()?.flatten()
        {
            files.insert(format!("{folder}/pyproject.toml"), reduced(&member).into_bytes());
        }
    }
    let package = if place == root { None } else { read.declared.name.clone() };
    let install = |chosen: &[&Group]| Install::UvSync {
        groups: names(chosen, &[GroupKind::Group]),
        extras: names(chosen, &[GroupKind::Extra]),
        main: true,
        package: package.clone(),
    };
    read.planned(request, Manager::Uv, files, install)
}

/// A plan from the `poetry.lock` in `place`.
pub(super) fn poetry(request: &Request, place: &Path) -> Result<Planned, Error> {
    let lock_path = place.join("poetry.lock");
    let manifest = beside(&lock_path)?;
    let read =
        Read::new(request, place, lock_path, &manifest, &[GroupKind::Poetry, GroupKind::Group, GroupKind::Extra])?;
    let files = BTreeMap::from([
        ("poetry.lock".to_owned(), read.text.clone().into_bytes()),
        ("pyproject.toml".to_owned(), reduced(&manifest).into_bytes()),
    ]);
    let install = |chosen: &[&Group]| Install::PoetrySync {
        groups: names(chosen, &[GroupKind::Poetry, GroupKind::Group]),
        extras: names(chosen, &[GroupKind::Extra]),
    };
    read.planned(request, Manager::Poetry, files, install)
}

fn names(chosen: &[&Group], kinds: &[GroupKind]) -> Vec<String> {
    let mut names: Vec<String> =
        chosen.iter().filter(|group| kinds.contains(&group.kind)).map(|group| group.name.clone()).collect();
    names.dedup();
    names
}

/// A lock with what stands beside it.
struct Read {
    place: PathBuf,
    path: PathBuf,
    text: String,
    lock: Lock,
    declared: Declared,
}

impl Read {
    fn new(
        request: &Request,
        place: &Path,
        path: PathBuf,
        manifest: &Manifest,
        kinds: &[GroupKind],
    ) -> Result<Self, Error> {
        let text = read_text(&path)?.ok_or_else(|| Error::Missing {
            file: request.dir.to_owned(),
            line: 1,
            target: "lock".into(),
        })?;
        let lock = Lock::parse(&path, &text)?;
        let mut declared = Declared::read_locked(place, manifest)?;
        declared.groups.retain(|group| kinds.contains(&group.kind));
        Ok(Self { place: place.to_owned(), path, text, lock, declared })
    }

    fn planned(
        self,
        request: &Request,
        manager: Manager,
        mut files: BTreeMap<String, Vec<u8>>,
        install: impl Fn(&[&Group]) -> Install,
    ) -> Result<Planned, Error> {
        let main = self.declared.main.clone().unwrap_or_default();
        let dev = groups::for_dev(&self.place, &self.declared.groups, request.groups_dev, &main)?;
        let prod = groups::for_prod(&self.place, &self.declared.groups, request.groups_prod)?;
        let in_dev = self.reached(&main, &dev);
        let mut reached = in_dev.clone();
        reached.extend(self.reached(&main, &prod));
        self.carry_archives(request, &mut files)?;
        let mut sources = self.declared.sources.clone();
        sources.push(self.path.clone());
        let plan = Dependencies {
            manager,
            files,
            dev: vec![install(&dev)],
            prod: vec![install(&prod)],
            local: self.local(request, &reached)?,
            sources,
            notes: Vec::new(),
        };
        Ok(Planned { plan, brings_pytest: in_dev.iter().any(|name| is_pytest(name)) })
    }

    /// Names of all packages that these lead to by the lock.
    fn reached(&self, main: &[Needed], chosen: &[&Group]) -> BTreeSet<String> {
        let own = self.declared.name.as_ref().and_then(|name| self.lock.packages.get(name));
        let stated = main.iter().chain(chosen.iter().flat_map(|group| &group.needs));
        let mut start: Vec<String> = stated
            .filter_map(|need| match need {
                Needed::Requirement(text) => head(text).map(|(name, _)| name),
                Needed::Path { path, .. } => self.by_folder(path),
            })
            .collect();
        start.extend(own.iter().flat_map(|own| own.needs.iter().cloned()));
        for group in chosen {
            start.extend(own.iter().filter_map(|own| own.groups.get(&normalize(&group.name))).flatten().cloned());
        }
        self.lock.reach(start)
    }

    fn by_folder(&self, path: &Path) -> Option<String> {
        let wanted = tidy(&self.place.join(path));
        let is_it =
            |text: &Option<String>| text.as_ref().is_some_and(|folder| tidy(&self.root().join(folder)) == wanted);
        self.lock
            .packages
            .iter()
            .find(|(_, locked)| is_it(&locked.folder) || is_it(&locked.archive))
            .map(|(name, _)| name.clone())
    }

    fn root(&self) -> &Path {
        self.path.parent().unwrap_or(&self.place)
    }

    /// Folders of the repo among the packages reached, without the project's own.
    fn local(&self, request: &Request, reached: &BTreeSet<String>) -> Result<Vec<PathBuf>, Error> {
        let mut local = Vec::new();
        for (name, locked) in self.lock.packages.iter().filter(|(name, _)| reached.contains(*name)) {
            let Some(folder) = &locked.folder else {
                continue;
            };
            let path = tidy(&self.root().join(folder));
            if path == self.place || self.declared.name.as_ref() == Some(name) {
                continue;
            }
            if !path.starts_with(request.stop_at) {
                return Err(self.outside(folder));
            }
            local.push(path);
        }
        Ok(local)
    }

    fn carry_archives(&self, request: &Request, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Error> {
        for archive in self.lock.packages.values().filter_map(|locked| locked.archive.as_ref()) {
            let path = tidy(&self.root().join(archive));
            let inside = path.strip_prefix(self.root()).map_err(|_| self.outside(archive))?;
            if !path.starts_with(request.stop_at) {
                return Err(self.outside(archive));
            }
            files.insert(slashed(inside), read_bytes(&path)?);
        }
        Ok(())
    }

    fn outside(&self, target: &str) -> Error {
        Error::Outside { file: self.path.clone(), line: line_of(&self.text, target), target: target.to_owned() }
    }
}
