//! A super-repo as far as common files need it: its repos and what each of them declares. Read from a few files, without a walk
//! over the work tree, so that many super-repos at once stay cheap.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wharf_git::outermost;

use super::declared::{Declaration, declarations, exported};
use super::error::{FilesError, Trouble};
use crate::config::{ConfigError, Layer, LayerKind};
use crate::sub_repo::exports::{Exporter, exporters};
use crate::sub_repo::{self, Repo, State};
use crate::workspace::WorkspaceError;

const CONFIG: &str = "wharf.toml";

/// A super-repo with the common files that it and its sub-repos declare.
#[derive(Debug, Clone)]
pub struct Scene {
    /// Its root, absolute and without symbolic links.
    pub root: PathBuf,
    /// Its name.
    pub name: String,
    /// The super-repo, then all sub-repos by path.
    pub repos: Vec<Repo>,
    /// What each repo declares, in the order of `repos`.
    pub declared: Vec<Vec<Declaration>>,
    /// The sub-repos that export something to the super-repo.
    pub exporters: Vec<Exporter>,
    /// Wharf's cache folder.
    pub cache: PathBuf,
    /// What is odd so far.
    pub troubles: Vec<Trouble>,
}

impl Scene {
    /// Reads the super-repo around `dir`.
    ///
    /// # Errors
    /// When there is none, or its own `wharf.toml` cannot be used; one of a sub-repo becomes a trouble.
    pub fn open(dir: &Path, cache: &Path) -> Result<Self, FilesError> {
        let root = outermost(dir).map_err(WorkspaceError::from)?.root;
        let layer = read(LayerKind::SuperRepo, &root, CONFIG)?;
        let folder = root.file_name().map_or_else(|| "root".into(), |name| name.to_string_lossy().into_owned());
        let stated =
            layer.as_ref().and_then(|layer| layer.get("workspace.name")).and_then(|entry| entry.value.as_text());
        let name = stated.map_or(folder, str::to_owned);
        let repos = sub_repo::discover(&root, &name);
        let mut declared = vec![layer.as_ref().map(declarations).unwrap_or_default()];
        let mut troubles = Vec::new();
        let mut below = BTreeMap::new();
        for repo in &repos[1..] {
            let shown = format!("{}/{CONFIG}", repo.path);
            let read = match repo.state {
                State::Ready => read(LayerKind::SubRepo, &root, &shown),
                _ => Ok(None),
            };
            let layer = read.unwrap_or_else(|error| {
                troubles.push(Trouble::Config { path: shown, reason: error.to_string().replace('\n', "; ") });
                None
            });
            declared.push(layer.as_ref().map(declarations).unwrap_or_default());
            below.extend(layer.map(|layer| (repo.path.clone(), layer)));
        }
        // Behind what the super-repo states itself, which wins.
        let exporters = exporters(&root, layer.as_ref(), &below);
        declared[0].extend(exporters.iter().flat_map(exported));
        Ok(Self { root, name, repos, declared, exporters, cache: cache.join("common-files"), troubles })
    }

    /// The repo that holds a path from the super-repo's root, and the path in it.
    #[must_use]
    pub fn repo_of<'a>(&self, path: &'a str) -> (usize, &'a str) {
        let below = |repo: &Repo| match repo.path.is_empty() {
            true => Some(path),
            false => {
                let rest = path.strip_prefix(repo.path.as_str())?;
                if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
            }
        };
        let found = self.repos.iter().enumerate().filter_map(|(at, repo)| Some((at, below(repo)?)));
        found.min_by_key(|(_, rest)| rest.len()).unwrap_or((0, path))
    }

    /// A path in a repo, from the super-repo's root.
    #[must_use]
    pub fn shown(&self, repo: usize, path: &str) -> String {
        join(&self.repos[repo].path, path)
    }

    /// The repo's `wharf.toml`.
    #[must_use]
    pub fn config_file(&self, repo: usize) -> PathBuf {
        self.repos[repo].root.join(CONFIG)
    }
}

/// `folder/path`, where either may be empty.
pub(super) fn join(folder: &str, path: &str) -> String {
    match (folder.is_empty(), path.is_empty()) {
        (true, _) => path.to_owned(),
        (_, true) => folder.to_owned(),
        _ => format!("{folder}/{path}"),
    }
}

fn read(kind: LayerKind, root: &Path, shown: &str) -> Result<Option<Layer>, WorkspaceError> {
    let file = root.join(shown);
    match std::fs::read(&file) {
        Ok(bytes) => {
            let layer: Result<Layer, ConfigError> = Layer::from_toml(kind, Path::new(shown), &bytes);
            Ok(Some(layer?))
        }
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(WorkspaceError::Unreadable { file, source }),
    }
}
