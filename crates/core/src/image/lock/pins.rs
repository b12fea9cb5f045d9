//! What locks say, as versions by name; and the writing of pip's lock and of the list of what an image holds.

use toml::{Table, Value};

use crate::image::change::{Versions, add};
use crate::image::python::Manager;
use crate::image::python::names::normalize;

/// First line of pip's lock.
const HEADING: &str = "# Written by `wharf image lock`: the versions that images of this dir get. What they get at all is stated in the files\n\
                       # that people write; change those, then run it again.\n";

/// Versions in the text of a lock; what cannot be read has none.
pub(super) fn read(manager: Manager, text: &str) -> Versions {
    match manager {
        Manager::Uv | Manager::Poetry => tables(text),
        Manager::Pip | Manager::None => lines(text),
    }
}

/// `[[package]]` tables of uv and Poetry, without packages that are folders of the repo.
fn tables(text: &str) -> Versions {
    let mut versions = Versions::new();
    let Ok(table) = toml::from_str::<Table>(text) else { return versions };
    let packages = table.get("package").and_then(Value::as_array).into_iter().flatten();
    for package in packages.filter_map(Value::as_table) {
        let source = package.get("source").and_then(Value::as_table);
        let is_folder = source.is_some_and(|source| {
            ["editable", "virtual", "directory"].iter().any(|kind| source.contains_key(*kind))
                || source.get("type").and_then(Value::as_str) == Some("directory")
        });
        let text = |key: &str| package.get(key).and_then(Value::as_str);
        if let (false, Some(name), Some(version)) = (is_folder, text("name"), text("version")) {
            add(&mut versions, normalize(name), version);
        }
    }
    versions
}

/// `name==version` lines.
fn lines(text: &str) -> Versions {
    let mut versions = Versions::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if let Some((name, version)) = line.split_once("==") {
            add(&mut versions, normalize(name), version.trim());
        }
    }
    versions
}

/// `name==version` lines, as constraints.
pub(super) fn constraints(versions: &Versions) -> String {
    versions.iter().map(|(name, version)| format!("{name}=={version}\n")).collect()
}

/// The text of pip's lock. `direct` are packages that are asked for by address: a constraint cannot hold them.
pub(super) fn pip_lock(versions: &Versions, direct: &Versions) -> String {
    let mut text = HEADING.to_owned();
    text.push_str(&constraints(versions));
    for (name, version) in direct {
        text.push_str(&format!("# asked for by address, which alone decides: {name} {version}\n"));
    }
    text
}

/// The text of the list of what an image holds.
pub(super) fn list(versions: &Versions) -> String {
    versions.iter().map(|(name, version)| format!("{name} {version}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_read_without_the_repos_own_packages() {
        let uv = "version = 1\n[[package]]\nname = \"demo\"\nversion = \"1\"\nsource = { virtual = \".\" }\n\
                  [[package]]\nname = \"Six\"\nversion = \"1.16.0\"\nsource = { registry = \"x\" }\n\
                  [[package]]\nname = \"six\"\nversion = \"1.15.0\"\n";
        assert_eq!(read(Manager::Uv, uv), Versions::from([("six".into(), "1.15.0, 1.16.0".into())]));
        let poetry =
            "[[package]]\nname = \"lib\"\nversion = \"1\"\n[package.source]\ntype = \"directory\"\nurl = \"../lib\"\n";
        assert_eq!(read(Manager::Poetry, poetry), Versions::new());
        assert_eq!(read(Manager::Uv, "<<<<<<< HEAD"), Versions::new());
    }

    #[test]
    fn pips_lock_can_be_read_back() {
        let versions = Versions::from([("iniconfig".into(), "2.0.0".into()), ("six".into(), "1.16.0".into())]);
        let text = pip_lock(&versions, &Versions::from([("lib".into(), "1".into())]));
        assert_eq!(read(Manager::Pip, &text), versions);
        assert!(text.ends_with("six==1.16.0\n# asked for by address, which alone decides: lib 1\n"), "{text}");
        assert_eq!(list(&versions), "iniconfig 2.0.0\nsix 1.16.0\n");
    }
}
