//! Objects by id: listings of trees, contents of blobs, ids of files (git-ls-tree(1), git-cat-file(1), git-hash-object(1)).

use std::collections::BTreeMap;

use crate::program::{Git, GitError};

/// An entry of a tree, with its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Path from the repo's root.
    pub path: String,
    /// Its mode: `100644`, `100755`, `120000` for a symbolic link, `160000` for a submodule.
    pub mode: u32,
    /// Id of the blob or commit.
    pub id: String,
}

impl Git {
    /// All entries of a commit below `folder` (empty: all) whose names are text.
    ///
    /// # Errors
    /// When Git is missing or does not have the commit.
    pub fn entries(&self, commit: &str, folder: &str) -> Result<Vec<TreeEntry>, GitError> {
        let mut args = vec!["ls-tree", "-r", "-z", "--full-tree", commit];
        if !folder.is_empty() {
            args.extend(["--", folder]);
        }
        // Not a pattern, whatever the folder's name.
        let output = self.command(args).env("GIT_LITERAL_PATHSPECS", "1").run_checked()?;
        let entries = output.stdout.split(|byte| *byte == 0).filter_map(|entry| std::str::from_utf8(entry).ok());
        Ok(entries.filter_map(entry).collect())
    }

    /// The contents of those of these blobs that are here, by id. One process for all.
    ///
    /// # Errors
    /// When Git is missing or the folder is no repo.
    pub fn blobs<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<String, Vec<u8>>, GitError> {
        let input: String = ids.into_iter().map(|id| format!("{id}\n")).collect();
        if input.is_empty() {
            return Ok(BTreeMap::new());
        }
        // Fetching what a partial clone left out may ask for a password; `command` turns prompts off.
        let output = self.command(["cat-file", "--batch"]).input(input).run_checked()?;
        Ok(batch(&output.stdout))
    }

    /// Ids that files of the work tree would have if they were added now, in the order asked for; filters such as line ends
    /// are applied as `git add` does. Names must not hold newlines.
    ///
    /// # Errors
    /// When Git is missing, or a file cannot be read.
    pub fn hash_files(&self, paths: &[&str]) -> Result<Vec<String>, GitError> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let input: String = paths.iter().map(|path| format!("{path}\n")).collect();
        let output = self.command(["hash-object", "--stdin-paths"]).input(input).run_checked()?;
        Ok(output.text().lines().map(str::to_owned).collect())
    }

    /// Stores a blob as `git add` of a file at `path` would, and gives its id.
    ///
    /// # Errors
    /// When Git is missing or the repo cannot be written.
    pub fn store(&self, path: &str, bytes: &[u8]) -> Result<String, GitError> {
        let path = format!("--path={path}");
        let output = self.command(["hash-object", "-w", &path, "--stdin"]).input(bytes).run_checked()?;
        Ok(output.text().trim().to_owned())
    }
}

/// `<mode> <type> <object>\t<path>`
fn entry(text: &str) -> Option<TreeEntry> {
    let (about, path) = text.split_once('\t')?;
    let mut about = about.split(' ');
    let mode = u32::from_str_radix(about.next()?, 8).ok()?;
    Some(TreeEntry { path: path.to_owned(), mode, id: about.nth(1)?.to_owned() })
}

/// `<id> <type> <size>\n<bytes>\n`, or `<id> missing\n`.
fn batch(mut bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        bytes = &bytes[end + 1..];
        let words: Vec<&str> = head.split(' ').collect();
        let [id, kind, size] = words[..] else { continue };
        let Ok(size) = size.parse::<usize>() else { continue };
        if bytes.len() < size {
            break;
        }
        if kind == "blob" {
            found.insert(id.to_owned(), bytes[..size].to_vec());
        }
        bytes = bytes.get(size + 1..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use wharf_testkit::{Repo, Sandbox};

    use super::*;

    #[test]
    fn lists_reads_and_hashes() {
        let sandbox = Sandbox::new();
        let repo = Repo::init(sandbox.path().join("repo"));
        repo.write("a/[x].txt", "one\nblob 3\n").write("b.bin", b"\0\xff").write("a/deep/c", "");
        let commit = repo.commit("first");
        let git = Git::new(repo.path());
        let entries = git.entries(&commit, "a").unwrap();
        let names: Vec<&str> = entries.iter().map(|entry| entry.path.as_str()).collect();
        assert_eq!(names, ["a/[x].txt", "a/deep/c"]);
        assert_eq!(entries[0].mode, 0o100_644);
        let hashed = git.hash_files(&["a/[x].txt", "a/deep/c"]).unwrap();
        assert_eq!(hashed, [entries[0].id.clone(), entries[1].id.clone()]);
        let nowhere = "1".repeat(40);
        let blobs = git.blobs([hashed[0].as_str(), &nowhere, &commit, &hashed[1]]).unwrap();
        assert_eq!(blobs.len(), 2);
        assert_eq!(blobs[&hashed[0]], b"one\nblob 3\n");
        assert_eq!(git.store("b.bin", b"\0\xff").unwrap(), git.hash_files(&["b.bin"]).unwrap()[0]);
    }
}
