//! What a task becomes: `wharf` command lines, and what is to be said about them.

use std::collections::BTreeMap;

use semver::Version;

use super::option::Fate;
use super::standing::Standing;
use super::table::Row;
use crate::exit::Failure;

/// One `wharf` command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The words after `wharf`.
    pub words: Vec<String>,
    /// Whether what comes next runs although this failed: lists of tests do not wait for each other.
    pub goes_on: bool,
}

impl Line {
    /// One that ends the whole where it fails.
    pub(super) fn new<const N: usize>(words: [&str; N]) -> Self {
        Self { words: words.map(str::to_owned).to_vec(), goes_on: false }
    }

    pub(super) fn word(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    /// `--name value`, where there is a value.
    pub(super) fn option(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.word(format!("--{name}")).word(value),
            None => self,
        }
    }

    pub(super) fn flag(self, name: &str, is_given: bool) -> Self {
        if is_given { self.word(format!("--{name}")) } else { self }
    }

    /// As one could paste it.
    #[must_use]
    pub fn shown(&self) -> String {
        wharf_process::Command::new("wharf").args(self.words.iter().cloned()).to_string()
    }
}

/// What a task becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Translation {
    /// The command lines, in order; none where the real `invoke` has to do it.
    pub lines: Vec<Line>,
    /// What the caller should know.
    pub notes: Vec<String>,
}

impl From<Line> for Translation {
    fn from(line: Line) -> Self {
        Self { lines: vec![line], notes: Vec::new() }
    }
}

impl From<Vec<Line>> for Translation {
    fn from(lines: Vec<Line>) -> Self {
        Self { lines, notes: Vec::new() }
    }
}

/// Why a task becomes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An option has no equal.
    #[error("`{option}` of `{task}` has no equal in wharf")]
    Option {
        /// The task.
        task: &'static str,
        /// The option, as one types it.
        option: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// An option must be given.
    #[error("`{task}` needs `{option}`")]
    Missing {
        /// The task.
        task: &'static str,
        /// The option, as one types it.
        option: &'static str,
    },
    /// The version is not that of the changelog.
    #[error("`{task}` is to make version {asked}, but the top entry of the changelog of `{dir}` is {stated}")]
    Version {
        /// The task.
        task: &'static str,
        /// What was asked for.
        asked: String,
        /// The dir.
        dir: String,
        /// What the changelog states.
        stated: String,
    },
    /// A value that cannot be read.
    #[error("`{option}` of `{task}` cannot be `{value}`: {why}")]
    Value {
        /// The task.
        task: &'static str,
        /// The option, as one types it.
        option: &'static str,
        /// The value.
        value: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// Nothing runnable is around.
    #[error("`{task}` works on the runnable dir that one stands in, and here is none")]
    Nowhere {
        /// The task.
        task: &'static str,
    },
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::Option { instead, .. } => Self::usage(message).hint(instead),
            Refusal::Missing { task, .. } | Refusal::Value { task, .. } => {
                Self::usage(message).hint(format!("`i --help {task}` lists its options"))
            }
            Refusal::Version { dir, .. } => Self::refused(message).hint(format!(
                "add the entry with `wharf version bump {dir} --message TEXT`, or leave `--version` out"
            )),
            Refusal::Nowhere { .. } => Self::environment(message).hint("`wharf ls` lists runnable dirs"),
        }
    }
}

/// A task with the options that were given.
#[derive(Debug)]
pub struct Call<'a> {
    /// Its row.
    pub row: &'static Row,
    /// Where it was called.
    pub standing: &'a Standing,
    /// The options that were given, by name.
    pub values: &'a BTreeMap<&'static str, String>,
}

impl Call<'_> {
    /// The value of an option, where one was given that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether a flag was given, or the opposite of one that is on by default.
    pub(super) fn given(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The dir that is worked on: the one that `container_dir_name` names, else the one that one stands in.
    pub(super) fn dir(&self) -> Result<String, Refusal> {
        match self.named_dir() {
            Some(dir) => Ok(dir.to_owned()),
            None => self.standing.here.clone().ok_or(Refusal::Nowhere { task: self.row.name }),
        }
    }

    /// The dir that was named.
    pub(super) fn named_dir(&self) -> Option<&str> {
        self.text("container_dir_name").filter(|dir| *dir != ".")
    }

    /// The version of the dir that is worked on; `None` where there is no such dir, which the command itself will say.
    pub(super) fn version(&self) -> Option<&Version> {
        match self.named_dir() {
            Some(dir) => self.standing.version_of(dir),
            None => self.standing.version.as_ref(),
        }
    }

    /// Translates it, with what is to be said of its options.
    ///
    /// # Errors
    /// When an option has no equal, or something is missing.
    pub fn translate(&self) -> Result<Translation, Refusal> {
        let mut notes = Vec::new();
        for option in self.row.options.iter().filter(|option| self.given(option.name)) {
            match option.fate {
                Fate::Refused(instead) if !self.values[option.name].is_empty() => {
                    return Err(Refusal::Option { task: self.row.name, option: option.long(), instead });
                }
                Fate::Needless(why) => notes.push(format!("`{}` is not needed: {why}", option.long())),
                Fate::Used | Fate::Refused(_) => {}
            }
        }
        let mut made = (self.row.make)(self)?;
        notes.append(&mut made.notes);
        Ok(Translation { notes, ..made })
    }
}
