//! `wharf repo add`: a repo becomes a sub-repo, staged and not committed.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use wharf_git::submodule::{add_config, check_free, join_work_tree, section, setting};
use wharf_git::{Amount, Git, GitPlace, ModuleEntry, Trouble, Trust};
use wharf_process::Command;

use super::attempt::attempt;
use super::clone::{at_once, populate_all};
use super::clone_error::{CloneError, Hostile, Said};
use super::login::Login;
use super::populate::{ClonedRepo, Layout, Outcome, Parent, Populate, Step, Target, Watch, join};
use super::scratch::Scratch;
use super::sections::{Wanted, check_name, check_path, clashes};
use super::url::{check_url, folder_name, resolve};
use crate::config::mask_credentials;

/// What to add.
#[derive(Debug, Clone)]
pub struct AddSettings {
    /// Where it is; relative ones (`../other.git`) are relative to where the repo that it is added to comes from.
    pub url: String,
    /// Folder for it, from where the user stands; None for one named after the URL.
    pub path: Option<String>,
    /// Branch to follow; None for the remote's default.
    pub branch: Option<String>,
    /// Name in `.gitmodules`; None for the path.
    pub name: Option<String>,
    /// Repos that are fetched at once; None for a number that suits the transport.
    pub jobs: Option<NonZeroUsize>,
    /// What others read who want the same: `process 12, wharf repo add`.
    pub holder: String,
}

/// The plan for a new sub-repo.
#[derive(Debug, Clone)]
pub struct Add {
    /// The repo that it is added to.
    repo: GitPlace,
    /// Path of that repo, from the super-repo's root.
    above: String,
    /// The URL as the user gave it, for `.gitmodules`.
    raw_url: String,
    wanted: Wanted,
}

impl Add {
    /// Plans to add a repo to the one that holds `here`. `top` is the super-repo's root.
    ///
    /// # Errors
    /// When the URL, the path or the name will not do, or something is in the way.
    pub fn plan(settings: &AddSettings, here: &Path, top: &Path) -> Result<Self, CloneError> {
        check_url(&settings.url)?;
        let repo = wharf_git::place::innermost(here)?;
        let git = Git::new(&repo.root);
        let base = git.setting("remote.origin.url").unwrap_or_else(|| repo.root.display().to_string());
        let url = absolute(&resolve(&base, &settings.url)?, here);
        let shown = mask_credentials(&settings.url).into_owned();
        let folder = match &settings.path {
            Some(path) => path.clone(),
            None => folder_name(&url).ok_or(CloneError::NoName { url: shown })?,
        };
        let path = inside(&repo.root, here, &folder)?;
        let name = settings.name.clone().unwrap_or_else(|| path.clone());
        let hostile = |why| CloneError::Hostile { path: path.clone(), why };
        check_name(&name).map_err(hostile)?;
        if let Some(branch) = settings.branch.as_ref().filter(|branch| branch.starts_with('-')) {
            return Err(hostile(Hostile::Branch(branch.clone())));
        }
        let raw_url = if is_local(&settings.url) { url.clone() } else { settings.url.clone() };
        let wanted = Wanted {
            name,
            path: path.clone(),
            url,
            branch: settings.branch.clone(),
            pin: String::new(),
            shallow: false,
        };
        let above = repo.root.strip_prefix(top).map(|above| above.to_string_lossy().into_owned()).unwrap_or_default();
        let plan = Self { repo, above, raw_url, wanted };
        plan.check_state(&git)?;
        Ok(plan)
    }

    /// Path of the new sub-repo, from the super-repo's root.
    #[must_use]
    pub fn path(&self) -> String {
        join(&self.above, &self.wanted.path)
    }

    /// Root of the repo that it is added to.
    #[must_use]
    pub fn repo(&self) -> &Path {
        &self.repo.root
    }

