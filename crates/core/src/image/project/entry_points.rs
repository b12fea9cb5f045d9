//! A package's scripts and plugins, from every table in which they are stated.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::Error;
use super::discover::Sources;
use crate::image::python::manifest::{Manifest, line_of, read_text};

/// Group, then name, to `module:object` (<https://packaging.python.org/en/latest/specifications/entry-points/>).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EntryPoints {
    /// The groups; scripts are `console_scripts` and `gui_scripts`.
    pub groups: BTreeMap<String, BTreeMap<String, String>>,
}

impl EntryPoints {
    /// `entry_points.txt`'s text; empty without any.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (group, entries) in &self.groups {
            text.push_str(&format!("[{group}]\n"));
            text.extend(entries.iter().map(|(name, reference)| format!("{name} = {reference}\n")));
            text.push('\n');
        }
        text
    }

    /// Commands, each with the `module:object` that it calls.
    pub fn scripts(&self) -> impl Iterator<Item = (&str, &str)> {
        let groups = ["console_scripts", "gui_scripts"].into_iter().filter_map(|group| self.groups.get(group));
        groups.flatten().map(|(name, reference)| (name.as_str(), reference.as_str()))
    }

    fn add(&mut self, group: &str, name: &str, reference: &str) {
        self.groups.entry(group.to_owned()).or_default().insert(name.to_owned(), reference.to_owned());
    }

    fn add_text(&mut self, text: &str) {
        let mut group = String::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.trim().clone_into(&mut group);
            } else if let Some((name, reference)) = line.split_once('=') {
                self.add(&group, name.trim(), reference.trim());
            }
        }
    }
}

/// All entry points of a package.
pub(super) fn read(sources: &Sources) -> Result<EntryPoints, Error> {
    let mut points = EntryPoints::default();
    if let Some(manifest) = &sources.manifest {
        from_manifest(manifest, &mut points);
        for path in manifest.strings(&["tool", "setuptools", "dynamic", "entry-points", "file"]) {
            points.add_text(&read_text(&sources.dir.join(path))?.unwrap_or_default());
        }
    }
    if let Some(cfg) = &sources.cfg {
        let inline = cfg.get("options", "entry_points").and_then(|value| value.strip_prefix("file:"));
        if let Some(path) = inline {
            points.add_text(&read_text(&sources.dir.join(path.trim()))?.unwrap_or_default());
        }
        for (group, lines) in cfg.section("options.entry_points") {
            for (name, reference) in lines.iter().filter_map(|line| line.split_once('=')) {
                points.add(&group, name.trim(), reference.trim());
            }
        }
    }
    if points.groups.is_empty() && sources.pkg_info.is_some() {
        points.add_text(&left_by_build(sources)?);
    }
    check(sources, &points)?;
    Ok(points)
}

fn from_manifest(manifest: &Manifest, points: &mut EntryPoints) {
    let mut add_table = |group: &str, table: Option<&Table>| {
        for (name, value) in table.into_iter().flatten() {
            // Poetry also takes `{ reference = "…", type = "console" }`, and files, which are no entry points.
            let reference = value
                .as_str()
                .or_else(|| value.get("reference").or_else(|| value.get("callable")).and_then(Value::as_str));
            let is_file = value.get("type").and_then(Value::as_str) == Some("file");
            if let Some(reference) = reference.filter(|_| !is_file) {
                points.add(group, name, reference);
            }
        }
    };
    add_table("console_scripts", manifest.table(&["tool", "poetry", "scripts"]));
    add_table("console_scripts", manifest.table(&["project", "scripts"]));
    add_table("gui_scripts", manifest.table(&["project", "gui-scripts"]));
    for keys in [&["project", "entry-points"][..], &["tool", "poetry", "plugins"]] {
        for (group, table) in manifest.table(keys).into_iter().flatten() {
            add_table(group, table.as_table());
        }
    }
}

/// What the build of a source distribution left in its `.egg-info`.
fn left_by_build(sources: &Sources) -> Result<String, Error> {
    for folder in [sources.dir.to_owned(), sources.dir.join("src")] {
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.extension().is_some_and(|extension| extension == "egg-info")
                && let Some(text) = read_text(&path.join("entry_points.txt"))?
            {
                return Ok(text);
            }
        }
    }
    Ok(String::new())
}

/// Scripts need a function and a name that is a file name.
fn check(sources: &Sources, points: &EntryPoints) -> Result<(), Error> {
    let dotted = |text: &str| {
        !text.is_empty()
            && text.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_'))
    };
    for (name, reference) in points.scripts() {
        let bare = reference.split('[').next().unwrap_or_default().trim();
        let valid = bare.split_once(':').is_some_and(|(module, object)| dotted(module.trim()) && dotted(object.trim()));
        if !valid || name.contains('/') || name.starts_with('.') || name.is_empty() {
            let (file, text) = match &sources.manifest {
                Some(manifest) => (manifest.path.clone(), manifest.text.as_str()),
                None => (sources.dir.join("setup.cfg"), sources.cfg.as_ref().map_or("", |cfg| cfg.text.as_str())),
            };
            return Err(Error::EntryPoint { file, line: line_of(text, reference), reference: reference.to_owned() });
        }
    }
    Ok(())
}
