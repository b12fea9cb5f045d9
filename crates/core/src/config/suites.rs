//! Reads `[test.suites.NAME]`: each key of a suite has a path of its own (`test.suites.fast.timeout`), so that a nearer layer can
//! change one and leave the rest.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::check::{Checker, join};
use super::duration::parse_duration;
use super::error::ProblemKind;
use super::merge::Resolved;
use super::schema::{self, Key, Kind, Names};
use super::suggest::nearest_word;

/// The table of all suites.
pub(super) const TABLE: &str = "test.suites";
const NAMED: &str = "test.suites.NAME";

/// The suites that are always there, with the expression of each. They partition all tests; `all` is their union.
pub(super) const BUILT_IN: [(&str, &str); 4] = [
    ("fast", "not slow and not superslow"),
    ("slow", "slow and not superslow"),
    ("superslow", "superslow"),
    ("all", ""),
];

/// A suite as a dir has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SuiteConfig {
    /// Its tests, as an expression for pytest's `-m`; empty: all.
    pub markers: String,
    /// Limit of one test: `Some(None)` for none; `None`: as elsewhere.
    pub timeout: Option<Option<Duration>>,
    /// How often a failed test is tried again; `None`: as elsewhere.
    pub retries: Option<u32>,
    /// How long all its tests of a dir may take together; `None`: for ever.
    pub budget: Option<Duration>,
}

impl SuiteConfig {
    /// Every suite by name.
    pub(super) fn read(resolved: &Resolved) -> BTreeMap<String, Self> {
        let mut suites: BTreeMap<String, Self> = BTreeMap::new();
        for (path, value, _) in resolved.named(TABLE) {
            let Some((name, field)) = path.split_once('.') else { continue };
            let suite = suites.entry(name.to_owned()).or_default();
            let text = value.as_text().unwrap_or_default();
            match field {
                "markers" => text.trim().clone_into(&mut suite.markers),
                "timeout" => suite.timeout = Some(parse_duration(text)),
                "budget" => suite.budget = parse_duration(text),
                _ => suite.retries = value.as_integer().and_then(|retries| u32::try_from(retries).ok()),
            }
        }
        suites
    }
}

/// The path with the name of the suite made general: `test.suites.NAME.markers` for `test.suites.fast.markers`.
pub(super) fn general(path: &str) -> Cow<'_, str> {
    let field = path.strip_prefix(TABLE).and_then(|rest| rest.strip_prefix('.')).and_then(|rest| rest.split_once('.'));
    field.map_or(Cow::Borrowed(path), |(_, field)| Cow::Owned(format!("{NAMED}.{field}")))
}

impl Checker<'_> {
    /// Reads the table of all suites.
    pub(super) fn suites(&mut self, value: &Spanned<DeValue<'_>>) {
        let DeValue::Table(suites) = value.get_ref() else {
            return self.wrong_type(TABLE.to_owned(), "a table", value.get_ref(), value.span());
        };
        for (name, suite) in suites {
            let text = name.get_ref();
            if !Names::Free.accepts(text) {
                self.report(ProblemKind::bad_value(TABLE.to_owned(), text, Names::Free.expected()), name.span());
                continue;
            }
            let path = join(TABLE, text);
            match suite.get_ref() {
                DeValue::Table(fields) => self.suite(&path, fields),
                other => self.wrong_type(path, "a table", other, suite.span()),
            }
        }
    }

    fn suite(&mut self, path: &str, fields: &DeTable<'_>) {
        for (name, value) in fields {
            let text = name.get_ref();
            let general = join(NAMED, text);
            let Some(key) = schema::KEYS.iter().find(|key| key.path == general) else {
                let names: Vec<_> = schema::KEYS.iter().filter(|key| key.table() == NAMED).map(Key::name).collect();
                let suggestion = nearest_word(text, &names).map(|near| join(path, &near));
                self.report(ProblemKind::UnknownKey { path: join(path, text), suggestion }, name.span());
                continue;
            };
            if self.refuses(key, &name.span()) {
                continue;
            }
            let (path, span) = (join(path, text), value.span());
            match (key.kind, value.get_ref()) {
                (Kind::Text(form), DeValue::String(text)) => self.text(path, form, text, (&name.span(), &span)),
                (Kind::Integer { min, max }, DeValue::Integer(number)) => {
                    let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
                    self.integer(path, (min, max), (&number.to_string(), parsed), (&name.span(), &span));
                }
                (kind, other) => self.wrong_type(path, kind.described(), other, span),
            }
        }
    }
}
