//! `wharf clone`: the super-repo, then all sub-repos that this user may read, several at once.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use wharf_git::{Amount, CloneRequest, Git, Trust};

use super::attempt::attempt;
use super::clone_error::CloneError;
use super::folder::Folder;
use super::login::Login;
use super::pool;
use super::populate::{ClonedRepo, Job, Layout, Outcome, Parent, Populate, Step, Watch};
use super::url::{check_url, folder_name, host};
use crate::config::{GitConfig, mask_credentials};
use crate::workspace::Surroundings;

/// Repos that are fetched at once, where the user says nothing.
const AT_ONCE: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not 0");
/// The same over ssh, whose server turns connections away from the tenth on that has not logged in (sshd_config(5),
/// `MaxStartups`).
const AT_ONCE_BY_SSH: NonZeroUsize = NonZeroUsize::new(8).expect("8 is not 0");

/// What to clone.
#[derive(Debug, Clone)]
pub struct CloneSettings {
    /// Where the super-repo is.
    pub url: String,
    /// Folder to make, from where the user stands; None for one named after the URL.
    pub dir: Option<PathBuf>,
    /// Branch or tag of the super-repo; None for the remote's own choice.
    pub branch: Option<String>,
    /// How much of each repo.
    pub amount: Amount,
    /// Repos at once; None for a number that suits the transport.
    pub jobs: Option<NonZeroUsize>,
    /// Sub-repos at the heads of their branches instead of at the pins.
    pub latest: bool,
    /// What others read who want the same folder: `process 12, wharf clone`.
    pub holder: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Cloned {
    /// Root of the super-repo.
    pub root: PathBuf,
    /// All repos by path, the super-repo first.
    pub repos: Vec<ClonedRepo>,
    /// Whether an earlier clone was gone on with.
    pub resumed: bool,
}

/// Clones a super-repo with all sub-repos that can be read. Those that cannot are in [`Cloned::repos`] with the reason.
///
/// # Errors
/// When the super-repo cannot be had, its folder is taken, or `stop` was set.
pub fn clone(
    settings: &CloneSettings,
    config: &GitConfig,
    surroundings: &Surroundings,
    watch: &dyn Watch,
    stop: &AtomicBool,
) -> Result<Cloned, CloneError> {
    check_url(&settings.url)?;
    let root = root_of(settings, &surroundings.here)?;
    let here = Git::new(&surroundings.here);
    let login = Login::new(config, surroundings, &settings.url, here.setting("core.sshCommand").as_deref());
    let mut folder = Folder::take(&root, &mask_credentials(&settings.url), &settings.holder)?;
    let resumed = folder.has_super_repo();
    if !resumed && let Err(error) = fetch_super_repo(settings, &here, &login, &mut folder, watch) {
        if stop.load(Ordering::Relaxed) {
            return Err(CloneError::Interrupted);
        }
        folder.give_up();
        return Err(error);
    }
    let first = check_out_super_repo(&root, &login, watch)?;
    let populate = Populate {
        login: &login,
        amount: settings.amount,
        latest: settings.latest,
        trust: Trust::File,
        layout: Layout::Own,
        scratch: folder.scratch(),
        watch,
        stop,
        number: AtomicUsize::new(0),
        done: Mutex::new(vec![first]),
    };
    let url = Git::new(&root).setting("remote.origin.url").unwrap_or_else(|| settings.url.clone());
    let git_dir = root.join(".git");
    let jobs = populate.list(Parent { path: String::new(), root: root.clone(), git_dir, url, all_active: true });
    let repos = populate_all(populate, jobs, settings.jobs.unwrap_or_else(|| at_once(&settings.url)))?;
    // With something missing that may come yet, the clone stays unfinished, so that it can be gone on with.
    if !repos.iter().any(|repo| matches!(repo.outcome, Outcome::Failed(_))) {
        folder.finish()?;
    }
    Ok(Cloned { root, repos, resumed })
}

/// How many repos are fetched at once from where `url` is.
pub(super) fn at_once(url: &str) -> NonZeroUsize {
    if host(url).is_some_and(|(scheme, _)| scheme.contains("ssh")) { AT_ONCE_BY_SSH } else { AT_ONCE }
}

/// Does all jobs and those that they bring; gives what came of all, by path.
pub(super) fn populate_all(
    populate: Populate<'_>,
    jobs: Vec<Job>,
    threads: NonZeroUsize,
) -> Result<Vec<ClonedRepo>, CloneError> {
    pool::run(jobs, threads, populate.stop, |job| populate.one(job));
    if populate.stop.load(Ordering::Relaxed) {
        return Err(CloneError::Interrupted);
    }
    let mut repos = populate.done.into_inner().unwrap_or_else(PoisonError::into_inner);
    repos.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(repos)
}

fn root_of(settings: &CloneSettings, here: &Path) -> Result<PathBuf, CloneError> {
    match &settings.dir {
        Some(dir) => Ok(wharf_git::place::lexical(&here.join(dir))),
        None => folder_name(&settings.url)
            .map(|name| here.join(name))
            .ok_or_else(|| CloneError::NoName { url: mask_credentials(&settings.url).into_owned() }),
    }
}

fn fetch_super_repo(
    settings: &CloneSettings,
    here: &Git,
    login: &Login,
    folder: &mut Folder,
    watch: &dyn Watch,
) -> Result<(), CloneError> {
    watch.on("", Step::Fetching);
    let into = folder.scratch().join("repo");
    let request = CloneRequest {
        url: &settings.url,
        into: &into,
        branch: settings.branch.as_deref(),
        amount: settings.amount,
        trust: Trust::User,
    };
    let command = login.arm(here.clone_command(request));
    attempt(&command).map_err(|miss| miss.remote(&settings.url, login))?;
    folder.settle(&into)
}

fn check_out_super_repo(root: &Path, login: &Login, watch: &dyn Watch) -> Result<ClonedRepo, CloneError> {
    let git = Git::new(root);
    let ready =
        |git: &Git, commit: Option<String>| Outcome::Ready { branch: git.branch(), commit: commit.unwrap_or_default() };
    let head = git.head();
    let git_dir = root.join(".git");
    if head.is_some() && !git_dir.join("index").is_file() {
        watch.on("", Step::CheckingOut);
        let _ = std::fs::remove_file(git_dir.join("index.lock"));
        let command = login.arm(git.first_checkout_command([]));
        attempt(&command).map_err(|miss| miss.failed("check out the super-repo"))?;
    }
    wharf_git::submodule::add_config(&git_dir, &[("[submodule]".into(), "\tactive = .\n".into())])
        .map_err(|source| CloneError::Io { path: git_dir.join("config"), source })?;
    let outcome = ready(&git, head);
    watch.on("", Step::Ended(&outcome));
    Ok(ClonedRepo { path: String::new(), outcome })
}
