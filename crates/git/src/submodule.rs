//! Submodules as `git submodule` makes them: what `.gitmodules` says, which commits are pinned, and how a work tree is
//! joined to a Git folder below the super-project's own (gitsubmodules(7), gitrepository-layout(5)).

use std::io::{Error, ErrorKind, Write};
use std::path::{Component, Path, PathBuf};

use crate::place::lexical;
use crate::program::{Git, GitError};

/// One section of `.gitmodules`, as Git reads it. Nothing is left out, however odd it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModuleEntry {
    /// Name in the section's heading.
    pub name: String,
    /// All values of `path`, in order: more than one means that two sections share the name.
    pub paths: Vec<String>,
    /// Last value of `url`.
    pub url: Option<String>,
    /// Last value of `branch`.
    pub branch: Option<String>,
    /// Last value of `update`.
    pub update: Option<String>,
    /// Whether `shallow` is true.
    pub shallow: bool,
}

impl Git {
    /// All sections of the `.gitmodules` at the repo's root; none where there is no such file.
    ///
    /// # Errors
    /// When Git is missing or cannot parse the file.
    pub fn module_entries(&self, root: &Path) -> Result<Vec<ModuleEntry>, GitError> {
        // A symbolic link is never followed, as Git does not.
        if !root.join(".gitmodules").symlink_metadata().is_ok_and(|kind| kind.is_file()) {
            return Ok(Vec::new());
        }
        let output = self.command(["config", "--file", ".gitmodules", "-z", "--list"]).run_checked()?;
        Ok(parse_entries(&output.text()))
    }

    /// The commits that the index pins at `paths`, by path; what is no submodule there is left out.
    ///
    /// # Errors
    /// When Git is missing or the index cannot be read.
    pub fn pins(&self, paths: &[&str]) -> Result<Vec<(String, String)>, GitError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let words = ["--literal-pathspecs", "ls-files", "--stage", "-z", "--"];
        let output = self.command(words.into_iter().chain(paths.iter().copied())).run_checked()?;
        Ok(output.text().split('\0').filter_map(parse_pin).collect())
    }
}

/// `submodule.<name>.<key>\n<value>\0`, or without a value where a key stands alone.
fn parse_entries(text: &str) -> Vec<ModuleEntry> {
    let mut found: Vec<ModuleEntry> = Vec::new();
    for item in text.split('\0') {
        let (key, value) = item.split_once('\n').unwrap_or((item, "true"));
        let Some((name, key)) = key.strip_prefix("submodule.").and_then(|rest| rest.rsplit_once('.')) else { continue };
        let index = found.iter().position(|entry| entry.name == name).unwrap_or_else(|| {
            found.push(ModuleEntry { name: name.to_owned(), ..ModuleEntry::default() });
            found.len() - 1
        });
        let entry = &mut found[index];
        match key {
            "path" => entry.paths.push(value.to_owned()),
            "url" => entry.url = Some(value.to_owned()),
            "branch" => entry.branch = Some(value.to_owned()),
            "update" => entry.update = Some(value.to_owned()),
            "shallow" => entry.shallow = matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "on" | "1"),
            _ => {}
        }
    }
    found
}

/// `160000 <commit> 0\t<path>`
fn parse_pin(entry: &str) -> Option<(String, String)> {
    let (about, path) = entry.split_once('\t')?;
    let commit = about.strip_prefix("160000 ")?.strip_suffix(" 0")?;
    Some((path.to_owned(), commit.to_owned()))
}

/// Joins the work tree at `root` to `git_dir`, both absolute: a `.git` file there, `core.worktree` here, relative to each
/// other, as `git submodule` writes them. The folder is made where it is missing.
///
/// # Errors
/// When a file cannot be written.
pub fn join_work_tree(git_dir: &Path, root: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(root)?;
    let config = git_dir.join("config");
    let text = std::fs::read_to_string(&config)?;
    if !text.lines().any(|line| line.trim_start().starts_with("worktree =")) {
        let line = format!("\tworktree = {}\n", quoted(&relative(git_dir, root).to_string_lossy()));
        let joined = match text.strip_prefix("[core]\n") {
            Some(rest) => format!("[core]\n{line}{rest}"),
            None => format!("{text}[core]\n{line}"),
        };
        replace(&config, &joined)?;
    }
    std::fs::write(root.join(".git"), format!("gitdir: {}\n", relative(root, git_dir).display()))
}

/// Adds lines to a repo's own configuration, all at once, under the lock that Git itself takes (`config.lock`).
/// Each is a section's heading and its body.
///
/// # Errors
/// When someone else writes it just now, or it cannot be written.
pub fn add_config(git_dir: &Path, sections: &[(String, String)]) -> std::io::Result<()> {
    let config = git_dir.join("config");
    let mut text = std::fs::read_to_string(&config)?;
    let before = text.len();
    for (heading, body) in sections {
        if !text.lines().any(|line| line == heading) {
            text.push_str(&format!("{heading}\n{body}"));
        }
    }
    if text.len() == before { Ok(()) } else { replace(&config, &text) }
}

