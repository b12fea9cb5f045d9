//! Rules that hold over all runnable dirs together.

use std::collections::BTreeMap;

use super::Workspace;
use super::error::WorkspaceError;
use crate::runnable_dir::{Address, check_image_name};

/// Every image name is one that registries take, and belongs to one dir.
pub(super) fn names(workspace: &Workspace) -> Result<(), WorkspaceError> {
    let mut owners: BTreeMap<&str, &Address> = BTreeMap::new();
    for dir in workspace.dirs.iter().filter(|dir| dir.image_from().is_none()) {
        check_image_name(&dir.name).map_err(|source| WorkspaceError::Name {
            dir: dir.address.clone(),
            source,
            place: dir
                .config
                .image
                .name
                .as_ref()
                .map_or_else(|| "devops/wharf.toml".into(), |name| name.origin.to_string()),
        })?;
        if let Some(first) = owners.insert(&dir.name, &dir.address) {
            return Err(WorkspaceError::SameName {
                name: dir.name.clone(),
                first: first.clone(),
                second: dir.address.clone(),
            });
        }
    }
    Ok(())
}

/// Every `image.from` leads to a dir with an image of its own.
pub(super) fn sources(workspace: &Workspace) -> Result<(), WorkspaceError> {
    for dir in &workspace.dirs {
        let mut path = vec![dir.address.clone()];
        let mut at = dir;
        while let Some(from) = at.image_from() {
            at = workspace.target_of_from(at, from)?;
            let seen = path.iter().position(|address| *address == at.address);
            path.push(at.address.clone());
            if let Some(start) = seen {
                return Err(WorkspaceError::FromCycle { path: path.split_off(start) });
            }
        }
    }
    Ok(())
}
