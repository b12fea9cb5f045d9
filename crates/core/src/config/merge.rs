//! Lays layers over each other.

use std::sync::{Arc, LazyLock};

use super::layer::{Entry, Layer};
use super::origin::Origin;
use super::value::Value;

/// Every key that has a value, with where the value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// In the order of their paths.
    entries: Vec<Arc<Entry>>,
}

/// Lays `layers` over the embedded defaults, weaker kinds below stronger ones. Layers of one kind (nested
/// sub-repos) are given weakest first; otherwise their order does not matter.
#[must_use]
pub fn resolve(layers: &[&Layer]) -> Resolved {
    let mut layers = layers.to_vec();
    layers.sort_by_key(|layer| layer.kind());
    let mut entries = DEFAULTS.clone();
    for entry in layers.into_iter().flat_map(Layer::effective) {
        match entries.binary_search_by(|known| known.path.cmp(&entry.path)) {
            Ok(index) => entries[index] = Arc::clone(entry),
            Err(index) => entries.insert(index, Arc::clone(entry)),
        }
    }
    Resolved { entries }
}

/// The embedded defaults in the order of their paths.
static DEFAULTS: LazyLock<Vec<Arc<Entry>>> = LazyLock::new(|| {
    let mut entries: Vec<Arc<Entry>> = Layer::defaults().effective().cloned().collect();
    entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    entries
});

impl Resolved {
    /// Every key that has a value, in the order of their paths; a named thing has a path of its own
    /// (`build.secrets.npm`).
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value, &Origin)> {
        self.entries.iter().map(|entry| (entry.path.as_str(), &entry.value, &entry.origin))
    }

    /// The value of a key and where it came from.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<(&Value, &Origin)> {
        let index = self.entries.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()?;
        let entry = &self.entries[index];
        Some((&entry.value, &entry.origin))
    }

    /// The named things of a table (`build.secrets`), by name.
    pub fn named<'a>(&'a self, table: &'a str) -> impl Iterator<Item = (&'a str, &'a Value, &'a Origin)> {
        self.entries().filter_map(move |(path, value, origin)| {
            let name = path.strip_prefix(table)?.strip_prefix('.')?;
            Some((name, value, origin))
        })
    }

    /// `{"image.base": {"value": …, "origin": {"layer", "file", "line"}}, …}`, credentials masked.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let entries = self.entries().map(|(path, value, origin)| {
            let entry = serde_json::json!({ "value": value.to_json(), "origin": origin.to_json() });
            (path.to_owned(), entry)
        });
        serde_json::Value::Object(entries.collect())
    }

    /// The values alone, as nested tables: `{"image": {"base": …}}`, credentials masked.
    #[must_use]
    pub fn to_nested_json(&self) -> serde_json::Value {
        let mut root = serde_json::Map::new();
        for (path, value, _) in self.entries() {
            let (tables, name) = path.rsplit_once('.').unwrap_or(("", path));
            let mut table = &mut root;
            for part in tables.split('.').filter(|part| !part.is_empty()) {
                if let Some((list, number)) = part.strip_suffix(']').and_then(|part| part.split_once('[')) {
                    table = listed(table, list, number.parse().unwrap_or_default());
                    continue;
                }
                let inner = table.entry(part).or_insert_with(|| serde_json::Map::new().into());
                match inner {
                    serde_json::Value::Object(inner) => table = inner,
                    _ => unreachable!("no key is also a table"),
                }
            }
            table.insert(name.to_owned(), value.to_json());
        }
        root.into()
    }
}

/// The table of one item of a listed table, `files[0]`, which becomes an array of tables. Items before it are made.
fn listed<'t>(
    table: &'t mut serde_json::Map<String, serde_json::Value>,
    list: &str,
    number: usize,
) -> &'t mut serde_json::Map<String, serde_json::Value> {
    let items = table.entry(list).or_insert_with(|| serde_json::Value::Array(Vec::new()));
    let serde_json::Value::Array(items) = items else { unreachable!("no key is also a list of tables") };
    if items.len() <= number {
        items.resize_with(number + 1, || serde_json::Map::new().into());
    }
    match &mut items[number] {
        serde_json::Value::Object(item) => item,
        _ => unreachable!("items are tables"),
    }
}