/// The heading of a submodule's section, as Git writes it.
#[must_use]
pub fn section(name: &str) -> String {
    format!("[submodule \"{}\"]", name.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `\tkey = value`, the value quoted where it must be (git-config(1), "Syntax").
#[must_use]
pub fn setting(key: &str, value: &str) -> String {
    format!("\t{key} = {}\n", quoted(value))
}

fn quoted(value: &str) -> String {
    let plain = !value.starts_with(' ') && !value.ends_with(' ') && !value.contains(['"', '\\', '#', ';', '\n', '\t']);
    if plain {
        return value.to_owned();
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n").replace('\t', "\\t");
    format!("\"{escaped}\"")
}

fn replace(config: &Path, text: &str) -> std::io::Result<()> {
    let lock = config.with_extension("lock");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).open(&lock)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| std::fs::rename(&lock, config));
    if written.is_err() {
        let _ = std::fs::remove_file(&lock);
    }
    written
}

/// The way from folder `from` to `to`, both absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let (from, to) = (lexical(from), lexical(to));
    let common = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    up.chain(to.components().skip(common)).collect()
}

/// Why no submodule can be put at `path` below `root`: something on the way is a symbolic link or a file, or the folder
/// holds something already. A link to a Git folder that is there from before is no hindrance.
///
/// # Errors
/// With what is in the way.
pub fn check_free(root: &Path, path: &str) -> std::io::Result<()> {
    let mut folder = root.to_path_buf();
    for part in path.split('/') {
        folder.push(part);
        match folder.symlink_metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
            Ok(kind) if kind.is_symlink() => {
                return Err(Error::other(format!("`{}` is a symbolic link", folder.display())));
            }
            Ok(kind) if !kind.is_dir() => return Err(Error::other(format!("`{}` is a file", folder.display()))),
            Ok(_) => {}
        }
    }
    let joined = folder.join(".git").symlink_metadata().is_ok_and(|kind| kind.is_file());
    if !joined && folder.read_dir()?.next().is_some() {
        return Err(Error::other(format!("`{}` holds files already", folder.display())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn reads_all_that_git_reads() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        repo.write(
            ".gitmodules",
            "[submodule \"a.b \\\"c\"]\n path = \"lib/x y\"\n url = ../x # note\n branch=dev\n[submodule \"d\"]\n\tpath = ../up\n\
             \tshallow\n[submodule \"d\"]\n\tpath = again\n\tupdate = none\n",
        );
        let entries = Git::new(repo.path()).module_entries(repo.path()).unwrap();
        assert_eq!(entries[0].name, "a.b \"c");
        assert_eq!(
            (entries[0].paths.as_slice(), entries[0].url.as_deref()),
            (&["lib/x y".to_owned()][..], Some("../x"))
        );
        assert_eq!(entries[0].branch.as_deref(), Some("dev"));
        assert_eq!(entries[1].paths, ["../up", "again"]);
        assert!(entries[1].shallow && entries[1].update.as_deref() == Some("none"));
        std::fs::rename(repo.join(".gitmodules"), repo.join("other")).unwrap();
        std::os::unix::fs::symlink("other", repo.join(".gitmodules")).unwrap();
        assert_eq!(Git::new(repo.path()).module_entries(repo.path()).unwrap(), []);
    }

    #[test]
    fn what_is_written_is_what_git_reads() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        let (name, url) = ("a\"b\\c.d", "x; y#\"z\\ ");
        let sections = [(section(name), setting("url", url))];
        add_config(&repo.join(".git"), &sections).unwrap();
        add_config(&repo.join(".git"), &sections).unwrap();
        let read = repo.git(&["config", "--get-all", &format!("submodule.{name}.url")]);
        assert_eq!(read, url.trim_end());
        std::fs::write(repo.join(".git/config.lock"), "").unwrap();
        assert!(add_config(&repo.join(".git"), &[(section("e"), setting("url", "f"))]).is_err());
    }

    #[test]
    fn ways_between_folders() {
        assert_eq!(relative(Path::new("/a/b"), Path::new("/a/.git/m/b")), Path::new("../.git/m/b"));
        assert_eq!(relative(Path::new("/a/.git/m/b"), Path::new("/a/b")), Path::new("../../../b"));
    }

    #[test]
    fn links_and_files_are_in_the_way() {
        let sandbox = Sandbox::new();
        let root = sandbox.path();
        std::fs::create_dir_all(root.join("a/empty")).unwrap();
        std::fs::create_dir_all(root.join("a/full")).unwrap();
        std::fs::write(root.join("a/full/x"), "").unwrap();
        std::os::unix::fs::symlink("/", root.join("a/link")).unwrap();
        for (path, free) in [
            ("a/empty", true),
            ("b/c", true),
            ("a/full", false),
            ("a/link/tmp", false),
            ("a/link", false),
            ("a/full/x", false),
        ] {
            assert_eq!(check_free(&root, path).is_ok(), free, "{path}");
        }
    }
}
