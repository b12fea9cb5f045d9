//! Sub-repos, several at once: fetched, joined to their place in the work tree, and checked out.
//!
//! A sub-repo is fetched into a scratch folder in the super-repo's Git folder and renamed to `modules/<name>` when it is
//! whole; so what is there is whole, and a killed clone can be gone on with. Then its work tree is joined and written. Then
//! the sub-repos that it names itself are queued. None waits for another but for the one that names it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use wharf_git::submodule::{add_config, check_free, join_work_tree, section, setting};
use wharf_git::{Amount, Branches, CloneRequest, Git, Trouble, Trust};

use super::attempt::{Miss, attempt};
use super::clone_error::{CloneError, Hostile, Said};
use super::login::Login;
use super::sections::{self, Wanted};

/// What came of one repo.
#[derive(Debug)]
pub struct ClonedRepo {
    /// Its path from the super-repo's root; empty for the super-repo.
    pub path: String,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of one repo.
#[derive(Debug)]
pub enum Outcome {
    /// Its files are here.
    Ready {
        /// The branch that it is on; None where it is on none.
        branch: Option<String>,
        /// The commit that is checked out.
        commit: String,
    },
    /// This user may not read it.
    Unreadable {
        /// Where it would come from, credentials masked.
        url: String,
        /// What is the matter.
        trouble: Trouble,
        /// What Git said.
        said: Said,
        /// The variable whose token was sent, where one was.
        token: Option<String>,
    },
    /// Its `.gitmodules` says that it is not to be fetched (`update = none`).
    LeftOut,
    /// What `.gitmodules` says of it is not acted upon.
    Refused(Hostile),
    /// It could not be had for another reason.
    Failed(CloneError),
}

/// Where one repo stands.
#[derive(Debug)]
pub enum Step<'a> {
    /// It is being fetched.
    Fetching,
    /// Its files are being written.
    CheckingOut,
    /// It is done.
    Ended(&'a Outcome),
}

/// Somebody who wants to know how it goes; called from several threads.
pub trait Watch: Sync {
    /// The repo at `path` has come to this step.
    fn on(&self, path: &str, step: Step<'_>);
}

/// How a work tree and its Git folder are joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Layout {
    /// The Git folder is the work tree's own: `.git/modules/<name>`, as `git submodule` has it.
    Own,
    /// The work tree is a further one of a Git folder that is here; the branch to prefer.
    Worktree(Option<String>),
}

/// A repo whose sub-repos are wanted.
#[derive(Debug)]
pub(super) struct Parent {
    /// Its path from the super-repo's root.
    pub(super) path: String,
    /// Root of its work tree.
    pub(super) root: PathBuf,
    /// The Git folder that has its configuration and its sub-repos' Git folders.
    pub(super) git_dir: PathBuf,
    /// Where it came from.
    pub(super) url: String,
    /// Whether `submodule.active` covers all of its sub-repos already.
    pub(super) all_active: bool,
}

/// One sub-repo to be had.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) parent: Arc<Parent>,
    pub(super) wanted: Wanted,
}

/// The work on all sub-repos of one super-repo.
pub(super) struct Populate<'a> {
    pub(super) login: &'a Login,
    pub(super) amount: Amount,
    /// Take the heads of branches instead of the pins.
    pub(super) latest: bool,
    /// Who named the URLs.
    pub(super) trust: Trust,
    pub(super) layout: Layout,
    /// A folder of our own on the file system of the Git folder.
    pub(super) scratch: PathBuf,
    pub(super) watch: &'a dyn Watch,
    pub(super) stop: &'a AtomicBool,
    pub(super) number: AtomicUsize,
    pub(super) done: Mutex<Vec<ClonedRepo>>,
}

