//! Requirements files: carries each one, and all that it includes, as it is.
//!
//! Only what an image cannot have is taken out: a line for a folder (`-e .`, `-e ../other`) becomes a comment, since
//! that code is mounted and made importable in another way. Every other byte stays, so hashes hold.
//! Format: <https://pip.pypa.io/en/stable/reference/requirements-file-format/>.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Error;
use super::manifest::read_bytes;
use super::names::{head, split_extras, tidy};

/// A folder that a requirements file wants installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalDir {
    /// Tidy and absolute.
    pub dir: PathBuf,
    /// The extras asked of it.
    pub extras: Vec<String>,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// Content by tidy absolute path.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// Normalised names of the requirements in each file itself, includes not counted.
    pub names: BTreeMap<PathBuf, Vec<String>>,
    /// Files that each file includes with `-r`.
    pub includes: BTreeMap<PathBuf, Vec<PathBuf>>,
    /// Folders wanted, by the file that wants them.
    pub local: BTreeMap<PathBuf, Vec<LocalDir>>,
    /// Files in which a requirement has a hash.
    pub hashed: Vec<PathBuf>,
}

/// One line as pip joins them, with where it stands.
struct Logical {
    text: String,
    first: usize,
    last: usize,
}

impl Carried {
    /// Carries `file` and what it includes. `bases` are the folders that pip may be meant to be run in, from which it reads paths to packages;
    /// `stop_at` the root of the repo.
    pub fn add(&mut self, file: &Path, bases: &[&Path], stop_at: &Path) -> Result<(), Error> {
        if self.files.contains_key(file) {
            return Ok(());
        }
        let bytes = read_bytes(file)?;
        self.files.insert(file.to_owned(), bytes.clone());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut dropped = Vec::new();
        for line in logical_lines(&text) {
            if self.line(file, bases, stop_at, &line)? == Kept::No {
                dropped.push((line.first, line.last));
            }
        }
        if !dropped.is_empty() {
            self.files.insert(file.to_owned(), comment_out(&text, &dropped).into_bytes());
        }
        Ok(())
    }

    /// The files that `file` leads to over `-r`, itself first.
    pub fn closure(&self, file: &Path) -> Vec<PathBuf> {
        let mut found = vec![file.to_owned()];
        let mut next = 0;
        while let Some(current) = found.get(next).cloned() {
            for included in self.includes.get(&current).into_iter().flatten() {
                if !found.contains(included) {
                    found.push(included.clone());
                }
            }
            next += 1;
        }
        found
    }

    fn line(&mut self, file: &Path, bases: &[&Path], stop_at: &Path, line: &Logical) -> Result<Kept, Error> {
        let text = line.text.trim();
        let outside =
            |target: &str| Error::Outside { file: file.to_owned(), line: line.first, target: target.to_owned() };
        let missing =
            |target: &str| Error::Missing { file: file.to_owned(), line: line.first, target: target.to_owned() };
        if let Some((option, target)) = file_option(text) {
            if target.contains("://") {
                return Ok(Kept::Yes);
            }
            let path = tidy(&file.with_file_name("").join(target));
            if !path.starts_with(stop_at) {
                return Err(outside(target));
            }
            if option == FileOption::FindLinks {
                self.add_folder(&path)?;
                return Ok(Kept::Yes);
            }
            if !path.is_file() {
                return Err(missing(target));
            }
            if option == FileOption::Requirement {
                self.includes.entry(file.to_owned()).or_default().push(path.clone());
            }
            self.add(&path, bases, stop_at)?;
            return Ok(Kept::Yes);
        }
        let (editable, wanted) = match option_value(text, "-e", "--editable") {
            Some(wanted) => (true, wanted),
            None => (false, text),
        };
        if wanted.starts_with('-') || wanted.contains("${") {
            return Ok(Kept::Yes);
        }
        if wanted.contains(" --hash") {
            self.hashed.push(file.to_owned());
        }
        let Some((target, extras)) = local_target(wanted, editable) else {
            if let Some((name, _)) = head(wanted) {
                self.names.entry(file.to_owned()).or_default().push(name);
            }
            return Ok(Kept::Yes);
        };
        let path = resolve(bases, &target);
        if !path.starts_with(stop_at) {
            return Err(outside(&target));
        }
        if path.is_dir() {
            self.local.entry(file.to_owned()).or_default().push(LocalDir { dir: path, extras });
            return Ok(Kept::No);
        }
        if !path.is_file() {
            return Err(missing(&target));
        }
        let bytes = read_bytes(&path)?;
        self.files.insert(path, bytes);
        Ok(Kept::Yes)
    }

