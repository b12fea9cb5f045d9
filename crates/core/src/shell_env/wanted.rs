//! What a workspace gives a shell.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::SetenvConfig;

/// Where a value of `[setenv]` is worked out: `${ROOT}` is not the same in a container.
#[derive(Debug, Clone)]
pub struct Standpoint {
    /// `${ROOT}`: the super-repo's root, as seen from there.
    pub root: OsString,
    /// `${DIR}`: the runnable dir's folder, else the root.
    pub dir: OsString,
    /// `${HOME}`: the user's home. `None` in a container, where the host's is not.
    pub home: Option<OsString>,
    /// `${WORKSPACE}`: the workspace's name.
    pub workspace: String,
}

/// The variables of `[setenv]`, worked out. One that refers to a home is left out where there is none.
#[must_use]
pub fn team_variables(config: &SetenvConfig, standpoint: &Standpoint) -> BTreeMap<String, OsString> {
    let given = |name: &str| match name {
        "ROOT" => Some(standpoint.root.clone()),
        "DIR" => Some(standpoint.dir.clone()),
        "HOME" => standpoint.home.clone(),
        "WORKSPACE" => Some(standpoint.workspace.clone().into()),
        _ => None,
    };
    let names = config.variables.keys();
    names.filter_map(|name| config.value(name, &given).map(|value| (name.clone(), value))).collect()
}

/// What is known of the workspace.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// The super-repo's root.
    pub root: &'a Path,
    /// The workspace's name.
    pub workspace: &'a str,
    /// Roots of the repos that are here, the super-repo's first.
    pub repos: Vec<PathBuf>,
    /// Address and folder of the runnable dir that is set up too.
    pub dir: Option<(String, PathBuf)>,
    /// The user's home.
    pub home: Option<&'a Path>,
    /// Folder of the thin environment, where it is made.
    pub thin_env: Option<PathBuf>,
    /// Folders that the configuration puts in front of `PATH`, first one first.
    pub path: Vec<PathBuf>,
    /// The table `[setenv]`.
    pub setenv: &'a SetenvConfig,
}

/// The variables that a shell is to have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Variables with their values; `None`: it must not be set.
    pub values: BTreeMap<String, Option<OsString>>,
    /// Lists parted by `:`, with the entries that stand first.
    pub lists: BTreeMap<String, Vec<OsString>>,
}

impl Wanted {
    /// What the workspace of `facts` gives.
    #[must_use]
    pub fn of(facts: &Facts<'_>) -> Self {
        let folder = facts.dir.as_ref().map_or(facts.root, |(_, folder)| folder);
        let standpoint = Standpoint {
            root: facts.root.into(),
            dir: folder.into(),
            home: facts.home.map(Into::into),
            workspace: facts.workspace.to_owned(),
        };
        let team = team_variables(facts.setenv, &standpoint);
        let mut values: BTreeMap<String, Option<OsString>> =
            team.into_iter().map(|(name, value)| (name, Some(value))).collect();
        values.insert("WHARF_ROOT".into(), Some(facts.root.into()));
        values.insert("WHARF_WORKSPACE".into(), Some(facts.workspace.into()));
        if let Some((address, _)) = &facts.dir {
            values.insert("WHARF_DIR".into(), Some(address.into()));
        }
        let mut path: Vec<PathBuf> = Vec::new();
        if let Some(environment) = &facts.thin_env {
            values.insert("VIRTUAL_ENV".into(), Some(environment.into()));
            // It would lead the environment's Python to the library of another, as its own `activate` knows.
            values.insert("PYTHONHOME".into(), None);
            path.push(environment.join("bin"));
        }
        path.extend(facts.path.iter().cloned());
        let mut lists = BTreeMap::new();
        for (name, entries) in [("PATH", &path), ("PYTHONPATH", &facts.repos)] {
            let entries = entries_of(entries);
            if !entries.is_empty() {
                lists.insert(name.to_owned(), entries);
            }
        }
        Self { values, lists }
    }
}

/// Each folder once. One with a colon cannot stand in such a list.
fn entries_of(folders: &[PathBuf]) -> Vec<OsString> {
    let mut entries: Vec<OsString> = Vec::new();
    for folder in folders {
        let entry = folder.as_os_str();
        if !entry.as_encoded_bytes().contains(&b':') && !entries.iter().any(|known| known == entry) {
            entries.push(entry.to_owned());
        }
    }
    entries
}
