//! Fetching a repo for the first time, and what Git's refusal to do so means.

use std::path::Path;

use wharf_process::Command;

use crate::program::{Git, GitError};

/// What to fetch, and how much of it.
#[derive(Debug, Clone, Copy)]
pub struct CloneRequest<'a> {
    /// Where from. The caller has made sure that it is no option and no remote helper.
    pub url: &'a str,
    /// A folder that is not there yet.
    pub into: &'a Path,
    /// Branch or tag to start on; None for the remote's own choice.
    pub branch: Option<&'a str>,
    /// How much.
    pub amount: Amount,
    /// Who named the URL.
    pub trust: Trust,
}

/// How much of a repo's history and content is fetched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    /// Only so many commits of each branch's end; None for all.
    pub depth: Option<u32>,
    /// Contents of files come when they are first needed (`--filter=blob:none`).
    pub partial: bool,
}

/// Who named a URL. Git lets fewer transports be used by what a file names (git(1), `GIT_PROTOCOL_FROM_USER`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// The user typed it.
    User,
    /// A `.gitmodules` names it.
    File,
}

/// Why a remote repo was not had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It asks who we are, and nobody answers.
    NeedsLogin,
    /// We said who we are, and that was not enough.
    Denied,
    /// It is not there, or is not shown to us.
    NotFound,
    /// Its host was not reached.
    Unreachable,
    /// Git's own settings forbid this kind of URL.
    Forbidden,
    /// It has no such branch.
    NoBranch,
    /// It lacks the commit that was asked for.
    NoCommit,
    /// Anything else.
    Other,
}

impl Amount {
    /// The options of `git clone` and `git fetch`.
    #[must_use]
    pub fn options(self) -> Vec<String> {
        let depth = self.depth.map(|depth| format!("--depth={depth}"));
        let filter = self.partial.then(|| "--filter=blob:none".to_owned());
        depth.into_iter().chain(filter).collect()
    }
}

impl Trouble {
    /// What Git's messages mean. They are English: the language is pinned.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let any = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
        if any(&["terminal prompts disabled", "could not read username", "could not read password"])
            || any(&["permission denied (", "host key verification failed", "unable to read askpass"])
        {
            Self::NeedsLogin
        } else if any(&["authentication failed", "error: 401", "error: 403", "access denied", "invalid credentials"]) {
            Self::Denied
        } else if any(&[
            "could not resolve",
            "connection refused",
            "timed out",
            "failed to connect",
            "couldn't connect",
        ]) || any(&["network is unreachable", "no route to host", "unable to connect", "connection reset"])
        {
            Self::Unreachable
        } else if any(&["not allowed", "remote helper"]) {
            Self::Forbidden
        } else if any(&["remote branch "]) {
            Self::NoBranch
        } else if any(&[
            "not our ref",
            "no such remote ref",
            "couldn't find remote ref",
            "not a tree",
            "not advertised",
        ]) || any(&["unable to read tree", "reference is not a tree"])
        {
            Self::NoCommit
        } else if any(&["not found", "does not exist", "does not appear to be a git repository", "no such file"])
            || any(&["error: 404", "project you were looking for", "not exported"])
        {
            Self::NotFound
        } else {
            Self::Other
        }
    }

    /// Whether this user may not have it, as far as one can tell: servers answer "not found" for what is private.
    #[must_use]
    pub fn is_unreadable(self) -> bool {
        matches!(self, Self::NeedsLogin | Self::Denied | Self::NotFound)
    }
}

impl Git {
    /// The command that fetches a repo into a folder of its own without writing files; the remote is `origin`.
    #[must_use]
    pub fn clone_command(&self, request: CloneRequest<'_>) -> Command {
        let mut command = self.remote_command(["clone", "--quiet", "--no-checkout", "--origin=origin"], request.trust);
        if let Some(branch) = request.branch {
            command = command.arg(format!("--branch={branch}"));
        }
        command.args(request.amount.options()).arg("--").arg(request.url).arg(request.into.as_os_str())
    }

    /// The command that fetches one commit of `origin`.
    #[must_use]
    pub fn fetch_commit_command(&self, commit: &str, amount: Amount) -> Command {
        let command = self.remote_command(["fetch", "--quiet", "--no-recurse-submodules"], Trust::File);
        command.args(amount.options()).args(["origin", commit])
    }

