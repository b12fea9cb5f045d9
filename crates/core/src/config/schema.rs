//! What a key is. The keys themselves stand in the sibling `keys.rs`, one row each.

pub use super::form::Form;
pub use super::keys::KEYS;
pub use super::reference::{defaults_text, reference_markdown};

use std::sync::LazyLock;

use super::form::any_of;
use super::origin::LayerKind;

/// The type of a key's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string of this form.
    Text(Form),
    /// A whole number within these bounds, both included.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A list of strings of this form.
    List(Form),
    /// A string of the first form, or a list of strings of the second.
    TextOrList(Form, Form),
    /// A yes or no.
    Boolean,
    /// A string of this form, or a list of them.
    Texts(Form),
    /// A string, a number, a yes or no, or a list of strings: kept as text.
    Scalar,
    /// A table from names to strings of this form; merges by name.
    NamedText(Names, Form),
    /// A table from names to lists of strings of this form; merges by name.
    NamedList(Names, Form),
}

/// Which names a table of named things may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Letters, digits, `_` and `-`.
    Free,
    /// Names of environment variables.
    Variables,
    /// Only these.
    Only(&'static [&'static str]),
}

impl Names {
    /// Whether a named thing may have this name.
    #[must_use]
    pub fn accepts(self, name: &str) -> bool {
        match self {
            Self::Free => !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')),
            Self::Variables => super::form::is_variable_name(name),
            Self::Only(names) => names.contains(&name),
        }
    }

    pub(super) fn expected(self) -> String {
        match self {
            Self::Free => "a name of letters, digits, `_` and `-`".to_owned(),
            Self::Variables => "a name of a variable, such as `LOG_LEVEL`".to_owned(),
            Self::Only(names) => any_of(names),
        }
    }
}

impl Kind {
    /// The type as people read it: "a list of strings".
    #[must_use]
    pub fn described(self) -> &'static str {
        match self {
            Self::Text(Form::Duration | Form::DurationOrNone) => "a duration in quotes",
            Self::Text(Form::Size) => "a size in quotes",
            Self::Text(_) => "a string",
            Self::Integer { .. } => "a whole number",
            Self::List(_) => "a list of strings",
            Self::TextOrList(..) => "a string or a list of strings",
            Self::Boolean => "`true` or `false`",
            Self::Texts(_) => "a string or a list of strings",
            Self::Scalar => "a string, a number, `true`, `false`, or a list of strings",
            Self::NamedText(..) => "a table of strings",
            Self::NamedList(..) => "a table of lists of strings",
        }
    }

    /// What a value must be, beyond its type; `None` where anything of the type will do.
    #[must_use]
    pub fn expected(self) -> Option<String> {
        match self {
            Self::Text(Form::Any) | Self::List(Form::Any) | Self::Texts(Form::Any) | Self::Boolean | Self::Scalar => {
                None
            }
            Self::Integer { min, max: i64::MAX } => Some(format!("{min} or more")),
            Self::Integer { min, max } => Some(format!("{min} to {max}")),
            Self::TextOrList(text, list) => Some(format!("{}, or a list: each {}", text.expected(), list.expected())),
            Self::Text(form)
            | Self::List(form)
            | Self::Texts(form)
            | Self::NamedText(_, form)
            | Self::NamedList(_, form) => Some(form.expected()),
        }
    }
}

/// One key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Dotted path, such as `image.base`.
    pub path: &'static str,
    /// Type of its value.
    pub kind: Kind,
    /// What it means, in one line, without final period.
    pub doc: &'static str,
    /// The default as TOML; `None` where the key is simply absent.
    pub default: Option<&'static str>,
    /// What happens while it is absent; only for keys without a default.
    pub absent: &'static str,
    /// A value to copy, as TOML.
    pub example: &'static str,
    /// The layers that may state it. The embedded defaults always may.
    pub scopes: &'static [LayerKind],
    /// The layers that may state it without effect: the file of a sub-repo is also a super-repo's file, when that
    /// repo stands alone.
    pub dormant: &'static [LayerKind],
    /// Another key that cannot be stated in the same file.
    pub excludes: Option<&'static str>,
    /// A shorter name of its variable, which wins over the long one.
    pub short_variable: Option<&'static str>,
    /// Whether its last part stands for any name: `setenv.NAME`.
    pub any_name: bool,
}

