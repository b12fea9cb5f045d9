//! The repos of a workspace as one: their state in one table, and moving them together.
//!
//! Owns what `wharf repo` does to repos that are there: [`status`], [`pull`], [`push`], [`branch`], [`switch`], [`pin`] and
//! [`foreach`]. Refuses to drop anything: what a user edited, committed or stashed is reachable afterwards, or the repo
//! is left alone and the [`Refusal`] says why.
//!
//! Nothing is noted beside Git's own data. Each run asks Git what is, works out for each repo what is missing, and does that.
//! So a run that was killed is finished by running it again. Edits that were put aside stand in the repo's own
//! stash under a name by which the next run knows them.
//!
//! Repos of one depth are worked on at the same time; a sub-repo's turn comes after the repo that pins it, and the other
//! way round for `push` and `pin`.

pub mod branch;
pub mod compose;
mod error;
pub mod foreach;
mod parallel;
pub mod pin;
mod place;
pub mod pull;
pub mod push;
mod route;
mod stash;
pub mod status;
pub mod switch;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use wharf_git::{Change, Git, GitError, GitPlace, outermost, read_submodules};

use self::compose::Login;
use crate::event::Listener;
use crate::runnable_dir::Address;
use crate::sub_repo::{self, Repo, State};
use crate::workspace::{Lock, Patience, StateDir, Surroundings};

pub use error::{Refusal, ReposError};
pub use parallel::each;
pub use place::Facts;

/// All repos of a workspace. Its configuration is not read: what is wrong with it is often what a pull brings right.
#[derive(Debug, Clone)]
pub struct Repos {
    /// Root of the super-repo, absolute.
    pub root: PathBuf,
    /// The super-repo, then all sub-repos by path.
    pub members: Vec<Member>,
}

/// A repo and its place among the others.
#[derive(Debug, Clone)]
pub struct Member {
    /// The repo.
    pub repo: Repo,
    /// Place of the repo that pins it in [`Repos::members`]; None for the super-repo.
    pub parent: Option<usize>,
    /// Root of that repo; its own for the super-repo.
    pub parent_root: PathBuf,
    /// Its path in that repo.
    pub path_in_parent: String,
    /// Its name in that repo's `.gitmodules`.
    pub module: String,
    /// How many repos are around it.
    pub depth: usize,
}

impl Member {
    /// Its path as users see it: `.` for the super-repo.
    #[must_use]
    pub fn shown(&self) -> &str {
        if self.repo.path.is_empty() { "." } else { &self.repo.path }
    }

    /// Git in it.
    #[must_use]
    pub fn git(&self) -> Git {
        Git::new(&self.repo.root)
    }

    /// Whether it can be worked in.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.repo.state == State::Ready
    }
}

/// How to work.
pub struct Work<'a> {
    /// How many repos at once.
    pub jobs: usize,
    /// How remotes are reached.
    pub login: Login,
    /// Now, to tell how old a lock is.
    pub now: SystemTime,
    /// Whom to tell.
    pub listener: &'a dyn Listener,
    /// Set when nothing more may be begun.
    pub stop: &'a AtomicBool,
}

impl Work<'_> {
    /// Makes a change in a repo.
    ///
    /// # Errors
    /// What Git says.
    pub fn apply(&self, git: &Git, change: &Change) -> Result<(), GitError> {
        // A checkout may ask a remote as well, for what a partial clone left out; `ssh` is the super-repo's then.
        if !change.is_remote() {
            return git.apply(change, |command| self.login.arm(command));
        }
        let login = self.login.with_ssh_command(git.setting("core.sshCommand").as_deref());
        git.apply(change, |command| login.arm(command))
    }

    /// Whether to begin nothing more.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Whether to change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Only work out what would be done, from what was fetched before.
    Plan,
    /// Do it.
    Apply,
}

/// What came of one repo.
#[derive(Debug)]
pub struct Outcome {
    /// Its path, `.` for the super-repo.
    pub path: String,
    /// What came of it.
    pub verdict: Verdict,
    /// More that its user should know, a line each.
    pub notes: Vec<String>,
}

/// What came of one repo.
#[derive(Debug)]
pub enum Verdict {
    /// It was changed; how.
    Done(String),
    /// It would be changed so.
    Planned(Vec<Change>),
    /// There was nothing to do; why, where that is worth saying.
    Same(String),
    /// It cannot be worked in; why.
    Skipped(String),
    /// It was left alone, because something would be lost.
    Refused(Refusal),
    /// It was tried and did not work.
    Failed(String),
}

impl Verdict {
    /// One word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Planned(_) => "planned",
            Self::Same(_) => "same",
            Self::Skipped(_) => "skipped",
            Self::Refused(_) => "refused",
            Self::Failed(_) => "failed",
        }
    }
}

impl Outcome {
    fn new(member: &Member, verdict: Verdict) -> Self {
        Self { path: member.shown().to_owned(), verdict, notes: Vec::new() }
    }
}

impl From<Result<Verdict, Obstacle>> for Verdict {
    fn from(result: Result<Verdict, Obstacle>) -> Self {
        match result {
            Ok(verdict) => verdict,
            Err(Obstacle::Refused(refusal)) => Self::Refused(*refusal),
            Err(Obstacle::Git(error)) => Self::Failed(error.said()),
        }
    }
}

