//! A checked value of one key.

use std::fmt;

use super::mask::mask_credentials;

/// The value of one key. Shows itself as TOML with credentials masked, in [`fmt::Debug`] too.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// A string; durations are strings too.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A list of strings.
    List(Vec<String>),
    /// A yes or no.
    Boolean(bool),
    /// A table: dotted paths within it, in the order of the source.
    Table(Vec<(String, Value)>),
}

impl Value {
    /// The string, if it is one. Not masked.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            _ => None,
        }
    }

    /// The list, if it is one. Not masked.
    #[must_use]
    pub fn as_list(&self) -> Option<&[String]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// The yes or no, if it is one.
    #[must_use]
    pub fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Boolean(boolean) => Some(*boolean),
            _ => None,
        }
    }

    /// The table, if it is one. Not masked.
    #[must_use]
    pub fn as_table(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Table(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value as TOML, credentials in URLs masked.
    #[must_use]
    pub fn display(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Integer(number) => number.to_string(),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(|item| quoted(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Table(entries) => {
                let entries: Vec<_> =
                    entries.iter().map(|(path, value)| format!("{path} = {}", value.display())).collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }

    /// The value as JSON, credentials in URLs masked.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => mask_credentials(text).into(),
            Self::Integer(number) => (*number).into(),
            Self::List(items) => items.iter().map(|item| mask_credentials(item)).collect(),
            Self::Boolean(boolean) => (*boolean).into(),
            Self::Table(entries) => entries.iter().map(|(path, value)| (path.clone(), value.to_json())).collect(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

/// `text` as a TOML string, masked.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(mask_credentials(text).into_owned()).to_string()
}
