//! The user's `git`, started the same way every time.

use std::path::{Path, PathBuf};

use wharf_process::{Command, ProcessError};

/// A repo that Git is asked about.
#[derive(Debug, Clone)]
pub struct Git {
    root: PathBuf,
    is_bare: bool,
}

/// Why Git did not answer.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// It is missing, could not start or ended with an error.
    #[error("git did not answer")]
    Process(#[from] ProcessError),
}

impl GitError {
    /// The next command to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let Self::Process(error) = self;
        error.is_not_found().then(|| "install Git, for example `apt-get install git`".into())
    }

    /// What Git itself said, without the command that it was asked with.
    #[must_use]
    pub fn said(&self) -> String {
        let Self::Process(error) = self;
        match error {
            ProcessError::Failed { stderr, exit, .. } if stderr.trim().is_empty() => format!("git {exit}"),
            ProcessError::Failed { stderr, .. } => stderr.trim().to_owned(),
            other => other.to_string(),
        }
    }
}

/// What `git describe` knows of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The nearest tag at or below it.
    pub tag: String,
    /// Commits since that tag.
    pub distance: u32,
    /// Abbreviated id of the commit, without `g`.
    pub node: String,
    /// Whether tracked files are edited.
    pub dirty: bool,
}

impl Git {
    /// Git in the work tree at `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), is_bare: false }
    }

    /// Git in a Git folder, whatever work tree its configuration names and whether that is there or not. For verbs that need
    /// no work tree.
    pub fn in_folder(git_dir: impl Into<PathBuf>) -> Self {
        Self { root: git_dir.into(), is_bare: true }
    }

    /// A command with the message language pinned, prompts off, and without locks taken for mere questions.
    #[must_use]
    pub fn command<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        let command = Command::new("git")
            .arg("-C")
            .arg(self.root.clone())
            .args(["-c", "color.ui=false", "-c", "core.quotePath=false", "-c", "advice.detachedHead=false"])
            .args(args)
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .env_remove("GIT_OBJECT_DIRECTORY")
            .env_remove("GIT_COMMON_DIR")
            .env_remove("GIT_NAMESPACE");
        if self.is_bare {
            command.env("GIT_DIR", self.root.as_os_str()).env("GIT_WORK_TREE", self.root.as_os_str())
        } else {
            command
        }
    }

    /// Nearest tag, distance and state of `dir`'s repo; `None` where there is no tag (git-describe(1)).
    #[must_use]
    pub fn describe(dir: &Path) -> Option<Described> {
        let command = Self::new(dir).command(["describe", "--tags", "--long", "--dirty", "--abbrev=9"]);
        let output = command.run().ok().filter(|output| output.exit.is_success())?;
        parse_described(output.text().trim())
    }

    /// Version of the program, as it prints it.
    ///
    /// # Errors
    /// When Git is not there.
    pub fn version() -> Result<String, GitError> {
        let output = Command::new("git").arg("--version").run_checked()?;
        Ok(output.text().trim().trim_start_matches("git version ").to_owned())
    }

    /// Files of the work tree, tracked and untracked ones that are not ignored, relative to the root.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn files(&self) -> Result<Vec<String>, GitError> {
        let output = self.command(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).run_checked()?;
        let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        let mut names: Vec<String> = names.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        names.dedup();
        Ok(names)
    }

    /// The commit that is checked out, if there is one.
    #[must_use]
    pub fn head(&self) -> Option<String> {
        let output = self.command(["rev-parse", "--verify", "HEAD"]).run().ok()?;
        output.exit.is_success().then(|| output.text().trim().to_owned())
    }
}

fn parse_described(text: &str) -> Option<Described> {
    let (text, dirty) = text.strip_suffix("-dirty").map_or((text, false), |clean| (clean, true));
    let mut parts = text.rsplitn(3, '-');
    let node = parts.next()?.strip_prefix('g')?.to_owned();
    let distance = parts.next()?.parse().ok()?;
    Some(Described { tag: parts.next()?.to_owned(), distance, node, dirty })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_describe() {
        let expected = Described { tag: "v1.2-rc".into(), distance: 3, node: "abcdef12".into(), dirty: true };
        assert_eq!(parse_described("v1.2-rc-3-gabcdef12-dirty"), Some(expected));
        assert_eq!(parse_described("nonsense"), None);
    }
}
