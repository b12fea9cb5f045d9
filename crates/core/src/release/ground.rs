//! What a release stands on: a commit that holds all of it, and a Git tag that is free.

use std::path::PathBuf;

use wharf_git::Git;

use super::{ReleaseError, Request};
use crate::image::{ImageSpec, Stage, prod::ProdSpec};
use crate::sub_repo::State;

/// The remote that gets the tag.
pub(super) const ORIGIN: &str = "origin";

/// What is released, as far as the checkout decides it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ground {
    /// Commit of the dir's repo.
    pub commit: String,
    /// Hash of all that decides the image.
    pub inputs: String,
}

impl Ground {
    /// Reads it; changes and refuses nothing.
    pub(super) fn read(request: &Request<'_>) -> Result<Self, ReleaseError> {
        let Request { workspace, dir, stage, .. } = *request;
        let commit = git(request).head().ok_or_else(|| ReleaseError::NoCommit { dir: dir.address.to_string() })?;
        let inputs = match stage {
            Stage::Prod => ProdSpec::read(workspace, dir)?.image.inputs.clone(),
            _ => ImageSpec::read(workspace, dir)?.inputs,
        };
        Ok(Self { commit, inputs })
    }

    /// Refuses what cannot be released.
    pub(super) fn check(&self, request: &Request<'_>) -> Result<(), ReleaseError> {
        let dir = request.dir.address.to_string();
        let files = dirty(request)?;
        if !files.is_empty() {
            return Err(ReleaseError::Dirty { dir, files });
        }
        if !request.findings.is_empty() {
            return Err(ReleaseError::Version { dir, findings: request.findings.to_vec() });
        }
        let (git, tag) = (git(request), request.git_tag());
        self.same(request, git.commit(&format!("refs/tags/{tag}")), String::new())?;
        if git.has_remote(ORIGIN)? {
            self.same(request, git.remote_tag(ORIGIN, &tag)?, format!(" at {ORIGIN}"))?;
        }
        Ok(())
    }

    /// Refuses where the tag names another commit.
    pub(super) fn same(&self, request: &Request<'_>, found: Option<String>, place: String) -> Result<(), ReleaseError> {
        match found {
            Some(found) if found != self.commit => Err(ReleaseError::TagTaken {
                dir: request.dir.address.to_string(),
                tag: request.git_tag(),
                place,
                found,
                commit: self.commit.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// Git in the repo that holds the dir, whose tag it is.
pub(super) fn git(request: &Request<'_>) -> Git {
    Git::new(root(request))
}

/// The root of that repo.
pub(super) fn root(request: &Request<'_>) -> PathBuf {
    let Request { workspace, dir, .. } = *request;
    let repo = workspace.repos.iter().find(|repo| repo.path == dir.repo);
    repo.map_or_else(|| workspace.root.clone(), |repo| repo.root.clone())
}

/// Files of all repos that are here which no commit holds, and sub-repos at another commit than is recorded.
fn dirty(request: &Request<'_>) -> Result<Vec<String>, ReleaseError> {
    let mut files = Vec::new();
    for repo in request.workspace.repos.iter().filter(|repo| repo.state == State::Ready) {
        let found = Git::new(&repo.root).work_tree()?;
        let prefix = if repo.path.is_empty() { String::new() } else { format!("{}/", repo.path) };
        let paths = found.edited().chain(&found.untracked).chain(found.moved.keys());
        files.extend(paths.map(|path| format!("{prefix}{path}")));
    }
    files.sort();
    files.dedup();
    Ok(files)
}
