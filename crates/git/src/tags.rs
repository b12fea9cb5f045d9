//! Annotated tags, here and at a remote (git-tag(1), git-push(1), git-ls-remote(1)).

use wharf_process::Command;

use crate::program::{Git, GitError};

impl Git {
    /// Whether a remote of that name is configured.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn has_remote(&self, remote: &str) -> Result<bool, GitError> {
        Ok(self.remotes()?.iter().any(|known| known == remote))
    }

    /// The commit that a tag names at a remote; `None` where there is no such tag.
    ///
    /// # Errors
    /// When the remote cannot be asked.
    pub fn remote_tag(&self, remote: &str, tag: &str) -> Result<Option<String>, GitError> {
        let (name, peeled) = (format!("refs/tags/{tag}"), format!("refs/tags/{tag}^{{}}"));
        let output = self.command(["ls-remote", "--tags", remote, &name, &peeled]).run_checked()?;
        let text = output.text();
        let find = |wanted: &str| {
            text.lines().filter_map(|line| line.split_once('\t')).find(|(_, found)| *found == wanted).map(|(id, _)| id)
        };
        // An annotated tag is an object of its own; its second line is the commit.
        Ok(find(&peeled).or_else(|| find(&name)).map(str::to_owned))
    }

    /// The command that makes an annotated tag at a commit; it fails where the tag is there.
    #[must_use]
    pub fn tag_command(&self, tag: &str, commit: &str, message: &str) -> Command {
        self.command(["tag", "--annotate", "--message", message, tag, commit])
    }

    /// The command that sends a tag to a remote; it fails where the remote has another one of that name.
    #[must_use]
    pub fn push_tag_command(&self, remote: &str, tag: &str) -> Command {
        let reference = format!("refs/tags/{tag}");
        self.command(["push", "--porcelain", remote, &format!("{reference}:{reference}")])
    }
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn a_tag_is_made_once_and_sent() {
        let sandbox = Sandbox::new();
        let remote = Repo::bare_remote(sandbox.path().join("remote.git"));
        let repo = Repo::init(sandbox.path().join("repo"));
        let first = repo.write("a", "1").commit("first");
        // The machine may know nobody who could tag.
        repo.git(&["config", "user.name", "Ada"]);
        repo.git(&["config", "user.email", "ada@example.org"]);
        let git = Git::new(repo.path());
        assert!(!git.has_remote("origin").unwrap());
        repo.git(&["remote", "add", "origin", &remote.url()]);
        assert!(git.has_remote("origin").unwrap());
        assert_eq!(git.remote_tag("origin", "a-1.0.0").unwrap(), None);
        git.tag_command("a-1.0.0", &first, "a 1.0.0").run_checked().unwrap();
        git.push_tag_command("origin", "a-1.0.0").run_checked().unwrap();
        assert_eq!(git.remote_tag("origin", "a-1.0.0").unwrap(), Some(first.clone()));
        git.push_tag_command("origin", "a-1.0.0").run_checked().unwrap();
        assert!(git.tag_command("a-1.0.0", &first, "again").run_checked().is_err());
        // Another one of that name, somewhere else.
        repo.git(&["tag", "--delete", "a-1.0.0"]);
        let second = repo.write("a", "2").commit("second");
        git.tag_command("a-1.0.0", &second, "a 1.0.0").run_checked().unwrap();
        assert!(git.push_tag_command("origin", "a-1.0.0").run_checked().is_err());
        assert_eq!(git.remote_tag("origin", "a-1.0.0").unwrap(), Some(first));
    }
}
