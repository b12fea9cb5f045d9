//! Reads `[services]`. A service becomes one value, a table of its keys, so that a stronger layer replaces it wholly and no
//! two services are ever mixed.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;

use super::check::{Checker, join};
use super::duration::parse_duration;
use super::error::ProblemKind;
use super::form::Form;
use super::merge::Resolved;
use super::origin::{Located, Origin};
use super::schema;
use super::typed_value::{Variable, Volume};
use super::value::Value;

/// The table of all services.
pub(super) const TABLE: &str = "services";
const SERVICE: &str = "services.NAME";
const COMPOSE: &str = "compose";
/// How long a service may take to be ready where nothing else is said.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Table `services`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServicesConfig {
    /// The Compose file, as it was written; `None`: there is none.
    pub compose: Option<Located<String>>,
    /// Services by name.
    pub named: BTreeMap<String, ServiceConfig>,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConfig {
    /// Where it is stated: what its relative paths start from.
    pub origin: Origin,
    /// Its image; `None`: that of `build`.
    pub image: Option<String>,
    /// Folder that its image is built from, as it was written.
    pub build: Option<String>,
    /// Its command as words; empty: the image's own.
    pub command: Vec<String>,
    /// Its variables.
    pub env: Vec<Variable>,
    /// Its ports: see [`Form::ServicePort`].
    pub ports: Vec<String>,
    /// Its mounts.
    pub volumes: Vec<Volume>,
    /// When it is ready; `None`: as soon as it runs.
    pub ready: Option<String>,
    /// How long that may take.
    pub ready_timeout: Duration,
    /// Services that are ready before it starts.
    pub needs: Vec<String>,
}

impl ServicesConfig {
    pub(super) fn read(resolved: &Resolved) -> Self {
        let mut services = Self::default();
        for (name, value, origin) in resolved.named(TABLE) {
            match value {
                Value::Text(file) if name == COMPOSE => {
                    services.compose = Some(Located { value: file.clone(), origin: origin.clone() });
                }
                Value::Table(fields) => {
                    services.named.insert(name.to_owned(), ServiceConfig::read(fields, origin));
                }
                _ => {}
            }
        }
        services
    }
}

impl ServiceConfig {
    fn read(fields: &[(String, Value)], origin: &Origin) -> Self {
        let find = |name: &str| fields.iter().find(|(field, _)| field == name).map(|(_, value)| value);
        let text = |name: &str| find(name).and_then(Value::as_text).map(str::to_owned);
        let list = |name: &str| find(name).and_then(Value::as_list).unwrap_or_default();
        Self {
            origin: origin.clone(),
            image: text("image"),
            build: text("build"),
            command: list("command").to_vec(),
            env: list("env").iter().map(|text| Variable::parse(text)).collect(),
            ports: list("ports").to_vec(),
            volumes: list("volumes").iter().filter_map(|text| Volume::parse(text)).collect(),
            ready: text("ready"),
            ready_timeout: text("ready-timeout").and_then(|text| parse_duration(&text)).unwrap_or(READY_WITHIN),
            needs: list("needs").to_vec(),
        }
    }
}

/// The words of a line: blanks part them, except between quotes of either kind.
fn split_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// The path with the name of a service made general: `services.NAME.image` for `services.postgres.image`.
pub(super) fn general(path: &str) -> Cow<'_, str> {
    let field = path.strip_prefix(TABLE).and_then(|rest| rest.strip_prefix('.')).and_then(|rest| rest.split_once('.'));
    field.map_or(Cow::Borrowed(path), |(_, field)| Cow::Owned(format!("{SERVICE}.{field}")))
}

impl Checker<'_> {
    /// Reads the table of all services.
    pub(super) fn services(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(services) = value.get_ref() else {
            return self.wrong_type(TABLE.to_owned(), "a table", value.get_ref(), value.span());
        };
        for (name, service) in services {
            let text = name.get_ref();
            let path = join(TABLE, text);
            let general = if text == COMPOSE { "services.compose" } else { "services.NAME.image" };
            let Some(key) = schema::find(general).filter(|key| !self.refuses(key, &name.span())) else { continue };
            if text == COMPOSE {
                self.value(key, &name.span(), service);
                continue;
            }
            if !Form::ServiceName.accepts(text) {
                let kind = ProblemKind::bad_value(TABLE.to_owned(), text, Form::ServiceName.expected());
                self.report(kind, name.span());
                continue;
            }
            let DeValue::Table(fields) = service.get_ref() else {
                self.wrong_type(path, "a table", service.get_ref(), service.span());
                continue;
            };
            let start = self.entries.len();
            self.fields(SERVICE, &path, fields);
            let entries = self.entries.split_off(start);
            let is_line = |field: &str| {
                field == "command"
                    && fields
                        .iter()
                        .any(|(key, value)| key.get_ref() == field && matches!(value.get_ref(), DeValue::String(_)))
            };
            let relative = |entry: &std::sync::Arc<super::Entry>| {
                let field = entry.path[path.len() + 1..].to_owned();
                let value = match entry.value.as_list() {
                    // A line, and no list of one word, is split.
                    Some([line]) if is_line(&field) => Value::List(split_words(line)),
                    _ => entry.value.clone(),
                };
                (field, value)
            };
            let has = |name: &str| fields.keys().any(|key| key.get_ref() == name);
            match (has("image"), has("build")) {
                (true, true) => {
                    let other = "services.NAME.build";
                    self.report(ProblemKind::Conflict { path: "services.NAME.image", other }, name.span());
                }
                (false, false) => {
                    let expected = "an `image`, or a folder to `build`".to_owned();
                    self.report(ProblemKind::bad_value(path.clone(), "", expected), name.span());
                }
                _ => {}
            }
            let table = Value::Table(entries.iter().map(relative).collect());
            self.accept(path, table, &name.span());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_becomes_words() {
        assert_eq!(split_words("postgres -c 'a b' \"\" x\"y z\""), ["postgres", "-c", "a b", "", "xy z"]);
        assert_eq!(split_words("  "), [""; 0]);
    }
}
