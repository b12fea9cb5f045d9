//! Questions about branches and remotes.

use crate::program::{Git, GitError};

impl Git {
    /// Names of the remotes.
    ///
    /// # Errors
    /// When Git is missing.
    pub fn remotes(&self) -> Result<Vec<String>, GitError> {
        Ok(self.command(["remote"]).run_checked()?.text().lines().map(str::to_owned).collect())
    }

    /// The commit of a local branch.
    #[must_use]
    pub fn branch_commit(&self, branch: &str) -> Option<String> {
        self.commit(&format!("refs/heads/{branch}"))
    }

    /// The commit of a branch at a remote, as last fetched.
    #[must_use]
    pub fn remote_commit(&self, remote: &str, branch: &str) -> Option<String> {
        self.commit(&format!("refs/remotes/{remote}/{branch}"))
    }

    /// The remote's own branch, as it was when cloned, such as `main`.
    #[must_use]
    pub fn remote_head(&self, remote: &str) -> Option<String> {
        let name = format!("refs/remotes/{remote}/HEAD");
        let output = self.command(["symbolic-ref", "--quiet", "--short", &name]).run().ok()?;
        let text = output.text();
        output.exit.is_success().then(|| text.trim().strip_prefix(&format!("{remote}/")).map(str::to_owned))?
    }

    /// The branch that `.gitmodules` names for the submodule at `path`.
    #[must_use]
    pub fn branch_of_module(&self, name: &str) -> Option<String> {
        let key = format!("submodule.{name}.branch");
        let output = self.command(["config", "--file", ".gitmodules", "--get", &key]).run().ok()?;
        let text = output.text().trim().to_owned();
        (output.exit.is_success() && !text.is_empty() && text != ".").then_some(text)
    }

    /// Whether the user said that a submodule is not wanted here (gitsubmodules(7), "Active submodules").
    #[must_use]
    pub fn is_inactive_module(&self, name: &str) -> bool {
        let key = format!("submodule.{name}.active");
        let output = self.command(["config", "--type=bool", "--get", &key]).run();
        output.is_ok_and(|output| output.text().trim() == "false")
    }

    /// Whether a branch may be called so (git-check-ref-format(1)).
    ///
    /// # Errors
    /// When Git is missing.
    pub fn is_branch_name(name: &str) -> Result<bool, GitError> {
        if name.starts_with('-') || name.contains("@{") || name == "HEAD" {
            return Ok(false);
        }
        let full = format!("refs/heads/{name}");
        Ok(wharf_process::Command::new("git").args(["check-ref-format", &full]).run()?.exit.is_success())
    }
}
