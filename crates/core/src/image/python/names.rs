//! Names of Python packages, extras and groups, and paths without touching the disk.

use std::path::{Component, Path, PathBuf};

/// The normal form of a package, extra or group name: lower case, with runs of `-`, `_` and `.` made one `-`
/// (<https://packaging.python.org/en/latest/specifications/name-normalization/>).
pub fn normalize(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.trim().chars() {
        if matches!(character, '-' | '_' | '.') {
            if !normal.ends_with('-') {
                normal.push('-');
            }
        } else {
            normal.extend(character.to_lowercase());
        }
    }
    normal
}

/// The normalised name that a requirement starts with, and the extras in brackets after it.
/// `None` for options, paths and URLs.
pub fn head(requirement: &str) -> Option<(String, Vec<String>)> {
    let text = requirement.trim_start();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || rest.starts_with(['/', ':', '+', '\\']) {
        return None;
    }
    let extras = rest
        .trim_start()
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or_else(Vec::new, |(extras, _)| split_extras(extras));
    Some((normalize(name), extras))
}

/// `a, b` as normalised names.
pub fn split_extras(text: &str) -> Vec<String> {
    text.split(',').map(normalize).filter(|extra| !extra.is_empty()).collect()
}

/// Whether a requirement brings pytest: pytest itself or one of its plugins.
pub fn brings_pytest(requirement: &str) -> bool {
    head(requirement).is_some_and(|(name, _)| is_pytest(&name))
}

/// Whether a normalised name is pytest's or that of one of its plugins.
pub fn is_pytest(name: &str) -> bool {
    name == "pytest" || name.starts_with("pytest-")
}

/// `path` without `.` and `..`, by its text alone.
pub fn tidy(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                if !tidy.pop() {
                    tidy.push("..");
                }
            }
            other => tidy.push(other),
        }
    }
    tidy
}

/// The way from folder `from` to `to`, both tidy and absolute; `.` where they are one.
pub fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(a, b)| a == b).count();
    let mut way: PathBuf = from.components().skip(shared).map(|_| Component::ParentDir).collect();
    way.extend(to.components().skip(shared));
    if way.as_os_str().is_empty() { PathBuf::from(".") } else { way }
}

/// A relative path with `/` between its parts, as requirement files and archives want it.
pub fn slashed(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalised() {
        assert_eq!(normalize("Foo_.-Bar"), "foo-bar");
        assert_eq!(
            head("Requests[Security, tests] >= 2"),
            Some(("requests".into(), vec!["security".into(), "tests".into()]))
        );
        assert_eq!(head("./wheels/a.whl"), None);
        assert_eq!(head("git+https://example.org/a.git"), None);
        assert_eq!(head("-r other.txt"), None);
        assert!(brings_pytest("pytest_asyncio==1"));
        assert!(!brings_pytest("pytester"));
    }

    #[test]
    fn paths_are_followed_by_text() {
        assert_eq!(tidy(Path::new("/a/b/../c/./d")), Path::new("/a/c/d"));
        assert_eq!(relative(Path::new("/a/b"), Path::new("/a/c/d")), Path::new("../c/d"));
        assert_eq!(relative(Path::new("/a"), Path::new("/a")), Path::new("."));
    }
}
