//! What to do about a problem.

use super::error::{Problem, ProblemKind};
use super::origin::LayerKind;
use super::schema;

impl Problem {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match &self.kind {
            ProblemKind::TooLarge { .. } => {
                Some("keep only settings in it; scripts and data go into files of their own".into())
            }
            ProblemKind::NotUtf8 { .. } => Some("save it as UTF-8".into()),
            ProblemKind::NotToml { .. } => Some("strings stand in quotes, lists in `[…]`: see https://toml.io".into()),
            ProblemKind::NotYaml { .. } => Some("indent with blanks, never with tabs: see https://yaml.org".into()),
            ProblemKind::NotPython { .. } => Some("see what `python3 -m py_compile` says of it".into()),
            ProblemKind::Twice { .. } => Some("remove one of the two: which one counts is for nobody to guess".into()),
            ProblemKind::Computed { path, .. } => {
                let example = schema::find(path).map_or("\"…\"", |key| key.example);
                let (table, name) = path.rsplit_once('.').unwrap_or(("", path));
                let file = if *path == "workspace.name" {
                    "`wharf.toml` at the root"
                } else {
                    "`devops/wharf.toml` beside it"
                };
                Some(format!("state it in {file}: `{name} = {example}` in `[{table}]`"))
            }
            ProblemKind::UnknownKey { suggestion: Some(name), .. }
            | ProblemKind::UnknownTable { suggestion: Some(name), .. } => Some(format!("write `{name}`")),
            ProblemKind::UnknownKey { path, suggestion: None }
            | ProblemKind::UnknownTable { path, suggestion: None } => Some(known_names(path)),
            ProblemKind::WrongType { path, .. } | ProblemKind::BadValue { path, .. } => {
                let path = path.split('[').next().unwrap_or(path);
                if path.contains('_') && schema::find(path).is_none() {
                    return Some("write `true` or `false`".into());
                }
                let Some(key) = schema::find(path) else {
                    return Some(known_names(&format!("{path}.")));
                };
                Some(format!("write it like `{} = {}`", key.path, key.example))
            }
            ProblemKind::NotAllowedHere { scopes, .. } => {
                // What a team shares is the likelier place.
                let shared = scopes.iter().find(|scope| **scope == LayerKind::SuperRepo);
                let scope = shared.or(scopes.first())?;
                Some(format!("move it to {}", scope.described()))
            }
            ProblemKind::NotExported { .. } => {
                Some(format!("super-repos that want it state it in {}", LayerKind::SuperRepo.described()))
            }
            ProblemKind::ExportedTwice { path, .. } => {
                let place = LayerKind::SuperRepo.described();
                Some(format!(
                    "state `{path}` in {place}, or say there with `[workspace] exports` which exports to take"
                ))
            }
            ProblemKind::Conflict { path, other } => Some(format!("remove `{path}` or `{other}`")),
            ProblemKind::TooMany { .. } | ProblemKind::Missing { .. } => None,
        }
    }
}

/// The names that are known where `path` is not.
fn known_names(path: &str) -> String {
    let table = path.rsplit_once('.').map_or("", |(table, _)| table);
    let keys: Vec<_> = schema::KEYS.iter().filter(|key| key.table() == table).map(schema::Key::name).collect();
    if table.is_empty() || keys.is_empty() {
        // `tasks.NAME` is a table in `tasks`.
        let mut tables: Vec<_> = schema::tables().into_iter().filter_map(|table| table.split('.').next()).collect();
        tables.dedup();
        return format!("the known tables are {}", quoted_list(&tables));
    }
    format!("the known keys of `{table}` are {}", quoted_list(&keys))
}

fn quoted_list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
