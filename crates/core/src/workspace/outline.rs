//! A workspace without what lies in it: its root and configuration, for those who need no more and must be quick.

use std::path::PathBuf;
use std::sync::Arc;

use wharf_git::{GitPlace, outermost};

use super::discover::{Layers, Shared, read_sub_layers};
use super::error::WorkspaceError;
use super::exports;
use super::requires::{self, WrongWharf};
use super::{Surroundings, Workspace};
use crate::config::{Config, Places, Resolved};
use crate::sub_repo::exports::{Exporter, exporters};
use crate::sub_repo::{self, Repo};
use crate::thin_env::{Needs, ThinEnvError};

/// The outermost super-repo and its configuration. Nothing in its work tree was searched.
#[derive(Debug, Clone)]
pub struct Outline {
    /// Its root, absolute and without symbolic links.
    pub root: PathBuf,
    /// Its Git folder.
    pub git: GitPlace,
    /// Its name.
    pub name: String,
    /// The super-repo, then all sub-repos by path.
    pub repos: Vec<Repo>,
    /// The sub-repos that export something.
    pub exporters: Vec<Exporter>,
    /// Configuration of the workspace as a whole, with origins.
    pub resolved: Arc<Resolved>,
    /// Configuration of the workspace as a whole.
    pub config: Arc<Config>,
    /// What paths in configuration are relative to.
    pub places: Places,
    /// The caller's surroundings.
    pub surroundings: Surroundings,
}

/// Reads the outline of the workspace around `surroundings.here`.
///
/// # Errors
/// When there is no usable repo, or its configuration cannot be used.
pub fn outline(surroundings: Surroundings) -> Result<Outline, WorkspaceError> {
    read(surroundings).map(|(outline, _)| outline)
}

/// The outline, and what its configuration is made of.
pub(super) fn read(surroundings: Surroundings) -> Result<(Outline, Shared), WorkspaceError> {
    let git = outermost(&surroundings.here)?;
    let root = git.root.clone();
    let mut layers = Layers::read(Some(&root), &surroundings).map_err(|error| explained(error, &root))?;
    let folder = root.file_name().map_or_else(|| "root".into(), |name| name.to_string_lossy().into_owned());
    // What sub-repos export cannot name the workspace.
    let stated = layers.resolve(None, None);
    let name = stated.get("workspace.name").and_then(|(value, _)| value.as_text()).map_or(folder, str::to_owned);
    let mut repos = sub_repo::discover(&root, &name);
    let mut problems = Vec::new();
    let sub_layers = read_sub_layers(&mut repos, &root, &mut problems)?;
    let exporters = exporters(&root, layers.root.as_ref(), &sub_layers);
    layers.take_exported(&exporters)?;
    let resolved = Arc::new(layers.resolve(None, None));
    let config = Arc::new(exports::typed(&resolved, &exporters)?);
    let places = Places { root: root.clone(), here: surroundings.here.clone(), home: surroundings.home.clone() };
    let outline = Outline { root, git, name, repos, exporters, resolved, config, places, surroundings };
    Ok((outline, Shared { layers, sub_layers, problems }))
}

/// Configuration written for another Wharf may hold what this one does not know: that it wants another is the better answer.
fn explained(error: WorkspaceError, root: &std::path::Path) -> WorkspaceError {
    match error {
        WorkspaceError::Config(_) => requires::stated_in(root).map_or(error, WorkspaceError::Wharf),
        other => other,
    }
}

impl Outline {
    /// That the workspace requires another version of Wharf, where it does.
    #[must_use]
    pub fn wrong_wharf(&self) -> Option<WrongWharf> {
        WrongWharf::of(&self.config)
    }

    /// What the thin environment must hold; `None` where the workspace has none.
    ///
    /// # Errors
    /// When a requirements file cannot be read, or holds what cannot be shared between workspaces.
    pub fn thin_env(&self) -> Result<Option<Needs>, ThinEnvError> {
        Needs::read(&self.places, &self.name, &self.config, &exports::thin_env(&self.exporters))
    }
}

impl Workspace {
    /// That the workspace requires another version of Wharf, where it does.
    #[must_use]
    pub fn wrong_wharf(&self) -> Option<WrongWharf> {
        WrongWharf::of(&self.config)
    }

    /// What the thin environment must hold; `None` where the workspace has none.
    ///
    /// # Errors
    /// When a requirements file cannot be read, or holds what cannot be shared between workspaces.
    pub fn thin_env(&self) -> Result<Option<Needs>, ThinEnvError> {
        Needs::read(&self.places, &self.name, &self.config, &exports::thin_env(&self.exporters))
    }
}
