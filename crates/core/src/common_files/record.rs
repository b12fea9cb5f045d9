//! `wharf.files.lock`: what each common file was when it was last equal on both sides. A line a file, sorted by path, kept in Git
//! beside the `wharf.toml` that declares them; so Git merges it like any text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::error::FilesError;
use super::version::Version;

/// Name of the record, at the declaring repo's root.
pub const RECORD: &str = "wharf.files.lock";

const HEAD: &str =
    "# Written by `wharf files`; keep it in Git. A line a file: path, owner, path there, mode, content, commit.\n";

/// The record of one repo.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    lines: BTreeMap<String, Recorded>,
}

/// One file's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The owner's path from the super-repo's root; empty for the super-repo.
    pub owner: String,
    /// The file's path in the owner.
    pub source: String,
    /// What both were; `None` for a link.
    pub version: Option<Version>,
    /// The owner's commit that had it.
    pub commit: String,
}

impl Record {
    /// Reads the record of the repo at `root`; `shown` names it in messages.
    ///
    /// # Errors
    /// When it cannot be read, or a line is none: conflict markers, a path twice.
    pub fn read(root: &Path, shown: &str) -> Result<Self, FilesError> {
        let file = root.join(RECORD);
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(&text, shown),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(FilesError::read(&file)(error)),
        }
    }

    fn parse(text: &str, shown: &str) -> Result<Self, FilesError> {
        let mut lines = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let wrong = |reason| FilesError::Record { file: shown.to_owned(), line: number + 1, reason };
            if line.starts_with('#') || line.is_empty() {
                continue;
            }
            if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|marker| line.starts_with(marker)) {
                return Err(wrong("a conflict marker"));
            }
            let (path, recorded) = parse_line(line).ok_or_else(|| wrong("not a line of `wharf files`"))?;
            if lines.insert(path, recorded).is_some() {
                return Err(wrong("a path that stands in a line above too"));
            }
        }
        Ok(Self { lines })
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = HEAD.to_owned();
        for (path, recorded) in &self.lines {
            let Recorded { owner, source, version, commit } = recorded;
            let (mode, id) =
                version.as_ref().map_or((0o120_000, "link"), |version| (version.mode(), version.id.as_str()));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{path}\t//{owner}\t{source}\t{mode:o}\t{id}\t{commit}");
        }
        text
    }

    /// The line of a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Recorded> {
        self.lines.get(path)
    }

    /// All lines, by path.
    pub fn lines(&self) -> impl Iterator<Item = (&str, &Recorded)> {
        self.lines.iter().map(|(path, recorded)| (path.as_str(), recorded))
    }

    /// Sets or drops the line of a path.
    pub fn set(&mut self, path: &str, recorded: Option<Recorded>) {
        match recorded {
            Some(recorded) => self.lines.insert(path.to_owned(), recorded),
            None => self.lines.remove(path),
        };
    }

    /// Whether it has no lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

fn parse_line(line: &str) -> Option<(String, Recorded)> {
    let fields: Vec<&str> = line.split('\t').collect();
    let [path, owner, source, mode, id, commit] = fields[..] else { return None };
    let version = match mode {
        "100644" | "100755" => Some(Version { id: id.to_owned(), executable: mode == "100755" }),
        "120000" => None,
        _ => return None,
    };
    let is_id = |text: &str| matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let good = is_id(commit) && version.as_ref().is_none_or(|version| is_id(&version.id));
    let inside = |path: &str| !path.starts_with('/') && !path.split('/').any(|part| matches!(part, "" | ".." | ".git"));
    let owner = owner.strip_prefix("//")?;
    let recorded = Recorded { owner: owner.into(), source: source.into(), version, commit: commit.into() };
    (good && inside(path) && inside(source)).then(|| (path.to_owned(), recorded))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(path: &str, letter: char) -> String {
        let id = letter.to_string().repeat(40);
        format!("{path}\t//helpers\t{path}\t100644\t{id}\t{id}\n")
    }

    #[test]
    fn refuses_what_a_merge_left() {
        let told = |text: &str| Record::parse(text, "x/wharf.files.lock").unwrap_err().to_string();
        let conflict = format!("{}<<<<<<< HEAD\n{}", line("a", 'a'), line("b", 'b'));
        assert_eq!(told(&conflict), "`x/wharf.files.lock`, line 2: a conflict marker");
        assert!(told(&format!("{}{}", line("a", 'a'), line("a", 'b'))).contains("line 2: a path that stands"));
        for bad in ["a\tb\n", &line("../a", 'a'), &line("/a", 'a'), &line("a/.git/x", 'a'), &line("a", 'x')] {
            assert!(told(bad).contains("line 1: not a line"), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(paths in proptest::collection::btree_set("[a-z ü]{1,5}(/[a-zA-Z.]{3,6}x)?", 0..8), executable: bool) {
            let mut record = Record::default();
            for path in &paths {
                let id = "ab".repeat(20);
                let version = (path.len() % 2 == 0).then(|| Version { id: id.clone(), executable });
                record.set(path, Some(Recorded { owner: String::new(), source: format!("s/{path}"), version, commit: id }));
            }
            prop_assert_eq!(Record::parse(&record.text(), "x").unwrap(), record);
        }
    }
}