impl Key {
    /// The name of the variable that states it: `WHARF_TEST_TIMEOUT` for `test.timeout`.
    #[must_use]
    pub fn variable(&self) -> String {
        let mut name = String::from("WHARF_");
        name.extend(self.path.chars().map(|c| if matches!(c, '.' | '-') { '_' } else { c.to_ascii_uppercase() }));
        name
    }

    /// Whether a layer of this kind may state it, with or without effect.
    #[must_use]
    pub fn is_allowed_in(&self, layer: LayerKind) -> bool {
        if layer == LayerKind::Exported {
            return super::exports::may_export(self.path);
        }
        layer == LayerKind::Defaults || self.scopes.contains(&layer) || self.dormant.contains(&layer)
    }

    /// The table that holds it: `image` for `image.base`.
    #[must_use]
    pub fn table(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(table, _)| table)
    }

    /// Its name within its table: `base` for `image.base`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }
}

/// The key with this path, or the table of named things that the path lies in (`build.secrets` for
/// `build.secrets.npm`).
#[must_use]
pub fn find(path: &str) -> Option<&'static Key> {
    let general = super::tasks::general(path);
    let general = super::suites::general(&general);
    let general = super::services::general(&general);
    let path = &*general;
    let exact = |path: &str| {
        let index = BY_PATH.binary_search_by(|key| key.path.cmp(path)).ok()?;
        Some(BY_PATH[index])
    };
    let around = || {
        let mut tables = path.match_indices('.').filter_map(|(end, _)| exact(&path[..end]));
        tables.find(|key| matches!(key.kind, Kind::NamedText(..) | Kind::NamedList(..)))
    };
    exact(path).or_else(around).or_else(|| any_name(path))
}

/// All keys in the order of their paths.
static BY_PATH: LazyLock<Vec<&'static Key>> = LazyLock::new(|| {
    let mut keys: Vec<&Key> = KEYS.iter().collect();
    keys.sort_unstable_by_key(|key| key.path);
    keys
});

/// The key that stands for any name in the table that `path` lies in: `setenv.NAME` for `setenv.LOG_LEVEL`.
pub(super) fn any_name(path: &str) -> Option<&'static Key> {
    let (table, _) = path.rsplit_once('.')?;
    KEYS.iter().find(|key| key.any_name && key.table() == table)
}

/// The tables that are lists, written `[[name]]` once for each item. An item's keys have the item's number in their path:
/// `files[0].from`.
pub const LISTED_TABLES: &[&str] = &["files", "exports.files"];

/// The path without numbers of items: `files.from` for `files[0].from`.
#[must_use]
pub fn without_item(path: &str) -> std::borrow::Cow<'_, str> {
    match path.split_once('[').zip(path.split_once("].")) {
        Some(((table, _), (_, name))) => format!("{table}.{name}").into(),
        None => path.into(),
    }
}

/// The tables that stand for any number of tables, one for each name: `[tasks.NAME]`.
pub const NAMED_TABLES: &[&str] = &["test.suites.NAME", "services.NAME", "tasks.NAME", "tasks.NAME.args.word"];

/// The names of all tables, in the order of the reference.
#[must_use]
pub fn tables() -> Vec<&'static str> {
    let mut tables = Vec::new();
    for table in KEYS.iter().map(Key::table) {
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    tables
}

/// Every variable that states a key, with that key; short names before long ones.
pub fn variables() -> impl Iterator<Item = (String, &'static Key)> {
    KEYS.iter().filter(|key| key.is_allowed_in(LayerKind::Variables)).flat_map(|key| {
        let short = key.short_variable.map(str::to_owned);
        short.into_iter().chain([key.variable()]).map(move |name| (name, key))
    })
}