/// Why a repo goes no further.
#[derive(Debug)]
enum Obstacle {
    Refused(Box<Refusal>),
    Git(GitError),
}

impl From<Refusal> for Obstacle {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<GitError> for Obstacle {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

impl Repos {
    /// Finds the repos around `here`.
    ///
    /// # Errors
    /// When `here` is in no usable repo.
    pub fn discover(here: &Path) -> Result<Self, ReposError> {
        Ok(Self::at(&outermost(here)?.root))
    }

    /// The repos of the super-repo at `root`.
    #[must_use]
    pub fn at(root: &Path) -> Self {
        let name = root.file_name().map_or_else(|| "root".into(), |name| name.to_string_lossy().into_owned());
        let found = sub_repo::discover(root, &name);
        let mut members: Vec<Member> = Vec::with_capacity(found.len());
        let mut modules: Vec<Option<Vec<wharf_git::Submodule>>> = vec![None; found.len()];
        for mut repo in found {
            // A clone that was killed left a Git folder without anything in it.
            if repo.state == State::Ready && broken_off(&repo.root).is_some() {
                repo.state = State::NotPopulated;
            }
            let around = |member: &Member| {
                member.is_ready()
                    && (member.repo.path.is_empty() || repo.path.starts_with(&format!("{}/", member.repo.path)))
            };
            // Outer repos come before inner ones, so the last one around is the nearest.
            let parent = members.iter().rposition(around).filter(|_| !repo.path.is_empty());
            let above = parent.map(|place| &members[place]);
            let path_in_parent = match above {
                Some(above) => repo.path[above.repo.path.len()..].trim_start_matches('/').to_owned(),
                None => String::new(),
            };
            let named = parent
                .map(|place| modules[place].get_or_insert_with(|| read_submodules(&members[place].repo.root)).clone());
            let module = named.unwrap_or_default().into_iter().find(|module| module.path == path_in_parent);
            let depth = above.map_or(0, |above| above.depth + 1);
            let module = module.map_or_else(|| path_in_parent.clone(), |module| module.name);
            let parent_root = above.map_or_else(|| repo.root.clone(), |above| above.repo.root.clone());
            members.push(Member { repo, parent, parent_root, path_in_parent, module, depth });
        }
        Self { root: root.into(), members }
    }

    /// The members that a user names by path or name; all where none is named.
    ///
    /// # Errors
    /// When there is no such repo.
    pub fn select(&self, texts: &[String], here: &Path) -> Result<Vec<usize>, ReposError> {
        if texts.is_empty() {
            return Ok((0..self.members.len()).collect());
        }
        let mut places = texts.iter().map(|text| self.find(text, here)).collect::<Result<Vec<_>, _>>()?;
        places.sort_unstable();
        places.dedup();
        Ok(places)
    }

    fn find(&self, text: &str, here: &Path) -> Result<usize, ReposError> {
        let address = Address::parse(text, &self.root, here).ok();
        let by_path = address.and_then(|address| {
            let path = if address.is_root() { "" } else { address.as_str() }.to_owned();
            self.members.iter().position(|member| member.repo.path == path)
        });
        let named = |member: &Member| member.repo.name == text || member.repo.path == text;
        by_path.or_else(|| self.members.iter().position(named)).ok_or_else(|| {
            let mut known: Vec<&str> = self.members.iter().map(Member::shown).collect();
            known.sort_by(|a, b| strsim::jaro_winkler(b, text).total_cmp(&strsim::jaro_winkler(a, text)));
            let nearest = known.into_iter().take(3).map(str::to_owned).collect();
            ReposError::Unknown { text: text.into(), nearest }
        })
    }

    /// One at a time may change the repos of a workspace.
    ///
    /// # Errors
    /// When someone else does, whom the error names.
    pub fn lock(&self, surroundings: &Surroundings, holder: &str) -> Result<Lock, ReposError> {
        let folder = StateDir::of_root(&self.root, &surroundings.cache).map_err(ReposError::State)?;
        Ok(Lock::take(&folder.path().join("repos.lock"), holder, Patience::GiveUp)?)
    }

    /// Places of the members of this depth.
    fn at_depth(&self, depth: usize) -> Vec<usize> {
        (0..self.members.len()).filter(|place| self.members[*place].depth == depth).collect()
    }

    fn deepest(&self) -> usize {
        self.members.iter().map(|member| member.depth).max().unwrap_or(0)
    }

    /// The members that `place` pins.
    fn children(&self, place: usize) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.parent == Some(place))
    }
}

/// A commit's id as people read it.
#[must_use]
pub fn short(commit: &str) -> &str {
    commit.get(..9).unwrap_or(commit)
}

/// What a killed clone left at `root`.
fn broken_off(root: &Path) -> Option<GitPlace> {
    wharf_git::place::at(root).ok().flatten().filter(GitPlace::is_broken_off_clone)
}

/// Why a repo cannot be worked in; None where it can.
fn absent(member: &Member) -> Option<String> {
    match &member.repo.state {
        State::Ready => None,
        State::NotPopulated => Some("not populated".into()),
        State::Unreadable(reason) => Some(format!("not readable: {reason}")),
    }
}
