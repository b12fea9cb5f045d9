//! What is installed in an environment, from its metadata alone.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name as it calls itself.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The packages in the environment at `path`, by name.
#[must_use]
pub fn packages(path: &Path) -> Vec<Package> {
    let mut found: Vec<Package> = site_packages(path)
        .iter()
        .flat_map(|folder| entries(folder))
        .filter(|entry| entry.extension().is_some_and(|extension| extension == "dist-info"))
        .filter_map(|entry| read(&entry.join("METADATA")))
        .collect();
    found.sort_by_cached_key(|package| package.name.to_lowercase());
    found
}

fn site_packages(path: &Path) -> Vec<PathBuf> {
    entries(&path.join("lib")).into_iter().map(|python| python.join("site-packages")).collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = folder.read_dir() else { return Vec::new() };
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}

/// Name and version stand in the head, which an empty line ends.
fn read(metadata: &Path) -> Option<Package> {
    let (mut name, mut version) = (None, None);
    for line in BufReader::new(std::fs::File::open(metadata).ok()?).lines().map_while(Result::ok) {
        match line.split_once(": ") {
            Some(("Name", value)) => name = Some(value.trim().to_owned()),
            Some(("Version", value)) => version = Some(value.trim().to_owned()),
            None if line.trim().is_empty() => break,
            _ => {}
        }
        if name.is_some() && version.is_some() {
            break;
        }
    }
    Some(Package { name: name?, version: version? })
}
