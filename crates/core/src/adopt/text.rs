//! Values as the text of a `wharf.toml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::config::Value;

/// Values by their path.
pub(super) type Values = BTreeMap<String, Value>;

/// The text that states these values, a table after the other.
pub(super) fn text(values: &Values) -> String {
    let mut tables: BTreeMap<&str, Vec<(&str, &Value)>> = BTreeMap::new();
    for (path, value) in values {
        let (table, name) = path.rsplit_once('.').unwrap_or(("", path));
        tables.entry(table).or_default().push((name, value));
    }
    let mut text = String::new();
    for (table, entries) in tables {
        if !table.is_empty() {
            let gap = if text.is_empty() { "" } else { "\n" };
            let names: Vec<String> = table.split('.').map(key).collect();
            let _ = writeln!(text, "{gap}[{}]", names.join("."));
        }
        for (name, value) in entries {
            let _ = writeln!(text, "{} = {}", key(name), literal(value));
        }
    }
    text
}

/// A key, quoted where it must be.
fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if is_bare { name.to_owned() } else { string(name) }
}

/// A value as it is, nothing masked: it goes into a file that it came from.
fn literal(value: &Value) -> String {
    match value {
        Value::Text(text) => string(text),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(|item| string(item)).collect();
            let line = format!("[{}]", items.join(", "));
            if line.len() <= 100 { line } else { format!("[\n    {},\n]", items.join(",\n    ")) }
        }
        Value::Table(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(path, value)| format!("{path} = {}", literal(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

fn string(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
