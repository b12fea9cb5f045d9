//! What a translation knows of the place where a task was called.

use std::collections::BTreeMap;

use semver::Version;
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::workspace::Workspace;

/// What a translation knows of the place where a task was called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// The runnable dir that one stands in, as one could type it from there.
    pub here: Option<String>,
    /// Its version.
    pub version: Option<Version>,
    /// The runnable dirs of sub-repos below it.
    pub below: Vec<String>,
    /// How many runnable dirs there are.
    pub dirs: usize,
    /// Their versions, by address.
    pub versions: BTreeMap<String, Version>,
}

impl Standing {
    /// Of a workspace.
    #[must_use]
    pub fn of(workspace: &Workspace) -> Self {
        let versions = workspace.dirs.iter().map(|dir| (dir.address.to_string(), dir.version.clone())).collect();
        let all = Self { dirs: workspace.dirs.len(), versions, ..Self::default() };
        let Ok(here) = workspace.here() else { return all };
        let is_below = |dir: &&RunnableDir| {
            here.address.contains(&dir.address) && dir.repo != here.repo && dir.repo.starts_with(&here.repo)
        };
        let typed = |dir: &RunnableDir| match () {
            () if dir.path == workspace.surroundings.here => ".".to_owned(),
            () if dir.address.is_root() => "//".to_owned(),
            () => dir.address.as_str().to_owned(),
        };
        Self {
            here: Some(typed(here)),
            version: Some(here.version.clone()),
            below: workspace.dirs.iter().filter(is_below).map(typed).collect(),
            ..all
        }
    }

    /// The version of the dir that is typed so: from here, or from the super-repo's root.
    #[must_use]
    pub fn version_of(&self, typed: &str) -> Option<&Version> {
        let plain = typed.trim_start_matches("./").trim_matches('/');
        let below = self.here.as_ref().map(|here| format!("{here}/{plain}"));
        below.and_then(|below| self.versions.get(&below)).or_else(|| self.versions.get(plain))
    }
}
