//! Checks what was parsed against the schema and flattens it into `path → value`. Collects every problem.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Problem, ProblemKind};
use super::form::Form;
use super::layer::Entry;
use super::origin::LayerKind;
use super::schema::{self, Key, Kind, Names};
use super::setenv;
use super::site::Site;
use super::suggest::{nearest_key, nearest_table, nearest_word};
use super::value::Value;

/// Reads values of one source.
pub(super) struct Checker<'s> {
    /// The layer that the values are for.
    pub(super) layer: LayerKind,
    /// The text that they stand in.
    pub(super) site: &'s Site<'s>,
    /// What was good.
    pub(super) entries: Vec<Arc<Entry>>,
    /// What was not.
    pub(super) problems: Vec<Problem>,
    /// How many more problems there were than are kept.
    pub(super) more: usize,
}

/// The most problems of one source that are kept: nobody reads more, and a file can hold very many.
pub(super) const MOST_PROBLEMS: usize = 1_000;

impl<'s> Checker<'s> {
    pub(super) fn new(layer: LayerKind, site: &'s Site<'s>) -> Self {
        Self { layer, site, entries: Vec::new(), problems: Vec::new(), more: 0 }
    }

    /// Notes a problem; beyond [`MOST_PROBLEMS`] they are only counted.
    pub(super) fn report(&mut self, kind: ProblemKind, span: Range<usize>) {
        if self.problems.len() < MOST_PROBLEMS {
            self.problems.push(Problem { kind, place: self.site.place(span) });
        } else {
            self.more += 1;
        }
    }

    pub(super) fn accept(&mut self, path: String, value: Value, key_span: &Range<usize>) {
        let origin = self.site.origin(self.layer, key_span);
        self.entries.push(Arc::new(Entry { path, value, origin }));
    }

