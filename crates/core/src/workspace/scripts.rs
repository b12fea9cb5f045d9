//! The shell scripts of a workspace, which an entry point may go through without anybody seeing it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use blake3::{Hash, Hasher};
use ignore::WalkBuilder;

use super::Workspace;
use super::walk::NEVER_ENTERED;

impl Workspace {
    /// A hash over names, contents and modes of all files `*.sh` that Git does not ignore, as they were when it was asked first.
    pub fn shell_scripts(&self) -> Hash {
        *self.scripts.get_or_init(|| hash(&self.root))
    }
}

fn hash(root: &Path) -> Hash {
    let mut builder = WalkBuilder::new(root);
    builder.hidden(false).ignore(false).parents(false).require_git(false).follow_links(false);
    builder.filter_entry(|entry| NEVER_ENTERED.iter().all(|never| entry.file_name() != *never));
    let is_script = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "sh");
    let mut scripts: Vec<PathBuf> =
        builder.build().flatten().map(ignore::DirEntry::into_path).filter(is_script).collect();
    scripts.sort();
    let mut hasher = Hasher::new();
    for script in scripts {
        // What is no file, such as a pipe, could be waited for for ever.
        let Some(metadata) = std::fs::metadata(&script).ok().filter(std::fs::Metadata::is_file) else { continue };
        let name = script.strip_prefix(root).unwrap_or(&script).as_os_str().as_encoded_bytes();
        let content = std::fs::read(&script).unwrap_or_default();
        for field in [name, &content] {
            hasher.update(&(field.len() as u64).to_le_bytes()).update(field);
        }
        hasher.update(&[u8::from(metadata.permissions().mode() & 0o111 != 0)]);
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_count_and_what_git_ignores_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(".gitignore", "build/\n");
        write("devops/set.sh", "A=1\n");
        let before = hash(folder.path());
        write("build/x.sh", "");
        write("a.py", "");
        write(".git/hooks/y.sh", "");
        assert_eq!(hash(folder.path()), before);
        write("devops/set.sh", "A=2\n");
        assert_ne!(hash(folder.path()), before);
    }
}
