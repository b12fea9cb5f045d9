//! A `pyproject.toml` as data, with the lines that messages need. Knows TOML, not what the tables mean.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Error;

/// A parsed `pyproject.toml`.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// Where it lies.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Its tables.
    pub table: Table,
}

impl Manifest {
    /// Reads the file; `None` where there is none.
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        let Some(text) = read_text(path)? else {
            return Ok(None);
        };
        let table = parse(path, &text)?;
        Ok(Some(Self { path: path.to_owned(), text, table }))
    }

    /// The value at a path of keys.
    pub fn value(&self, keys: &[&str]) -> Option<&Value> {
        let (last, tables) = keys.split_last()?;
        tables.iter().try_fold(&self.table, |table, key| table.get(*key)?.as_table())?.get(*last)
    }

    /// The table at a path of keys.
    pub fn table(&self, keys: &[&str]) -> Option<&Table> {
        self.value(keys)?.as_table()
    }

    /// The string at a path of keys.
    pub fn string(&self, keys: &[&str]) -> Option<&str> {
        self.value(keys)?.as_str()
    }

    /// The strings of the array (or the one string) at a path of keys; what is not a string is left out.
    pub fn strings(&self, keys: &[&str]) -> Vec<String> {
        self.value(keys).map(strings).unwrap_or_default()
    }

    /// Whether `[project] dynamic` lists `field`.
    pub fn is_dynamic(&self, field: &str) -> bool {
        self.strings(&["project", "dynamic"]).iter().any(|listed| listed == field)
    }

    /// The first line, from 1, that has `text` in it; 1 where none has (an escaped string).
    pub fn line_of(&self, text: &str) -> usize {
        line_of(&self.text, text)
    }
}

/// The first line, from 1, of `whole` that has `part` in it, or 1.
pub fn line_of(whole: &str, part: &str) -> usize {
    whole.lines().position(|line| line.contains(part)).map_or(1, |index| index + 1)
}

/// The strings in an array, or the one string.
pub fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// Parses TOML, with the line in the error.
pub fn parse(path: &Path, text: &str) -> Result<Table, Error> {
    toml::from_str(text).map_err(|error: toml::de::Error| Error::Toml {
        path: path.to_owned(),
        line: error
            .span()
            .map_or(1, |span| text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1)),
        message: error.message().to_owned(),
    })
}

/// The text of a file, without a byte order mark; `None` where there is none.
pub fn read_text(path: &Path) -> Result<Option<String>, Error> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}

/// The bytes of a file that has to be there.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read { path: path.to_owned(), source })
}
