//! Plans for pip: from requirements files, and from what `pyproject.toml` or `setup.cfg` states without a lock.
//!
//! A stage's list is installed by one `pip install` where it can be, since only then are all versions chosen together; files
//! with hashes and things without cannot share one, as pip then wants a hash for all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::declared::{Declared, Group, GroupKind, Needed};
use super::discover::{Planned, SETUP_PY};
use super::manifest::read_bytes;
use super::names::{head, is_pytest, normalize, slashed, tidy};
use super::requirements::{Carried, LocalDir};
use super::{Dependencies, Error, Install, Manager, PIP_LOCK, Request, groups};

/// Whether a folder has any requirements file that is read without being named.
pub(super) fn has_requirements_files(place: &Path) -> bool {
    place.join("requirements.txt").is_file()
        || group_files(place).keys().any(|name| matches!(name.as_str(), "test" | "tests" | "testing" | "dev"))
}

/// A plan from what `place` states and from the requirements files there.
pub(super) fn plan(request: &Request, place: &Path, declared: &Declared) -> Result<Planned, Error> {
    let mut writer = Writer {
        request,
        place,
        own: declared,
        carried: Carried::default(),
        local: Vec::new(),
        notes: Vec::new(),
        sources: declared.sources.clone(),
        open: Vec::new(),
        pins: None,
    };
    let pins = request.devops.join(PIP_LOCK);
    if pins.is_file() {
        writer.carried.files.insert(pins.clone(), read_bytes(&pins)?);
        writer.pins = Some(pins);
    }
    let files = group_files(place);
    let mut all_groups = declared.groups.clone();
    all_groups.extend(files.iter().map(|(name, paths)| writer.file_group(name, paths)));
    let requirements = place.join("requirements.txt");
    let stated = declared.main.clone().filter(|main| !main.is_empty());
    let mut main = Sheet::default();
    match stated {
        Some(needs) => {
            writer.add_needs(&mut main, &needs, place)?;
            if requirements.is_file() {
                writer.notes.push(
                    "`requirements.txt` is not read, since the package's own files state its dependencies".into(),
                );
            }
        }
        None if requirements.is_file() => writer.add_file(&mut main, &requirements)?,
        None => {}
    }
    // What lies in the `devops` folder is meant for the image: it counts whatever else states dependencies, and then no
    // group is chosen by its usual name, for two lists of test tools seldom agree.
    let of_image = request.devops.join("requirements.txt");
    let stated_for_image = place != request.devops && of_image.is_file();
    if stated_for_image {
        writer.add_file(&mut main, &of_image)?;
    }
    if declared.computed {
        writer.notes.push(SETUP_PY.to_owned());
    }
    let main_needs: Vec<Needed> = writer.names(&main).into_iter().map(Needed::Requirement).collect();
    let dev_groups =
        groups::for_dev(place, &all_groups, request.groups_dev.or(stated_for_image.then_some(&[])), &main_needs)?;
    let prod_groups = groups::for_prod(place, &all_groups, request.groups_prod)?;
    let mut dev = writer.stage(&main, &dev_groups, &files)?;
    let prod = writer.stage(&main, &prod_groups, &files)?;
    let mut brings_pytest = writer.names(&dev).iter().any(|name| is_pytest(name));
    if !brings_pytest && writer.pins.is_some() {
        // In the same list as all else, so that the lock decides its version too.
        dev.line("pytest");
        brings_pytest = true;
        writer.notes.push("nothing in the dev groups brings pytest; it is added".into());
    }
    Ok(Planned { plan: writer.finish(&dev, &prod), brings_pytest })
}

/// What one stage installs.
#[derive(Debug, Clone, Default)]
struct Sheet {
    /// Requirements, in order.
    lines: Vec<String>,
    /// Requirements files, in order, absolute.
    files: Vec<PathBuf>,
}

impl Sheet {
    fn line(&mut self, line: &str) {
        if !self.lines.iter().any(|known| known == line) {
            self.lines.push(line.to_owned());
        }
    }
}

struct Writer<'a> {
    request: &'a Request<'a>,
    place: &'a Path,
    own: &'a Declared,
    carried: Carried,
    local: Vec<PathBuf>,
    notes: Vec<String>,
    sources: Vec<PathBuf>,
    /// The packages that are being gone through, as two of them may need each other.
    open: Vec<LocalDir>,
    /// The lock, where there is one.
    pins: Option<PathBuf>,
}

