//! Reads tables that are lists, `[[files]]`: each item's keys become paths with the item's number, `files[0].from`.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::Checker;
use super::error::ProblemKind;
use super::schema::{self, Key, Kind};
use super::suggest::nearest_key;

/// Keys that every item must state.
const REQUIRED: &[&str] = &["files.from", "files.paths", "exports.files.paths"];

impl Checker<'_> {
    /// Reads all items of a listed table.
    pub(super) fn listed_table(&mut self, table: &str, value: &Spanned<DeValue<'_>>) {
        let DeValue::Array(items) = value.get_ref() else {
            let expected = format!("tables, each headed `[[{table}]]`");
            return self.wrong_type(table.to_owned(), &expected, value.get_ref(), value.span());
        };
        for (number, item) in items.iter().enumerate() {
            let prefix = format!("{table}[{number}]");
            match item.get_ref() {
                DeValue::Table(keys) => self.item(table, &prefix, keys, item),
                other => self.wrong_type(prefix, "a table", other, item.span()),
            }
        }
    }

    fn item(&mut self, table: &str, prefix: &str, keys: &DeTable<'_>, item: &Spanned<DeValue<'_>>) {
        for (name, value) in keys {
            let path = format!("{table}.{}", name.get_ref());
            match schema::KEYS.iter().find(|key| key.path == path) {
                Some(key) if self.refuses(key, &name.span()) => {}
                Some(key) => self.item_value(key, format!("{prefix}.{}", key.name()), &name.span(), value),
                None => self.report(ProblemKind::UnknownKey { suggestion: nearest_key(&path), path }, name.span()),
            }
        }
        let missing = |path: &&&str| !keys.keys().any(|name| format!("{table}.{}", name.get_ref()) == **path);
        for path in REQUIRED.iter().filter(|path| path.starts_with(table)).filter(missing) {
            // A table's own span is its heading, or all of an inline one.
            self.report(ProblemKind::Missing { path }, item.span());
        }
    }

    fn item_value(&mut self, key: &Key, path: String, at: &std::ops::Range<usize>, value: &Spanned<DeValue<'_>>) {
        match (key.kind, value.get_ref()) {
            (Kind::Text(form), DeValue::String(text)) => self.text(path, form, text, (at, &value.span())),
            // One item needs no brackets.
            (Kind::List(form), DeValue::String(text)) => self.items(path, form, &[(text, value.span())], at),
            (Kind::List(form), _) => self.list(path, form, value, at),
            (kind, other) => self.wrong_type(path, kind.described(), other, value.span()),
        }
    }
}
