//! The outline of a workspace: what is known without walking its work tree, for commands that run at every start of a shell.

use std::path::PathBuf;

use wharf_git::outermost;

use super::discover::{CONFIG, Layers, discover, name_of, read_layer};
use super::{Surroundings, WorkspaceError};
use crate::config::{Config, Layer, LayerKind, Places};
use crate::runnable_dir::{Address, DEVOPS};
use crate::sub_repo::{self, Repo, State};

/// A workspace without its runnable dirs.
#[derive(Debug, Clone)]
pub struct Outline {
    /// Its root, absolute and without symbolic links.
    pub root: PathBuf,
    /// Its name.
    pub name: String,
    /// The super-repo, then all sub-repos by path.
    pub repos: Vec<Repo>,
    /// Configuration of the workspace as a whole.
    pub config: Config,
    /// The one runnable dir that was asked for.
    pub dir: Option<OutlineDir>,
    /// What paths in configuration are relative to.
    pub places: Places,
}

/// A runnable dir of an [`Outline`].
#[derive(Debug, Clone)]
pub struct OutlineDir {
    /// Where it is.
    pub address: Address,
    /// Its folder, absolute.
    pub path: PathBuf,
    /// All configuration of this dir.
    pub config: Config,
}

/// Reads the outline of the workspace around `surroundings.here`, with the runnable dir that `dir` means.
///
/// # Errors
/// When there is no usable repo, its configuration cannot be used, or there is no such dir.
pub fn outline(surroundings: &Surroundings, dir: Option<&str>) -> Result<Outline, WorkspaceError> {
    let root = outermost(&surroundings.here)?.root;
    let layers = Layers::read(Some(&root), surroundings)?;
    let config = Config::from_resolved(&layers.resolve(None, None))?;
    let name = name_of(&root, &config);
    let repos = sub_repo::discover(&root, &name);
    let places = Places { root: root.clone(), here: surroundings.here.clone(), home: surroundings.home.clone() };
    let mut outline = Outline { root, name, repos, config, dir: None, places };
    if let Some(text) = dir {
        outline.dir = Some(read_dir(&outline, surroundings, &layers, text)?);
    }
    Ok(outline)
}

fn read_dir(
    outline: &Outline,
    surroundings: &Surroundings,
    layers: &Layers,
    text: &str,
) -> Result<OutlineDir, WorkspaceError> {
    let address = Address::parse(text, &outline.root, &surroundings.here)?;
    let path = address.under(&outline.root);
    if !path.join(DEVOPS).is_dir() {
        // Only the whole workspace knows which dirs may be meant instead.
        let dir = discover(surroundings.clone())?.dir(text)?.clone();
        return Ok(OutlineDir { address: dir.address, path: dir.path, config: (*dir.config).clone() });
    }
    let read = |kind: LayerKind, folder: PathBuf| {
        let file = folder.join(CONFIG);
        read_layer(kind, &file, file.strip_prefix(&outline.root).unwrap_or(&file))
    };
    let around = outline.repos.iter().skip(1).filter(|repo| repo.state == State::Ready && path.starts_with(&repo.root));
    let around = around.map(|repo| read(LayerKind::SubRepo, repo.root.clone()));
    let around: Vec<Layer> = around.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let own = read(LayerKind::RunnableDir, path.join(DEVOPS))?;
    let resolved = layers.resolve(Some(&around.iter().collect::<Vec<_>>()), own.as_ref());
    Ok(OutlineDir { config: Config::from_resolved(&resolved)?, address, path })
}
