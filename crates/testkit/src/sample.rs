//! Sample super-repos with runnable dirs, each test's own.

use std::path::PathBuf;

use crate::engines::base_image;
use crate::repo::Repo;
use crate::sandbox::Sandbox;

/// What a runnable dir's tests need unless the test says otherwise.
pub const PYTEST: &str = "pytest==8.3.4\n";

/// A super-repo named `sample` in the sandbox's work folder, based on the tests' base image.
pub fn workspace(sandbox: &Sandbox) -> Workspace {
    Workspace {
        home: sandbox.path(),
        name: "sample".to_owned(),
        toml: String::new(),
        content: Content::default(),
        sub_repos: Vec::new(),
    }
}

/// A super-repo to be.
#[must_use = "nothing is written before `build`"]
pub struct Workspace {
    home: PathBuf,
    name: String,
    toml: String,
    content: Content,
    sub_repos: Vec<(String, Content)>,
}

/// What a repo is to hold, before there is one.
#[derive(Default)]
#[must_use = "it is the sample's content"]
pub struct Content {
    files: Vec<(String, Vec<u8>)>,
}

/// A runnable dir to be.
#[must_use = "it is the sample's content"]
pub struct Dir {
    path: String,
    content: Content,
    requirements: Option<String>,
    toml: String,
}

impl Workspace {
    /// Renames it, its folder too.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Adds tables to the root's `wharf.toml`, below `[workspace]` and `[image]`.
    pub fn toml(mut self, toml: &str) -> Self {
        self.toml.push_str(toml);
        self
    }

    /// Adds a file.
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.content = self.content.file(path, content);
        self
    }

    /// Adds a runnable dir.
    pub fn dir(mut self, path: &str, fill: impl FnOnce(Dir) -> Dir) -> Self {
        self.content = self.content.dir(path, fill);
        self
    }

    /// Adds a sub-repo at `path`, with a bare remote beside the super-repo in `NAME.remotes/`.
    pub fn sub_repo(mut self, path: &str, fill: impl FnOnce(Content) -> Content) -> Self {
        self.sub_repos.push((path.to_owned(), fill(Content::default())));
        self
    }

    /// Writes and commits it all.
    #[track_caller]
    pub fn build(self) -> Repo {
        let repo = Repo::init(self.home.join(&self.name));
        let head = format!("[workspace]\nname = \"{}\"\n\n[image]\nbase = \"{}\"\n", self.name, base_image());
        let gap = if self.toml.is_empty() { "" } else { "\n" };
        repo.write("wharf.toml", format!("{head}{gap}{}", self.toml));
        repo.write(".gitignore", "__pycache__/\n.pytest_cache/\n");
        self.content.write(&repo);
        let remotes = self.home.join(format!("{}.remotes", self.name));
        for (path, content) in self.sub_repos {
            let flat = path.replace('/', "-");
            let remote = Repo::bare_remote(remotes.join(format!("{flat}.git")));
            let first = Repo::init(remotes.join(flat));
            content.write(&first);
            first.commit("sample: first");
            first.push_to(&remote);
            repo.add_submodule(&remote, &path);
        }
        repo.commit("sample: first");
        repo
    }
}

impl Content {
    /// Adds a file.
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.to_owned(), content.into()));
        self
    }

    /// Adds a runnable dir; `.` for the repo's root.
    pub fn dir(mut self, path: &str, fill: impl FnOnce(Dir) -> Dir) -> Self {
        let dir = fill(Dir {
            path: path.to_owned(),
            content: Self::default(),
            requirements: Some(PYTEST.to_owned()),
            toml: String::new(),
        });
        let mut files = dir.content.files;
        files.push(("devops/wharf.toml".to_owned(), dir.toml.into_bytes()));
        if let Some(requirements) = dir.requirements {
            files.push(("devops/requirements.txt".to_owned(), requirements.into_bytes()));
        }
        let place = |file: String| {
            if dir.path == "." { file } else { format!("{}/{file}", dir.path) }
        };
        self.files.extend(files.into_iter().map(|(file, content)| (place(file), content)));
        self
    }

    #[track_caller]
    fn write(self, repo: &Repo) {
        for (path, content) in self.files {
            repo.write(path, content);
        }
    }
}

impl Dir {
    /// Replaces its `devops/requirements.txt`, which holds `PYTEST` else.
    pub fn requirements(mut self, requirements: &str) -> Self {
        self.requirements = Some(requirements.to_owned());
        self
    }

    /// Leaves it without a `requirements.txt`.
    pub fn no_requirements(mut self) -> Self {
        self.requirements = None;
        self
    }

    /// Sets its `devops/wharf.toml`, which is empty else.
    pub fn toml(mut self, toml: &str) -> Self {
        toml.clone_into(&mut self.toml);
        self
    }

    /// Adds a test file, by its path in the dir.
    pub fn test(self, path: &str, content: &str) -> Self {
        self.file(path, content)
    }

    /// Adds any file, by its path in the dir.
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.content = self.content.file(path, content);
        self
    }

    /// Gives it a `changelog.txt` whose top entry is this version.
    pub fn version(self, version: &str) -> Self {
        let name = self.path.rsplit('/').next().unwrap_or_default().to_owned();
        self.file("changelog.txt", format!("# {name}-{version}\n- 2024-01-01\n- First\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_committed_whole() {
        let sandbox = Sandbox::new();
        let repo = workspace(&sandbox)
            .toml("[test]\n")
            .file("README.md", "hello")
            .dir("infra", |dir| {
                dir.requirements("pytest==7.4.4\n").test("test_a.py", "def test(): pass\n").version("1.2.0")
            })
            .dir(".", Dir::no_requirements)
            .sub_repo("libs/helpers", |sub| sub.file("helpers.py", "").dir("deep/one", |dir| dir.toml("[os]\n")))
            .build();
        assert_eq!(repo.git(&["status", "--short"]), "");
        let files = repo.git(&["ls-files", "--recurse-submodules"]);
        let expected = [
            ".gitignore",
            ".gitmodules",
            "README.md",
            "devops/wharf.toml",
            "infra/changelog.txt",
            "infra/devops/requirements.txt",
            "infra/devops/wharf.toml",
            "infra/test_a.py",
            "libs/helpers/deep/one/devops/requirements.txt",
            "libs/helpers/deep/one/devops/wharf.toml",
            "libs/helpers/helpers.py",
            "wharf.toml",
        ];
        assert_eq!(files.lines().collect::<Vec<_>>(), expected);
        assert!(repo.read("wharf.toml").contains(&format!("base = \"{}\"\n\n[test]", base_image())));
        assert_eq!(repo.read("infra/changelog.txt").lines().next(), Some("# infra-1.2.0"));
    }
}
