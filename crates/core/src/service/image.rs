//! Images of services that are built here, once for each content of their folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wharf_engine::{BuildFailure, BuildSpec, Client};

use super::error::ServiceError;
use super::plan::{Planned, place};
use crate::image::stage;
use crate::runnable_dir::RunnableDir;
use crate::workspace::{Lock, Patience, Workspace};

const DOCKERFILE: &str = "Dockerfile";

/// A hash of all that a folder holds.
pub(super) fn hash(folder: &Path) -> std::io::Result<String> {
    let mut files = Vec::new();
    gather(folder, &mut files)?;
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for file in files {
        let relative = file.strip_prefix(folder).unwrap_or(&file);
        hasher.update(relative.as_os_str().as_encoded_bytes());
        let metadata = fs_err::symlink_metadata(&file)?;
        let content = if metadata.is_symlink() {
            fs_err::read_link(&file)?.into_os_string().into_encoded_bytes()
        } else {
            fs_err::read(&file)?
        };
        let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
        hasher.update(&(content.len() as u64).to_le_bytes()).update(&content).update(&[u8::from(executable)]);
    }
    Ok(hasher.finalize().to_hex()[..20].to_owned())
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            gather(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Name and tag of the image that a service is built into.
///
/// # Errors
/// When there is no such folder.
pub(super) fn tag(workspace: &Workspace, dir: &RunnableDir, service: &Planned) -> Result<String, ServiceError> {
    let Planned { name, config } = service;
    let folder = place(workspace, config.build.as_deref().unwrap_or_default(), &config.origin);
    let dockerfile = folder.join(DOCKERFILE);
    if !dockerfile.is_file() {
        return Err(ServiceError::Missing { name: name.clone(), path: dockerfile });
    }
    Ok(format!("{}-{name}:service-{}", dir.name, hash(&folder)?))
}

/// The image that a service runs in, built where it is not there; `say` is told of that.
///
/// # Errors
/// When there is no such folder, or the build fails.
pub(super) fn ensure(
    workspace: &Workspace,
    dir: &RunnableDir,
    client: &Client,
    service: &Planned,
    say: &(dyn Fn(String) + Sync),
) -> Result<String, ServiceError> {
    let Planned { name, config } = service;
    let Some(folder) = &config.build else { return Ok(config.image.clone().unwrap_or_default()) };
    let tag = tag(workspace, dir, service)?;
    let folder = place(workspace, folder, &config.origin);
    if client.image(&tag)?.is_some() {
        return Ok(tag);
    }
    let file = workspace.surroundings.cache.join("locks").join(tag.replace([':', '/'], "-"));
    let _lock = Lock::take(&file, "a build", Patience::Wait).ok();
    if client.image(&tag)?.is_some() {
        return Ok(tag);
    }
    let labels = [(stage::DIR, dir.address.to_string()), (stage::NAME, format!("{}-{name}", dir.name))];
    let spec = BuildSpec {
        context: folder,
        dockerfile: DOCKERFILE.to_owned(),
        target: None,
        tag: tag.clone(),
        labels: labels.map(|(name, value)| (name.to_owned(), value)).into(),
        args: BTreeMap::new(),
        secrets: BTreeMap::new(),
        platform: None,
        timestamp: None,
        no_cache: false,
    };
    let built = client.build(client.builder()?, &spec, &|line| say(format!("building {name}: {line}")));
    match built {
        Ok(()) => Ok(tag),
        Err(BuildFailure::Engine(error)) => Err(error.into()),
        Err(BuildFailure::Step { summary, tail }) => {
            let summary = [vec![summary], tail].concat().join("\n  ");
            Err(ServiceError::Build { name: name.clone(), summary })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_and_names_decide_the_hash() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::create_dir(folder.path().join("sub")).unwrap();
        fs_err::write(folder.path().join("sub/a"), "1").unwrap();
        let first = hash(folder.path()).unwrap();
        assert_eq!(first, hash(folder.path()).unwrap());
        fs_err::rename(folder.path().join("sub/a"), folder.path().join("sub/b")).unwrap();
        assert_ne!(first, hash(folder.path()).unwrap());
    }
}
