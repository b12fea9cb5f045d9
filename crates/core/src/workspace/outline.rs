//! A workspace without what lies in it: its root and configuration, for those who need no more and must be quick.

use std::path::PathBuf;
use std::sync::Arc;

use wharf_git::{GitPlace, outermost};

use super::discover::{Layers, name_of};
use super::error::WorkspaceError;
use super::requires::{self, WrongWharf};
use super::{Surroundings, Workspace};
use crate::config::{Config, Places, Resolved};
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

/// The outline with the layers that its configuration is made of.
pub(super) fn read(surroundings: Surroundings) -> Result<(Outline, Layers), WorkspaceError> {
    let git = outermost(&surroundings.here)?;
    let root = git.root.clone();
    let layers = Layers::read(Some(&root), &surroundings).map_err(|error| explained(error, &root))?;
    let resolved = Arc::new(layers.resolve(None, None));
    let config = Arc::new(Config::from_resolved(&resolved)?);
    let name = name_of(&root, &config);
    let places = Places { root: root.clone(), here: surroundings.here.clone(), home: surroundings.home.clone() };
    Ok((Outline { root, git, name, resolved, config, places, surroundings }, layers))
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
        Needs::read(&self.places, &self.name, &self.config)
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
        Needs::read(&self.places, &self.name, &self.config)
    }
}
