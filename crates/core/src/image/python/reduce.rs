//! A `pyproject.toml` cut down to what decides dependencies, so that an edit elsewhere in it rebuilds no image, and so
//! that uv and Poetry still take the lock beside it.

use toml::{Table, Value};

use super::manifest::Manifest;

const PROJECT: [&str; 5] = ["name", "requires-python", "dependencies", "optional-dependencies", "dynamic"];
/// What Poetry hashes into its lock (`Locker._relevant_keys`), and where packages come from.
const POETRY: [&str; 6] = ["dependencies", "source", "extras", "dev-dependencies", "group", "requires-poetry"];

/// The reduced text.
pub(super) fn reduced(manifest: &Manifest) -> String {
    let mut out = Table::new();
    if let Some(project) = manifest.table(&["project"]) {
        out.insert("project".into(), Value::Table(reduced_project(project)));
    }
    copy(&manifest.table, "dependency-groups", &mut out);
    let mut tool = Table::new();
    for name in ["uv", "pdm"] {
        if let Some(table) = manifest.table(&["tool", name]) {
            let mut table = table.clone();
            for unrelated in ["build-backend", "build", "version", "scripts", "publish"] {
                table.remove(unrelated);
            }
            tool.insert(name.into(), Value::Table(table));
        }
    }
    if let Some(poetry) = manifest.table(&["tool", "poetry"]) {
        tool.insert("poetry".into(), Value::Table(reduced_poetry(poetry)));
    }
    if !tool.is_empty() {
        out.insert("tool".into(), Value::Table(tool));
    }
    out.to_string()
}

fn reduced_project(project: &Table) -> Table {
    let mut out = Table::new();
    for key in PROJECT {
        copy(project, key, &mut out);
    }
    if let Some(dynamic) = out.get_mut("dynamic").and_then(Value::as_array_mut) {
        dynamic.retain(|field| matches!(field.as_str(), Some("dependencies" | "optional-dependencies")));
    }
    // Nothing of the project itself is installed, so its version is of no interest.
    out.insert("version".into(), "0".into());
    out
}

fn reduced_poetry(poetry: &Table) -> Table {
    let mut out = Table::new();
    for key in POETRY {
        copy(poetry, key, &mut out);
    }
    // Poetry before 1.8 knows no `package-mode` and insists on these four.
    copy(poetry, "name", &mut out);
    if out.contains_key("name") {
        out.insert("version".into(), "0".into());
        out.insert("description".into(), "".into());
        out.insert("authors".into(), Value::Array(Vec::new()));
    }
    out.insert("package-mode".into(), false.into());
    out
}

fn copy(from: &Table, key: &str, to: &mut Table) {
    if let Some(value) = from.get(key) {
        to.insert(key.to_owned(), value.clone());
    }
}