    /// Where it comes from.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.wanted.url
    }

    /// The same as commands to paste.
    #[must_use]
    pub fn commands(&self) -> Vec<Command> {
        let git = |words: &[&str]| Command::new("git").arg("-C").arg(self.repo.root.clone()).args(words.to_vec());
        let mut add = git(&["submodule", "add"]);
        if let Some(branch) = &self.wanted.branch {
            add = add.args(["--branch", branch]);
        }
        if self.wanted.name != self.wanted.path {
            add = add.args(["--name", &self.wanted.name]);
        }
        let url = mask_credentials(&self.raw_url).into_owned();
        let add = add.arg("--").arg(url).arg(&self.wanted.path);
        vec![add, git(&["submodule", "update", "--init", "--recursive", "--", &self.wanted.path])]
    }

    fn check_state(&self, git: &Git) -> Result<(), CloneError> {
        let path = &self.wanted.path;
        let hostile = |why| CloneError::Hostile { path: path.clone(), why };
        let in_the_way = |what: String| hostile(Hostile::InTheWay(what));
        let entries = git.module_entries(&self.repo.root)?;
        against(&self.wanted, &entries).map_err(hostile)?;
        if !git
            .command(["--literal-pathspecs", "ls-files", "--", path])
            .run_checked()
            .map_err(wharf_git::GitError::from)?
            .stdout
            .is_empty()
        {
            return Err(in_the_way(format!("`{path}` is tracked in `{}` already", self.repo.root.display())));
        }
        check_free(&self.repo.root, path).map_err(|error| in_the_way(error.to_string()))?;
        if self.repo.root.join(path).join(".git").symlink_metadata().is_ok() {
            return Err(in_the_way(format!("`{path}` is a Git repo already")));
        }
        if let Some(other) = same_but_case(&self.repo.root, path) {
            return Err(hostile(Hostile::Case(path.clone(), other)));
        }
        check_modules_file(git, &self.repo.root)?;
        let kept = Git::in_folder(self.git_dir()).setting("remote.origin.url").filter(|_| self.git_dir().is_dir());
        if let Some(other) = kept.filter(|other| *other != self.wanted.url) {
            return Err(CloneError::Refused {
                what: format!(
                    "`{}` still holds another repo of that name, which came from `{}`",
                    self.git_dir().display(),
                    mask_credentials(&other)
                ),
                hint: "give the new one another name with `--name`".into(),
            });
        }
        Ok(())
    }

    fn git_dir(&self) -> PathBuf {
        self.repo.common_dir().join("modules").join(&self.wanted.name)
    }

    /// Fetches it with all sub-repos that it has itself, joins it, and stages it. Where it cannot be had, nothing changes.
    ///
    /// # Errors
    /// When it cannot be had, or the index cannot be written.
    pub fn apply(
        &self,
        settings: &AddSettings,
        login: &Login,
        watch: &dyn Watch,
        stop: &AtomicBool,
    ) -> Result<Vec<ClonedRepo>, CloneError> {
        let scratch = Scratch::take(&self.repo.common_dir(), &settings.holder)?;
        let populate = Populate {
            login,
            amount: Amount::default(),
            latest: true,
            trust: Trust::User,
            layout: Layout::Own,
            scratch: scratch.path(),
            watch,
            stop,
            number: AtomicUsize::new(0),
            done: Mutex::default(),
        };
        let path = self.path();
        watch.on(&path, Step::Fetching);
        let was_here = self.git_dir().join("HEAD").is_file();
        if was_here {
            let command = Git::in_folder(self.git_dir()).remote_command(["fetch", "--quiet", "origin"], Trust::User);
            attempt(&login.arm(command)).map_err(|miss| miss.remote(&self.wanted.url, login))?;
        } else {
            populate.fetch(&self.wanted, &self.git_dir())?;
        }
        watch.on(&path, Step::CheckingOut);
        let outcome = self.join(login).inspect_err(|_| self.undo(was_here))?;
        watch.on(&path, Step::Ended(&outcome));
        let (root, git_dir) = (self.repo.root.join(&self.wanted.path), self.git_dir());
        let nested = Populate { trust: Trust::File, latest: false, ..populate };
        let url = self.wanted.url.clone();
        let jobs = nested.list(Parent { path: path.clone(), root, git_dir, url, all_active: false });
        let mut repos = vec![ClonedRepo { path, outcome }];
        let threads = settings.jobs.unwrap_or_else(|| at_once(&self.wanted.url));
        repos.extend(populate_all(nested, jobs, threads)?);
        drop(scratch);
        Ok(repos)
    }

    /// From the fetched Git folder to what is staged.
    fn join(&self, login: &Login) -> Result<Outcome, CloneError> {
        let (root, git_dir) = (self.repo.root.join(&self.wanted.path), self.git_dir());
        let written = |source| CloneError::Io { path: root.clone(), source };
        let branches = Git::in_folder(&git_dir).branches()?;
        let remote = |trouble, said: String| CloneError::Remote {
            url: mask_credentials(&self.wanted.url).into_owned(),
            trouble,
            said: Said(said),
            token: None,
        };
        if let Some(branch) = self.wanted.branch.as_ref().filter(|branch| branches.origin(branch).is_none()) {
            return Err(remote(Trouble::NoBranch, format!("there is no branch `{branch}`")));
        }
        let target = Target::choose(&self.wanted, &branches, true);
        if target.commit.is_empty() {
            return Err(CloneError::Refused {
                what: format!("`{}` has no commit on its default branch", mask_credentials(&self.wanted.url)),
                hint: "push a first commit to it, or name a branch with `--branch`".into(),
            });
        }
        // What an earlier removal left behind is no work of anybody's: that was made sure then.
        let _ = std::fs::remove_file(git_dir.join("index"));
        join_work_tree(&git_dir, &root).map_err(written)?;
        let words = target.words();
        let git = Git::new(&root);
        let command = git.first_checkout_command(words.iter().map(String::as_str));
        attempt(&login.arm(command)).map_err(|miss| miss.failed(format!("check out `{}`", self.wanted.path)))?;
        self.stage()?;
        Ok(Outcome::Ready { branch: target.branch, commit: target.commit })
    }

    fn stage(&self) -> Result<(), CloneError> {
        let git = Git::new(&self.repo.root);
        let Wanted { name, path, branch, .. } = &self.wanted;
        let mut keys = vec![("path", path.as_str()), ("url", self.raw_url.as_str())];
        keys.extend(branch.as_deref().map(|branch| ("branch", branch)));
        for (key, value) in keys {
            let key = format!("submodule.{name}.{key}");
            let command = git.command(["config", "--file", ".gitmodules", &key, value]);
            attempt(&command).map_err(|miss| miss.failed("write `.gitmodules`"))?;
        }
        let words =
            ["--literal-pathspecs", "-c", "advice.addEmbeddedRepo=false", "add", "--force", "--", ".gitmodules", path];
        attempt(&git.command(words)).map_err(|miss| miss.failed(format!("stage `{path}`")))?;
        let active = git.setting("submodule.active").map_or_else(|| setting("active", "true"), |_| String::new());
        let lines = [(section(name), format!("{active}{}", setting("url", &self.wanted.url)))];
        let git_dir = self.repo.common_dir();
        add_config(&git_dir, &lines).map_err(|source| CloneError::Io { path: git_dir.join("config"), source })
    }

    /// Takes back what `join` made of a repo that nobody has worked in yet.
    fn undo(&self, was_here: bool) {
        let root = self.repo.root.join(&self.wanted.path);
        let _ = std::fs::remove_dir_all(&root);
        let mut above = root.parent();
        while let Some(folder) = above.filter(|folder| *folder != self.repo.root && std::fs::remove_dir(folder).is_ok())
        {
            above = folder.parent();
        }
        if !was_here {
            let _ = std::fs::remove_dir_all(self.git_dir());
        }
    }
}

