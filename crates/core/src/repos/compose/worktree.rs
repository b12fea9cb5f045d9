//! `wharf repo worktree`: a further work tree of the super-repo, with the objects of all sub-repos that are here.
//!
//! A sub-repo in it is a worktree of the Git folder that the sub-repo has here, not a copy that borrows its objects
//! (`--reference`): `git gc` counts the worktrees of a repo and keeps what they need, while it knows nothing of borrowers and
//! would take objects away from under them. Branches, stashes and remotes are then shared as well, as they are between
//! worktrees of the super-repo.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use wharf_git::{Amount, Git, GitPlace, Trust};
use wharf_process::Command;

use super::attempt::attempt;
use super::clone::{at_once, populate_all};
use super::clone_error::CloneError;
use super::login::Login;
use super::losses::{Losses, Scope, listed};
use super::populate::{ClonedRepo, Layout, Parent, Populate, Watch};
use super::scratch::Scratch;
use crate::sub_repo::{self, State};

/// The plan for a new worktree.
#[derive(Debug, Clone)]
pub struct NewWorktree {
    top: GitPlace,
    /// Its root.
    pub root: PathBuf,
    /// Its branch.
    pub branch: String,
    words: Vec<String>,
    /// It is there already, perhaps without some sub-repos.
    is_here: bool,
}

impl NewWorktree {
    /// Plans a worktree at `path`, from where the user stands, on `branch`; None for one with the folder's name.
    ///
    /// # Errors
    /// When the folder is taken, lies inside the work tree, or names no branch.
    pub fn plan(top: &GitPlace, here: &Path, path: &str, branch: Option<&str>) -> Result<Self, CloneError> {
        let root = canonical(&wharf_git::place::lexical(&here.join(path)));
        let git = Git::new(&top.root);
        let named =
            branch.map(str::to_owned).or_else(|| root.file_name().map(|name| name.to_string_lossy().into_owned()));
        let branch = named.unwrap_or_default();
        let known = git.worktrees()?.into_iter().find(|one| one.root == root && !one.is_gone);
        if let Some(known) = known {
            if known.branch.as_deref() == Some(branch.as_str()) {
                return Ok(Self { top: top.clone(), root, branch, words: Vec::new(), is_here: true });
            }
            let on = known.branch.map_or_else(|| "no branch".to_owned(), |branch| format!("branch `{branch}`"));
            return Err(CloneError::Refused {
                what: format!("`{}` is a worktree already, on {on}", root.display()),
                hint: "name another folder".into(),
            });
        }
        if root.read_dir().is_ok_and(|mut entries| entries.next().is_some()) || root.is_file() {
            return Err(CloneError::NotEmpty { is_repo: false, dir: root });
        }
        let ignored = || git.command(["check-ignore", "--quiet"]).arg(root.clone()).run();
        if root.starts_with(&top.root) && !ignored().is_ok_and(|output| output.exit.is_success()) {
            let beside = format!("../{}", branch.replace('/', "-"));
            return Err(CloneError::Refused {
                what: format!("`{}` lies inside the work tree, which would see its files as new", root.display()),
                hint: format!("put it beside: `wharf repo worktree add {beside} {branch}`"),
            });
        }
        let good = git.command(["check-ref-format", "--branch", &branch]).run().map_err(wharf_git::GitError::from)?;
        if !good.exit.is_success() {
            return Err(CloneError::Unknown {
                what: format!("`{branch}` is no name of a branch"),
                hint: "name one behind the folder".into(),
            });
        }
        let branches = git.branches()?;
        let place = root.to_string_lossy().into_owned();
        let words: Vec<String> = if branches.local(&branch).is_some() {
            vec!["--".into(), place, branch.clone()]
        } else if branches.origin(&branch).is_some() {
            vec!["--track".into(), "-b".into(), branch.clone(), "--".into(), place, format!("origin/{branch}")]
        } else {
            vec!["-b".into(), branch.clone(), "--".into(), place]
        };
        Ok(Self { top: top.clone(), root, branch, words, is_here: false })
    }

    /// The command that makes it; the sub-repos follow.
    #[must_use]
    pub fn command(&self) -> Option<Command> {
        let command = Git::new(&self.top.root).command(["-c", "submodule.recurse=false", "worktree", "add", "--quiet"]);
        (!self.is_here).then(|| command.args(self.words.clone()))
    }

    /// The same as commands to paste.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        let git = || Command::new("git").arg("-C").arg(self.top.root.clone());
        let mut commands = Vec::new();
        if !self.is_here {
            commands.push(git().args(["worktree", "add"]).args(self.words.clone()));
        }
        for repo in sub_repo::discover(&self.top.root, "").into_iter().skip(1).filter(|repo| repo.state == State::Ready)
        {
            let command =
                Command::new("git").arg("-C").arg(repo.root.clone()).args(["worktree", "add", "--detach", "--"]);
            commands.push(command.arg(self.root.join(&repo.path)));
        }
        commands
    }
}

