//! Files that Wharf writes into a repo for other programs: workflows, editors' settings.
//!
//! Owns how such a file is told from one that somebody has changed, and that nobody's changes are lost. Refuses to know what stands in
//! them.
//!
//! # Theory of operation
//! A file says near its top `content 0123456789abcdef`: a hash of the whole text with zeros in that place. A file that hashes to what it
//! says is as Wharf wrote it, by whatever version, and may be written anew; any other belongs to whoever changed it.
//! Files that are merged into ([`Generated::merged`]) carry no such mark: nothing of theirs is ever taken away.

mod error;

use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub use error::GeneratedError;

/// What stands in the text where the hash goes.
pub const MARK: &str = "content 0000000000000000";
const LENGTH: usize = 16;
/// Lines in which the mark is looked for.
const TOP: usize = 4;

/// A file as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub text: String,
    /// Whether it is a program.
    pub executable: bool,
    merged: bool,
}

/// How a file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is not there.
    Missing,
    /// It is as it is to be.
    Same,
    /// It is as Wharf once wrote it, or lacks something that is merged into it.
    Stale {
        /// From what is there to what is to be.
        diff: String,
    },
    /// Somebody has changed it.
    Edited {
        /// From what is there to what is to be.
        diff: String,
    },
}

impl Generated {
    /// A file of which all is Wharf's; `text` holds [`MARK`] in one of its first lines.
    #[must_use]
    pub fn new(path: PathBuf, text: &str) -> Self {
        Self { path, text: sealed(text), executable: false, merged: false }
    }

    /// A file that holds others' text too: `text` is what was there with what was lacking.
    #[must_use]
    pub fn merged(path: PathBuf, text: String) -> Self {
        Self { path, text, executable: false, merged: true }
    }

    /// Makes it a program.
    #[must_use]
    pub fn executable(mut self) -> Self {
        self.executable = true;
        self
    }

    /// How it stands on disk.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn standing(&self) -> Result<Standing, GeneratedError> {
        let bytes = match fs_err::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Standing::Missing),
            Err(source) => return Err(GeneratedError::Io { file: self.path.clone(), source }),
        };
        let there = String::from_utf8_lossy(&bytes);
        if bytes == self.text.as_bytes() && (!self.executable || is_executable(&self.path)) {
            return Ok(Standing::Same);
        }
        let diff = self.diff(&there);
        Ok(if self.merged || is_sealed(&there) { Standing::Stale { diff } } else { Standing::Edited { diff } })
    }

    fn diff(&self, there: &str) -> String {
        let name = self.path.display();
        let (old, new) = (format!("{name} (there)"), format!("{name} (generated)"));
        let mut options = diffy::DiffOptions::new();
        options.set_original_filename(old).set_modified_filename(new);
        options.create_patch(there, &self.text).to_string()
    }

    /// Writes it, whole or not at all, whatever is there.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self) -> Result<(), GeneratedError> {
        self.try_write().map_err(|source| GeneratedError::Io { file: self.path.clone(), source })
    }

    fn try_write(&self) -> std::io::Result<()> {
        // A link stays one: what it leads to is written.
        let path = self.path.canonicalize().unwrap_or_else(|_| self.path.clone());
        let folder = path.parent().unwrap_or(Path::new("/"));
        fs_err::create_dir_all(folder)?;
        let mode = if self.executable { 0o777 } else { 0o666 };
        let mut fresh = tempfile::Builder::new()
            .prefix(".wharf-")
            .permissions(PermissionsExt::from_mode(mode))
            .tempfile_in(folder)?;
        fresh.write_all(self.text.as_bytes())?;
        fresh.persist(&path).map_err(|error| error.error)?;
        Ok(())
    }

    /// The commands that would write it, to be pasted.
    #[must_use]
    pub fn commands(&self) -> String {
        let quoted = |path: &Path| wharf_process::Command::new(path).to_string();
        let (folder, file) = (quoted(self.path.parent().unwrap_or(Path::new("/"))), quoted(&self.path));
        let program = if self.executable { format!("chmod +x {file}\n") } else { String::new() };
        format!("mkdir -p {folder}\ncat > {file} <<'WHARF_END'\n{}WHARF_END\n{program}", self.text)
    }
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

/// Puts the hash of the text in the place of the zeros.
fn sealed(text: &str) -> String {
    text.replacen(MARK, &format!("content {}", hash(text)), 1)
}

/// Whether a text is as it was written.
fn is_sealed(text: &str) -> bool {
    let top: usize = text.split_inclusive('\n').take(TOP).map(str::len).sum();
    let Some(at) = text[..top].find("content ").map(|at| at + "content ".len()) else { return false };
    let Some(said) = text.get(at..at + LENGTH) else { return false };
    let zeroed = format!("{}{}{}", &text[..at], "0".repeat(LENGTH), &text[at + LENGTH..]);
    hash(&zeroed) == said
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..LENGTH].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# By Wharf (content 0000000000000000).\na: 1\n";

    fn file(text: &str) -> (tempfile::TempDir, Generated) {
        let folder = tempfile::tempdir().unwrap();
        let file = Generated::new(folder.path().join("below/it.yaml"), text);
        (folder, file)
    }

    #[test]
    fn what_was_written_may_be_written_anew() {
        let (_folder, file) = file(TEXT);
        assert_eq!(file.standing().unwrap(), Standing::Missing);
        file.write().unwrap();
        assert_eq!(file.standing().unwrap(), Standing::Same);
        let newer = Generated::new(file.path.clone(), &TEXT.replace("a: 1", "a: 2"));
        let Standing::Stale { diff } = newer.standing().unwrap() else { panic!("it was not changed by anybody") };
        assert!(diff.contains("\n-a: 1\n") && diff.contains("\n+a: 2\n"), "{diff}");
        newer.write().unwrap();
        assert_eq!(newer.standing().unwrap(), Standing::Same);
    }

    #[test]
    fn a_change_by_hand_is_seen_wherever_it_is() {
        let (_folder, file) = file(TEXT);
        file.write().unwrap();
        let written = fs_err::read_to_string(&file.path).unwrap();
        let newer = Generated::new(file.path.clone(), &TEXT.replace("a: 1", "a: 2"));
        let changed = ["a: 1\n", "", "# content 12\n", "# content 0000000000000000é\n"].map(str::to_owned);
        let above = [format!("{written}# more\n"), written.replace("By", "by"), format!("\n{written}")];
        for text in changed.into_iter().chain(above) {
            fs_err::write(&file.path, &text).unwrap();
            assert!(matches!(newer.standing().unwrap(), Standing::Edited { .. }), "{text:?}");
        }
    }

    #[test]
    fn programs_and_merged_files() {
        let (_folder, file) = file(TEXT);
        let program = file.clone().executable();
        program.write().unwrap();
        assert_eq!(program.standing().unwrap(), Standing::Same);
        assert!(program.commands().contains("chmod +x"), "{}", program.commands());
        let merged = Generated::merged(file.path.clone(), "theirs\nours\n".into());
        fs_err::write(&file.path, "theirs\n").unwrap();
        assert!(matches!(merged.standing().unwrap(), Standing::Stale { .. }));
    }
}