    /// A command that talks to a remote: it fails where it would ask.
    #[must_use]
    pub fn remote_command<'a>(&self, args: impl IntoIterator<Item = &'a str>, trust: Trust) -> Command {
        let command = self.command(args).env_remove("SSH_ASKPASS");
        match trust {
            Trust::User => command,
            Trust::File => command.env("GIT_PROTOCOL_FROM_USER", "0"),
        }
    }

    /// Writes the files of a commit or branch into a work tree that has none yet.
    #[must_use]
    pub fn first_checkout_command<'a>(&self, target: impl IntoIterator<Item = &'a str>) -> Command {
        self.remote_command(["-c", "submodule.recurse=false", "checkout", "--quiet", "--force"], Trust::File)
            .args(target.into_iter().map(str::to_owned))
    }

    /// The branches that are here and those of `origin`, with their commits.
    ///
    /// # Errors
    /// When Git is missing or this is no repo.
    pub fn branches(&self) -> Result<Branches, GitError> {
        let format = "--format=%(objectname) %(refname) %(symref)";
        let output = self.command(["for-each-ref", format, "refs/heads", "refs/remotes/origin"]).run_checked()?;
        Ok(parse_branches(&output.text()))
    }

    /// The branch that is checked out; None where it is on none.
    #[must_use]
    pub fn branch(&self) -> Option<String> {
        let output = self.command(["symbolic-ref", "--quiet", "--short", "HEAD"]).run().ok()?;
        output.exit.is_success().then(|| output.text().trim_end().to_owned())
    }

    /// One setting of Git's configuration, as it holds here.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<String> {
        let output = self.command(["config", "--get", key]).run().ok()?;
        output.exit.is_success().then(|| output.text().trim_end_matches('\n').to_owned())
    }

    /// Whether the objects of a commit are here; asks no remote.
    #[must_use]
    pub fn has_commit(&self, commit: &str) -> bool {
        let object = format!("{commit}^{{commit}}");
        let command = self.command(["cat-file", "-e", &object]).env("GIT_NO_LAZY_FETCH", "1");
        command.run().is_ok_and(|output| output.exit.is_success())
    }
}

/// Branches here and at `origin`, as of the last fetch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Branches {
    /// Those here: name and commit.
    pub here: Vec<(String, String)>,
    /// Those of `origin`: name and commit.
    pub there: Vec<(String, String)>,
    /// The branch that `HEAD` of `origin` names.
    pub default: Option<String>,
}

impl Branches {
    /// The same as [`Git::branches`] from the files of a Git folder, which costs no process; None where refs are kept in
    /// another form (gitrepository-layout(5); git-pack-refs(1)).
    #[must_use]
    pub fn read(git_dir: &Path) -> Option<Self> {
        if git_dir.join("reftable").exists() {
            return None;
        }
        let mut found = Self::default();
        for space in ["refs/heads", "refs/remotes/origin"] {
            found.add_loose(git_dir, space);
        }
        let packed = std::fs::read_to_string(git_dir.join("packed-refs")).unwrap_or_default();
        for line in packed.lines() {
            if let Some((commit, name)) = line.split_once(' ') {
                found.add(name, commit);
            }
        }
        Some(found)
    }

    fn add_loose(&mut self, git_dir: &Path, name: &str) {
        let file = git_dir.join(name);
        if let Ok(entries) = file.read_dir() {
            for entry in entries.flatten() {
                self.add_loose(git_dir, &format!("{name}/{}", entry.file_name().to_string_lossy()));
            }
        } else if let Ok(text) = std::fs::read_to_string(&file) {
            self.add(name, text.trim_end());
        }
    }

    /// A ref that is known already stays: a loose one counts more than a packed one.
    fn add(&mut self, name: &str, value: &str) {
        let (heads, branch) = if let Some(branch) = name.strip_prefix("refs/heads/") {
            (&mut self.here, branch)
        } else if let Some(branch) = name.strip_prefix("refs/remotes/origin/") {
            (&mut self.there, branch)
        } else {
            return;
        };
        if let Some(target) = value.strip_prefix("ref: refs/remotes/origin/") {
            self.default = Some(target.to_owned());
        } else if branch != "HEAD" && heads.iter().all(|(known, _)| known != branch) {
            heads.push((branch.to_owned(), value.to_owned()));
        }
    }