impl Writer<'_> {
    /// A group made of requirements files; what cannot be read is found out when the group is chosen.
    fn file_group(&self, name: &str, paths: &[PathBuf]) -> Group {
        let mut scratch = Carried::default();
        let mut names = Vec::new();
        for path in paths {
            if scratch.add(path, &[self.place, self.request.dir], self.request.stop_at).is_ok() {
                names
                    .extend(scratch.closure(path).iter().filter_map(|file| scratch.names.get(file)).flatten().cloned());
            }
        }
        Group {
            name: name.to_owned(),
            kind: GroupKind::File,
            needs: names.into_iter().map(Needed::Requirement).collect(),
        }
    }

    fn stage(
        &mut self,
        main: &Sheet,
        chosen: &[&Group],
        files: &BTreeMap<String, Vec<PathBuf>>,
    ) -> Result<Sheet, Error> {
        let mut sheet = main.clone();
        for group in chosen {
            if group.kind == GroupKind::File {
                for path in files.get(&group.name).into_iter().flatten() {
                    self.add_file(&mut sheet, path)?;
                }
            } else {
                self.add_needs(&mut sheet, &group.needs, self.place)?;
            }
        }
        let covered: Vec<PathBuf> =
            sheet.files.iter().flat_map(|file| self.carried.closure(file).into_iter().skip(1)).collect();
        sheet.files.retain(|file| !covered.contains(file));
        Ok(sheet)
    }

    fn add_file(&mut self, sheet: &mut Sheet, path: &Path) -> Result<(), Error> {
        self.carried.add(path, &[self.place, self.request.dir], self.request.stop_at)?;
        if !sheet.files.iter().any(|known| known == path) {
            sheet.files.push(path.to_owned());
        }
        for file in self.carried.closure(path) {
            for local in self.carried.local.get(&file).cloned().unwrap_or_default() {
                self.add_local(sheet, &local)?;
            }
        }
        Ok(())
    }

    /// Adds what the manifest in `base` asks for.
    fn add_needs(&mut self, sheet: &mut Sheet, needs: &[Needed], base: &Path) -> Result<(), Error> {
        let manifest = base.join("pyproject.toml");
        for need in needs {
            let (path, extras, line) = match need {
                Needed::Requirement(text) => {
                    sheet.line(text);
                    continue;
                }
                Needed::Path { path, extras, line } => (path, extras, *line),
            };
            let target = path.display().to_string();
            let found = tidy(&base.join(path));
            if !found.starts_with(self.request.stop_at) {
                return Err(Error::Outside { file: manifest, line, target });
            }
            if found.is_dir() {
                self.add_local(sheet, &LocalDir { dir: found, extras: extras.clone() })?;
            } else if found.is_file() {
                let bytes = read_bytes(&found)?;
                let text = format!("./{}", slashed(&super::names::relative(self.place, &found)));
                self.carried.files.insert(found, bytes);
                sheet.line(&text);
            } else {
                return Err(Error::Missing { file: manifest, line, target });
            }
        }
        Ok(())
    }

    /// Adds what a package in the repo needs; the package itself is made importable by the caller.
    fn add_local(&mut self, sheet: &mut Sheet, local: &LocalDir) -> Result<(), Error> {
        if self.open.contains(local) {
            return Ok(());
        }
        let is_own = local.dir == self.request.dir || local.dir == self.place;
        let read;
        let declared = if local.dir == self.place {
            self.own
        } else {
            read = Declared::read(&local.dir)?;
            &read
        };
        let known = self.local.contains(&local.dir);
        if !is_own && !known {
            self.local.push(local.dir.clone());
        }
        let mut needs = declared.main.clone().unwrap_or_default();
        let wanted = |group: &&Group| group.kind == GroupKind::Extra && local.extras.contains(&normalize(&group.name));
        needs.extend(declared.groups.iter().filter(wanted).flat_map(|group| group.needs.clone()));
        if declared.computed && !is_own && !known {
            self.notes
                .push(format!("what `{}` needs is computed by its `setup.py`, which is not read", local.dir.display()));
        }
        if declared.sources.iter().any(|source| !self.sources.contains(source)) {
            self.sources.extend(declared.sources.iter().cloned());
        }
        self.open.push(local.clone());
        let added = self.add_needs(sheet, &needs, &local.dir);
        self.open.pop();
        added
    }

    /// Normalised names of all that a sheet asks for.
    fn names(&self, sheet: &Sheet) -> Vec<String> {
        let mut names: Vec<String> = sheet.lines.iter().filter_map(|line| head(line)).map(|(name, _)| name).collect();
        for file in sheet.files.iter().flat_map(|file| self.carried.closure(file)) {
            names.extend(self.carried.names.get(&file).into_iter().flatten().cloned());
        }
        names
    }

    fn finish(mut self, dev: &Sheet, prod: &Sheet) -> Dependencies {
        let root = self.common_root();
        let key = |path: &Path| slashed(path.strip_prefix(&root).unwrap_or(path));
        let mut files: BTreeMap<String, Vec<u8>> =
            self.carried.files.iter().map(|(path, bytes)| (key(path), bytes.clone())).collect();
        let prod = self.emit(prod, "main.txt", &key, &mut files);
        let dev = self.emit(dev, "dev.txt", &key, &mut files);
        self.sources.extend(self.carried.files.keys().cloned());
        Dependencies {
            manager: Manager::Pip,
            files,
            dev,
            prod,
            local: self.local,
            sources: self.sources,
            notes: self.notes,
        }
    }

    /// The deepest folder that all carried files lie in: the place itself, unless a file includes one above it.
    fn common_root(&self) -> PathBuf {
        let mut root = self.place.to_owned();
        while !self.carried.files.keys().all(|path| path.starts_with(&root)) && root.pop() {}
        root
    }

    fn emit(
        &self,
        sheet: &Sheet,
        name: &str,
        key: &dyn Fn(&Path) -> String,
        files: &mut BTreeMap<String, Vec<u8>>,
    ) -> Vec<Install> {
        let hashed = |file: &PathBuf| self.carried.closure(file).iter().any(|file| self.carried.hashed.contains(file));
        let some_hashed = sheet.files.iter().any(hashed);
        let apart = some_hashed && !(sheet.files.iter().all(hashed) && sheet.lines.is_empty());
        // A file with hashes states all its versions itself, and pip would want hashes of the lock's too.
        let pinned = |file| self.pins.is_some() && !hashed(file);
        let alone = sheet.files.len() == 1 && sheet.lines.is_empty();
        let mut text = String::new();
        let mut installs = Vec::new();
        for file in &sheet.files {
            if (apart || alone) && !pinned(file) {
                installs.push(Install::Requirements { file: key(file) });
            } else {
                text.push_str(&format!("-r {}\n", key(file)));
            }
        }
        text.extend(sheet.lines.iter().flat_map(|line| [line.as_str(), "\n"]));
        if !text.is_empty() {
            if let Some(pins) = self.pins.as_ref().filter(|_| apart || !some_hashed) {
                text.push_str(&format!("-c {}\n", key(pins)));
            }
            let taken = files.contains_key(name);
            let name = if taken { format!("wharf-{name}") } else { name.to_owned() };
            files.insert(name.clone(), text.into_bytes());
            installs.push(Install::Requirements { file: name });
        }
        installs
    }
}

/// Requirements files named after a group: `requirements-NAME.txt`, `requirements_NAME.txt`, `NAME-requirements.txt`,
/// `NAME_requirements.txt`, `requirements/NAME.txt`.
fn group_files(place: &Path) -> BTreeMap<String, Vec<PathBuf>> {
    let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for (folder, inner) in [(place.to_owned(), false), (place.join("requirements"), true)] {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        let mut paths: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        paths.sort();
        for path in paths {
            let Some(stem) = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".txt"))
            else {
                continue;
            };
            let group = if inner { Some(stem) } else { group_in(stem) };
            if let Some(group) = group.map(str::to_owned) {
                found.entry(group).or_default().push(path);
            }
        }
    }
    found
}

fn group_in(stem: &str) -> Option<&str> {
    let after = stem.strip_prefix("requirements").and_then(|rest| rest.strip_prefix(['-', '_', '.']));
    after
        .or_else(|| stem.strip_suffix("requirements").and_then(|rest| rest.strip_suffix(['-', '_', '.'])))
        .filter(|group| !group.is_empty())
}
