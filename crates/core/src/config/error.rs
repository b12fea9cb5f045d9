//! What can be wrong with configuration, and what to do about it. All problems of a source are reported together.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::mask::mask_credentials;
use super::origin::LayerKind;
use super::suggest::Suggestion;

/// Configuration that cannot be used: one or more problems, in the order of the source.
///
/// [`fmt::Display`] gives one line a problem; [`ConfigError::render`] shows the lines of the file.
#[derive(Debug, thiserror::Error)]
#[error("{}", Lines(.problems))]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    /// `Ok` where there are no problems.
    pub(super) fn check(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }

    /// One problem.
    pub(super) fn of(kind: ProblemKind, place: Place) -> Self {
        Self { problems: vec![Problem { kind, place }] }
    }

    /// The problems, never none.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Adds the problems of another source, so that those of all files are reported together.
    pub fn extend(&mut self, other: Self) {
        self.problems.extend(other.problems);
    }

    /// What to do next, for the first problem.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.problems.first().and_then(Problem::hint)
    }
}

struct Lines<'a>(&'a [Problem]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// Where.
    pub place: Place,
}

/// Where a problem stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file as a whole.
    File(Arc<Path>),
    /// A place in a file.
    Line(SourceLine),
    /// A variable, by name.
    Variable(Arc<str>),
    /// A flag, by name.
    Flag(Arc<str>),
    /// All layers taken together.
    Everywhere,
}

/// A line of a file with the part that is meant. Credentials in it are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// The file.
    pub path: Arc<Path>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Text of the line, without its end.
    pub text: String,
    /// The part of `text` that is meant, in bytes.
    pub span: Range<usize>,
}

/// The ways in which configuration can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file is larger than is read.
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The most that is read.
        limit: usize,
    },
    /// A byte that is not UTF-8.
    NotUtf8 {
        /// Where it is, in bytes from 0.
        offset: usize,
        /// The byte; `None` for text that is not from a file.
        byte: Option<u8>,
    },
    /// The text is not TOML.
    NotToml {
        /// What the parser says.
        message: String,
    },
    /// The text is not YAML, or not the mapping that it should be.
    NotYaml {
        /// What the parser says.
        message: String,
    },
    /// The text is not Python.
    NotPython {
        /// What the parser says.
        message: String,
    },
    /// A key is there twice.
    Twice {
        /// Its path.
        path: String,
    },
    /// A value is computed, so that only running the file would tell it.
    Computed {
        /// The function that computes it.
        name: String,
        /// The key that can state it.
        path: &'static str,
    },
    /// A key that is not in the schema.
    UnknownKey {
        /// Its path.
        path: String,
        /// The nearest known one.
        suggestion: Option<Suggestion>,
    },
    /// A table that is not in the schema.
    UnknownTable {
        /// Its path.
        path: String,
        /// The nearest known one.
        suggestion: Option<Suggestion>,
    },
    /// A value of another type.
    WrongType {
        /// Path of the key, with the index of a list's item.
        path: String,
        /// What is expected, as a phrase.
        expected: String,
        /// What is there, as a phrase.
        found: &'static str,
    },
    /// A value of the right type that is not allowed.
    BadValue {
        /// Path of the key, with the index of a list's item.
        path: String,
        /// The value, masked and shortened.
        value: String,
        /// What is expected, as a phrase.
        expected: String,
        /// The nearest allowed one.
        suggestion: Option<Suggestion>,
    },
    /// A known key in a layer that may not state it.
    NotAllowedHere {
        /// Its path.
        path: String,
        /// The layers that may.
        scopes: &'static [LayerKind],
    },
    /// A key that a sub-repo may not state for a super-repo.
    NotExported {
        /// Its path.
        path: String,
    },
    /// Two sub-repos export different values, and nothing nearer states one.
    ExportedTwice {
        /// Path of the key.
        path: String,
        /// File and line of the one.
        first: String,
        /// File and line of the other.
        second: String,
    },
    /// Two keys that exclude each other.
    Conflict {
        /// The one.
        path: &'static str,
        /// The other.
        other: &'static str,
    },
    /// The source has more problems than are told.
    TooMany {
        /// How many more.
        more: usize,
    },
    /// A key that must have a value has none; the embedded defaults are at fault.
    Missing {
        /// Its path.
        path: &'static str,
    },
}

