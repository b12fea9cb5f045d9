//! The files of coverage, in the report's folder: each whole or not there, and never those of an earlier run.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::{FOLDER, Forms, Gathered, INDEX_FILE, Merged, XML_FILE, cobertura, html};
use crate::test_suite::report::write::put;

/// What is written, and where.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// The report's folder.
    pub folder: &'a Path,
    /// The workspace's root, for the source.
    pub root: &'a Path,
    /// Which forms.
    pub forms: Forms,
    /// What all pages say.
    pub head: html::Head<'a>,
    /// When the run began, RFC 3339.
    pub started: &'a str,
}

/// Removes those of an earlier run.
///
/// # Errors
/// When one is there and cannot be removed.
pub fn clear(folder: &Path) -> io::Result<()> {
    let fine = |result: io::Result<()>| match result {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    fine(std::fs::remove_file(folder.join(XML_FILE)))?;
    // Only what Wharf writes there: the folder may be one that somebody chose.
    let inside = folder.join(FOLDER);
    let Ok(entries) = std::fs::read_dir(&inside) else { return Ok(()) };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "html" || extension == "json") {
            fine(std::fs::remove_file(path))?;
        }
    }
    Ok(())
}

impl Files<'_> {
    /// Writes what each dir told, by the name of its file, and the merged forms. Gives what could not be written, a line each.
    pub fn write(&self, merged: &Merged, dirs: &[(String, &Gathered)], gaps: &[String]) -> Vec<String> {
        let mut problems = Vec::new();
        let mut note = |result: Result<(), String>| problems.extend(result.err());
        let inside = self.folder.join(FOLDER);
        note(std::fs::create_dir_all(&inside).map_err(|error| format!("cannot make `{}`: {error}", inside.display())));
        for (slug, gathered) in dirs {
            let name = format!("{slug}.json");
            note(self.put(&inside, &name, |out| Ok(serde_json::to_writer(out, gathered)?)));
        }
        if self.forms.xml {
            let root = self.root.display().to_string();
            let millis = self.started.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_millisecond);
            let head = cobertura::Head { root: &root, wharf: self.head.wharf, millis };
            note(self.put(self.folder, XML_FILE, |out| cobertura::write(merged, head, out)));
        }
        if self.forms.html {
            note(self.put(&inside, INDEX_FILE, |out| html::index(merged, self.head, gaps, out)));
            for (path, file) in &merged.files {
                // A file may be gone by now: its numbers stand without its page's text.
                let text = std::fs::read(self.root.join(path)).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                note(self.put(&inside, &html::page_name(path), |out| html::source(path, file, &text, self.head, out)));
            }
        }
        problems
    }

    fn put(
        &self,
        folder: &Path,
        name: &str,
        write: impl FnOnce(&mut io::BufWriter<&std::fs::File>) -> io::Result<()>,
    ) -> Result<(), String> {
        put(folder, name, write).map_err(|failure| format!("{failure}: {}", failure.source))
    }
}