impl Populate<'_> {
    /// The sub-repos that `parent` names, registered in its configuration as `git submodule init` does.
    pub(super) fn list(&self, parent: Parent) -> Vec<Job> {
        let found = match sections::read(&parent.root, &parent.url) {
            Ok(found) => found,
            Err(error) => {
                self.end(parent.path, Outcome::Failed(error.into()));
                return Vec::new();
            }
        };
        for (path, why) in found.refused {
            self.end(join(&parent.path, &path), Outcome::Refused(why));
        }
        for path in found.left_out {
            self.end(join(&parent.path, &path), Outcome::LeftOut);
        }
        let active = if parent.all_active { String::new() } else { setting("active", "true") };
        let lines =
            found.wanted.iter().map(|one| (section(&one.name), format!("{active}{}", setting("url", &one.url))));
        if let Err(source) = add_config(&parent.git_dir, &lines.collect::<Vec<_>>()) {
            let path = parent.git_dir.join("config");
            self.end(parent.path, Outcome::Failed(CloneError::Io { path, source }));
            return Vec::new();
        }
        let parent = Arc::new(parent);
        found.wanted.into_iter().map(|wanted| Job { parent: Arc::clone(&parent), wanted }).collect()
    }

    /// Gets one sub-repo; gives those that it names.
    #[allow(clippy::needless_pass_by_value, reason = "a job is done once")]
    pub(super) fn one(&self, job: Job) -> Vec<Job> {
        let path = join(&job.parent.path, &job.wanted.path);
        let git_dir = job.parent.git_dir.join("modules").join(&job.wanted.name);
        let root = job.parent.root.join(&job.wanted.path);
        let outcome = self.get(&job, &path, &git_dir, &root).unwrap_or_else(outcome_of);
        if self.stop.load(Ordering::Relaxed) {
            return Vec::new();
        }
        let is_ready = matches!(outcome, Outcome::Ready { .. });
        self.end(path.clone(), outcome);
        if !is_ready || !root.join(".gitmodules").is_file() {
            return Vec::new();
        }
        self.list(Parent { path, root, git_dir, url: job.wanted.url, all_active: false })
    }

    fn end(&self, path: String, outcome: Outcome) {
        self.watch.on(&path, Step::Ended(&outcome));
        self.done.lock().unwrap_or_else(PoisonError::into_inner).push(ClonedRepo { path, outcome });
    }

    fn get(&self, job: &Job, path: &str, git_dir: &Path, root: &Path) -> Result<Outcome, CloneError> {
        let wanted = &job.wanted;
        // Twice: before the network is asked, and because fetching may have taken a while.
        self.check(job, path)?;
        if !git_dir.join("HEAD").is_file() {
            self.watch.on(path, Step::Fetching);
            self.fetch(wanted, git_dir)?;
            self.check(job, path)?;
        }
        self.watch.on(path, Step::CheckingOut);
        match &self.layout {
            Layout::Own => self.check_out(wanted, git_dir, root),
            Layout::Worktree(branch) => self.add_worktree(wanted, git_dir, root, branch.as_deref()),
        }
    }

    fn check(&self, job: &Job, path: &str) -> Result<(), CloneError> {
        check_free(&job.parent.root, &job.wanted.path)
            .map_err(|error| CloneError::Hostile { path: path.into(), why: Hostile::InTheWay(error.to_string()) })
    }

    /// Fetches a repo into `git_dir`, which is not there.
    pub(super) fn fetch(&self, wanted: &Wanted, git_dir: &Path) -> Result<(), CloneError> {
        let mut amount = self.amount;
        if wanted.shallow && amount.depth.is_none() {
            amount.depth = Some(1);
        }
        // With a depth, only one branch is fetched: that which is followed, if it is there.
        let mut branch = wanted.branch.as_deref().filter(|_| amount.depth.is_some());
        let mut tries = 2;
        loop {
            let scratch = self.scratch.join(self.number.fetch_add(1, Ordering::Relaxed).to_string());
            let request = CloneRequest { url: &wanted.url, into: &scratch, branch, amount, trust: self.trust };
            let command = self.login.arm(Git::new(&self.scratch).clone_command(request));
            match attempt(&command) {
                Ok(_) => return settle(&scratch, git_dir),
                Err(_) if self.stop.load(Ordering::Relaxed) => return Err(CloneError::Interrupted),
                Err(miss) => match miss.trouble() {
                    Trouble::NoBranch if branch.is_some() => branch = None,
                    Trouble::Unreachable | Trouble::Other if tries > 1 => tries -= 1,
                    _ => return Err(miss.remote(&wanted.url, self.login)),
                },
            }
        }
    }

    fn check_out(&self, wanted: &Wanted, git_dir: &Path, root: &Path) -> Result<Outcome, CloneError> {
        let written = |source| CloneError::Io { path: root.into(), source };
        let was_joined = root.join(".git").is_file();
        join_work_tree(git_dir, root).map_err(written)?;
        let git = Git::new(root);
        if was_joined && git_dir.join("index").is_file() {
            // An earlier clone got this far, or it was here before.
            let commit = git.head().unwrap_or_else(|| wanted.pin.clone());
            return Ok(Outcome::Ready { branch: git.branch(), commit });
        }
        // Left by a checkout that was killed, or by a work tree that was removed. Nobody else works in a repo without either.
        for name in ["index.lock", "index"] {
            let _ = std::fs::remove_file(git_dir.join(name));
        }
        let branches = Branches::read(git_dir).map_or_else(|| git.branches(), Ok)?;
        let target = Target::choose(wanted, &branches, self.latest);
        let run = |words: Vec<String>| {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            attempt(&self.login.arm(git.first_checkout_command(words)))
        };
        match run(target.words()) {
            Ok(_) => {}
            Err(miss) if miss.trouble() == Trouble::NoCommit => {
                self.fetch_pin(&git, wanted)?;
                run(target.words()).map_err(|miss| miss.failed(format!("check out `{}`", wanted.path)))?;
            }
            Err(miss) => return Err(self.checkout_error(miss, wanted)),
        }
        Ok(Outcome::Ready { branch: target.branch, commit: target.commit })
    }

    /// In a partial clone, writing files asks the remote too.
    fn checkout_error(&self, miss: Miss, wanted: &Wanted) -> CloneError {
        if miss.trouble() == Trouble::Other {
            miss.failed(format!("check out `{}`", wanted.path))
        } else {
            miss.remote(&wanted.url, self.login)
        }
    }

    fn fetch_pin(&self, git: &Git, wanted: &Wanted) -> Result<(), CloneError> {
        let command = self.login.arm(git.fetch_commit_command(&wanted.pin, self.amount));
        attempt(&command).map(drop).map_err(|miss| miss.remote(&wanted.url, self.login))
    }

    fn add_worktree(
        &self,
        wanted: &Wanted,
        git_dir: &Path,
        root: &Path,
        preferred: Option<&str>,
    ) -> Result<Outcome, CloneError> {
        let git = Git::in_folder(git_dir);
        if root.join(".git").is_file() {
            let here = Git::new(root);
            let commit = here.head().unwrap_or_else(|| wanted.pin.clone());
            return Ok(Outcome::Ready { branch: here.branch(), commit });
        }
        if !git.has_commit(&wanted.pin) {
            self.fetch_pin(&git, wanted)?;
        }
        let place = root.to_string_lossy().into_owned();
        let branches = git.branches()?;
        if let Some(branch) = preferred.filter(|branch| branches.local(branch) == Some(&wanted.pin)) {
            let command = git.remote_command(["worktree", "add", "--quiet", "--", &place, branch], self.trust);
            if attempt(&self.login.arm(command)).is_ok() {
                return Ok(Outcome::Ready { branch: Some(branch.to_owned()), commit: wanted.pin.clone() });
            }
        }
        let words = ["worktree", "add", "--quiet", "--force", "--detach", "--", &place, &wanted.pin];
        let command = self.login.arm(git.remote_command(words, self.trust));
        attempt(&command).map_err(|miss| miss.failed(format!("add a worktree at `{place}`")))?;
        Ok(Outcome::Ready { branch: None, commit: wanted.pin.clone() })
    }
}