impl ProblemKind {
    /// A bad value, masked and shortened for display.
    pub(super) fn bad_value(path: String, value: &str, expected: String) -> Self {
        const SHOWN: usize = 60;
        let masked = mask_credentials(value);
        let mut shown: String = masked.chars().take(SHOWN).flat_map(char::escape_debug).collect();
        if masked.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        Self::BadValue { path, value: shown, expected, suggestion: None }
    }

    /// What is wrong, without the place.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::TooLarge { .. } => "config file is too large".to_owned(),
            Self::NotUtf8 { .. } => "text is not UTF-8".to_owned(),
            Self::NotToml { .. } => "text is not TOML".to_owned(),
            Self::NotYaml { .. } => "text is not YAML".to_owned(),
            Self::NotPython { .. } => "text is not Python".to_owned(),
            Self::Twice { path } => format!("key `{path}` is there twice"),
            Self::Computed { name, .. } => format!("what `{name}` returns is computed, and no file is run to be read"),
            Self::UnknownKey { path, .. } => format!("unknown key `{path}`"),
            Self::UnknownTable { path, .. } => format!("unknown table `{path}`"),
            Self::WrongType { path, .. } => format!("wrong type of `{path}`"),
            Self::BadValue { path, value, .. } => format!("bad value \"{value}\" of `{path}`"),
            Self::NotAllowedHere { path, .. } => format!("key `{path}` is not allowed"),
            Self::NotExported { path } => format!("key `{path}` cannot be exported"),
            Self::ExportedTwice { path, .. } => format!("two sub-repos export different values of `{path}`"),
            Self::Conflict { path, other } => format!("`{path}` and `{other}` exclude each other"),
            Self::TooMany { more } => format!("{more} more problems"),
            Self::Missing { path } => format!("no value of `{path}`"),
        }
    }

    /// What more there is to say; may be empty.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::TooLarge { bytes, limit } => format!("{bytes} bytes, at most {limit} are read"),
            Self::NotUtf8 { offset, byte: Some(byte) } => format!("byte 0x{byte:02x} at offset {offset}"),
            Self::NotUtf8 { offset, byte: None } => format!("at offset {offset}"),
            Self::NotToml { message } | Self::NotYaml { message } | Self::NotPython { message } => message.clone(),
            Self::WrongType { expected, found, .. } => format!("expected {expected}, found {found}"),
            Self::BadValue { expected, .. } => format!("expected {expected}"),
            Self::NotAllowedHere { scopes, .. } => {
                let scopes: Vec<_> = scopes.iter().map(|scope| scope.described()).collect();
                format!("only in {}", scopes.join(", "))
            }
            Self::NotExported { .. } => "a sub-repo may not decide it for others".to_owned(),
            Self::ExportedTwice { first, second, .. } => format!("`{first}` and `{second}`"),
            Self::Twice { .. }
            | Self::Computed { .. }
            | Self::UnknownKey { .. }
            | Self::UnknownTable { .. }
            | Self::Conflict { .. }
            | Self::TooMany { .. }
            | Self::Missing { .. } => String::new(),
        }
    }

    /// The nearest correct spelling, where there is one.
    #[must_use]
    pub fn suggestion(&self) -> Option<&Suggestion> {
        match self {
            Self::UnknownKey { suggestion, .. }
            | Self::UnknownTable { suggestion, .. }
            | Self::BadValue { suggestion, .. } => suggestion.as_ref(),
            _ => None,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind.summary(), self.place)?;
        let detail = self.kind.detail();
        if !detail.is_empty() {
            write!(f, ": {detail}")?;
        }
        if let Some(suggestion) = self.kind.suggestion() {
            write!(f, "; did you mean `{suggestion}`?")?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, " in `{}`", path.display()),
            Self::Line(at) => write!(f, " in `{}`, line {}", at.path.display(), at.line),
            Self::Variable(name) => write!(f, " in variable `{name}`"),
            Self::Flag(name) => write!(f, " in flag `{name}`"),
            Self::Everywhere => Ok(()),
        }
    }
}
