//! Chooses the interpreter: the search path, then pyenv's versions, then uv's own finder.

use std::collections::{BTreeMap, BTreeSet};
use std::env::split_paths;
use std::path::{Path, PathBuf};

use wharf_process::Command;

use super::HostTools;
use super::error::HostError;
use super::interpreter::{Interpreter, numbers};
use super::known::Known;

/// Whether uv may fetch an interpreter that is not here. Its own setting `python-downloads` has the last word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Download {
    /// It may.
    Allowed,
    /// It may not.
    Forbidden,
}

/// A look for interpreters.
pub(super) struct Search<'a> {
    tools: &'a HostTools,
    known: Known,
}

impl<'a> Search<'a> {
    /// Starts with what is remembered in the cache.
    pub(super) fn new(tools: &'a HostTools) -> Self {
        Self { tools, known: Known::load(&tools.cache) }
    }

    /// The interpreter for a wanted version, for a least one (`>=3.8`), or the host's `python3`.
    pub(super) fn select(&mut self, wanted: Option<&str>, download: Download) -> Result<Interpreter, HostError> {
        let found = match wanted {
            None => self.first(&["python3".to_owned(), "python".to_owned()], &[3]),
            Some(wanted) if wanted.starts_with(">=") => {
                let least = parse(wanted.trim_start_matches(">="))?;
                self.newer(&least).or_else(|| self.by_uv(wanted, &[], download).filter(|found| is_newer(found, &least)))
            }
            Some(wanted) => {
                let version = parse(wanted)?;
                self.on_this_host(&version).or_else(|| self.by_uv(wanted, &version, download))
            }
        };
        found.ok_or_else(|| HostError::NoPython {
            wanted: wanted.map(str::to_owned),
            found: self.all(),
            uv: self.tools.uv.is_some(),
        })
    }

    /// An interpreter for Wharf's own tools: at least the version given; the host's `python3` where that will do.
    pub(super) fn at_least(&mut self, least: [u32; 2]) -> Result<Interpreter, HostError> {
        self.newer(&least).ok_or_else(|| HostError::NoPython {
            wanted: Some(format!("{}.{}", least[0], least[1])),
            found: self.all(),
            uv: self.tools.uv.is_some(),
        })
    }

    /// The host's `python3` where it is at least that, else the newest of all.
    fn newer(&mut self, least: &[u32]) -> Option<Interpreter> {
        let default = self.first(&["python3".to_owned(), "python".to_owned()], &[3]);
        if let Some(python) = default.filter(|python| is_newer(python, least)) {
            return Some(python);
        }
        let newer = self.everything().into_iter().filter(|python| is_newer(python, least));
        newer.max_by_key(|python| python.identity.numbers())
    }

    fn on_this_host(&mut self, version: &[u32]) -> Option<Interpreter> {
        let mut names = vec!["python3".to_owned(), "python".to_owned()];
        if let [major, minor, ..] = version {
            names.insert(0, format!("python{major}.{minor}"));
        }
        self.first(&names, version).or_else(|| {
            let versions = self.pyenv_root()?.join("versions");
            let name = newest(&versions, version)?;
            let python = self.known.interpreter(&versions.join(name).join("bin/python3"))?;
            python.identity.numbers().starts_with(version).then_some(python)
        })
    }

    fn first(&mut self, names: &[String], version: &[u32]) -> Option<Interpreter> {
        for name in names {
            for folder in split_paths(&self.tools.search_path) {
                let Some(program) = self.program(&folder, name) else { continue };
                if let Some(python) = self.known.interpreter(&program)
                    && python.identity.numbers().starts_with(version)
                {
                    return Some(python);
                }
            }
        }
        None
    }

    /// The file behind a name in a folder of the search path. A shim of pyenv is followed to the version that is
    /// chosen for the whole user; the versions that are not chosen are looked at later.
    fn program(&self, folder: &Path, name: &str) -> Option<PathBuf> {
        let program = folder.join(name);
        match shims_root(folder) {
            None => program.is_file().then_some(program),
            Some(root) => {
                let chosen = match self.tools.variable("PYENV_VERSION") {
                    Some(chosen) => chosen.to_string_lossy().replace(':', "\n"),
                    None => fs_err::read_to_string(root.join("version")).ok()?,
                };
                let versions = root.join("versions");
                chosen.lines().find_map(|line| {
                    let exact = versions.join(line.trim());
                    let chosen = if exact.is_dir() { exact } else { versions.join(newest(&versions, &numbers(line))?) };
                    Some(chosen.join("bin").join(name)).filter(|program| program.is_file())
                })
            }
        }
    }

