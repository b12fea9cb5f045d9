//! The named groups of a `pyproject.toml`, from every table in which tools keep them.

use std::path::PathBuf;

use toml::{Table, Value};

use super::Error;
use super::declared::{Group, GroupKind, Needed, from_files, listed, poetry_need};
use super::manifest::{Manifest, strings};
use super::names::normalize;
use super::poetry_table;

/// All groups, in the order of the tables below.
pub(super) fn read(manifest: &Manifest, sources: &mut Vec<PathBuf>) -> Result<Vec<Group>, Error> {
    let mut groups = standard(manifest)?;
    groups.extend(extras(manifest, sources)?);
    groups.extend(poetry(manifest)?);
    groups.extend(tools(manifest)?);
    Ok(groups)
}

/// `[dependency-groups]` (PEP 735) and uv's older `dev-dependencies`.
fn standard(manifest: &Manifest) -> Result<Vec<Group>, Error> {
    let mut groups = Vec::new();
    if let Some(table) = manifest.table(&["dependency-groups"]) {
        for name in table.keys() {
            let mut texts = Vec::new();
            gather(manifest, table, name, &mut Vec::new(), &mut texts)?;
            groups.push(Group { name: name.clone(), kind: GroupKind::Group, needs: listed(manifest, texts)? });
        }
    }
    let older = manifest.strings(&["tool", "uv", "dev-dependencies"]);
    if !older.is_empty() {
        let needs = listed(manifest, older)?;
        match groups.iter_mut().find(|group| normalize(&group.name) == "dev") {
            Some(dev) => dev.needs.extend(needs),
            None => groups.push(Group { name: "dev".into(), kind: GroupKind::Group, needs }),
        }
    }
    Ok(groups)
}

/// The requirements of one group with those of the groups that it includes (PEP 735).
fn gather(
    manifest: &Manifest,
    table: &Table,
    name: &str,
    open: &mut Vec<String>,
    texts: &mut Vec<String>,
) -> Result<(), Error> {
    let wanted = normalize(name);
    if open.contains(&wanted) {
        return Err(Error::GroupCycle {
            file: manifest.path.clone(),
            line: manifest.line_of(name),
            group: name.to_owned(),
        });
    }
    let Some((_, members)) = table.iter().find(|(key, _)| normalize(key) == wanted) else {
        let group = open.last().cloned().unwrap_or_default();
        return Err(Error::UnknownInclude {
            file: manifest.path.clone(),
            line: manifest.line_of(name),
            group,
            included: name.to_owned(),
        });
    };
    open.push(wanted);
    for member in members.as_array().map_or(&[][..], Vec::as_slice) {
        match member {
            Value::String(text) => texts.push(text.clone()),
            other => {
                if let Some(included) = other.get("include-group").and_then(Value::as_str) {
                    gather(manifest, table, included, open, texts)?;
                }
            }
        }
    }
    open.pop();
    Ok(())
}

/// `[project.optional-dependencies]`, setuptools' dynamic ones, and `[tool.poetry.extras]`.
fn extras(manifest: &Manifest, sources: &mut Vec<PathBuf>) -> Result<Vec<Group>, Error> {
    let mut groups = Vec::new();
    if let Some(table) = manifest.table(&["project", "optional-dependencies"]) {
        for (name, texts) in table {
            groups.push(Group { name: name.clone(), kind: GroupKind::Extra, needs: listed(manifest, strings(texts))? });
        }
        return Ok(groups);
    }
    if let Some(table) = manifest.table(&["tool", "setuptools", "dynamic", "optional-dependencies"]) {
        for name in table.keys() {
            let needs =
                from_files(manifest, &["tool", "setuptools", "dynamic", "optional-dependencies", name], sources)?;
            groups.push(Group { name: name.clone(), kind: GroupKind::Extra, needs: needs.unwrap_or_default() });
        }
    }
    if let Some(table) = manifest.table(&["tool", "poetry", "extras"]) {
        let entries = poetry_table::dependencies(manifest, &["tool", "poetry", "dependencies"])?;
        for (name, members) in table {
            let members: Vec<String> = strings(members).iter().map(|member| normalize(member)).collect();
            let entries = entries.iter().filter(|entry| members.contains(&entry.name)).cloned();
            let needs = entries.map(|entry| poetry_need(manifest, entry)).collect::<Result<_, _>>()?;
            groups.push(Group { name: name.clone(), kind: GroupKind::Extra, needs });
        }
    }
    Ok(groups)
}

/// `[tool.poetry.group.*.dependencies]` and the older `[tool.poetry.dev-dependencies]`.
fn poetry(manifest: &Manifest) -> Result<Vec<Group>, Error> {
    let read = |keys: &[&str]| -> Result<Vec<Needed>, Error> {
        poetry_table::dependencies(manifest, keys)?.into_iter().map(|entry| poetry_need(manifest, entry)).collect()
    };
    let mut groups = Vec::new();
    if let Some(table) = manifest.table(&["tool", "poetry", "group"]) {
        for name in table.keys() {
            let mut needs = read(&["tool", "poetry", "group", name, "dependencies"])?;
            for included in manifest.strings(&["tool", "poetry", "group", name, "include-groups"]) {
                needs.extend(read(&["tool", "poetry", "group", &included, "dependencies"])?);
            }
            groups.push(Group { name: name.clone(), kind: GroupKind::Poetry, needs });
        }
    }
    if manifest.table(&["tool", "poetry", "dev-dependencies"]).is_some() {
        groups.push(Group {
            name: "dev".into(),
            kind: GroupKind::Poetry,
            needs: read(&["tool", "poetry", "dev-dependencies"])?,
        });
    }
    Ok(groups)
}

/// `[tool.pdm.dev-dependencies]` and the environments of Hatch, of which `default` and `hatch-test` count as `dev` and `test`.
fn tools(manifest: &Manifest) -> Result<Vec<Group>, Error> {
    let mut groups = Vec::new();
    if let Some(table) = manifest.table(&["tool", "pdm", "dev-dependencies"]) {
        for (name, texts) in table {
            let texts = strings(texts).into_iter().filter(|text| !text.starts_with("-e ")).collect();
            groups.push(Group { name: name.clone(), kind: GroupKind::Tool, needs: listed(manifest, texts)? });
        }
    }
    if let Some(table) = manifest.table(&["tool", "hatch", "envs"]) {
        for (env, settings) in table {
            let name = match env.as_str() {
                "default" => "dev",
                "hatch-test" => "test",
                other => other,
            };
            let mut texts: Vec<String> = ["dependencies", "extra-dependencies"]
                .into_iter()
                .filter_map(|key| settings.get(key))
                .flat_map(strings)
                .collect();
            // Fields such as `{root:uri}` are Hatch's own and only it can fill them in.
            texts.retain(|text| !text.contains("{env:") && !text.contains("{matrix:"));
            let features = settings.get("features").map(strings).unwrap_or_default();
            if let (Some(own), false) = (manifest.string(&["project", "name"]), features.is_empty()) {
                texts.push(format!("{own}[{}]", features.join(",")));
            }
            if !texts.is_empty() {
                groups.push(Group { name: name.into(), kind: GroupKind::Tool, needs: listed(manifest, texts)? });
            }
        }
    }
    Ok(groups)
}

/// A list of texts that is known to hold no sources of its own.
#[cfg(test)]
pub(super) fn plain(texts: &[&str]) -> Vec<Needed> {
    texts
        .iter()
        .map(|text| super::declared::checked(std::path::Path::new("x"), "", (*text).to_owned()).unwrap())
        .collect()
}
