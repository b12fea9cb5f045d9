//! What a repo states in its `[[files]]`, and what sub-repos export to it.

use super::scene::join;
use crate::config::{Entry, Layer};
use crate::sub_repo::exports::Exporter;

/// One `[[files]]` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The owner's folder from the super-repo's root; empty for the root.
    pub from: String,
    /// Files, folders, globs and exclusions in that folder, as written.
    pub paths: Vec<String>,
    /// Folders of the declaring repo, as written; one `.` where none is stated.
    pub to: Vec<String>,
    /// Copies or links.
    pub mode: Mode,
    /// Paths of the declaring repo that are its own.
    pub detached: Vec<String>,
    /// Where it is stated: `wharf.toml:12`.
    pub place: String,
    /// Who states it.
    pub by: By,
}

/// Who states a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The repo that keeps the files.
    Keeper,
    /// Their owner, in its `[exports]`. It gives way to what the keeper states.
    Owner,
}

/// How a common file is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// As a file of its own, merged with the owner's.
    Copy,
    /// As a relative symbolic link into the owner's work tree.
    Link,
}

/// The entries of one file of configuration, in its order.
#[must_use]
pub fn declarations(layer: &Layer) -> Vec<Declaration> {
    (0..).map_while(|number| declaration(layer, number)).collect()
}

/// What a sub-repo exports, as if the super-repo had stated it.
#[must_use]
pub fn exported(exporter: &Exporter) -> Vec<Declaration> {
    let Some(layer) = exporter.files() else { return Vec::new() };
    let item = |number: usize| {
        let item = Item { layer, table: format!("exports.files[{number}]") };
        let place = item.entry("paths")?.origin.to_string();
        let folder = item.text("folder").unwrap_or_default().trim_end_matches('/');
        Some(item.declaration(join(&exporter.path, folder), place, By::Owner))
    };
    (0..).map_while(item).collect()
}

fn declaration(layer: &Layer, number: usize) -> Option<Declaration> {
    let item = Item { layer, table: format!("files[{number}]") };
    let from = item.entry("from")?;
    let text = from.value.as_text().unwrap_or_default();
    let folder = text.trim_start_matches("//").trim_end_matches('/');
    let folder = if folder == "." { String::new() } else { folder.to_owned() };
    Some(item.declaration(folder, from.origin.to_string(), By::Keeper))
}

/// One item of a list of tables.
struct Item<'l> {
    layer: &'l Layer,
    table: String,
}

impl<'l> Item<'l> {
    fn entry(&self, name: &str) -> Option<&'l Entry> {
        self.layer.get(&format!("{}.{name}", self.table))
    }

    fn text(&self, name: &str) -> Option<&'l str> {
        self.entry(name).and_then(|entry| entry.value.as_text())
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.entry(name).and_then(|entry| entry.value.as_list()).map(<[String]>::to_vec).unwrap_or_default()
    }

    fn declaration(&self, from: String, place: String, by: By) -> Declaration {
        let to = self.list("to");
        Declaration {
            from,
            paths: self.list("paths"),
            to: if to.is_empty() { vec![".".into()] } else { to },
            mode: if self.text("mode") == Some("link") { Mode::Link } else { Mode::Copy },
            detached: self.list("detached"),
            place,
            by,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::LayerKind;

    fn read(text: &str) -> Result<Vec<Declaration>, String> {
        let layer = Layer::from_toml(LayerKind::SuperRepo, Path::new("wharf.toml"), text.as_bytes());
        layer.map(|layer| declarations(&layer)).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_entries_in_order() {
        let text = "[[files]]\nfrom = \"//helpers\"\npaths = [\"a\", \"ci/\"]\n\n[[files]]\nfrom = \".\"\n\
                    paths = \"x\"\nto = [\"*/devops\"]\nmode = \"link\"\ndetached = [\"a/devops/x\"]\n";
        let found = read(text).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].from.as_str(), found[0].place.as_str()), ("helpers", "wharf.toml:2"));
        assert_eq!((found[0].to.as_slice(), found[0].mode), (&[".".to_owned()][..], Mode::Copy));
        assert_eq!((found[1].from.as_str(), found[1].paths.as_slice()), ("", &["x".to_owned()][..]));
        assert_eq!((found[1].mode, found[1].detached.len()), (Mode::Link, 1));
    }

    #[test]
    fn refuses_what_is_not_an_entry() {
        for (text, told) in [
            ("[files]\nfrom = \"//a\"", "wrong type of `files` in `wharf.toml`, line 1"),
            ("[[files]]\npaths = [\"a\"]", "no value of `files.from` in `wharf.toml`, line 1"),
            ("[[files]]\nfrom = \"//a\"", "no value of `files.paths`"),
            ("[[files]]\nfrom = \"//a\"\npath = [\"a\"]\npaths = []", "line 3; did you mean `files.paths`?"),
            ("[[files]]\nfrom = \"//a\"\npaths = [\"a\"]\nmode = \"lnk\"", "did you mean `link`?"),
            ("[[files]]\nfrom = \"//a\"\npaths = [3]", "wrong type of `files[0].paths[0]`"),
            ("[[files]]\nfrom = \"//a*\"\npaths = [\"a\"]", "bad value \"//a*\" of `files[0].from`"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(told), "{error}");
        }
    }

    #[test]
    fn refuses_paths_that_leave_the_repo() {
        for path in ["../x", "a/../../x", "/etc/passwd", ".git/hooks/x", "a/.GIT/x", "!../x", "", "-x", "a\\nb", "a//b"]
        {
            for key in ["paths", "to", "detached"] {
                let base = if key == "paths" { "" } else { "paths = [\"ok\"]\n" };
                let text = format!("[[files]]\nfrom = \"//a\"\n{base}{key} = [\"{path}\"]\n");
                let error = read(&text).unwrap_err();
                assert!(error.contains(&format!("of `files[0].{key}[0]` in `wharf.toml`, line")), "{error}");
            }
        }
        for from in ["../x", "/x", "//x/../..", ".git", "x/.git/y", ""] {
            let error = read(&format!("[[files]]\nfrom = \"{from}\"\npaths = [\"a\"]\n")).unwrap_err();
            assert!(error.contains("of `files[0].from` in `wharf.toml`, line 2"), "{error}");
        }
    }
}
