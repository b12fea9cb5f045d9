//! What Git is asked to change in a repo, as values: planned, shown as commands to paste, then applied.
//!
//! None of them forces anything: Git itself refuses to overwrite edits, files that it does not know (ignored ones too),
//! and branches that have other commits. The user's hooks run.

use wharf_process::Command;

use crate::program::{Git, GitError};

/// One change to a repo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Brings the remote's branches here; a commit alone, where one is named.
    Fetch {
        /// Name of the remote.
        remote: String,
        /// A commit that no branch has.
        commit: Option<String>,
    },
    /// Moves the branch forward, or does nothing where it would have to merge.
    FastForward {
        /// The commit to move to.
        to: String,
    },
    /// Puts the branch's own commits on top of others.
    Rebase {
        /// The commit to put them on.
        onto: String,
    },
    /// Checks a commit out, without a branch.
    Detach {
        /// The commit.
        at: String,
    },
    /// Checks a branch out.
    Switch {
        /// The branch, which is here.
        branch: String,
    },
    /// Makes a branch and checks it out.
    Create {
        /// The branch, which is not here.
        branch: String,
        /// The remote-tracking branch that it starts at and follows; else it starts at what is checked out.
        follows: Option<String>,
    },
    /// Puts edits of tracked files aside.
    Stash {
        /// What the entry is called.
        message: String,
    },
    /// Hands the branch's commits over to the branch of the same name.
    Push {
        /// Name of the remote.
        remote: String,
        /// The branch.
        branch: String,
        /// Whether the branch follows the remote's from now on.
        follow: bool,
    },
    /// Enters a submodule that is not here in the repo's configuration.
    Register {
        /// Its path.
        path: String,
    },
    /// Clones a submodule that is not here and checks the recorded commit out.
    Populate {
        /// Its path.
        path: String,
    },
    /// Commits these paths alone, whatever else is staged.
    Commit {
        /// The paths.
        paths: Vec<String>,
        /// The message.
        message: String,
    },
}

impl Change {
    /// Arguments of `git`.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let (verb, rest): (&[&str], Vec<&str>) = match self {
            Self::Fetch { remote, commit } => (
                &["fetch", "--quiet", "--no-recurse-submodules"],
                [Some(remote.as_str()), commit.as_deref()].into_iter().flatten().collect(),
            ),
            Self::FastForward { to } => (&["merge", "--ff-only", "--no-overwrite-ignore", "--quiet"], vec![to]),
            Self::Rebase { onto } => (&["rebase", "--quiet"], vec![onto]),
            Self::Detach { at } => (&["switch", "--detach", "--no-overwrite-ignore", "--quiet"], vec![at]),
            Self::Switch { branch } => (&["switch", "--no-guess", "--no-overwrite-ignore", "--quiet"], vec![branch]),
            Self::Create { branch, follows: None } => (&["switch", "--quiet", "--no-track", "--create"], vec![branch]),
            Self::Create { branch, follows: Some(follows) } => {
                (&["switch", "--quiet", "--no-overwrite-ignore", "--create"], vec![branch, "--track", follows])
            }
            Self::Stash { message } => (&["stash", "push", "--quiet", "--message"], vec![message]),
            Self::Push { remote, branch, follow } => {
                let full = format!("refs/heads/{branch}");
                let follow: &[&str] = if *follow { &["--set-upstream"] } else { &[] };
                return own(&["push", "--quiet", "--no-recurse-submodules"], &[follow, &[remote, &full]].concat());
            }
            Self::Register { path } => (&["submodule", "--quiet", "init", "--"], vec![path]),
            Self::Populate { path } => (&["submodule", "--quiet", "update", "--init", "--checkout", "--"], vec![path]),
            Self::Commit { paths, message } => {
                let paths = paths.iter().map(String::as_str);
                (&["commit", "--quiet", "--only"], ["--message", message, "--"].into_iter().chain(paths).collect())
            }
        };
        own(verb, &rest)
    }

    /// The command to paste, for the repo at `path`.
    #[must_use]
    pub fn shown(&self, path: &str) -> String {
        let command = Command::new("git");
        let command = if path == "." { command } else { command.args(["-C", path]) };
        command.args(self.words()).to_string()
    }

    /// Whether it asks a remote.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        matches!(self, Self::Fetch { .. } | Self::Push { .. } | Self::Populate { .. })
    }
}

fn own(verb: &[&str], rest: &[&str]) -> Vec<String> {
    verb.iter().chain(rest).map(|word| (*word).to_owned()).collect()
}

/// An entry of the stash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StashEntry {
    /// Its commit.
    pub commit: String,
    /// What it is called, such as `On main: wharf autostash`.
    pub message: String,
}

impl Git {
    /// Makes a change. `arm` gives the command what it needs to reach remotes.
    ///
    /// # Errors
    /// When Git refuses or cannot; nothing was overwritten then.
    pub fn apply(&self, change: &Change, arm: impl FnOnce(Command) -> Command) -> Result<(), GitError> {
        // What a checkout does to submodules is decided for each by itself.
        let plain = ["-c", "submodule.recurse=false", "-c", "checkout.guess=false"];
        let words = change.words();
        let command = self.command(plain.into_iter().chain(words.iter().map(String::as_str)));
        arm(command.env_remove("SSH_ASKPASS")).run_checked()?;
        Ok(())
    }

    /// Gives a rebase up and goes back to before it.
    ///
    /// # Errors
    /// When there is none.
    pub fn abort_rebase(&self) -> Result<(), GitError> {
        self.command(["rebase", "--abort"]).run_checked()?;
        Ok(())
    }

