//! `interpreters.json`: what the Python programs seen so far are, so that they need not be started again.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::interpreter::{Interpreter, is_direct};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    /// Time of change, in nanoseconds.
    changed: i128,
    size: u64,
    interpreter: Interpreter,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Contents {
    #[serde(default)]
    programs: BTreeMap<String, Entry>,
    /// Where uv said that a wanted version is.
    #[serde(default)]
    from_uv: BTreeMap<String, PathBuf>,
}

/// The file, read when first needed and written when something new was learnt.
#[derive(Debug)]
pub(super) struct Known {
    file: PathBuf,
    contents: Contents,
}

impl Known {
    /// Reads it. A file that is missing or damaged counts as empty.
    pub(super) fn load(cache: &Path) -> Self {
        let file = cache.join("interpreters.json");
        let contents =
            fs_err::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { file, contents }
    }

    /// What the program at `path` is, from memory where that file has not changed, else by asking it.
    pub(super) fn interpreter(&mut self, path: &Path) -> Option<Interpreter> {
        let real = path.canonicalize().ok()?;
        let metadata = real.metadata().ok()?;
        if !metadata.is_file() || metadata.mode() & 0o111 == 0 {
            return None;
        }
        let changed = changed(&metadata);
        let name = real.to_str();
        if let Some(entry) = name.and_then(|name| self.contents.programs.get(name))
            && entry.changed == changed
            && entry.size == metadata.len()
            && entry.interpreter.path.exists()
        {
            return Some(entry.interpreter.clone());
        }
        if !is_direct(&real) {
            return Interpreter::ask(path);
        }
        let interpreter = Interpreter::ask(&real)?;
        if let Some(name) = name {
            let entry = Entry { changed, size: metadata.len(), interpreter: interpreter.clone() };
            self.contents.programs.insert(name.to_owned(), entry);
            self.save();
        }
        Some(interpreter)
    }

    /// Where uv last found the wanted version.
    pub(super) fn found_by_uv(&self, wanted: &str) -> Option<PathBuf> {
        self.contents.from_uv.get(wanted).cloned()
    }

    /// Remembers where uv found the wanted version.
    pub(super) fn learn_from_uv(&mut self, wanted: &str, path: &Path) {
        self.contents.from_uv.insert(wanted.to_owned(), path.to_owned());
        self.save();
    }

    /// A cache that cannot be written only makes the next look slower.
    fn save(&self) {
        let Some(folder) = self.file.parent() else { return };
        let written = fs_err::create_dir_all(folder).and_then(|()| {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            serde_json::to_writer_pretty(&mut file, &self.contents)?;
            file.flush()?;
            file.persist(&self.file).map_err(|error| error.error)
        });
        drop(written);
    }
}

fn changed(metadata: &Metadata) -> i128 {
    i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec())
}
