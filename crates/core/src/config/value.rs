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
}

impl Value {
    /// The string, if it is one. Not masked.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::List(_) => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The list, if it is one. Not masked.
    #[must_use]
    pub fn as_list(&self) -> Option<&[String]> {
        match self {
            Self::List(items) => Some(items),
            Self::Text(_) | Self::Integer(_) => None,
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
        }
    }

    /// The value as JSON, credentials in URLs masked.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => mask_credentials(text).into(),
            Self::Integer(number) => (*number).into(),
            Self::List(items) => items.iter().map(|item| mask_credentials(item)).collect(),
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