    fn pyenv_root(&self) -> Option<PathBuf> {
        let named = self.tools.variable("PYENV_ROOT").map(PathBuf::from);
        let shims = || split_paths(&self.tools.search_path).find_map(|folder| shims_root(&folder));
        let home = || self.tools.variable("HOME").map(|home| Path::new(home).join(".pyenv"));
        named.or_else(shims).or_else(home).filter(|root| root.join("versions").is_dir())
    }

    fn by_uv(&mut self, wanted: &str, version: &[u32], download: Download) -> Option<Interpreter> {
        let fits = |python: &Interpreter| python.identity.numbers().starts_with(version);
        if let Some(path) = self.known.found_by_uv(wanted)
            && let Some(python) = self.known.interpreter(&path).filter(fits)
        {
            return Some(python);
        }
        let uv = self.tools.uv.clone()?;
        let mut path = self.ask_uv(&uv, wanted);
        if path.is_none() && download == Download::Allowed {
            // `uv python install` would fetch even where the user has set downloads to `manual`; `uv run` asks first.
            let fetch = Command::new(&uv).args(["run", "--no-project", "--python", wanted, "python", "-c", ""]);
            let fetched = self.tools.dress(fetch).run().is_ok_and(|output| output.exit.is_success());
            path = fetched.then(|| self.ask_uv(&uv, wanted)).flatten();
        }
        let path = path?;
        let python = self.known.interpreter(&path).filter(fits)?;
        self.known.learn_from_uv(wanted, &path);
        Some(python)
    }

    fn ask_uv(&self, uv: &Path, wanted: &str) -> Option<PathBuf> {
        let find = Command::new(uv).args(["python", "find", "--system", "--no-python-downloads", wanted]);
        let output = self.tools.dress(find).run().ok()?;
        let path = PathBuf::from(output.text().trim());
        (output.exit.is_success() && path.is_file()).then_some(path)
    }

    /// What the host has, for a message: `3.11.7 (/usr/bin/python3.11)`, newest first.
    fn all(&mut self) -> Vec<String> {
        let mut found = BTreeMap::new();
        for python in self.everything() {
            let numbers = python.identity.numbers();
            found.entry(numbers).or_insert_with(|| format!("{} ({})", python.identity.version, python.path.display()));
        }
        found.into_values().rev().collect()
    }

    fn everything(&mut self) -> Vec<Interpreter> {
        let mut programs = BTreeSet::new();
        for folder in split_paths(&self.tools.search_path).filter(|folder| shims_root(folder).is_none()) {
            programs.extend(entries(&folder).into_iter().filter(|name| is_python(name)).map(|name| folder.join(name)));
        }
        if let Some(root) = self.pyenv_root() {
            let versions = root.join("versions");
            programs.extend(entries(&versions).into_iter().map(|name| versions.join(name).join("bin/python3")));
        }
        programs.iter().filter_map(|program| self.known.interpreter(program)).collect()
    }
}

fn is_newer(python: &Interpreter, least: &[u32]) -> bool {
    python.identity.numbers().as_slice() >= least
}

fn shims_root(folder: &Path) -> Option<PathBuf> {
    let root = folder.parent()?;
    (folder.ends_with("shims") && root.join("versions").is_dir()).then(|| root.to_owned())
}

fn is_python(name: &str) -> bool {
    let rest = name.strip_prefix("python3");
    rest.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(|minor| minor.parse::<u32>().is_ok()))
}

fn entries(folder: &Path) -> Vec<String> {
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
}

/// The folder among pyenv's versions with the highest version that starts with `version`.
fn newest(versions: &Path, version: &[u32]) -> Option<String> {
    let fitting = entries(versions).into_iter().filter(|name| {
        // Names such as `3.13t` or `3.12-dev` are asked for by their full name only.
        !version.is_empty()
            && name.chars().all(|c| c.is_ascii_digit() || c == '.')
            && numbers(name).starts_with(version)
    });
    fitting.max_by_key(|name| numbers(name))
}

fn parse(wanted: &str) -> Result<Vec<u32>, HostError> {
    let parsed: Option<Vec<u32>> = wanted.trim().split('.').map(|part| part.parse().ok()).collect();
    parsed.filter(|numbers| numbers.len() <= 3).ok_or_else(|| HostError::BadVersion { wanted: wanted.to_owned() })
}
