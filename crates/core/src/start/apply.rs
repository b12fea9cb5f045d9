//! Writes new files, each whole and only where there is none.

use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use wharf_process::Command;

use super::error::StartError;

/// A file that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Path from the repo's root, with `/`.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Whether it can be run.
    pub executable: bool,
}

impl NewFile {
    /// A plain text file.
    #[must_use]
    pub fn text(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), bytes: text.into().into_bytes(), executable: false }
    }
}

/// Files that are to be, below one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFiles {
    /// The repo's root, absolute.
    pub root: PathBuf,
    /// The files.
    pub files: Vec<NewFile>,
}

impl NewFiles {
    /// The commands that would do the same.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut made: Vec<&Path> = Vec::new();
        for file in &self.files {
            let path = Path::new(&file.path);
            if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
                && !made.iter().any(|known| known.starts_with(folder))
            {
                lines.push(Command::new("mkdir").arg("-p").arg(self.root.join(folder)).to_string());
                made.push(folder);
            }
            let target = self.root.join(path);
            let quoted = Command::new(target.clone()).to_string();
            lines.push(match std::str::from_utf8(&file.bytes) {
                Ok(text) => format!("{} > {quoted}", Command::new("printf").arg("%s").arg(text)),
                Err(_) => {
                    let octal: String = file.bytes.iter().map(|byte| format!("\\{byte:03o}")).collect();
                    format!("{} > {quoted}", Command::new("printf").arg(octal))
                }
            });
            if file.executable {
                lines.push(Command::new("chmod").arg("+x").arg(target).to_string());
            }
        }
        lines
    }

    /// Writes them all. Where one cannot be written, those written before it are removed again.
    ///
    /// # Errors
    /// [`StartError::There`] where a file is there already; else when the folder cannot be written.
    pub fn apply(&self) -> Result<(), StartError> {
        let mut undo = Undo::default();
        let written = self.files.iter().try_for_each(|file| write(&self.root, file, &mut undo));
        if written.is_err() {
            undo.run();
        }
        written
    }
}

/// What was made so far, in order.
#[derive(Default)]
struct Undo {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Undo {
    fn run(&self) {
        for file in self.files.iter().rev() {
            let _ = fs_err::remove_file(file);
        }
        // Only empty ones go: what another put there stays.
        for folder in self.folders.iter().rev() {
            let _ = fs_err::remove_dir(folder);
        }
    }
}

fn write(root: &Path, file: &NewFile, undo: &mut Undo) -> Result<(), StartError> {
    let target = root.join(&file.path);
    let folder = target.parent().unwrap_or(root);
    make_folder(folder, undo)?;
    // The umask takes its part, as of any other file.
    let mode = if file.executable { 0o777 } else { 0o666 };
    let mut fresh = tempfile::Builder::new()
        .prefix(".wharf-new-")
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempfile_in(folder)?;
    fresh.write_all(&file.bytes)?;
    fresh.persist_noclobber(&target).map_err(|error| match error.error.kind() {
        io::ErrorKind::AlreadyExists => StartError::There(PathBuf::from(&file.path)),
        _ => error.error.into(),
    })?;
    undo.files.push(target);
    Ok(())
}

fn make_folder(folder: &Path, undo: &mut Undo) -> Result<(), StartError> {
    let missing: Vec<&Path> = folder.ancestors().take_while(|folder| folder.symlink_metadata().is_err()).collect();
    for folder in missing.into_iter().rev() {
        match fs_err::create_dir(folder) {
            Ok(()) => undo.folders.push(folder.to_path_buf()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    if folder.is_dir() { Ok(()) } else { Err(StartError::There(folder.to_path_buf())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(root: &Path, names: &[&str]) -> NewFiles {
        let files = names.iter().map(|name| NewFile::text(*name, "it's\n$HOME `x`\n")).collect();
        NewFiles { root: root.to_path_buf(), files }
    }

    #[test]
    fn all_or_nothing() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("taken"), "mine").unwrap();
        let error = files(dir.path(), &["a/b/c", "d", "taken"]).apply().unwrap_err();
        assert!(matches!(error, StartError::There(path) if path == Path::new("taken")));
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["taken"]);
        assert_eq!(std::fs::read_to_string(dir.path().join("taken")).unwrap(), "mine");
    }

    #[test]
    fn the_commands_do_the_same() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut wanted = files(one.path(), &["a b/c", "d", "a b/e"]);
        wanted.files.push(NewFile { path: "bin/%x".into(), bytes: vec![0, 255, b'%', b'\\'], executable: true });
        wanted.apply().unwrap();
        let script = NewFiles { root: two.path().to_path_buf(), ..wanted.clone() }.commands().join("\n");
        Command::new("sh").arg("-ec").arg(script).run_checked().unwrap();
        for file in &wanted.files {
            let (left, right) = (one.path().join(&file.path), two.path().join(&file.path));
            assert_eq!(std::fs::read(&left).unwrap(), std::fs::read(&right).unwrap(), "{}", file.path);
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o111;
            assert_eq!(mode(&left), mode(&right), "{}", file.path);
        }
    }
}