/// Makes a worktree with all its sub-repos: from here where they are here, else from their remotes.
///
/// # Errors
/// When the worktree cannot be made, or `stop` was set. What came of each sub-repo is in what is returned.
pub fn add_worktree(
    plan: &NewWorktree,
    login: &Login,
    holder: &str,
    watch: &dyn Watch,
    stop: &AtomicBool,
) -> Result<Vec<ClonedRepo>, CloneError> {
    let common = plan.top.common_dir();
    let scratch = Scratch::take(&common, holder)?;
    if let Some(command) = plan.command() {
        attempt(&command).map_err(|miss| miss.failed(format!("add a worktree at `{}`", plan.root.display())))?;
    }
    let git = Git::new(&plan.root);
    let url = git.setting("remote.origin.url").unwrap_or_else(|| plan.top.root.display().to_string());
    let populate = Populate {
        login,
        amount: Amount::default(),
        latest: false,
        trust: Trust::File,
        layout: Layout::Worktree(Some(plan.branch.clone())),
        scratch: scratch.path(),
        watch,
        stop,
        number: AtomicUsize::new(0),
        done: Mutex::default(),
    };
    let threads = at_once(&url);
    let all_active = git.setting("submodule.active").is_some();
    let jobs = populate.list(Parent { path: String::new(), root: plan.root.clone(), git_dir: common, url, all_active });
    let repos = populate_all(populate, jobs, threads)?;
    drop(scratch);
    Ok(repos)
}

/// One worktree of the super-repo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorktreeRow {
    /// Its root.
    pub root: PathBuf,
    /// Its branch; None where it is on none.
    pub branch: Option<String>,
    /// Its commit.
    pub head: Option<String>,
    /// Whether it is the one that the user stands in.
    pub is_here: bool,
    /// Whether its folder is gone.
    pub is_gone: bool,
    /// Sub-repos whose files are there.
    pub ready: usize,
    /// Sub-repos in all.
    pub sub_repos: usize,
}

/// All worktrees of the super-repo, the main one first.
///
/// # Errors
/// When Git does not answer.
pub fn list_worktrees(top: &GitPlace) -> Result<Vec<WorktreeRow>, CloneError> {
    let worktrees = Git::new(&top.root).worktrees()?;
    let row = |one: wharf_git::Worktree| {
        let repos = if one.is_gone { Vec::new() } else { sub_repo::discover(&one.root, "") };
        let subs = repos.iter().skip(1);
        WorktreeRow {
            is_here: one.root == top.root,
            ready: subs.clone().filter(|repo| repo.state == State::Ready).count(),
            sub_repos: subs.count(),
            root: one.root,
            branch: one.branch,
            head: one.head,
            is_gone: one.is_gone,
        }
    };
    Ok(worktrees.into_iter().map(row).collect())
}

/// The commands that remove the worktree at `path`, from where the user stands, sub-repos first; and what Git ignores in it,
/// which goes too.
///
/// # Errors
/// When it is none, is the main one, the user stands in it, or something in it is nowhere else.
pub fn plan_worktree_removal(
    top: &GitPlace,
    here: &Path,
    path: &str,
) -> Result<(Vec<Command>, Vec<String>), CloneError> {
    let root = canonical(&wharf_git::place::lexical(&here.join(path)));
    let worktrees = Git::new(&top.root).worktrees()?;
    let Some(index) = worktrees.iter().position(|one| one.root == root) else {
        return Err(CloneError::Unknown {
            what: format!("`{path}` is no worktree of this super-repo"),
            hint: "see them with `wharf repo worktree list`".into(),
        });
    };
    let main = &worktrees[0].root;
    if index == 0 || here.starts_with(&root) {
        let why = if index == 0 { "is the main work tree" } else { "is where you stand" };
        return Err(CloneError::Refused {
            what: format!("`{}` {why}", root.display()),
            hint: "change into another worktree first; the main one stays".into(),
        });
    }
    let (mut losses, mut commands) = (Vec::new(), Vec::new());
    let force = ["worktree", "remove", "--force", "--"];
    if !worktrees[index].is_gone {
        for repo in sub_repo::discover(&root, "").into_iter().filter(|repo| repo.state == State::Ready) {
            let Some(place) = wharf_git::place::at(&repo.root)? else { continue };
            let common = place.common_dir();
            let scope = if common == place.git_dir { Scope::Repo } else { Scope::WorkTree };
            losses.push(Losses::of(&repo.root, &repo.path, scope)?);
            if scope == Scope::WorkTree && !repo.path.is_empty() {
                commands.push((repo.path, Git::in_folder(common).command(force).arg(repo.root)));
            }
        }
    }
    if !losses.iter().all(Losses::is_none) {
        return Err(CloneError::Refused {
            what: format!("removing `{}` would lose work: {}", root.display(), listed(&losses)),
            hint: format!("commit it there, or drop it: `git -C {} status`", root.display()),
        });
    }
    // Nested ones first.
    commands.sort_by(|a, b| b.0.cmp(&a.0));
    let mut commands: Vec<Command> = commands.into_iter().map(|(_, command)| command).collect();
    commands.push(Git::new(main).command(force).arg(root));
    let ignored = losses.iter().flat_map(|one| one.ignored.iter().map(|name| super::populate::join(&one.path, name)));
    Ok((commands, ignored.collect()))
}

/// Runs what was planned.
///
/// # Errors
/// When Git refuses.
pub fn remove_worktree(commands: &[Command]) -> Result<(), CloneError> {
    for command in commands {
        attempt(command).map_err(|miss| miss.failed("remove the worktree"))?;
    }
    Ok(())
}

/// Without symbolic links, as far as it is there.
fn canonical(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(path), ..) => path,
        (Err(_), Some(parent), Some(name)) => canonical(parent).join(name),
        _ => path.into(),
    }
}
