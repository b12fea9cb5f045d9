//! Reads a workspace: the outermost repo, its configuration, its runnable dirs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::check;
use super::error::{Problem, WorkspaceError};
use super::exports;
use super::older::{self, Ground};
use super::outline::{self, Outline};
use super::walk::{Found, has_user_ignores, walk};
use super::{Surroundings, Workspace};
use crate::config::{Config, ConfigError, Flag, Layer, LayerKind, Resolved, check_exported, resolve};
use crate::runnable_dir::{Address, Layout, RunnableDir, image_name};
use crate::sub_repo::exports::Exporter;
use crate::sub_repo::{Repo, State};
use crate::version;

/// Name of the configuration file, at a repo's root and in a `devops` folder.
pub(super) const CONFIG: &str = "wharf.toml";

/// Reads the workspace around `surroundings.here`.
///
/// # Errors
/// When there is no usable repo, or its configuration cannot be used. What is merely odd is in
/// [`Workspace::problems`].
pub fn discover(surroundings: Surroundings) -> Result<Workspace, WorkspaceError> {
    let (outline, Shared { layers, sub_layers, problems }) = outline::read(surroundings)?;
    let Outline { root, git, name, repos, exporters, resolved, config, places, surroundings } = outline;
    let index = git.git_dir.join("index");
    let found = walk(&root, &index, &exclusion(&config), has_user_ignores(&surroundings));
    let id = super::id_in(&surroundings, &root);
    let mut workspace = Workspace {
        root,
        git,
        name,
        id,
        repos,
        exporters,
        dirs: Vec::new(),
        problems: Vec::new(),
        resolved,
        config,
        places,
        surroundings,
        scripts: std::sync::OnceLock::new(),
    };
    let mut problems = problems;
    problems.extend(self::problems(&workspace, &found));
    problems.extend(layers.root.as_ref().and_then(|layer| exports::unknown(layer, &workspace.repos)));
    workspace.problems = problems;
    workspace.dirs = read_dirs(&mut workspace, &layers, &sub_layers, &found)?;
    let without_image = exports::without_image(&workspace);
    workspace.problems.extend(without_image);
    check::names(&workspace)?;
    check::sources(&workspace)?;
    Ok(workspace)
}

/// The configuration where no workspace is needed, or none is there yet: that of the user, of variables and of flags.
///
/// # Errors
/// When it cannot be used.
pub fn own_config(surroundings: &Surroundings) -> Result<Config, WorkspaceError> {
    let layers = Layers::read(None, surroundings)?;
    Ok(Config::from_resolved(&layers.resolve(None, None))?)
}

/// What the configuration of a workspace was made of, for those who go on reading.
pub(super) struct Shared {
    /// What all dirs share.
    pub layers: Layers,
    /// The layer of each sub-repo, by its path.
    pub sub_layers: BTreeMap<String, Layer>,
    /// What was odd on the way.
    pub problems: Vec<Problem>,
}

/// The layers that all dirs share.
pub(super) struct Layers {
    user: Option<Layer>,
    /// The weakest first.
    exported: Vec<Layer>,
    /// What the older layout of the super-repo means.
    pub(super) older: Option<Layer>,
    pub(super) root: Option<Layer>,
    variables: Layer,
    flags: Layer,
}

impl Layers {
    pub(super) fn read(root: Option<&Path>, surroundings: &Surroundings) -> Result<Self, WorkspaceError> {
        let user = match &surroundings.user_config {
            Some(file) => read_layer(LayerKind::User, file, file)?,
            None => None,
        };
        let pairs = surroundings.variables.iter().map(|(name, value)| (name, value));
        let flags = surroundings.flags.iter().map(|(path, text, name)| Flag { path, text, name });
        let own = match root {
            Some(root) => read_layer(LayerKind::SuperRepo, &root.join(CONFIG), Path::new(CONFIG))?,
            None => None,
        };
        Ok(Self {
            user,
            exported: Vec::new(),
            older: match root {
                Some(root) => older::of_super_repo(root, surroundings, own.as_ref())?,
                None => None,
            },
            root: own,
            variables: Layer::from_variables(pairs)?,
            flags: Layer::from_flags(flags)?,
        })
    }

    /// Puts in what sub-repos export.
    ///
    /// # Errors
    /// When two of them state different values and nothing nearer says which.
    pub(super) fn take_exported(&mut self, exporters: &[Exporter]) -> Result<(), ConfigError> {
        let exported: Vec<Layer> = exporters.iter().filter_map(Exporter::defaults).collect();
        let nearer: Vec<&Layer> = self.root.iter().chain([&self.variables, &self.flags]).collect();
        check_exported(&exported, &nearer)?;
        self.exported = exported.into_iter().rev().collect();
        Ok(())
    }

