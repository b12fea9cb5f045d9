//! Real Git repos, made in a fixed way.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// One author at one time, so that the same content has the same commit ids.
pub(crate) const IDENTITY: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "Wharf Test"),
    ("GIT_AUTHOR_EMAIL", "test@example.org"),
    ("GIT_AUTHOR_DATE", "2024-01-01T12:00:00+00:00"),
    ("GIT_COMMITTER_NAME", "Wharf Test"),
    ("GIT_COMMITTER_EMAIL", "test@example.org"),
    ("GIT_COMMITTER_DATE", "2024-01-01T12:00:00+00:00"),
];

/// A repo on disk; whoever made the folder removes it.
#[derive(Debug, Clone)]
pub struct Repo {
    path: PathBuf,
}

impl Repo {
    /// A fresh repo with the branch `main`, its folder made where it is missing.
    #[track_caller]
    pub fn init(path: impl Into<PathBuf>) -> Self {
        Self::make(path.into(), &["init", "--quiet", "--initial-branch=main"])
    }

    /// A fresh bare repo, to push to and to clone from.
    #[track_caller]
    pub fn bare_remote(path: impl Into<PathBuf>) -> Self {
        Self::make(path.into(), &["init", "--quiet", "--bare", "--initial-branch=main"])
    }

    /// A repo that is there.
    pub fn open(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path in it.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path.join(path)
    }

    /// Its address for `git clone`.
    pub fn url(&self) -> String {
        format!("file://{}", self.path.display())
    }

    /// Writes a file, making its folders.
    #[track_caller]
    pub fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) -> &Self {
        let file = self.join(path);
        if let Some(folder) = file.parent() {
            fs_err::create_dir_all(folder).unwrap_or_else(|error| panic!("{error}"));
        }
        fs_err::write(file, content).unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// Reads a file.
    #[track_caller]
    pub fn read(&self, path: impl AsRef<Path>) -> String {
        fs_err::read_to_string(self.join(path)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Commits all that is there, also nothing; gives back the commit's id.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs Git in it and gives back its trimmed output; fails where Git does.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        match run(&self.path, arguments) {
            Ok(output) => output,
            Err(told) => panic!("{told}"),
        }
    }

    /// Adds a remote repo as a submodule, not yet committed; gives back the sub-repo.
    #[track_caller]
    pub fn add_submodule(&self, remote: &Repo, path: &str) -> Repo {
        self.git(&["submodule", "--quiet", "add", &remote.url(), path]);
        Self::open(self.join(path))
    }

    /// Clones it.
    #[track_caller]
    pub fn clone_to(&self, path: impl Into<PathBuf>) -> Repo {
        let path = path.into();
        self.git(&["clone", "--quiet", "--recurse-submodules", &self.url(), &path.to_string_lossy()]);
        Self::open(path)
    }

    /// Pushes the branch that is checked out to `remote`, as `origin`, with all tags.
    #[track_caller]
    pub fn push_to(&self, remote: &Repo) -> &Self {
        if self.git(&["remote"]).lines().all(|name| name != "origin") {
            self.git(&["remote", "add", "origin", &remote.url()]);
        }
        self.git(&["push", "--quiet", "--set-upstream", "origin", "HEAD"]);
        self.git(&["push", "--quiet", "--tags", "origin"]);
        self
    }

    #[track_caller]
    fn make(path: PathBuf, arguments: &[&str]) -> Self {
        fs_err::create_dir_all(&path).unwrap_or_else(|error| panic!("{error}"));
        let repo = Self { path };
        repo.git(arguments);
        repo
    }
}

/// Git with none of the user's settings; folders may be remotes.
fn run(dir: &Path, arguments: &[&str]) -> Result<String, String> {
    let told = |why: &str| format!("`git {}` in `{}` failed: {why}", arguments.join(" "), dir.display());
    let output = Command::new("git")
        .args(["-c", "protocol.file.allow=always", "-c", "gc.auto=0"])
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(IDENTITY)
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("LC_ALL", "C"),
            ("HOME", "/nonexistent"),
        ])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| told(&error.to_string()))?;
    if !output.status.success() {
        return Err(told(&String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sandbox;

    #[test]
    fn the_same_content_has_the_same_id() {
        let sandbox = Sandbox::new();
        let id = |name: &str| Repo::init(sandbox.path().join(name)).write("a/b", "text").commit("first");
        assert_eq!(id("one"), id("two"));
    }

    #[test]
    fn a_submodule_comes_from_its_remote() {
        let sandbox = Sandbox::new();
        let remote = Repo::bare_remote(sandbox.path().join("part.git"));
        Repo::init(sandbox.path().join("part")).write("x.txt", "one").commit("part: first");
        Repo::open(sandbox.path().join("part")).push_to(&remote);
        let whole = Repo::init(sandbox.path().join("whole"));
        let part = whole.add_submodule(&remote, "lib/part");
        whole.commit("whole: add part");
        assert_eq!(part.read("x.txt"), "one");
        assert_eq!(whole.clone_to(sandbox.path().join("again")).read("lib/part/x.txt"), "one");
    }

    #[test]
    #[should_panic(expected = "`git frobnicate` in")]
    fn a_failing_git_is_told() {
        let sandbox = Sandbox::new();
        Repo::init(sandbox.path().join("r")).git(&["frobnicate"]);
    }
}
