//! The layers that come from outside files: `WHARF_*` variables and flags.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

use toml::de::DeValue;

use super::check::Checker;
use super::error::{ConfigError, Problem, ProblemKind};
use super::layer::{Entry, Layer};
use super::mask::mask_credentials;
use super::origin::LayerKind;
use super::schema::{self, Key, Kind};
use super::site::Site;
use super::suggest::nearest_key;

/// A flag of the command line that states a key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Flag<'a> {
    /// Path of the key, such as `engine.kind`.
    pub path: &'a str,
    /// What the user wrote. For a list, one item, or the whole as TOML (`["a", "b"]`).
    pub text: &'a str,
    /// The flag as the user knows it, such as `--engine`.
    pub name: &'a str,
}

impl fmt::Debug for Flag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} = {:?})", self.name, self.path, mask_credentials(self.text))
    }
}

impl Layer {
    /// Reads the variables that state keys; all others are left alone, as are empty ones. Lists are comma-separated
    /// or TOML, tables are TOML.
    ///
    /// # Errors
    /// All values that will not do.
    pub fn from_variables<K, V>(variables: impl IntoIterator<Item = (K, V)>) -> Result<Self, ConfigError>
    where
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        let mut stated = BTreeMap::new();
        for (name, value) in variables {
            let Some(name) = name.as_ref().to_str().filter(|name| name.starts_with("WHARF_")) else {
                continue;
            };
            let value = value.as_ref();
            let Some((key, short)) = key_of_variable(name).filter(|_| !value.is_empty()) else {
                continue;
            };
            // Of two names of one key the short one wins, whichever comes first.
            if short || !stated.contains_key(key.path) {
                stated.insert(key.path, (key, name.to_owned(), value.to_owned()));
            }
        }
        let mut outcome = Outcome::default();
        for (key, name, value) in stated.into_values() {
            let site = Site::Variable(name.into());
            let mut checker = Checker::new(LayerKind::Variables, &site);
            match value.to_str() {
                _ if checker.refuses(key, &(0..0)) => {}
                Some(text) => checker.outside(key, text),
                None => {
                    let offset = value.as_encoded_bytes().utf8_chunks().next().map_or(0, |chunk| chunk.valid().len());
                    checker.report(ProblemKind::NotUtf8 { offset, byte: None }, 0..0);
                }
            }
            outcome.add(checker);
        }
        outcome.into_layer(LayerKind::Variables)
    }

    /// Reads flags. A flag for a list that is given more than once adds an item each time; of another key the last
    /// one counts.
    ///
    /// # Errors
    /// All values that will not do, and paths that are not keys.
    pub fn from_flags<'a>(flags: impl IntoIterator<Item = Flag<'a>>) -> Result<Self, ConfigError> {
        let mut outcome = Outcome::default();
        let mut lists: BTreeMap<&str, (Flag<'a>, Vec<&str>)> = BTreeMap::new();
        for flag in flags {
            let key = schema::KEYS.iter().find(|key| key.path == flag.path);
            let is_list = key.is_some_and(|key| matches!(key.kind, Kind::List(_)));
            if is_list && key.is_some_and(|key| key.is_allowed_in(LayerKind::Flags)) && !is_toml_list(flag.text) {
                lists.entry(flag.path).or_insert_with(|| (flag, Vec::new())).1.push(flag.text);
                continue;
            }
            let site = Site::Flag(flag.name.into());
            let mut checker = Checker::new(LayerKind::Flags, &site);
            match key {
                Some(key) if !checker.refuses(key, &(0..0)) => checker.outside(key, flag.text),
                Some(_) => {}
                None => {
                    let suggestion = nearest_key(flag.path);
                    checker.report(ProblemKind::UnknownKey { path: flag.path.to_owned(), suggestion }, 0..0);
                }
            }
            outcome.add(checker);
        }
        for (path, (flag, items)) in lists {
            let site = Site::Flag(flag.name.into());
            let mut checker = Checker::new(LayerKind::Flags, &site);
            if let Some(Key { kind: Kind::List(form), .. }) = schema::find(path) {
                let items: Vec<_> = items.into_iter().map(|item| (item, 0..0)).collect();
                checker.items(path.to_owned(), *form, &items, &(0..0));
            }
            outcome.add(checker);
        }
        outcome.into_layer(LayerKind::Flags)
    }
}

/// The key that a variable states, and whether this is its short name.
fn key_of_variable(name: &str) -> Option<(&'static Key, bool)> {
    schema::KEYS.iter().find_map(|key| {
        let short = key.short_variable == Some(name);
        (short || key.variable() == name).then_some((key, short))
    })
}

fn is_toml_list(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('[') && text.ends_with(']')
}

impl Checker<'_> {
    /// Reads text from a variable or a flag as the key's kind asks.
    fn outside(&mut self, key: &'static Key, text: &str) {
        let nowhere = 0..0;
        match key.kind {
            Kind::TextOrList(form, _) if !is_toml_list(text) => {
                self.text(key.path.to_owned(), form, text, (&nowhere, &nowhere));
            }
            Kind::Text(form) => self.text(key.path.to_owned(), form, text, (&nowhere, &nowhere)),
            Kind::Integer { min, max } => {
                let parsed = text.trim().parse().ok();
                self.integer(key.path.to_owned(), (min, max), (text, parsed), (&nowhere, &nowhere));
            }
            Kind::List(form) if !is_toml_list(text) => {
                let items: Vec<_> =
                    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(|item| (item, 0..0)).collect();
                self.items(key.path.to_owned(), form, &items, &nowhere);
            }
            Kind::List(_)
            | Kind::TextOrList(..)
            | Kind::NamedText(..)
            | Kind::NamedList(..)
            | Kind::Boolean
            | Kind::Texts(_)
            | Kind::Scalar => match DeValue::parse(text) {
                Ok(value) => self.value(key, &nowhere, &value),
                Err(error) => self.report(ProblemKind::NotToml { message: error.message().to_owned() }, nowhere),
            },
        }
    }
}

/// What several checkers found; of two values of one key the later one stays.
#[derive(Default)]
struct Outcome {
    entries: BTreeMap<String, Arc<Entry>>,
    problems: Vec<Problem>,
}

impl Outcome {
    fn add(&mut self, checker: Checker<'_>) {
        self.problems.extend(checker.problems);
        self.entries.extend(checker.entries.into_iter().map(|entry| (entry.path.clone(), entry)));
    }

    fn into_layer(self, kind: LayerKind) -> Result<Layer, ConfigError> {
        ConfigError::check(self.problems)?;
        Ok(Layer::from_entries(kind, self.entries.into_values().collect()))
    }
}