    /// `dir` is what the dir states, its own file last.
    pub(super) fn resolve<'l>(
        &'l self,
        sub_repos: Option<&[&'l Layer]>,
        dir: impl IntoIterator<Item = &'l Layer>,
    ) -> Resolved {
        let mut all: Vec<&Layer> = Vec::with_capacity(8);
        all.extend(&self.user);
        all.extend(&self.exported);
        all.extend(&self.older);
        all.extend(&self.root);
        all.extend(sub_repos.unwrap_or_default());
        all.extend(dir);
        all.push(&self.variables);
        all.push(&self.flags);
        resolve(&all)
    }
}

pub(super) fn read_layer(kind: LayerKind, file: &Path, shown: &Path) -> Result<Option<Layer>, WorkspaceError> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(Layer::from_toml(kind, shown, &bytes)?)),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(WorkspaceError::Unreadable { file: file.into(), source }),
    }
}

/// The layer of each sub-repo, by its path; a name stated there becomes the repo's.
pub(super) fn read_sub_layers(
    repos: &mut [Repo],
    root: &Path,
    problems: &mut Vec<Problem>,
) -> Result<BTreeMap<String, Layer>, WorkspaceError> {
    let mut layers = BTreeMap::new();
    for repo in repos.iter_mut().skip(1).filter(|repo| repo.state == State::Ready) {
        let file = repo.root.join(CONFIG);
        let shown = file.strip_prefix(root).unwrap_or(&file);
        let layer = match read_layer(LayerKind::SubRepo, &file, shown) {
            // A file that this user may not read is no reason to stop: others may not need it.
            Err(WorkspaceError::Unreadable { source, .. }) => {
                let path = shown.display().to_string();
                problems.push(Problem::ConfigUnreadable { path, reason: source.to_string() });
                continue;
            }
            layer => layer?,
        };
        if let Some(layer) = layer {
            if let Some(name) = layer.get("workspace.name").and_then(|entry| entry.value.as_text()) {
                name.clone_into(&mut repo.name);
            }
            layers.insert(repo.path.clone(), layer);
        }
    }
    Ok(layers)
}

fn exclusion(config: &Config) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in &config.workspace.exclude {
        let pattern = pattern.trim_start_matches("//").trim_end_matches('/');
        if let Ok(glob) = Glob::new(pattern) {
            set.add(glob);
        }
    }
    set.build().unwrap_or_default()
}

fn problems(workspace: &Workspace, found: &Found) -> Vec<Problem> {
    let relative = |path: &Path| path.strip_prefix(&workspace.root).unwrap_or(path).display().to_string();
    let mut problems = Vec::new();
    for repo in &workspace.repos {
        match &repo.state {
            State::Ready => {}
            State::NotPopulated => problems.push(Problem::NotPopulated { path: repo.path.clone() }),
            State::Unreadable(reason) => {
                problems.push(Problem::RepoUnreadable { path: repo.path.clone(), reason: reason.clone() });
            }
        }
    }
    for path in foreign(workspace, found) {
        if found.runnable.iter().any(|dir| dir.starts_with(&path)) {
            problems.push(Problem::ForeignRepo { path: relative(&path) });
        }
    }
    for path in &found.dangling {
        let target = path.parent().zip(path.read_link().ok()).map(|(folder, target)| folder.join(target));
        let sub_repo = target.and_then(|target| workspace.unpopulated_at(&target));
        problems.push(Problem::Dangling { path: relative(path), sub_repo });
    }
    for (path, reason) in &found.unreadable {
        let is_repo = workspace.repos.iter().any(|repo| &repo.root == path && repo.state != State::Ready);
        if !is_repo {
            problems.push(Problem::NotSearched { path: relative(path), reason: reason.clone() });
        }
    }
    problems
}

/// Repos in the work tree that no `.gitmodules` names: clones and worktrees that someone put there.
fn foreign(workspace: &Workspace, found: &Found) -> Vec<PathBuf> {
    let known = |path: &PathBuf| workspace.repos.iter().any(|repo| &repo.root == path);
    found.repos.iter().filter(|path| !known(path)).cloned().collect()
}

