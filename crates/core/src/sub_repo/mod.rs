//! The repos of a workspace: the super-repo and the sub-repos in it, nested ones too.
//!
//! Owns the question which repos there are, whether this user has them, and what they export to the super-repo ([`exports`]).
//! Refuses to change any.

pub mod exports;

use std::path::{Path, PathBuf};

use wharf_git::{place, read_submodules};

/// A Git repo of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repo {
    /// Path from the super-repo's root with `/`; empty for the super-repo itself.
    pub path: String,
    /// Root of its work tree, absolute.
    pub root: PathBuf,
    /// Name taken from where it is cloned from, else from its folder.
    pub name: String,
    /// Whether it can be worked in.
    pub state: State,
}

/// Whether a repo can be worked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Its files are here.
    Ready,
    /// It is named in `.gitmodules`, but its files are not here.
    NotPopulated,
    /// Its folder is there but broken or not readable; the reason.
    Unreadable(String),
}

/// The super-repo at `root` and all sub-repos that its and their `.gitmodules` name, outer ones first.
#[must_use]
pub fn discover(root: &Path, name: &str) -> Vec<Repo> {
    let mut repos = vec![Repo { path: String::new(), root: root.into(), name: name.into(), state: State::Ready }];
    let mut next = 0;
    while next < repos.len() {
        let parent = repos[next].clone();
        next += 1;
        if parent.state != State::Ready {
            continue;
        }
        for module in read_submodules(&parent.root) {
            let path =
                if parent.path.is_empty() { module.path.clone() } else { format!("{}/{}", parent.path, module.path) };
            let folder = parent.root.join(&module.path);
            if repos.iter().any(|repo| repo.root == folder) {
                continue;
            }
            let name = module.url.as_deref().and_then(name_of_url).unwrap_or_else(|| last_part(&module.path));
            repos.push(Repo { path, state: state_of(&folder), root: folder, name });
        }
    }
    repos[1..].sort_by(|a, b| a.path.cmp(&b.path));
    repos
}

fn state_of(folder: &Path) -> State {
    match folder.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return State::NotPopulated,
        Err(error) => return State::Unreadable(error.to_string()),
        Ok(metadata) if metadata.is_symlink() => return State::Unreadable("it is a symbolic link".into()),
        Ok(_) => {}
    }
    if let Err(error) = folder.read_dir() {
        return State::Unreadable(error.to_string());
    }
    match place::at(folder) {
        Ok(Some(_)) => State::Ready,
        Ok(None) => State::NotPopulated,
        Err(error) => State::Unreadable(error.to_string()),
    }
}

fn name_of_url(url: &str) -> Option<String> {
    let last = url.trim_end_matches('/').rsplit(['/', ':']).next()?;
    let name = last.strip_suffix(".git").unwrap_or(last);
    (!name.is_empty() && name != "." && name != "..").then(|| name.to_owned())
}

fn last_part(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_urls() {
        assert_eq!(name_of_url("git@host:team/helpers.git").as_deref(), Some("helpers"));
        assert_eq!(name_of_url("../helpers/").as_deref(), Some("helpers"));
        assert_eq!(name_of_url("..").as_deref(), None);
    }
}