    /// The commit of a branch of `origin`.
    #[must_use]
    pub fn origin(&self, branch: &str) -> Option<&str> {
        find(&self.there, branch)
    }

    /// The commit of a branch here.
    #[must_use]
    pub fn local(&self, branch: &str) -> Option<&str> {
        find(&self.here, branch)
    }
}

fn find<'a>(heads: &'a [(String, String)], branch: &str) -> Option<&'a str> {
    heads.iter().find(|(name, _)| name == branch).map(|(_, commit)| commit.as_str())
}

fn parse_branches(text: &str) -> Branches {
    let mut found = Branches::default();
    for line in text.lines() {
        let mut words = line.splitn(3, ' ');
        let (Some(commit), Some(name)) = (words.next(), words.next()) else { continue };
        if let Some(branch) = name.strip_prefix("refs/heads/") {
            found.here.push((branch.to_owned(), commit.to_owned()));
        }
        let Some(branch) = name.strip_prefix("refs/remotes/origin/") else { continue };
        if branch == "HEAD" {
            let symref = words.next().and_then(|target| target.strip_prefix("refs/remotes/origin/"));
            found.default = symref.map(str::to_owned);
        } else {
            found.there.push((branch.to_owned(), commit.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_meanings() {
        for (text, trouble) in [
            ("fatal: could not read Username for 'https://x': terminal prompts disabled", Trouble::NeedsLogin),
            (
                "git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.",
                Trouble::NeedsLogin,
            ),
            ("Host key verification failed.", Trouble::NeedsLogin),
            ("fatal: Authentication failed for 'https://x/'", Trouble::Denied),
            ("fatal: unable to access 'http://x/': The requested URL returned error: 403", Trouble::Denied),
            ("fatal: remote error: access denied or repository not exported: /x", Trouble::Denied),
            ("fatal: repository 'https://x/' not found", Trouble::NotFound),
            ("fatal: '/x' does not appear to be a git repository", Trouble::NotFound),
            ("fatal: repository '/x' does not exist", Trouble::NotFound),
            ("fatal: unable to access 'https://x/': Could not resolve host: x", Trouble::Unreachable),
            ("fatal: unable to connect to 127.0.0.1: Connection refused", Trouble::Unreachable),
            ("fatal: transport 'file' not allowed", Trouble::Forbidden),
            ("fatal: Remote branch nope not found in upstream origin", Trouble::NoBranch),
            ("fatal: remote error: upload-pack: not our ref 1234", Trouble::NoCommit),
            ("fatal: unable to read tree (105af5d0)", Trouble::NoCommit),
            ("fatal: index-pack failed", Trouble::Other),
        ] {
            assert_eq!(Trouble::of(text), trouble, "{text}");
        }
    }

    #[test]
    fn files_say_the_same_as_git() {
        use wharf_testkit::{Repo, Sandbox};

        let sandbox = Sandbox::new();
        let bare = Repo::bare_remote(sandbox.path().join("bare.git"));
        let first = Repo::init(sandbox.path().join("first"));
        first.commit("first");
        first.push_to(&bare);
        first.git(&["switch", "--quiet", "--create", "a/b"]);
        first.commit("second");
        first.git(&["push", "--quiet", "origin", "HEAD"]);
        let got = bare.clone_to(sandbox.path().join("got"));
        got.git(&["branch", "c/d"]);
        got.git(&["fetch", "--quiet"]);
        let mut read = Branches::read(&got.join(".git")).unwrap();
        let mut told = Git::new(got.path()).branches().unwrap();
        for branches in [&mut read, &mut told] {
            branches.here.sort();
            branches.there.sort();
        }
        assert_eq!(read, told);
        assert_eq!(read.default.as_deref(), Some("main"));
        assert_eq!((read.here.len(), read.there.len()), (2, 2));
    }

    #[test]
    fn branches_of_origin() {
        let text = "c3 refs/heads/main \na1 refs/remotes/origin/HEAD refs/remotes/origin/main\na1 refs/remotes/origin/main \nb2 refs/remotes/origin/x/y \n";
        let found = parse_branches(text);
        assert_eq!(
            (found.default.as_deref(), found.origin("x/y"), found.origin("HEAD")),
            (Some("main"), Some("b2"), None)
        );
        assert_eq!((found.local("main"), found.local("x/y")), (Some("c3"), None));
    }
}