fn read_dirs(
    workspace: &mut Workspace,
    layers: &Layers,
    sub_layers: &BTreeMap<String, Layer>,
    found: &Found,
) -> Result<Vec<RunnableDir>, WorkspaceError> {
    let foreign = foreign(workspace, found);
    let mut dirs = Vec::new();
    let mut failed: Option<ConfigError> = None;
    for path in found.runnable.iter().filter(|path| !foreign.iter().any(|repo| path.starts_with(repo))) {
        match read_dir(workspace, (layers, sub_layers), found, path) {
            Ok(dir) => dirs.push(dir),
            Err(WorkspaceError::Config(error)) => match &mut failed {
                Some(all) => all.extend(error),
                None => failed = Some(error),
            },
            Err(error) => return Err(error),
        }
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    dirs.sort_by(|a, b| a.address.cmp(&b.address));
    count_tests(&mut dirs, workspace, found, &foreign);
    Ok(dirs)
}

fn read_dir(
    workspace: &mut Workspace,
    (layers, sub_layers): (&Layers, &BTreeMap<String, Layer>),
    found: &Found,
    path: &Path,
) -> Result<RunnableDir, WorkspaceError> {
    let relative = path.strip_prefix(&workspace.root).unwrap_or(path);
    let address = Address::from_relative(relative)?;
    let repo = workspace.repo_of(&address);
    let around: Vec<&Layer> = sub_layers
        .iter()
        .filter(|(at, _)| repo == **at || repo.starts_with(&format!("{at}/")))
        .map(|(_, layer)| layer)
        .collect();
    let file = path.join(crate::runnable_dir::DEVOPS).join(CONFIG);
    let shown = file.strip_prefix(&workspace.root).unwrap_or(&file).to_path_buf();
    let own = read_layer(LayerKind::RunnableDir, &file, &shown)?;
    let ground = Ground {
        root: &workspace.root,
        surroundings: &workspace.surroundings,
        root_is_older: layers.older.is_some(),
        root_layer: layers.root.as_ref(),
        dirs: &found.runnable,
    };
    let older = older::of_runnable(ground, path, own.as_ref())?;
    let resolved = if own.is_none() && older.is_none() && around.is_empty() {
        Arc::clone(&workspace.resolved)
    } else {
        Arc::new(layers.resolve(Some(&around), older.iter().chain(&own)))
    };
    let config = if Arc::ptr_eq(&resolved, &workspace.resolved) {
        Arc::clone(&workspace.config)
    } else {
        Arc::new(exports::typed(&resolved, &workspace.exporters)?)
    };
    let stated = version::read(path);
    if let version::Stated::Unclear(reason) = &stated {
        let path = relative.join(version::FILE).display().to_string();
        workspace.problems.push(Problem::Changelog { path, reason: reason.clone() });
    }
    let name = own_name(&config, [&own, &older]).unwrap_or_else(|| default_name(workspace, &repo, &address));
    let dir = RunnableDir {
        address,
        path: path.to_path_buf(),
        repo,
        name,
        version: stated.version(),
        layout: if older.is_some() { Layout::Helpers } else { Layout::Native },
        test_files: 0,
        tests: Vec::new(),
        conftests: Vec::new(),
        resolved,
        config,
    };
    if let Some(older) = &older {
        let odd = older::problems(workspace, &dir, own.as_ref(), older);
        workspace.problems.extend(odd);
    }
    Ok(dir)
}

/// A name counts only where the dir itself, a variable or a flag states it: one in a repo's file would be all dirs'.
fn own_name(config: &Config, own: [&Option<Layer>; 2]) -> Option<String> {
    let name = config.image.name.as_ref()?;
    let stated_here = own.into_iter().flatten().any(|layer| layer.get("image.name").is_some());
    (stated_here || name.origin.layer >= LayerKind::RunnableDir).then(|| name.value.clone())
}

fn default_name(workspace: &Workspace, repo: &str, address: &Address) -> String {
    let owner = workspace.repos.iter().find(|known| known.path == repo);
    let in_repo = address.as_str().strip_prefix(repo).unwrap_or(address.as_str()).trim_start_matches('/');
    image_name(owner.map_or(&workspace.name, |owner| &owner.name), in_repo)
}

/// Gives each directory's test files to the innermost runnable dir around it in the same repo.
fn count_tests(dirs: &mut [RunnableDir], workspace: &Workspace, found: &Found, foreign: &[PathBuf]) {
    let index: BTreeMap<PathBuf, usize> = dirs.iter().enumerate().map(|(at, dir)| (dir.path.clone(), at)).collect();
    let holder = |folder: &Path| {
        if foreign.iter().any(|repo| folder.starts_with(repo)) {
            return None;
        }
        for above in folder.ancestors() {
            if let Some(at) = index.get(above) {
                return Some(*at);
            }
            if above == workspace.root || workspace.repos.iter().any(|repo| repo.root == above) {
                break;
            }
        }
        None
    };
    let relative = |path: PathBuf| path.strip_prefix(&workspace.root).ok()?.to_str().map(str::to_owned);
    for (folder, names) in &found.tests {
        if let Some(at) = holder(folder) {
            dirs[at].test_files += names.len();
            dirs[at].tests.extend(names.iter().filter_map(|name| relative(folder.join(name))));
        }
    }
    for folder in &found.conftests {
        if let Some(at) = holder(folder) {
            dirs[at].conftests.extend(relative(folder.join("conftest.py")));
        }
    }
    for dir in dirs {
        dir.tests.sort_unstable();
        dir.conftests.sort_unstable();
    }
}