    /// Reads a whole document, or the table of it at `prefix`.
    pub(super) fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let path = join(prefix, name.get_ref());
            if path == super::exports::DEFAULTS {
                self.exported_defaults(name.span(), value);
            } else if let Some(key) = schema::KEYS.iter().find(|key| key.path == path && !key.any_name) {
                self.known(key, name.span(), value);
            } else if path == "tasks" {
                self.tasks(value);
            } else if path == super::services::TABLE {
                self.services(value);
            } else if path == super::suites::TABLE {
                self.suites(value);
            } else if schema::LISTED_TABLES.contains(&path.as_str()) {
                self.listed_table(&path, value);
            } else if let Some(key) = schema::any_name(&path) {
                self.any_name(key, path, name, value);
            } else if is_table(&path) {
                match value.get_ref() {
                    DeValue::Table(inner) => self.table(&path, inner),
                    other => self.wrong_type(path, "a table", other, value.span()),
                }
            } else {
                self.unknown(path, name.span(), value.get_ref());
            }
        }
        self.exclusions(prefix, table);
    }

    /// Reports keys of this table that exclude each other.
    fn exclusions(&mut self, prefix: &str, table: &DeTable<'_>) {
        let at = |name: &str| table.keys().find(|key| key.get_ref() == name).map(Spanned::span);
        for key in schema::KEYS.iter().filter(|key| key.table() == prefix) {
            let Some(other) = key.excludes else { continue };
            let other_name = other.rsplit_once('.').map_or(other, |(_, name)| name);
            if let (Some(span), Some(_)) = (at(key.name()), at(other_name)) {
                self.report(ProblemKind::Conflict { path: key.path, other }, span);
            }
        }
    }

    /// A table with one unknown key reads as a slip in that key, any other as a slip in the table's name.
    fn unknown(&mut self, path: String, span: Range<usize>, value: &DeValue<'_>) {
        if self.problems.len() >= MOST_PROBLEMS {
            self.more += 1;
            return;
        }
        let DeValue::Table(inner) = value else {
            return self.report(ProblemKind::UnknownKey { suggestion: nearest_key(&path), path }, span);
        };
        let suggestion = nearest_table(&path);
        let only = inner.keys().next().filter(|_| inner.len() == 1).map(|name| join(&path, name.get_ref()));
        let kind = match only.map(|path| (nearest_key(&path), path)) {
            Some((key, path)) if key.is_some() || suggestion.is_none() => {
                ProblemKind::UnknownKey { suggestion: key, path }
            }
            _ => ProblemKind::UnknownTable { suggestion, path },
        };
        self.report(kind, span);
    }

    fn known(&mut self, key: &'static Key, key_span: Range<usize>, value: &Spanned<DeValue<'_>>) {
        if self.refuses(key, &key_span) {
            return;
        }
        self.value(key, &key_span, value);
    }

    /// Reads a key whose name is the user's choice: `setenv.LOG_LEVEL`.
    fn any_name(
        &mut self,
        key: &'static Key,
        path: String,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        if self.refuses(key, &name.span()) {
            return;
        }
        if !setenv::is_free_name(name.get_ref()) {
            let kind = ProblemKind::bad_value(key.table().to_owned(), name.get_ref(), setenv::EXPECTED_NAME.to_owned());
            return self.report(kind, name.span());
        }
        match (key.kind, value.get_ref()) {
            (Kind::Text(form), DeValue::String(text)) => self.text(path, form, text, (&name.span(), &value.span())),
            (kind, other) => self.wrong_type(path, kind.described(), other, value.span()),
        }
    }

    /// Reports a key that this layer may not state.
    pub(super) fn refuses(&mut self, key: &'static Key, key_span: &Range<usize>) -> bool {
        let allowed = key.is_allowed_in(self.layer);
        if !allowed {
            let path = key.path.to_owned();
            let kind = match self.layer {
                LayerKind::Exported => ProblemKind::NotExported { path },
                _ => ProblemKind::NotAllowedHere { path, scopes: key.scopes },
            };
            self.report(kind, key_span.clone());
        }
        !allowed
    }

    /// Reads the value of a key.
    pub(super) fn value(&mut self, key: &'static Key, key_span: &Range<usize>, value: &Spanned<DeValue<'_>>) {
        let path = key.path;
        let span = value.span();
        match (key.kind, value.get_ref()) {
            (Kind::Text(form) | Kind::TextOrList(form, _), DeValue::String(text)) => {
                self.text(path.to_owned(), form, text, (key_span, &span));
            }
            (Kind::Integer { min, max }, DeValue::Integer(number)) => {
                let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
                self.integer(key.path.to_owned(), (min, max), (&number.to_string(), parsed), (key_span, &span));
            }
            (Kind::Boolean, DeValue::Boolean(boolean)) => {
                self.accept(path.to_owned(), Value::Boolean(*boolean), key_span);
            }
            (Kind::List(form) | Kind::TextOrList(_, form), DeValue::Array(_)) => {
                self.list(path.to_owned(), form, value, key_span);
            }
            (Kind::NamedText(names, form), DeValue::Table(table)) => {
                for (name, value) in table {
                    let Some(path) = self.name(key, names, name) else {
                        continue;
                    };
                    match value.get_ref() {
                        DeValue::String(text) => {
                            self.text(path, form, text, (&name.span(), &value.span()));
                        }
                        other => self.wrong_type(path, "a string", other, value.span()),
                    }
                }
            }
            (Kind::NamedList(names, form), DeValue::Table(table)) => {
                for (name, value) in table {
                    let Some(path) = self.name(key, names, name) else {
                        continue;
                    };
                    self.list(path, form, value, &name.span());
                }
            }
            (kind, other) => self.wrong_type(path.to_owned(), kind.described(), other, span),
        }
    }

    /// The path of a named thing, if its name will do.
    fn name(&mut self, key: &Key, names: Names, name: &Spanned<std::borrow::Cow<'_, str>>) -> Option<String> {
        let text = name.get_ref();
        if names.accepts(text) {
            return Some(join(key.path, text));
        }
        let kind = match names {
            Names::Free | Names::Variables => ProblemKind::bad_value(key.path.to_owned(), text, names.expected()),
            Names::Only(known) => {
                let suggestion = nearest_word(text, known).map(|near| join(key.path, &near));
                ProblemKind::UnknownKey { path: join(key.path, text), suggestion }
            }
        };
        self.report(kind, name.span());
        None
    }

    /// Reads a string; `spans` are those of its key and of itself.
    pub(super) fn text(&mut self, path: String, form: Form, text: &str, spans: (&Range<usize>, &Range<usize>)) {
        if self.form(&path, form, text, spans.1) {
            self.accept(path, Value::Text(text.to_owned()), spans.0);
        }
    }

    fn form(&mut self, path: &str, form: Form, text: &str, span: &Range<usize>) -> bool {
        let good = form.accepts(text);
        if !good {
            let mut kind = ProblemKind::bad_value(path.to_owned(), text, form.expected());
            if let ProblemKind::BadValue { suggestion, .. } = &mut kind {
                *suggestion = form.nearest(text);
            }
            self.report(kind, span.clone());
        }
        good
    }

    /// Reads a number; `shown` is its text, with what it parsed to; `spans` are those of its key and of itself.
    pub(super) fn integer(
        &mut self,
        path: String,
        (min, max): (i64, i64),
        (shown, parsed): (&str, Option<i64>),
        (key_span, span): (&Range<usize>, &Range<usize>),
    ) {
        match parsed {
            Some(number) if (min..=max).contains(&number) => {
                self.accept(path, Value::Integer(number), key_span);
            }
            _ => {
                let expected = Kind::Integer { min, max }.expected().unwrap_or_default();
                self.report(ProblemKind::bad_value(path, shown, expected), span.clone());
            }
        }
    }

    pub(super) fn list(&mut self, path: String, form: Form, value: &Spanned<DeValue<'_>>, key_span: &Range<usize>) {
        let DeValue::Array(array) = value.get_ref() else {
            return self.wrong_type(path, "a list of strings", value.get_ref(), value.span());
        };
        let mut items = Vec::with_capacity(array.len());
        for (index, item) in array.iter().enumerate() {
            match item.get_ref() {
                DeValue::String(text) => items.push((text.as_ref(), item.span())),
                other => {
                    self.wrong_type(format!("{path}[{index}]"), "a string", other, item.span());
                }
            }
        }
        if items.len() == array.len() {
            self.items(path, form, &items, key_span);
        }
    }

    /// Reads the items of a list, each with its place.
    pub(super) fn items(&mut self, path: String, form: Form, items: &[(&str, Range<usize>)], key_span: &Range<usize>) {
        let mut good = true;
        for (index, (text, span)) in items.iter().enumerate() {
            good &= self.form(&format!("{path}[{index}]"), form, text, span);
        }
        if good {
            let items = items.iter().map(|(text, _)| (*text).to_owned()).collect();
            self.accept(path, Value::List(items), key_span);
        }
    }

    pub(super) fn wrong_type(&mut self, path: String, expected: &str, found: &DeValue<'_>, span: Range<usize>) {
        let kind = ProblemKind::WrongType { path, expected: expected.to_owned(), found: described(found) };
        self.report(kind, span);
    }
}

/// Whether some key lies in this table.
fn is_table(path: &str) -> bool {
    schema::KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// `prefix.name`, the name in quotes where TOML asks for them, so that `"image.base"` is not taken for `image.base`.
pub(super) fn join(prefix: &str, name: &str) -> String {
    let bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    let name = if bare { name.to_owned() } else { format!("\"{}\"", name.escape_debug()) };
    if prefix.is_empty() { name } else { format!("{prefix}.{name}") }
}

fn described(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
