//! The files of coverage, in the report's folder: each whole or not there, and never those of an earlier run.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
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

/// Names of the files in [`FOLDER`] that Wharf wrote, a line each: it may lie where somebody else keeps such a folder too.
const WRITTEN: &str = ".wharf-wrote";

/// Removes those of an earlier run, and nothing else.
///
/// # Errors
/// When one is there and cannot be removed.
pub fn clear(folder: &Path) -> io::Result<()> {
    let fine = |result: io::Result<()>| match result {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    let xml = folder.join(XML_FILE);
    if is_ours(&xml) {
        fine(std::fs::remove_file(xml))?;
    }
    let inside = folder.join(FOLDER);
    let Ok(names) = std::fs::read_to_string(inside.join(WRITTEN)) else { return Ok(()) };
    for name in names.lines().filter(|name| !name.is_empty() && !name.contains('/') && *name != "..") {
        fine(std::fs::remove_file(inside.join(name)))?;
    }
    fine(std::fs::remove_file(inside.join(WRITTEN)))
}

/// Whether a `coverage.xml` was written by Wharf: other tools call theirs so too.
fn is_ours(xml: &Path) -> bool {
    let mut head = Vec::new();
    let read = std::fs::File::open(xml).and_then(|file| file.take(1024).read_to_end(&mut head));
    read.is_ok() && String::from_utf8_lossy(&head).contains(" version=\"wharf ")
}

impl Files<'_> {
    /// Writes what each dir told, by the name of its file, and the merged forms. Gives what could not be written, a line each.
    pub fn write(&self, merged: &Merged, dirs: &[(String, &Gathered)], gaps: &[String]) -> Vec<String> {
        let mut problems = Vec::new();
        let mut note = |result: Result<(), String>| problems.extend(result.err());
        let inside = self.folder.join(FOLDER);
        let written = RefCell::new(String::new());
        let put = |name: &str, write: Body<'_>| {
            written.borrow_mut().push_str(&format!("{name}\n"));
            self.put(&inside, name, write)
        };
        note(std::fs::create_dir_all(&inside).map_err(|error| format!("cannot make `{}`: {error}", inside.display())));
        for (slug, gathered) in dirs {
            let name = format!("{slug}.json");
            note(put(&name, &|out| Ok(serde_json::to_writer(out, gathered)?)));
        }
        if self.forms.xml {
            let root = self.root.display().to_string();
            let millis = self.started.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_millisecond);
            let head = cobertura::Head { root: &root, wharf: self.head.wharf, millis };
            note(self.put(self.folder, XML_FILE, &|out| cobertura::write(merged, head, out)));
        }
        if self.forms.html {
            note(put(INDEX_FILE, &|out| html::index(merged, self.head, gaps, out)));
            for (path, file) in &merged.files {
                // A file may be gone by now: its numbers stand without its page's text.
                let text = std::fs::read(self.root.join(path)).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                note(put(&html::page_name(path), &|out| html::source(path, file, &text, self.head, out)));
            }
        }
        let written = written.into_inner();
        note(self.put(&inside, WRITTEN, &|out| out.write_all(written.as_bytes())));
        problems
    }

    fn put(&self, folder: &Path, name: &str, write: Body<'_>) -> Result<(), String> {
        put(folder, name, write).map_err(|failure| format!("{failure}: {}", failure.source))
    }
}

/// What writes one file.
type Body<'b> = &'b dyn Fn(&mut io::BufWriter<&std::fs::File>) -> io::Result<()>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_keep_under_the_same_names_stays() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join(FOLDER);
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(inside.join("index.html"), "of another tool").unwrap();
        std::fs::write(folder.path().join(XML_FILE), "<coverage version=\"7.6\">").unwrap();
        clear(folder.path()).unwrap();
        assert!(inside.join("index.html").is_file() && folder.path().join(XML_FILE).is_file());

        let mut gathered = Gathered::default();
        gathered.file("infra/a.py".into(), "1", "2", Vec::new());
        let merged = Merged::of([&gathered].into_iter(), |_| None);
        let files = Files {
            folder: folder.path(),
            root: folder.path(),
            forms: Forms { html: true, xml: true },
            head: html::Head { workspace: "w", run: 1, wharf: "0.1.0" },
            started: "2026-11-22T14:37:00Z",
        };
        std::fs::write(inside.join("notes.html"), "mine").unwrap();
        assert_eq!(files.write(&merged, &[("infra".into(), &gathered)], &[]), [""; 0]);
        let count = || std::fs::read_dir(&inside).unwrap().count();
        assert_eq!(count(), 5, "data, index, a page, the list, and what was there");
        assert!(std::fs::read_to_string(folder.path().join(XML_FILE)).unwrap().contains("timestamp=\"1795358220000\""));
        clear(folder.path()).unwrap();
        assert_eq!(count(), 1);
        assert!(!folder.path().join(XML_FILE).exists());
    }
}
