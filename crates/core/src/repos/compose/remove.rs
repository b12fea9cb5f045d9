//! `wharf repo remove`: a sub-repo leaves `.gitmodules`, the index and the work tree.

use std::path::{Path, PathBuf};

use wharf_git::{Git, GitError, GitPlace};
use wharf_process::Command;

use super::add::check_modules_file;
use super::attempt::attempt;
use super::clone_error::CloneError;
use super::losses::{History, Losses, Scope, listed};
use crate::runnable_dir::{Address, RunnableDir};
use crate::sub_repo::{self, Repo, State};

/// The plan for a removal. There is one only where nothing is lost.
#[derive(Debug, Clone)]
pub struct Removal {
    /// Root of the repo that names it.
    repo: PathBuf,
    /// Its path in that repo.
    path: String,
    name: String,
    /// Its Git folder.
    git_dir: PathBuf,
    is_embedded: bool,
    /// It was added and never committed.
    is_new: bool,
    purge: bool,
    /// Files that Git ignores and that go too, from the super-repo's root.
    pub ignored: Vec<String>,
}

/// Something outside of a sub-repo that needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The file that says so.
    pub place: String,
    /// What it says.
    pub what: String,
}

/// Plans to remove the sub-repo at `text`, from where the user stands. `top` is the super-repo; `dirs` are the workspace's
/// runnable dirs. With `purge` its Git folder goes too.
///
/// # Errors
/// When there is no such sub-repo, it is used, or something in it is nowhere else.
pub fn plan_removal(
    top: &GitPlace,
    here: &Path,
    text: &str,
    dirs: &[RunnableDir],
    purge: bool,
) -> Result<Removal, CloneError> {
    let repos = sub_repo::discover(&top.root, "");
    let found = find(&repos, &top.root, here, text)?;
    let above = repos.iter().filter(|repo| is_below(&found.path, &repo.path)).max_by_key(|repo| repo.path.len());
    let above = above.unwrap_or(&repos[0]);
    let git = Git::new(&above.root);
    let path = found.path[above.path.len()..].trim_start_matches('/').to_owned();
    let entries = git.module_entries(&above.root)?;
    let name = entries.iter().find(|entry| entry.paths.contains(&path)).map(|entry| entry.name.clone());
    let name = name.unwrap_or_else(|| path.clone());
    check_modules_file(&git, &above.root)?;
    let uses = uses(&repos, dirs, &found.path);
    if !uses.is_empty() {
        let told: Vec<String> = uses.iter().map(|one| format!("`{}` has {}", one.place, one.what)).collect();
        return Err(CloneError::Refused {
            what: format!("sub-repo `{}` is used: {}", found.path, told.join("; ")),
            hint: "change these first".into(),
        });
    }
    let losses = losses(&repos, found)?;
    refuse_losses(&found.path, &losses)?;
    let place = wharf_git::place::at(&found.root)?;
    let owner = wharf_git::place::at(&above.root)?.map_or_else(|| above.root.join(".git"), |place| place.common_dir());
    let git_dir = place.as_ref().map_or_else(|| owner.join("modules").join(&name), GitPlace::common_dir);
    if purge {
        check_purge(&found.path, &git_dir)?;
    }
    let is_new =
        !git.command(["diff", "--cached", "--quiet", "--", &path]).run().map_err(GitError::from)?.exit.is_success();
    let ignored = losses.iter().flat_map(|one| one.ignored.iter().map(|name| format!("{}/{name}", one.path)));
    Ok(Removal {
        repo: above.root.clone(),
        path,
        name,
        is_embedded: place.is_some_and(|place| place.git_dir == found.root.join(".git")),
        git_dir,
        is_new,
        purge,
        ignored: ignored.collect(),
    })
}

fn is_below(path: &str, above: &str) -> bool {
    path != above && (above.is_empty() || path.starts_with(&format!("{above}/")))
}

fn find<'a>(repos: &'a [Repo], root: &Path, here: &Path, text: &str) -> Result<&'a Repo, CloneError> {
    let address = Address::parse(text, root, here).ok();
    let found = repos[1..].iter().find(|repo| address.as_ref().is_some_and(|address| address.as_str() == repo.path));
    found.ok_or_else(|| {
        let known: Vec<String> = repos[1..].iter().map(|repo| format!("`{}`", repo.path)).collect();
        CloneError::Unknown {
            what: format!("`{text}` is no sub-repo"),
            hint: if known.is_empty() {
                "there is none here".into()
            } else {
                format!("there are {}", known.join(", "))
            },
        }
    })
}

fn losses(repos: &[Repo], found: &Repo) -> Result<Vec<Losses>, CloneError> {
    let inside = repos.iter().filter(|repo| repo.path == found.path || is_below(&repo.path, &found.path));
    let ready = inside.filter(|repo| repo.state == State::Ready);
    let losses: Result<Vec<Losses>, GitError> =
        ready.map(|repo| Losses::of(&repo.root, &repo.path, Scope::Repo)).collect();
    Ok(losses?)
}

fn refuse_losses(path: &str, losses: &[Losses]) -> Result<(), CloneError> {
    if losses.iter().all(Losses::is_none) {
        return Ok(());
    }
    Err(CloneError::Refused {
        what: format!("removing `{path}` would lose work: {}", listed(losses)),
        hint: format!(
            "look with `git -C {path} status` and `git -C {path} log --branches --not --remotes`; commit and push it, or drop it"
        ),
    })
}

