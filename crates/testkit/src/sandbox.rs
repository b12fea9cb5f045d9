//! A temporary home, and an environment in which nothing of the user's is left.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::command::WharfCommand;
use crate::place::target_dir;
use crate::repo;

/// What a program needs to reach the network or the engines from here, passed on where it is set.
const PASSED_ON: &[&str] = &[
    "DOCKER_HOST",
    "XDG_RUNTIME_DIR",
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "PIP_INDEX_URL",
    "PIP_DEFAULT_TIMEOUT",
    "UV_DEFAULT_INDEX",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// A temporary folder with a home, a temporary folder and a place to work in, removed when dropped.
pub struct Sandbox {
    root: PathBuf,
    variables: Vec<(OsString, OsString)>,
    _dir: TempDir,
}

impl Default for Sandbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Sandbox {
    /// A fresh one.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("wharf-test-").tempdir().expect("a temporary folder can be made");
        let root = dir.path().canonicalize().expect("a folder just made has a path");
        for name in ["home", "tmp", "work"] {
            fs_err::create_dir(root.join(name)).expect("a fresh folder is writable");
        }
        let mut sandbox = Self { root, variables: Vec::new(), _dir: dir };
        sandbox.fill();
        sandbox
    }

    /// The folder to work in; empty at first.
    pub fn path(&self) -> PathBuf {
        self.root.join("work")
    }

    /// The temporary home.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// Sets a variable for every later command.
    pub fn set(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        self.unset(name.as_ref());
        self.variables.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
    }

    /// Takes a variable away from every later command.
    pub fn unset(&mut self, name: impl AsRef<OsStr>) {
        self.variables.retain(|(known, _)| known != name.as_ref());
    }

    /// The whole environment of its commands.
    pub fn variables(&self) -> &[(OsString, OsString)] {
        &self.variables
    }

    /// A program to run in here: a path, or a name to be found on `PATH`. It starts in `path()`.
    pub fn command(&self, program: impl AsRef<Path>) -> WharfCommand {
        WharfCommand::new(program.as_ref(), &self.variables, &self.path())
    }

    fn fill(&mut self) {
        let home = self.home();
        let target = target_dir();
        let git_config = home.join(".gitconfig");
        // Folders stand in for the remotes that would be reached over a network.
        let config = "[init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n";
        fs_err::write(&git_config, config).expect("a fresh home is writable");

        self.set("PATH", path_with_tools(&target));
        self.set("HOME", &home);
        self.set("TMPDIR", self.root.join("tmp"));
        self.set("LANG", "C.UTF-8");
        self.set("XDG_CONFIG_HOME", home.join(".config"));
        self.set("XDG_CACHE_HOME", home.join(".cache"));
        self.set("XDG_DATA_HOME", home.join(".local/share"));
        self.set("XDG_STATE_HOME", home.join(".local/state"));
        for (name, value) in repo::IDENTITY {
            self.set(name, value);
        }
        self.set("GIT_CONFIG_GLOBAL", git_config);
        self.set("GIT_CONFIG_NOSYSTEM", "1");
        self.set("PIP_CACHE_DIR", target.join("test-cache/pip"));
        self.set("PIP_DISABLE_PIP_VERSION_CHECK", "1");
        self.set("UV_CACHE_DIR", target.join("test-cache/uv"));
        if let Some(conf) = containers_conf(&target) {
            self.set("CONTAINERS_CONF", conf);
        }
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                self.set(name, value);
            }
        }
    }
}

/// Podman's settings: those of the caller, else those that `cargo xtask engine` wrote.
pub(crate) fn containers_conf(target: &Path) -> Option<OsString> {
    let made = target.join("engine/containers.conf");
    std::env::var_os("CONTAINERS_CONF").or_else(|| made.is_file().then(|| made.into()))
}

/// The caller's `PATH`, with the tools that `cargo xtask ci` made in front.
fn path_with_tools(target: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = target.join("tools/bin");
    if !tools.is_dir() {
        return path;
    }
    let dirs = std::iter::once(tools).chain(std::env::split_paths(&path));
    std::env::join_paths(dirs).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_the_users_is_left() {
        let mut sandbox = Sandbox::new();
        sandbox.set("GIVEN", "one");
        sandbox.set("GIVEN", "two");
        let output = sandbox.command("env").run();
        output.assert_code(0);
        assert!(output.stdout.contains("GIVEN=two\n") && !output.stdout.contains("GIVEN=one"));
        assert!(output.stdout.contains(&format!("HOME={}\n", sandbox.home().display())));
        assert!(!output.stdout.contains("CARGO_"), "{}", output.stdout);
    }

    #[test]
    fn the_folder_is_gone_afterwards() {
        let sandbox = Sandbox::new();
        let path = sandbox.path();
        assert!(path.is_dir());
        drop(sandbox);
        assert!(!path.exists());
    }
}