    /// The packages in a `--find-links` folder; nothing where it is not there, as pip itself only warns.
    fn add_folder(&mut self, folder: &Path) -> Result<(), Error> {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Ok(());
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_file() {
                let bytes = read_bytes(&path)?;
                self.files.insert(path, bytes);
            }
        }
        Ok(())
    }
}

/// The first of the folders from which `target` is an archive or a package, else what it is from the first one.
fn resolve(bases: &[&Path], target: &str) -> PathBuf {
    let paths: Vec<PathBuf> = bases.iter().map(|base| tidy(&base.join(target))).collect();
    let is_package = |path: &&PathBuf| {
        path.is_file() || ["pyproject.toml", "setup.py", "setup.cfg"].iter().any(|name| path.join(name).is_file())
    };
    paths.iter().find(is_package).or(paths.first()).cloned().unwrap_or_default()
}

#[derive(PartialEq, Eq)]
enum Kept {
    Yes,
    No,
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum FileOption {
    Requirement,
    Constraint,
    FindLinks,
}

fn file_option(text: &str) -> Option<(FileOption, &str)> {
    [
        (FileOption::Requirement, "-r", "--requirement"),
        (FileOption::Constraint, "-c", "--constraint"),
        (FileOption::FindLinks, "-f", "--find-links"),
    ]
    .into_iter()
    .find_map(|(option, short, long)| option_value(text, short, long).map(|value| (option, value)))
}

/// The value of an option, in any way in which it can be written.
fn option_value<'t>(text: &'t str, short: &str, long: &str) -> Option<&'t str> {
    let rest = text.strip_prefix(long).filter(|rest| rest.starts_with(['=', ' ', '\t']));
    let rest = rest.or_else(|| text.strip_prefix(short).filter(|_| !text.starts_with("--")))?;
    let value = rest.trim_start_matches(['=', ' ', '\t']).trim();
    Some(value.trim_matches(['"', '\''])).filter(|value| !value.is_empty())
}

/// The path and extras in a line that names a file or folder; `None` for names and URLs.
fn local_target(wanted: &str, editable: bool) -> Option<(String, Vec<String>)> {
    let bare = wanted.split([';', ' ']).next().unwrap_or_default();
    let bare = bare.strip_prefix("file:").map_or(bare, |path| path.trim_start_matches("//"));
    let (path, extras) = match bare.strip_suffix(']').and_then(|rest| rest.split_once('[')) {
        Some((path, extras)) => (path, split_extras(extras)),
        None => (bare, Vec::new()),
    };
    let is_url = path.contains("://") || path.starts_with("git+");
    let is_archive = [".whl", ".tar.gz", ".zip"].iter().any(|end| path.ends_with(end));
    let is_path = editable || path.starts_with('.') || path.starts_with('/') || path.contains('/') || is_archive;
    (is_path && !is_url).then(|| (path.to_owned(), extras))
}

