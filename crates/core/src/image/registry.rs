//! How a workspace's images are called in registries, and the session that speaks with those.

use std::path::PathBuf;

use wharf_engine::registry::OnRetry;
use wharf_engine::{Kind, Reference, Registry, RegistryError, Repository};

use super::error::ImageError;
use super::{place, secrets};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// Opens a session with registries: with the log-ins of the engine `kind`, and trusting what builds of `dirs` trust.
///
/// # Errors
/// When the system gives no resources for it.
pub fn session(
    workspace: &Workspace,
    kind: Kind,
    dirs: &[&RunnableDir],
    on_retry: Box<OnRetry>,
) -> Result<Registry, ImageError> {
    let mut bundles: Vec<PathBuf> = dirs.iter().filter_map(|dir| secrets::ca_file(workspace, dir)).collect();
    bundles.sort();
    bundles.dedup();
    bundles.retain(|file| !secrets::is_system_bundle(file));
    Ok(Registry::open(kind, &place::environment(&workspace.surroundings), &bundles, on_retry)?)
}

/// The repository of the image `name` in `registry`, which may have a path.
///
/// # Errors
/// Where no registry accepts the name.
pub fn repository(registry: &str, name: &str) -> Result<Repository, RegistryError> {
    let registry = registry.trim_end_matches('/');
    if registry.contains('/') || registry.contains(['.', ':']) || registry == "localhost" {
        return Repository::parse(&format!("{registry}/{name}"));
    }
    // A single word is a user of Docker Hub, as it is for `docker pull`.
    Repository::parse(&format!("docker.io/{registry}/{name}"))
}

/// The image of `dir` with `tag` in the registry that it is pulled from; `None` where none is configured.
pub(super) fn pulled_from(dir: &RunnableDir, tag: &str) -> Option<Result<Reference, RegistryError>> {
    let registry = dir.config.registry.pull.as_deref()?;
    Some(repository(registry, &dir.name).and_then(|repository| repository.tag(tag)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_have_paths_or_none() {
        let shown = |registry: &str| repository(registry, "infra").map(|repository| repository.to_string());
        assert_eq!(shown("localhost:5000").unwrap(), "localhost:5000/infra");
        assert_eq!(shown("ghcr.io/acme/").unwrap(), "ghcr.io/acme/infra");
        assert_eq!(shown("acme").unwrap(), "docker.io/acme/infra");
        assert!(shown("ghcr.io/Acme").unwrap_err().hint().unwrap().contains("ghcr.io/acme/infra"));
    }
}
