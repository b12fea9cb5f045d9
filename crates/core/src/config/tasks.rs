//! Reads `[tasks.NAME]`. A task becomes one value, a table of dotted paths (`run`, `args.who.type`), so that a stronger
//! layer replaces a task wholly and no two tasks are ever mixed.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{Checker, join};
use super::error::ProblemKind;
use super::layer::Entry;
use super::schema::{self, Key, Kind};
use super::suggest::nearest_word;
use super::value::Value;

const TASK: &str = "tasks.NAME";
const ARGUMENT: &str = "tasks.NAME.args.word";

/// The path with the names of a task and of its argument made general: `tasks.NAME.run` for `tasks.build.run`.
pub(super) fn general(path: &str) -> Cow<'_, str> {
    if !path.starts_with("tasks.") {
        return Cow::Borrowed(path);
    }
    let mut parts: Vec<&str> = path.split('.').collect();
    if parts.len() < 3 {
        return Cow::Borrowed(path);
    }
    parts[1] = "NAME";
    if parts.len() > 4 && parts[2] == "args" {
        parts[3] = "word";
    }
    Cow::Owned(parts.join("."))
}

fn is_task_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

fn is_argument_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'))
}

impl Checker<'_> {
    /// Reads the table of all tasks.
    pub(super) fn tasks(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(tasks) = value.get_ref() else {
            return self.wrong_type("tasks".to_owned(), "a table", value.get_ref(), value.span());
        };
        for (name, task) in tasks {
            let text = name.get_ref();
            let Some(key) = schema::find("tasks.NAME.run").filter(|key| !self.refuses(key, &name.span())) else {
                continue;
            };
            if !is_task_name(text) {
                let expected = "a name of letters, digits, `_` and `-`".to_owned();
                self.report(ProblemKind::bad_value("tasks".to_owned(), text, expected), name.span());
                continue;
            }
            let path = join("tasks", text);
            let start = self.entries.len();
            match task.get_ref() {
                DeValue::Table(fields) => self.fields(TASK, &path, fields),
                // `build = "make"` needs no table.
                DeValue::String(_) | DeValue::Array(_) => self.field(key, join(&path, "run"), &name.span(), task),
                other => self.wrong_type(path.clone(), "a table, or a command", other, task.span()),
            }
            let fields = self.entries.split_off(start);
            let relative = |entry: &Arc<Entry>| (entry.path[path.len() + 1..].to_owned(), entry.value.clone());
            let fields = fields.iter().map(relative).collect();
            self.accept(path, Value::Table(fields), &name.span());
        }
    }

    /// Reads a named thing's keys, those of `table` in the schema, as entries below `path`.
    pub(super) fn fields(&mut self, table: &str, path: &str, fields: &DeTable<'_>) {
        for (name, value) in in_order(fields) {
            let text = name.get_ref();
            if table == TASK && text == "args" {
                self.arguments(&join(path, "args"), value);
                continue;
            }
            let general = join(table, text);
            match schema::KEYS.iter().find(|key| key.path == general) {
                Some(key) => self.field(key, join(path, text), &name.span(), value),
                None => {
                    let mut names: Vec<_> =
                        schema::KEYS.iter().filter(|key| key.table() == table).map(Key::name).collect();
                    names.extend((table == TASK).then_some("args"));
                    let suggestion = nearest_word(text, &names).map(|near| join(path, &near));
                    self.report(ProblemKind::UnknownKey { path: join(path, text), suggestion }, name.span());
                }
            }
        }
    }

    fn arguments(&mut self, path: &str, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(arguments) = value.get_ref() else {
            return self.wrong_type(path.to_owned(), "a table", value.get_ref(), value.span());
        };
        for (name, argument) in in_order(arguments) {
            let text = name.get_ref();
            if !is_argument_name(text) {
                let expected = "a name of small letters, digits, `_` and `-`".to_owned();
                self.report(ProblemKind::bad_value(path.to_owned(), text, expected), name.span());
                continue;
            }
            let path = join(path, text);
            match argument.get_ref() {
                // So that an argument without any setting is known too.
                DeValue::Table(fields) if fields.is_empty() => {
                    self.accept(join(&path, "required"), Value::Boolean(true), &name.span());
                }
                DeValue::Table(fields) => self.fields(ARGUMENT, &path, fields),
                other => self.wrong_type(path, "a table", other, argument.span()),
            }
        }
    }

    fn field(&mut self, key: &Key, path: String, at: &Range<usize>, value: &Spanned<DeValue<'_>>) {
        let span = value.span();
        match (key.kind, value.get_ref()) {
            (Kind::Text(form), DeValue::String(text)) => self.text(path, form, text, (at, &span)),
            (Kind::Boolean, DeValue::Boolean(boolean)) => self.accept(path, Value::Boolean(*boolean), at),
            (Kind::Texts(form) | Kind::List(form), DeValue::String(text)) => {
                self.items(path, form, &[(text.as_ref(), span)], at);
            }
            (Kind::Texts(form) | Kind::List(form), DeValue::Array(_)) => self.list(path, form, value, at),
            (Kind::Scalar, DeValue::Array(_)) => self.list(path, schema::Form::Any, value, at),
            (Kind::Scalar, other) => match scalar(other) {
                Some(text) => self.accept(path, Value::Text(text), at),
                None => self.wrong_type(path, key.kind.described(), other, span),
            },
            (Kind::NamedText(names, form), DeValue::Table(table)) => {
                for (name, value) in in_order(table) {
                    let text = name.get_ref();
                    match value.get_ref() {
                        _ if !names.accepts(text) => {
                            let kind = ProblemKind::bad_value(path.clone(), text, names.expected());
                            self.report(kind, name.span());
                        }
                        DeValue::String(value_text) => {
                            self.text(join(&path, text), form, value_text, (&name.span(), &value.span()));
                        }
                        other => self.wrong_type(join(&path, text), "a string", other, value.span()),
                    }
                }
            }
            (kind, other) => self.wrong_type(path, kind.described(), other, span),
        }
    }
}

/// What a table holds, in the order of the source: the order of arguments is their order on the command line.
fn in_order<'t, 'i>(table: &'t DeTable<'i>) -> Vec<(&'t Spanned<Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    let mut fields: Vec<_> = table.iter().collect();
    fields.sort_by_key(|(name, _)| name.span().start);
    fields
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(
            i64::from_str_radix(number.as_str(), number.radix()).map_or_else(|_| number.to_string(), |n| n.to_string()),
        ),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(boolean) => Some(boolean.to_string()),
        _ => None,
    }
}