/// Lines as pip joins them: a backslash continues, ` #` starts a comment.
fn logical_lines(text: &str) -> Vec<Logical> {
    let mut lines: Vec<Logical> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let comment =
            if line.trim_start().starts_with('#') { Some(0) } else { line.find(" #").or_else(|| line.find("\t#")) };
        let code = comment.map_or(line, |at| &line[..at]);
        let continues = code.trim_end().ends_with('\\');
        let code = code.trim_end().trim_end_matches('\\');
        match lines.last_mut() {
            Some(last) if open => {
                last.text.push_str(code);
                last.last = number;
            }
            _ => lines.push(Logical { text: code.to_owned(), first: number, last: number }),
        }
        open = continues;
    }
    lines.retain(|line| !line.text.trim().is_empty());
    lines
}

/// `text` with these ranges of lines made comments.
fn comment_out(text: &str, ranges: &[(usize, usize)]) -> String {
    let lines = text.split_inclusive('\n').enumerate();
    let out = lines.map(|(index, line)| {
        let inside = ranges.iter().any(|(first, last)| (*first..=*last).contains(&(index + 1)));
        // A comment must not end in a backslash: pip joins lines first.
        if inside { format!("# importable without installing: {}", line.replace('\\', "")) } else { line.to_owned() }
    });
    out.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    fn carry(root: &Path, file: &str, stop_at: &Path) -> Result<Carried, Error> {
        let mut carried = Carried::default();
        carried.add(&root.join(file), &[root], stop_at)?;
        Ok(carried)
    }

    #[test]
    fn includes_are_followed_and_bytes_kept() {
        let hashed = "a==1 \\\r\n    --hash=sha256:00  # why\r\n";
        let root = tree(&[
            ("requirements.txt", "-r sub/more.txt\n-cpins.txt\nb\n"),
            ("sub/more.txt", hashed),
            ("pins.txt", "a==1\n"),
        ]);
        let carried = carry(root.path(), "requirements.txt", root.path()).unwrap();
        assert_eq!(carried.files.len(), 3);
        assert_eq!(carried.files[&root.path().join("sub/more.txt")], hashed.as_bytes());
        assert_eq!(carried.closure(&root.path().join("requirements.txt")).len(), 2, "constraints are not requirements");
        assert_eq!(carried.hashed, [root.path().join("sub/more.txt")]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let root = tree(&[
            ("a.txt", "x\n\n-r gone.txt\n"),
            ("b.txt", "--requirement=../../up.txt\n"),
            ("c.txt", "-e ../../other\n"),
        ]);
        let message = |file| carry(root.path(), file, root.path()).unwrap_err().to_string();
        assert!(message("a.txt").ends_with("a.txt`, line 3: `gone.txt` does not exist"), "{}", message("a.txt"));
        assert!(message("b.txt").ends_with("b.txt`, line 1: `../../up.txt` lies outside of the repo"));
        assert!(message("c.txt").ends_with("c.txt`, line 1: `../../other` lies outside of the repo"));
    }

    #[test]
    fn folders_are_taken_out_and_archives_carried() {
        let text = "-e .[test]\nrequests\n./lib\n./wheels/x-1-py3-none-any.whl\n-e git+https://example.org/a.git#egg=a\nhttps://example.org/b.whl\n";
        let root =
            tree(&[("requirements.txt", text), ("lib/pyproject.toml", ""), ("wheels/x-1-py3-none-any.whl", "zip")]);
        let file = root.path().join("requirements.txt");
        let carried = carry(root.path(), "requirements.txt", root.path()).unwrap();
        let local = &carried.local[&file];
        assert_eq!(local[0], LocalDir { dir: root.path().to_owned(), extras: vec!["test".into()] });
        assert_eq!(local[1].dir, root.path().join("lib"));
        assert!(carried.files.contains_key(&root.path().join("wheels/x-1-py3-none-any.whl")));
        assert_eq!(carried.names[&file], ["requests"]);
        let kept = String::from_utf8(carried.files[&file].clone()).unwrap();
        assert!(kept.starts_with("# importable without installing: -e .[test]\nrequests\n# importable"), "{kept}");
    }
}
