//! Writes the demo and commits it: whole, or nothing is left.

use std::path::Path;

use wharf_git::Git;
use wharf_process::{Command, ProcessError};

use super::files::{File, SUB_REPO, SUPER_REPO};
use crate::exit::Failure;

/// Path of the sub-repo.
const COMMON: &str = "common";

/// Where the sub-repo comes from: out of sight, and relative, so that the demo can be moved and cloned.
const REMOTE: &str = "./.git/wharf-demo-remotes/common.git";

/// Settings that make Git do the same for every user: nothing is signed, no hooks run, and a folder may be a remote.
const SETTINGS: [&str; 10] = [
    "-c",
    "commit.gpgSign=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.autocrlf=false",
    "-c",
    "protocol.file.allow=always",
    "-c",
    "init.templateDir=",
];

/// The author where the user has not told Git who they are.
const AUTHOR: [&str; 4] = ["-c", "user.name=Wharf demo", "-c", "user.email=demo@example.org"];

/// Makes the demo in `dir`, which the user calls `shown`.
///
/// # Errors
/// When `dir` is in use, cannot be written, or Git refuses; what was written is then removed.
pub(super) fn make(dir: &Path, shown: &Path) -> Result<(), Failure> {
    let was_there = check_free(dir, shown)?;
    fs_err::create_dir_all(dir)?;
    let made = fill(dir);
    if made.is_err() {
        // It was empty or not there, so all in it is ours.
        let _ = fs_err::remove_dir_all(dir);
        if was_there {
            let _ = fs_err::create_dir(dir);
        }
    }
    made
}

/// Whether the folder is there, and empty.
fn check_free(dir: &Path, shown: &Path) -> Result<bool, Failure> {
    let other = "choose another place: `wharf demo OTHER-DIR`";
    let mut entries = match fs_err::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(Failure::refused(format!("`{}` is there and no folder", shown.display())).hint(other));
        }
        Err(error) => return Err(error.into()),
    };
    if entries.next().is_none() {
        return Ok(true);
    }
    let again = Command::new("wharf").arg("-C").arg(shown).arg("test");
    let is_demo = dir.join(".git/wharf-demo-remotes").is_dir();
    let hint = if is_demo { format!("it is a demo already; run its tests with `{again}`") } else { other.to_owned() };
    Err(Failure::refused(format!("`{}` is there and not empty", shown.display())).hint(hint))
}

fn fill(dir: &Path) -> Result<(), Failure> {
    let repo = Repo::init(dir)?;
    repo.write(&SUPER_REPO)?;
    let remote = dir.join(REMOTE);
    let first = remote.with_extension("first");
    fs_err::create_dir_all(&first)?;
    let common = Repo::init(&first)?;
    common.write(&SUB_REPO)?;
    common.commit("measures: temperatures in Celsius, Fahrenheit and Kelvin")?;
    common.git(["clone", "--quiet", "--bare", ".", "../common.git"])?;
    fs_err::remove_dir_all(&first)?;
    repo.git(["submodule", "--quiet", "add", "--branch", "main", "--", REMOTE, COMMON])?;
    repo.commit("demo: three runnable dirs and what they share")
}

/// A repo that is being made.
struct Repo<'a> {
    dir: &'a Path,
    git: Git,
}

impl<'a> Repo<'a> {
    fn init(dir: &'a Path) -> Result<Self, Failure> {
        let repo = Self { dir, git: Git::new(dir) };
        repo.git(["init", "--quiet", "--initial-branch=main"])?;
        Ok(repo)
    }

    fn write(&self, files: &[File]) -> Result<(), Failure> {
        for (path, text) in files {
            let file = self.dir.join(path);
            if let Some(folder) = file.parent() {
                fs_err::create_dir_all(folder)?;
            }
            fs_err::write(file, text)?;
        }
        Ok(())
    }

    fn commit(&self, message: &str) -> Result<(), Failure> {
        // All that is here was just written: the user's own ignore rules must not leave any of it out.
        self.git(["add", "--all", "--force"])?;
        self.git(["commit", "--quiet", "--message", message])
    }

    fn git<const N: usize>(&self, args: [&str; N]) -> Result<(), Failure> {
        let author: &[&str] = if self.knows_author() { &[] } else { &AUTHOR };
        let all = SETTINGS.iter().chain(author).copied().chain(args);
        match self.git.command(all).run_checked() {
            Ok(_) => Ok(()),
            Err(error) => Err(failure(&error)),
        }
    }

    /// git-var(1): fails where Git would refuse to commit for want of a name.
    fn knows_author(&self) -> bool {
        ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"].iter().all(|name| {
            let answer = self.git.command(["-c", "user.useConfigOnly=true", "var", name]).run();
            answer.is_ok_and(|output| output.exit.is_success())
        })
    }
}

fn failure(error: &ProcessError) -> Failure {
    let failure = Failure::environment(format!("the demo cannot be made: {error}"));
    if error.is_not_found() {
        return failure.hint("install Git, for example `apt-get install git`");
    }
    failure.hint("see what is wrong with `wharf doctor`")
}
