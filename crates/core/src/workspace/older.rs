//! Finds what the older layout's reader needs: which dirs are laid out that way, their `repo_config` files, and what lies in `devops`.
//!
//! A native dir costs four looks at the file system here, and nothing is read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::{Problem, WorkspaceError};
use super::{Surroundings, Workspace};
use crate::config::older::{InDir, InRoot, REPO_CONFIGS, SHARED, Source, image_name, of_dir, of_root};
use crate::config::{Layer, MAX_FILE_BYTES, OLDER_FILES};
use crate::runnable_dir::{DEVOPS, RunnableDir};
use crate::version::{self, Changelog};

const DOCKERFILE: &str = "docker_build/dev.Dockerfile";
/// What of a `devops` folder decides something.
const FILES: [&str; 5] = [
    DOCKERFILE,
    "docker_build/prod.Dockerfile",
    "docker_build/dockerignore.dev",
    "docker_build/dockerignore.prod",
    "docker_run/entrypoint.sh",
];

/// Where the layers of older dirs come from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub root: &'a Path,
    pub surroundings: &'a Surroundings,
    /// Whether the super-repo itself is laid out so.
    pub root_is_older: bool,
    /// The `wharf.toml` of the super-repo.
    pub root_layer: Option<&'a Layer>,
    /// All runnable dirs, where they are known.
    pub dirs: &'a [PathBuf],
}

/// The layer of the super-repo's root; `None` where it is not laid out the older way. `own` is its `wharf.toml`.
///
/// # Errors
/// When its `repo_config` file cannot be read or used.
pub(super) fn of_super_repo(
    root: &Path,
    surroundings: &Surroundings,
    own: Option<&Layer>,
) -> Result<Option<Layer>, WorkspaceError> {
    if is_left(own) {
        return Ok(None);
    }
    let file = repo_config(root)?;
    if file.is_none() && !is_there(&root.join(DEVOPS).join("docker_build")) {
        return Ok(None);
    }
    let thin_client = thin_client(root);
    let layer = of_root(&InRoot {
        file: file.as_ref().map(|(path, bytes)| source(root, path, bytes)),
        thin_client: thin_client.as_deref(),
        base_path: surroundings.variable("CSFY_ECR_BASE_PATH"),
        stated: own,
    })?;
    Ok(Some(layer))
}

/// The layer of the runnable dir at `path`; `None` where it is a native one. `own` is its `wharf.toml`.
///
/// # Errors
/// When its `repo_config` file cannot be read or used.
pub(super) fn of_runnable(
    ground: Ground<'_>,
    path: &Path,
    own: Option<&Layer>,
) -> Result<Option<Layer>, WorkspaceError> {
    let Ground { root, surroundings, .. } = ground;
    if is_left(own) || !is_older(ground, path, own.is_some()) {
        return Ok(None);
    }
    let devops = path.join(DEVOPS);
    let has: Vec<&'static str> = FILES.into_iter().filter(|file| is_there(&devops.join(file))).collect();
    let file = nearest_config(root, path)?;
    let named = file.as_ref().and_then(|(path, bytes)| image_name(Source { path, bytes }));
    let image_from = if builds(&devops) { None } else { owner(ground, path, named.as_deref()) };
    let shared = root.join(SHARED);
    let layer = of_dir(&InDir {
        file: file.as_ref().map(|(path, bytes)| source(root, path, bytes)),
        has: &has,
        image_from: image_from.as_deref(),
        shared: is_there(&shared),
        is_shared: path.starts_with(&shared),
        base_path: surroundings.variable("CSFY_ECR_BASE_PATH"),
        stated: own,
        stated_above: ground.root_layer,
    })?;
    Ok(Some(layer))
}