/// A folder that was meant from where the user stands.
fn absolute(url: &str, here: &Path) -> String {
    let is_folder = is_local(url) && here.join(url).exists();
    if is_folder { wharf_git::place::lexical(&here.join(url)).display().to_string() } else { url.to_owned() }
}

fn is_local(url: &str) -> bool {
    !url.starts_with("./") && !url.starts_with("../") && !url.contains("://") && !url.contains(':')
}

/// The path in the repo at `root` that `text` means from `here`.
fn inside(root: &Path, here: &Path, text: &str) -> Result<String, CloneError> {
    let bad = || CloneError::Hostile { path: text.into(), why: Hostile::Path(text.escape_debug().to_string()) };
    let whole = wharf_git::place::lexical(&here.join(text));
    let relative = whole.strip_prefix(root).map_err(|_| bad())?;
    let path = relative.to_str().ok_or_else(bad)?.to_owned();
    check_path(&path).map_err(|why| CloneError::Hostile { path: text.into(), why })?;
    Ok(path)
}

fn against(wanted: &Wanted, entries: &[ModuleEntry]) -> Result<(), Hostile> {
    let within = |a: &str, b: &str| a.starts_with(&format!("{b}/"));
    for entry in entries {
        if entry.name == wanted.name {
            return Err(Hostile::SameName(entry.paths.iter().chain([&wanted.path]).cloned().collect()));
        }
        if within(&wanted.name, &entry.name) || within(&entry.name, &wanted.name) {
            return Err(Hostile::InsideOther(entry.name.clone()));
        }
        for path in &entry.paths {
            if *path == wanted.path || within(&wanted.path, path) {
                return Err(Hostile::SamePath(path.clone()));
            }
            if clashes(path, &wanted.path) {
                return Err(Hostile::Case(wanted.path.clone(), path.clone()));
            }
        }
    }
    Ok(())
}

/// A file or folder that is there and has this path but for upper and lower case.
fn same_but_case(root: &Path, path: &str) -> Option<String> {
    let mut folder = root.to_path_buf();
    for part in path.split('/') {
        for entry in folder.read_dir().ok()?.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name != part && name.to_lowercase() == part.to_lowercase() {
                let other = folder.join(&name);
                return Some(other.strip_prefix(root).unwrap_or(&other).display().to_string());
            }
        }
        folder.push(part);
    }
    None
}

/// What is changed in `.gitmodules` and not staged would be staged along.
pub(super) fn check_modules_file(git: &Git, root: &Path) -> Result<(), CloneError> {
    if !root.join(".gitmodules").exists() {
        return Ok(());
    }
    let status = git.command(["status", "--porcelain=v1", "-z", "--", ".gitmodules"]).run_checked();
    let status = status.map_err(wharf_git::GitError::from)?.text();
    if status.split('\0').any(|item| item.as_bytes().get(1).is_some_and(|state| *state != b' ')) {
        return Err(CloneError::Refused {
            what: format!("`{}` has changes that are not staged", root.join(".gitmodules").display()),
            hint: format!("stage them with `git -C {} add .gitmodules`, or take them back", root.display()),
        });
    }
    Ok(())
}