/// Nothing below the Git folder is nowhere else, and no other work tree needs it.
fn check_purge(path: &str, git_dir: &Path) -> Result<(), CloneError> {
    let mut folders = vec![git_dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if folder.join("HEAD").is_file() {
            let has_worktrees = folder.join("worktrees").read_dir().is_ok_and(|mut entries| entries.next().is_some());
            if has_worktrees {
                return Err(CloneError::Refused {
                    what: format!("`{}` is shared with other worktrees", folder.display()),
                    hint: format!("remove `{path}` without `--purge`, or the other worktrees first"),
                });
            }
            let history = History::of(&Git::in_folder(&folder))?;
            let lost =
                Losses { path: path.into(), stashes: history.stashes, commits: history.unpushed, ..Losses::default() };
            refuse_losses(path, &[lost])?;
            folders.push(folder.join("modules"));
        } else {
            folders.extend(
                folder
                    .read_dir()
                    .into_iter()
                    .flatten()
                    .flatten()
                    .map(|entry| entry.path())
                    .filter(|path| path.is_dir()),
            );
        }
    }
    Ok(())
}

/// What outside of the sub-repo at `path` needs it, as far as configuration tells.
fn uses(repos: &[Repo], dirs: &[RunnableDir], path: &str) -> Vec<Use> {
    let inside = |address: &str| {
        let address = address.trim_start_matches("//").trim_end_matches('/');
        address == path || is_below(address, path)
    };
    let mut uses = Vec::new();
    for dir in dirs.iter().filter(|dir| !inside(dir.address.as_str())) {
        if let Some(from) = dir.image_from().filter(|from| inside(from)) {
            let place = format!("{}/devops/wharf.toml", dir.address);
            uses.push(Use { place, what: format!("`[image] from = \"{from}\"`") });
        }
        let base = dir.resolved.get("image.base").and_then(|(value, origin)| Some((value.as_text()?, origin)));
        let exported = base.filter(|(base, origin)| {
            let owner = base.strip_prefix("//").and_then(|base| base.rsplit_once(':'));
            owner.is_some_and(|(owner, _)| inside(owner))
                && !origin.base_dir().is_some_and(|dir| inside(&dir.to_string_lossy()))
        });
        if let Some((base, origin)) = exported {
            let used = Use { place: origin.to_string(), what: format!("`[image] base = \"{base}\"`") };
            if !uses.contains(&used) {
                uses.push(used);
            }
        }
    }
    for repo in repos.iter().filter(|repo| repo.state == State::Ready && !inside(&repo.path)) {
        let text = std::fs::read_to_string(repo.root.join("wharf.toml")).unwrap_or_default();
        let prefix = if repo.path.is_empty() { String::new() } else { format!("{}/", repo.path) };
        for from in owners(&text).into_iter().filter(|from| inside(from)) {
            uses.push(Use { place: format!("{prefix}wharf.toml"), what: format!("`[[files]] from = \"{from}\"`") });
        }
    }
    uses
}

/// The owners of common files that a `wharf.toml` names.
fn owners(text: &str) -> Vec<String> {
    let Ok(table) = text.parse::<toml::Table>() else { return Vec::new() };
    let files = table.get("files").and_then(toml::Value::as_array).into_iter().flatten();
    files.filter_map(|one| one.get("from")?.as_str().map(str::to_owned)).collect()
}

impl Removal {
    /// Its Git folder, where that stays.
    #[must_use]
    pub fn kept(&self) -> Option<&Path> {
        (!self.purge && (self.is_embedded || self.git_dir.is_dir())).then_some(self.git_dir.as_path())
    }

    /// Root of the repo that names it.
    #[must_use]
    pub fn repo(&self) -> &Path {
        &self.repo
    }

    /// What is done, as commands to paste.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        let git = |words: &[&str]| Command::new("git").arg("-C").arg(self.repo.clone()).args(words.to_vec());
        let mut commands = Vec::new();
        if self.is_embedded {
            commands.push(git(&["submodule", "absorbgitdirs", "--", &self.path]));
        }
        let force: &[&str] = if self.is_new { &["--force"] } else { &[] };
        let words: Vec<&str> =
            ["rm", "--quiet"].iter().chain(force).chain(&["--", self.path.as_str()]).copied().collect();
        commands.push(git(&words));
        if Git::new(&self.repo).setting(&format!("submodule.{}.url", self.name)).is_some() {
            commands.push(git(&["config", "--remove-section", &format!("submodule.{}", self.name)]));
        }
        if self.purge {
            commands.push(Command::new("rm").args(["-rf", "--"]).arg(self.git_dir.clone()));
        }
        commands
    }

    /// Does it.
    ///
    /// # Errors
    /// When Git refuses or a folder cannot be removed.
    pub fn apply(&self) -> Result<(), CloneError> {
        for command in self.commands() {
            attempt(&command.env("LC_ALL", "C").env("GIT_TERMINAL_PROMPT", "0"))
                .map_err(|miss| miss.failed(format!("remove `{}`", self.path)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_of_common_files() {
        let text = "[[files]]\nfrom = \"//helpers\"\npaths = [\"a\"]\n[[files]]\nfrom = \"libs/x/deep\"\n";
        assert_eq!(owners(text), ["//helpers", "libs/x/deep"]);
        assert_eq!((owners("not toml ["), owners("")), (vec![], vec![]));
    }
}