/// What is odd in a dir of this layout. `own` is its `wharf.toml`, `layer` what the older files mean.
pub(super) fn problems(workspace: &Workspace, dir: &RunnableDir, own: Option<&Layer>, layer: &Layer) -> Vec<Problem> {
    let mut found = Vec::new();
    let relative = |path: &Path| path.strip_prefix(&workspace.root).unwrap_or(path).display().to_string();
    let changes = |key: &&str| own.is_some_and(|own| own.get(key).is_some());
    let decides: Vec<&str> = ["image.base", "image.from"].into_iter().filter(changes).collect();
    if builds(&dir.devops()) && !decides.is_empty() {
        let key = decides[0].to_owned();
        found.push(Problem::BothLayouts { dir: dir.address.to_string(), key, file: DOCKERFILE });
    } else if builds(&dir.devops()) {
        let idle = ["os.packages", "os.scripts"].into_iter().find(changes);
        let idle =
            idle.map(|key| Problem::NoEffect { dir: dir.address.to_string(), key: key.to_owned(), file: DOCKERFILE });
        found.extend(idle);
    }
    let has_image = dir.image_from().is_none();
    if has_image && layer.get("image.name").is_none() && own.is_none_or(|own| own.get("image.name").is_none()) {
        found.push(Problem::NoImageName { dir: dir.address.to_string(), name: dir.name.clone() });
    }
    let changelog = dir.path.join(version::FILE);
    if let (true, Ok(bytes)) = (has_image, version::beginning(&changelog, version::MOST)) {
        let changelog_of =
            Changelog::parse(&bytes).entries().first().map(|entry| entry.name.clone()).unwrap_or_default();
        let last = dir.name.rsplit('/').next().unwrap_or_default();
        if !changelog_of.is_empty()
            && !changelog_of.eq_ignore_ascii_case(last)
            && !changelog_of.eq_ignore_ascii_case(&dir.name)
        {
            let (path, image) = (relative(&changelog), dir.name.clone());
            found.push(Problem::OtherImage { path, says: changelog_of, image });
        }
    }
    found
}

/// Whether a `wharf.toml` says that the older files beside it count no more.
fn is_left(own: Option<&Layer>) -> bool {
    own.and_then(|own| own.get(OLDER_FILES)).is_some_and(|entry| entry.value.as_boolean() == Some(false))
}

fn is_older(ground: Ground<'_>, path: &Path, has_toml: bool) -> bool {
    let devops = path.join(DEVOPS);
    is_there(&devops.join("docker_build"))
        || is_there(&devops.join("docker_run"))
        || REPO_CONFIGS.iter().any(|name| is_there(&path.join(name)))
        || (ground.root_is_older && !has_toml)
}

/// Whether the dir has a Dockerfile of its own, or a link to one, whether that leads somewhere or not.
fn builds(devops: &Path) -> bool {
    is_there(&devops.join(DOCKERFILE))
        || devops.join("docker_build").symlink_metadata().is_ok_and(|meta| meta.is_symlink())
}

/// Whether it is there, a link that leads nowhere too.
fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// The address of the dir that builds the image `named`: upward first, then anywhere. Else the nearest upward that builds any.
fn owner(ground: Ground<'_>, path: &Path, named: Option<&str>) -> Option<String> {
    let root = ground.root;
    let above = || path.ancestors().skip(1).take_while(|above| above.starts_with(root));
    let all = above().chain(ground.dirs.iter().map(PathBuf::as_path)).filter(|dir| builds(&dir.join(DEVOPS)));
    let is_named = |dir: &&Path| {
        let file = nearest_config(root, dir).ok().flatten();
        named.is_some()
            && file.and_then(|(path, bytes)| image_name(Source { path: &path, bytes: &bytes })).as_deref() == named
    };
    let nearest = || above().find(|above| builds(&above.join(DEVOPS)));
    let owner = all.into_iter().find(is_named).or_else(nearest)?;
    let address = owner.strip_prefix(root).ok()?.display().to_string();
    Some(if address.is_empty() { ".".to_owned() } else { format!("//{address}") })
}

/// The nearest `repo_config` file upward, with its content.
fn nearest_config(root: &Path, path: &Path) -> Result<Option<(PathBuf, Vec<u8>)>, WorkspaceError> {
    for above in path.ancestors().take_while(|above| above.starts_with(root)) {
        if let Some(found) = repo_config(above)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn repo_config(dir: &Path) -> Result<Option<(PathBuf, Vec<u8>)>, WorkspaceError> {
    for name in REPO_CONFIGS {
        let file = dir.join(name);
        match version::beginning(&file, MAX_FILE_BYTES) {
            Ok(bytes) => return Ok(Some((file, bytes))),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
            Err(source) => return Err(WorkspaceError::Unreadable { file, source }),
        }
    }
    Ok(None)
}

fn source<'a>(root: &Path, path: &'a Path, bytes: &'a [u8]) -> Source<'a> {
    Source { path: path.strip_prefix(root).unwrap_or(path), bytes }
}

/// `dev_scripts_<suffix>/thin_client` with requirements, from the root; the first by name.
fn thin_client(root: &Path) -> Option<String> {
    let names = root.read_dir().ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut found: Vec<String> = names
        .filter(|name| name.starts_with("dev_scripts_"))
        .map(|name| format!("{name}/thin_client"))
        .filter(|folder| root.join(folder).join("requirements.txt").is_file())
        .collect();
    found.sort();
    found.into_iter().next()
}
