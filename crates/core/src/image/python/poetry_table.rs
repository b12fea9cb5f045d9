//! `[tool.poetry]`'s own way to write dependencies, as requirements (PEP 508).

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Error;
use super::constraint;
use super::manifest::{Manifest, strings};
use super::names::normalize;

/// One entry of a Poetry dependency table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoetryDependency {
    /// The normalised name.
    pub name: String,
    /// What it asks for.
    pub wants: Wants,
    /// Whether only an extra brings it.
    pub optional: bool,
}

/// What a dependency asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wants {
    /// A PEP 508 requirement.
    Requirement(String),
    /// A file or folder, relative to the manifest's folder.
    Path(PathBuf, Vec<String>),
}

/// Reads a table such as `[tool.poetry.dependencies]`; the entry for Python itself is left out.
pub fn dependencies(manifest: &Manifest, keys: &[&str]) -> Result<Vec<PoetryDependency>, Error> {
    let Some(table) = manifest.table(keys) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for (name, value) in table.iter().filter(|(name, _)| *name != "python") {
        let alternatives = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for alternative in alternatives {
            let wants = wants(name, alternative).map_err(|message| Error::Requirement {
                file: manifest.path.clone(),
                line: manifest.line_of(name),
                text: format!("{name} = {alternative}"),
                message,
            })?;
            let optional = alternative.get("optional").and_then(Value::as_bool).unwrap_or(false);
            found.push(PoetryDependency { name: normalize(name), wants, optional });
        }
    }
    Ok(found)
}

fn wants(name: &str, value: &Value) -> Result<Wants, String> {
    let (version, table) = match value {
        Value::String(version) => (version.as_str(), &Table::new()),
        Value::Table(table) => (table.get("version").and_then(Value::as_str).unwrap_or("*"), table),
        _ => return Err("expected a version or a table".into()),
    };
    let text = |key: &str| table.get(key).and_then(Value::as_str);
    let extras = table.get("extras").map(strings).unwrap_or_default();
    if let Some(path) = text("path").or_else(|| text("file")) {
        return Ok(Wants::Path(Path::new(path).to_owned(), extras));
    }
    let brackets = if extras.is_empty() { String::new() } else { format!("[{}]", extras.join(",")) };
    let body = if let Some(url) = text("git") {
        let revision = text("rev")
            .or_else(|| text("tag"))
            .or_else(|| text("branch"))
            .map(|at| format!("@{at}"))
            .unwrap_or_default();
        let folder = text("subdirectory").map(|folder| format!("#subdirectory={folder}")).unwrap_or_default();
        // `git@host:path` is how ssh writes it; pip wants a URL.
        let url = match url.strip_prefix("git@").and_then(|rest| rest.split_once(':')) {
            Some((host, path)) => format!("ssh://git@{host}/{path}"),
            None => url.to_owned(),
        };
        format!(" @ git+{url}{revision}{folder} ")
    } else if let Some(url) = text("url") {
        format!(" @ {url} ")
    } else {
        constraint::specifiers(version).ok_or_else(|| format!("`{version}` is not a version constraint"))?
    };
    let marker = marker(table)?;
    let tail = if marker.is_empty() { String::new() } else { format!("; {marker}") };
    Ok(Wants::Requirement(format!("{name}{brackets}{body}{tail}").trim_end().to_owned()))
}

/// The conditions of one entry, joined.
fn marker(table: &Table) -> Result<String, String> {
    let mut terms = Vec::new();
    if let Some(marker) = table.get("markers").and_then(Value::as_str) {
        terms.push(marker.to_owned());
    }
    if let Some(python) = table.get("python").and_then(Value::as_str) {
        let marker =
            constraint::python_marker(python).ok_or_else(|| format!("`{python}` is not a version constraint"))?;
        terms.push(marker);
    }
    if let Some(platform) = table.get("platform").and_then(Value::as_str) {
        terms.push(format!("sys_platform == \"{platform}\""));
    }
    terms.retain(|term| !term.is_empty());
    if terms.len() > 1 {
        terms = terms.into_iter().map(|term| if term.contains(" or ") { format!("({term})") } else { term }).collect();
    }
    Ok(terms.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_become_requirements() {
        let text = r#"
[tool.poetry.dependencies]
python = "^3.8"
a = "^1.2"
b = { version = ">=2", extras = ["x"], markers = "sys_platform == 'linux'", python = "^3.9" }
c = { git = "https://example.org/c.git", tag = "v1" }
d = { path = "../d", develop = true }
e = [{ version = "1.0", python = "<3.10" }, { version = "2.0", python = ">=3.10" }]
f = { version = "*", optional = true }
"#;
        let manifest =
            Manifest { path: "pyproject.toml".into(), text: text.into(), table: toml::from_str(text).unwrap() };
        let found = dependencies(&manifest, &["tool", "poetry", "dependencies"]).unwrap();
        let wants: Vec<_> = found.iter().map(|dependency| dependency.wants.clone()).collect();
        let requirement = |text: &str| Wants::Requirement(text.to_owned());
        assert_eq!(
            wants,
            [
                requirement("a>=1.2,<2.0"),
                requirement(
                    "b[x]>=2; sys_platform == 'linux' and python_version >= \"3.9\" and python_version < \"4.0\""
                ),
                requirement("c @ git+https://example.org/c.git@v1"),
                Wants::Path("../d".into(), vec![]),
                requirement("e==1.0; python_version < \"3.10\""),
                requirement("e==2.0; python_version >= \"3.10\""),
                requirement("f"),
            ]
        );
        assert!(found.last().unwrap().optional);
    }
}