/// Moves what was fetched to where it belongs.
pub(super) fn settle(scratch: &Path, git_dir: &Path) -> Result<(), CloneError> {
    let moved = || {
        if let Some(above) = git_dir.parent() {
            std::fs::create_dir_all(above)?;
        }
        std::fs::rename(scratch.join(".git"), git_dir)?;
        std::fs::remove_dir_all(scratch)
    };
    moved().map_err(|source| CloneError::Io { path: git_dir.into(), source })
}

fn outcome_of(error: CloneError) -> Outcome {
    match error {
        CloneError::Remote { url, trouble, said, token } if trouble.is_unreadable() => {
            Outcome::Unreadable { url, trouble, said, token }
        }
        CloneError::Hostile { why, .. } => Outcome::Refused(why),
        error => Outcome::Failed(error),
    }
}

/// A path below a path.
pub(super) fn join(parent: &str, path: &str) -> String {
    if parent.is_empty() { path.to_owned() } else { format!("{parent}/{path}") }
}

/// What is checked out first: a branch where its head is what is wanted, else a commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) branch: Option<String>,
    pub(super) commit: String,
    /// Whether the branch is still to be made.
    is_new: bool,
}

impl Target {
    /// `latest` asks for the head of the branch instead of the pin.
    pub(super) fn choose(wanted: &Wanted, branches: &Branches, latest: bool) -> Self {
        let followed = wanted.branch.as_deref().filter(|name| branches.origin(name).is_some());
        let followed = followed.or(branches.default.as_deref());
        let head = followed.and_then(|name| Some((name, branches.origin(name)?)));
        if let Some((name, head)) = head
            && (latest || head == wanted.pin)
        {
            // A branch of the user's own that stands elsewhere is not moved.
            let local = branches.local(name);
            if local.is_none_or(|local| local == head) {
                return Self { branch: Some(name.into()), commit: head.into(), is_new: local.is_none() };
            }
            return Self { branch: None, commit: head.into(), is_new: false };
        }
        Self { branch: None, commit: wanted.pin.clone(), is_new: false }
    }

    pub(super) fn words(&self) -> Vec<String> {
        match &self.branch {
            Some(branch) if self.is_new => {
                vec!["-b".into(), branch.clone(), "--track".into(), format!("origin/{branch}"), "--".into()]
            }
            Some(branch) => vec![branch.clone(), "--".into()],
            None => vec!["--detach".into(), self.commit.clone(), "--".into()],
        }
    }
}
