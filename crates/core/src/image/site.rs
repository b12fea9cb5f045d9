//! What stands for the installation of a dir that is itself a package, and of the local packages it needs: metadata,
//! entry points and scripts, as a tree of files. Read here, lent to dev containers by [`container`](crate), copied into
//! prod images.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wharf_git::Git;

use super::project::{self, Described, GitDescribe, Project};
use crate::runnable_dir::RunnableDir;
use crate::sub_repo::State;
use crate::workspace::Workspace;

/// Where the tree lies in containers and images.
pub const SITE: &str = "/opt/wharf/site";

/// Files by path: content, and whether it can be run.
pub type Tree = BTreeMap<String, (Vec<u8>, bool)>;

/// Where the code of a dir is seen by what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// In a container, below the workspace's mount point.
    InContainer,
    /// Where it is.
    OnHost,
}

/// The packages of a dir.
#[derive(Debug, Clone)]
pub struct Packages {
    /// The tree.
    pub files: Tree,
    /// The folders that imports start from, on the host.
    pub import_roots: Vec<PathBuf>,
    /// Each package with its folder on the host.
    pub projects: Vec<(PathBuf, Project)>,
}

struct ByGit;

impl GitDescribe for ByGit {
    fn describe(&self, dir: &Path) -> Option<Described> {
        if let Some(found) = Git::describe(dir) {
            return Some(Described {
                tag: Some(found.tag),
                distance: found.distance,
                node: found.node,
                dirty: found.dirty,
            });
        }
        let node = Git::new(dir).head()?;
        Some(Described { tag: None, distance: 0, node: node.chars().take(8).collect(), dirty: false })
    }
}

/// Reads the package in `dir`, where it is one, and those in the folders `local`; `None` where there is no package.
///
/// # Errors
/// When a package's files make no sense.
pub fn packages(
    workspace: &Workspace,
    dir: &RunnableDir,
    local: &[PathBuf],
    seen: Seen,
) -> Result<Option<Packages>, project::Error> {
    let mut found = Packages { files: Tree::new(), import_roots: Vec::new(), projects: Vec::new() };
    for place in std::iter::once(&dir.path).chain(local) {
        let Some(package) = project::discover(place, &ByGit)? else { continue };
        let import_root: PathBuf = place.join(&package.import_root).components().collect();
        let shown = match seen {
            Seen::InContainer => workspace.in_container(&import_root),
            Seen::OnHost => import_root.display().to_string(),
        };
        let files = package.site_files(&shown);
        found.files.extend(files.into_iter().map(|(name, file)| (name, (file.bytes, file.executable))));
        found.import_roots.push(import_root);
        found.projects.push((place.clone(), package));
    }
    Ok((!found.projects.is_empty()).then_some(found))
}

/// What `PYTHONPATH` starts with: the super-repo's root, each sub-repo's root, then the import roots of the dir's
/// packages. These come before what is installed, which may hold a published version of the same (pytest needs pluggy,
/// and pluggy's tests need the pluggy of the work tree).
#[must_use]
pub fn python_path(workspace: &Workspace, import_roots: &[PathBuf], seen: Seen) -> Vec<String> {
    let show = |path: &PathBuf| match seen {
        Seen::InContainer => workspace.in_container(path),
        Seen::OnHost => path.display().to_string(),
    };
    let ready = workspace.repos.iter().filter(|repo| repo.state == State::Ready).map(|repo| &repo.root);
    ready.chain(import_roots).map(show).collect()
}