    /// Deletes a branch that is still at `commit` and is not checked out.
    ///
    /// # Errors
    /// When it is elsewhere by now.
    pub fn delete_branch_at(&self, branch: &str, commit: &str) -> Result<(), GitError> {
        self.command(["update-ref", "-d", &format!("refs/heads/{branch}"), commit]).run_checked()?;
        // Whom it followed is noted apart; not having noted anything is no failure.
        self.command(["config", "--remove-section", &format!("branch.{branch}")]).run()?;
        Ok(())
    }

    /// Entries of the stash, newest first.
    ///
    /// # Errors
    /// When Git is missing.
    pub fn stash_entries(&self) -> Result<Vec<StashEntry>, GitError> {
        let output = self.command(["stash", "list", "--format=%H %gs"]).run_checked()?;
        let entry = |line: &str| {
            let (commit, message) = line.split_once(' ')?;
            Some(StashEntry { commit: commit.to_owned(), message: message.to_owned() })
        };
        Ok(output.text().lines().filter_map(entry).collect())
    }

    /// Puts stashed edits back, staged ones as staged; the entry stays.
    ///
    /// # Errors
    /// When they conflict with what is there.
    pub fn unstash(&self, commit: &str) -> Result<(), GitError> {
        self.command(["stash", "apply", "--quiet", "--index", commit]).run_checked()?;
        Ok(())
    }

    /// Whether all edits of a stash entry are in the work tree already.
    ///
    /// # Errors
    /// When Git is missing or does not have the entry.
    pub fn has_stashed(&self, commit: &str) -> Result<bool, GitError> {
        let base = format!("{commit}^1");
        let patch = self.command(["diff", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", &base, commit]);
        let patch = patch.run_checked()?.stdout;
        if patch.is_empty() {
            return Ok(true);
        }
        let check = self.command(["apply", "--check", "--reverse", "--whitespace=nowarn"]).input(patch).run()?;
        Ok(check.exit.is_success())
    }

    /// Takes an entry off the stash.
    ///
    /// # Errors
    /// When it is not there.
    pub fn drop_stash(&self, commit: &str) -> Result<(), GitError> {
        if let Some(place) = self.stash_entries()?.iter().position(|entry| entry.commit == commit) {
            self.command(["stash", "drop", "--quiet", &format!("stash@{{{place}}}")]).run_checked()?;
        }
        Ok(())
    }

    /// Calls an entry of the stash otherwise; it becomes the newest.
    ///
    /// # Errors
    /// When Git cannot write it.
    pub fn rename_stash(&self, commit: &str, message: &str) -> Result<(), GitError> {
        // A commit of its own: storing the one that is newest already does nothing. The old entry goes last, so that a
        // kill leaves both.
        let (tree, head, index) = (format!("{commit}^{{tree}}"), format!("{commit}^1"), format!("{commit}^2"));
        let made = self.command(["commit-tree", &tree, "-p", &head, "-p", &index, "-m", message]).run_checked()?;
        let renamed = made.text().trim().to_owned();
        self.command(["stash", "store", "--quiet", "--message", message, &renamed]).run_checked()?;
        self.drop_stash(commit)
    }

    /// Sets tracked files back to what is checked out; for a failed [`Git::unstash`], whose edits are in the stash.
    ///
    /// # Errors
    /// When Git cannot write them.
    pub fn reset_tracked(&self) -> Result<(), GitError> {
        self.command(["-c", "submodule.recurse=false", "reset", "--hard", "--quiet"]).run_checked()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn changes_are_shown_as_commands_to_paste() {
        let push = Change::Push { remote: "origin".into(), branch: "a".into(), follow: true };
        assert_eq!(
            push.shown("libs/a b"),
            "git -C 'libs/a b' push --quiet --no-recurse-submodules --set-upstream origin refs/heads/a"
        );
        let pin = Change::Commit { paths: vec!["x".into()], message: "pin it".into() };
        assert_eq!(pin.shown("."), "git commit --quiet --only --message 'pin it' -- x");
    }

    #[test]
    fn edits_are_put_aside_and_back() {
        let mut sandbox = Sandbox::new();
        sandbox.set("X", "");
        let repo = Repo::init(sandbox.path().join("repo"));
        repo.git(&["config", "user.name", "Wharf Test"]);
        repo.git(&["config", "user.email", "test@example.org"]);
        repo.write("a", "1\n").write("b", "1\n").commit("first");
        repo.write("a", "2\n").write("b", "2\n").git(&["add", "b"]);
        let git = Git::new(repo.path());
        git.apply(&Change::Stash { message: "aside".into() }, |command| command).unwrap();
        assert!(!git.work_tree().unwrap().is_dirty());
        let entry = git.stash_entries().unwrap().remove(0);
        assert_eq!(entry.message, "On main: aside");
        assert!(!git.has_stashed(&entry.commit).unwrap());
        git.unstash(&entry.commit).unwrap();
        assert!(git.has_stashed(&entry.commit).unwrap());
        assert_eq!(git.work_tree().unwrap().staged, ["b"]);
        git.rename_stash(&entry.commit, "kept").unwrap();
        let entries = git.stash_entries().unwrap();
        assert_eq!(entries.iter().map(|entry| entry.message.as_str()).collect::<Vec<_>>(), ["kept"]);
        git.drop_stash(&entries[0].commit).unwrap();
        assert!(git.stash_entries().unwrap().is_empty());
    }
}
