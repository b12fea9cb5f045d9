//! What `uv.lock` and `poetry.lock` say: packages, what each needs, and which of them are folders of the repo.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

use super::Error;
use super::manifest::parse;
use super::names::normalize;

/// One locked package.
#[derive(Debug, Clone, Default)]
pub(super) struct Locked {
    /// Normalised names of what it needs, extras included.
    pub needs: BTreeSet<String>,
    /// Normalised names of what each of its own groups and extras brings (uv, for the repo's own packages).
    pub groups: BTreeMap<String, BTreeSet<String>>,
    /// A folder of the repo that it is installed from, as written in the lock.
    pub folder: Option<String>,
    /// An archive in the repo that it is installed from.
    pub archive: Option<String>,
}

/// A parsed lock.
#[derive(Debug, Default)]
pub(super) struct Lock {
    /// Packages by normalised name; entries for other platforms or versions are merged.
    pub packages: BTreeMap<String, Locked>,
}

impl Lock {
    /// Parses either format.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Error> {
        let table = parse(path, text)?;
        let mut lock = Self::default();
        for package in table.get("package").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
        {
            let Some(name) = package.get("name").and_then(Value::as_str) else {
                continue;
            };
            let locked = lock.packages.entry(normalize(name)).or_default();
            read_needs(package, locked);
            read_source(package, locked);
        }
        Ok(lock)
    }

    /// Everything that these names lead to, themselves included.
    pub fn reach(&self, names: impl IntoIterator<Item = String>) -> BTreeSet<String> {
        let mut open: Vec<String> = names.into_iter().collect();
        let mut found = BTreeSet::new();
        while let Some(name) = open.pop() {
            if let Some(locked) = self.packages.get(&name).filter(|_| !found.contains(&name)) {
                open.extend(locked.needs.iter().cloned());
            }
            found.insert(name);
        }
        found
    }
}

fn read_needs(package: &Table, locked: &mut Locked) {
    // uv: a list of tables. Poetry: a table by name.
    match package.get("dependencies") {
        Some(Value::Table(by_name)) => locked.needs.extend(by_name.keys().map(|name| normalize(name))),
        Some(list) => locked.needs.extend(names(list)),
        None => {}
    }
    let is_own = package
        .get("source")
        .is_some_and(|source| ["editable", "virtual", "directory"].iter().any(|kind| source.get(kind).is_some()));
    for key in ["optional-dependencies", "dev-dependencies"] {
        for (group, list) in package.get(key).and_then(Value::as_table).into_iter().flatten() {
            if is_own {
                locked.groups.entry(normalize(group)).or_default().extend(names(list));
            } else {
                locked.needs.extend(names(list));
            }
        }
    }
}

fn read_source(package: &Table, locked: &mut Locked) {
    let Some(source) = package.get("source").and_then(Value::as_table) else {
        return;
    };
    let text = |key: &str| source.get(key).and_then(Value::as_str).map(str::to_owned);
    // uv has the path as the value of its kind, Poetry a `type` and a `url`.
    let (kind, url) = (text("type"), text("url"));
    locked.folder = text("editable")
        .or_else(|| text("directory"))
        .or_else(|| text("virtual"))
        .or_else(|| url.clone().filter(|_| kind.as_deref() == Some("directory")));
    locked.archive = text("path").or_else(|| url.filter(|_| kind.as_deref() == Some("file")));
}

fn names(list: &Value) -> impl Iterator<Item = String> {
    let entries = list.as_array().map_or(&[][..], Vec::as_slice);
    entries.iter().filter_map(|entry| entry.get("name").and_then(Value::as_str)).map(normalize)
}

/// `uv.lock` with the versions of the repo's own packages made `0`: they decide nothing, and change at each release.
pub(super) fn without_own_versions(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut version_at = None;
    for line in text.split_inclusive('\n') {
        if line.starts_with("[[package]]") {
            version_at = None;
        } else if line.starts_with("version = ") && out.last().is_some_and(|before| before.starts_with("name = ")) {
            version_at = Some(out.len());
        } else if ["editable", "virtual", "directory"]
            .iter()
            .any(|kind| line.starts_with(&format!("source = {{ {kind} = ")))
            && let Some(at) = version_at.take()
        {
            out[at] = "version = \"0\"\n".into();
        }
        out.push(line.to_owned());
    }
    out.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UV: &str = r#"version = 1

[[package]]
name = "demo"
version = "1.4.0"
source = { editable = "." }
dependencies = [{ name = "lib" }]

[package.dev-dependencies]
test = [{ name = "pytest-mock" }]

[[package]]
name = "lib"
version = "2.0"
source = { editable = "../lib" }
dependencies = [{ name = "idna" }]

[[package]]
name = "idna"
version = "3.0"
source = { registry = "https://pypi.org/simple" }
"#;

    #[test]
    fn reads_what_leads_where() {
        let lock = Lock::parse(Path::new("uv.lock"), UV).unwrap();
        assert_eq!(lock.packages["lib"].folder.as_deref(), Some("../lib"));
        assert_eq!(lock.reach(["demo".to_owned()]), BTreeSet::from(["demo", "lib", "idna"].map(str::to_owned)));
        assert!(lock.packages["demo"].groups["test"].contains("pytest-mock"));
    }

    #[test]
    fn own_versions_are_dropped() {
        let text = without_own_versions(UV);
        assert_eq!(text.matches("version = \"0\"").count(), 2);
        assert!(text.contains("version = \"3.0\"") && text.starts_with("version = 1\n"));
        assert_eq!(text, without_own_versions(&UV.replace("1.4.0", "1.5.0")));
    }
}
