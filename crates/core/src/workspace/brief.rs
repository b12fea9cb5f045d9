//! A workspace without its runnable dirs but one: what is known without walking its work tree, for commands that run at every
//! start of a shell.

use std::path::PathBuf;

use super::discover::{CONFIG, Layers, discover, read_layer};
use super::older::{self, Ground};
use super::outline::{self, Outline};
use super::{Surroundings, WorkspaceError};
use crate::config::{Config, Layer, LayerKind, Places};
use crate::runnable_dir::{Address, DEVOPS};
use crate::sub_repo::{Repo, State};
use crate::thin_env::{Needs, ThinEnvError};

/// A workspace without its runnable dirs.
#[derive(Debug)]
pub struct Brief {
    /// Its root, absolute and without symbolic links.
    pub root: PathBuf,
    /// Its name.
    pub name: String,
    /// The super-repo, then all sub-repos by path.
    pub repos: Vec<Repo>,
    /// Configuration of the workspace as a whole.
    pub config: Config,
    /// The one runnable dir that was asked for.
    pub dir: Option<BriefDir>,
    /// What paths in configuration are relative to.
    pub places: Places,
    /// What the thin environment must hold, where the workspace has one; or why that cannot be said.
    pub thin_env: Result<Option<Needs>, ThinEnvError>,
}

/// A runnable dir of a [`Brief`].
#[derive(Debug, Clone)]
pub struct BriefDir {
    /// Where it is.
    pub address: Address,
    /// Its folder, absolute.
    pub path: PathBuf,
    /// All configuration of this dir.
    pub config: Config,
}

/// Reads the workspace around `surroundings.here`, with the runnable dir that `dir` means.
///
/// # Errors
/// When there is no usable repo, its configuration cannot be used, or there is no such dir.
pub fn brief(surroundings: &Surroundings, dir: Option<&str>) -> Result<Brief, WorkspaceError> {
    let (outline, shared) = outline::read(surroundings.clone())?;
    let thin_env = outline.thin_env();
    let Outline { root, name, repos, config, places, .. } = outline;
    let mut brief = Brief { root, name, repos, config: (*config).clone(), dir: None, places, thin_env };
    if let Some(text) = dir {
        brief.dir = Some(read_dir(&brief, surroundings, &shared.layers, text)?);
    }
    Ok(brief)
}

fn read_dir(
    brief: &Brief,
    surroundings: &Surroundings,
    layers: &Layers,
    text: &str,
) -> Result<BriefDir, WorkspaceError> {
    let address = Address::parse(text, &brief.root, &surroundings.here)?;
    let path = address.under(&brief.root);
    if !path.join(DEVOPS).is_dir() {
        // Only the whole workspace knows which dirs may be meant instead.
        let dir = discover(surroundings.clone())?.dir(text)?.clone();
        return Ok(BriefDir { address: dir.address, path: dir.path, config: (*dir.config).clone() });
    }
    let read = |kind: LayerKind, folder: PathBuf| {
        let file = folder.join(CONFIG);
        read_layer(kind, &file, file.strip_prefix(&brief.root).unwrap_or(&file))
    };
    let around = brief.repos.iter().skip(1).filter(|repo| repo.state == State::Ready && path.starts_with(&repo.root));
    let around = around.map(|repo| read(LayerKind::SubRepo, repo.root.clone()));
    let around: Vec<Layer> = around.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    let own = read(LayerKind::RunnableDir, path.join(DEVOPS))?;
    let ground = Ground {
        root: &brief.root,
        surroundings,
        root_is_older: layers.older.is_some(),
        root_layer: layers.root.as_ref(),
        dirs: &[],
    };
    let older = older::of_runnable(ground, &path, own.as_ref())?;
    let resolved = layers.resolve(Some(&around.iter().collect::<Vec<_>>()), older.iter().chain(&own));
    Ok(BriefDir { config: Config::from_resolved(&resolved)?, address, path })
}
