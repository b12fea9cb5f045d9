//! A command line of `i` or `main_pytest.py`, cut into tasks with their options, as invoke's parser does it.

use std::collections::BTreeMap;

use super::option::{Flag, flags};
use super::table::Row;

/// A command line, read.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// What is asked instead of running anything.
    pub(super) question: Option<Question>,
    /// Whether nothing is to be changed.
    pub(super) dry: bool,
    /// Options of invoke itself, for tasks that go on to it.
    pub(super) passed: Vec<String>,
    /// The tasks.
    pub(super) tasks: Vec<Asked>,
}

/// What is asked instead of running anything.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// `--list`.
    List,
    /// `--help`, of a task or of all.
    Help(Option<String>),
    /// `--version`.
    Version,
    /// Something that only the real `invoke` answers.
    Other,
}

/// A task of a command line.
#[derive(Debug)]
pub(super) enum Asked {
    /// One that Wharf has an equal for.
    Known(&'static Row, BTreeMap<&'static str, String>),
    /// Another one, by its own name, with the words after it.
    Other(String, Vec<String>),
    /// One of `[tasks]`, by its address, with the words after it.
    Task(String, Vec<String>),
}

/// Who does a task.
#[derive(Debug)]
pub(super) enum Who {
    /// Wharf.
    Row(&'static Row),
    /// The team's own, under this name, with these flags.
    Own(String, Vec<Flag>),
    /// `wharf task`, under this address, with these flags.
    Task(String, Vec<Flag>),
    /// Nobody known.
    Unknown,
}

/// Words that make no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum WordsError {
    #[error("task `{task}` has no option `{word}`")]
    Option { task: String, word: String },
    #[error("option `{word}` of task `{task}` needs a value")]
    NoValue { task: String, word: String },
    #[error("option `{word}` of task `{task}` takes no value")]
    Value { task: String, word: String },
    #[error("`{0}` has no place here")]
    Place(String),
}

impl WordsError {
    /// What to type next.
    pub(super) fn hint(&self) -> String {
        match self {
            Self::Option { task, .. } | Self::NoValue { task, .. } | Self::Value { task, .. } => {
                format!("`i --help {task}` lists its options")
            }
            Self::Place(_) => "`i --list` lists the tasks".into(),
        }
    }
}

/// Reads the words after the program's name.
///
/// # Errors
/// When an option of a known task is none of its, or lacks its value.
pub(super) fn read(words: &[String], who: &dyn Fn(&str) -> Who) -> Result<Words, WordsError> {
    let mut all = Words::default();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if word == "--" || !word.starts_with('-') || word == "-" {
            break;
        }
        at += 1;
        match word.as_str() {
            "-l" | "--list" if at == words.len() => all.question = Some(Question::List),
            "-h" | "--help" => {
                all.question = Some(Question::Help(words.get(at).cloned()));
                return Ok(all);
            }
            "-V" | "--version" => all.question = Some(Question::Version),
            _ if !all.take(word) => {
                all.question = Some(Question::Other);
                return Ok(all);
            }
            _ => {}
        }
    }
    while at < words.len() {
        at = all.task(words, at, who)?;
    }
    Ok(all)
}

impl Words {
    /// Takes an option of invoke itself that is without a value.
    fn take(&mut self, word: &str) -> bool {
        match word {
            "--dry" | "-R" => self.dry = true,
            "-e" | "--echo" | "-p" | "--pty" | "-w" | "--warn-only" | "-d" | "--debug" | "--no-dedupe" => {}
            _ => return false,
        }
        self.passed.push(word.to_owned());
        true
    }

    /// Reads the task at a place; gives the place behind it.
    fn task(&mut self, words: &[String], at: usize, who: &dyn Fn(&str) -> Who) -> Result<usize, WordsError> {
        let name = &words[at];
        if name == "--" {
            return Err(WordsError::Place(name.clone()));
        }
        match who(name) {
            Who::Row(row) => {
                let mut scan = Scan::new(row.name, flags(row.options), words, at + 1);
                scan.run(self)?;
                let values = scan.values.into_iter().map(|(index, value)| (row.options[index].name, value)).collect();
                self.tasks.push(Asked::Known(row, values));
                Ok(scan.at)
            }
            Who::Own(name, flags) => {
                let (end, _) = self.own(&name, flags, words, at + 1);
                self.tasks.push(Asked::Other(name, words[at + 1..end].to_vec()));
                Ok(end)
            }
            Who::Task(id, flags) => {
                let (end, passed) = self.own(&id, flags, words, at + 1);
                let is_its = |word: &&String| !passed.contains(word);
                self.tasks.push(Asked::Task(id, words[at + 1..end].iter().filter(is_its).cloned().collect()));
                Ok(end)
            }
            Who::Unknown => {
                self.tasks.push(Asked::Other(name.clone(), words[at + 1..].to_vec()));
                Ok(words.len())
            }
        }
    }

    /// Reads the words of one of the team's own tasks from a place; gives the place behind them, and those among them that are
    /// options of invoke itself: such count for the whole line. Where one cannot be read, all that is left belongs to the task.
    fn own(&mut self, name: &str, flags: Vec<Flag>, words: &[String], at: usize) -> (usize, Vec<String>) {
        let mut inner = Self::default();
        let mut scan = Scan::new(name, flags, words, at);
        if scan.run(&mut inner).is_err() {
            return (words.len(), Vec::new());
        }
        self.dry |= inner.dry;
        self.question = self.question.take().or(inner.question);
        self.passed.extend(inner.passed.iter().cloned());
        (scan.at, inner.passed)
    }
}

/// One task's words, as they are read.
struct Scan<'a> {
    task: String,
    flags: Vec<Flag>,
    words: &'a [String],
    at: usize,
    values: BTreeMap<usize, String>,
}

impl<'a> Scan<'a> {
    fn new(task: &str, flags: Vec<Flag>, words: &'a [String], at: usize) -> Self {
        Self { task: task.to_owned(), flags, words, at, values: BTreeMap::new() }
    }

    fn run(&mut self, all: &mut Words) -> Result<(), WordsError> {
        while let Some(word) = self.words.get(self.at) {
            if let Some(body) = word.strip_prefix("--") {
                self.at += 1;
                self.long(word, body, all)?;
            } else if word.len() > 1 && word.starts_with('-') {
                self.at += 1;
                self.letters(word, all)?;
            } else {
                let is_number = word.starts_with(|first: char| first.is_ascii_digit());
                let takes = |flag: &Flag| flag.positional && (is_number || !flag.is_number);
                let mut free = self.flags.iter().enumerate().filter(|(_, flag)| takes(flag));
                let Some((index, _)) = free.find(|(index, _)| !self.values.contains_key(index)) else { break };
                self.values.insert(index, word.clone());
                self.at += 1;
            }
        }
        Ok(())
    }

    fn long(&mut self, word: &str, body: &str, all: &mut Words) -> Result<(), WordsError> {
        let (name, value) = body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value)));
        let plain = |name: &str| name.replace('-', "_").trim_end_matches('_').to_owned();
        let name = plain(name);
        let is_named = |flag: &Flag, name: &str| plain(&flag.name) == name;
        if let Some(index) = self.flags.iter().position(|flag| is_named(flag, &name)) {
            return self.set(index, word, value.map(str::to_owned));
        }
        let negated = name.strip_prefix("no_");
        let is_switch = |flag: &Flag, name: &str| !flag.takes_value && is_named(flag, name);
        let index = negated.and_then(|name| self.flags.iter().position(|flag| is_switch(flag, name)));
        match index {
            Some(index) if value.is_none() => {
                if self.flags[index].default_on {
                    self.values.insert(index, "false".into());
                } else {
                    self.values.remove(&index);
                }
                Ok(())
            }
            _ if name == "help" => {
                all.question = Some(Question::Help(Some(self.task.clone())));
                Ok(())
            }
            _ if all.take(word) => Ok(()),
            _ => Err(WordsError::Option { task: self.task.clone(), word: word.to_owned() }),
        }
    }

    fn letters(&mut self, word: &str, all: &mut Words) -> Result<(), WordsError> {
        let mut rest = &word[1..];
        while let Some(letter) = rest.chars().next() {
            rest = &rest[letter.len_utf8()..];
            let Some(index) = self.flags.iter().position(|flag| flag.short == Some(letter)) else {
                return match word {
                    "-h" => {
                        all.question = Some(Question::Help(Some(self.task.clone())));
                        Ok(())
                    }
                    _ if all.take(word) => Ok(()),
                    _ => Err(WordsError::Option { task: self.task.clone(), word: word.to_owned() }),
                };
            };
            if self.flags[index].takes_value && !rest.is_empty() {
                let value = rest.strip_prefix('=').unwrap_or(rest).to_owned();
                return self.set(index, word, Some(value));
            }
            self.set(index, word, None)?;
        }
        Ok(())
    }

    fn set(&mut self, index: usize, word: &str, value: Option<String>) -> Result<(), WordsError> {
        let flag = &self.flags[index];
        let (task, word) = (self.task.clone(), word.to_owned());
        let value = match (flag.takes_value, value) {
            (true, Some(value)) => value,
            (true, None) => {
                let value = self.words.get(self.at).cloned().ok_or(WordsError::NoValue { task, word })?;
                self.at += 1;
                value
            }
            (false, Some(_)) => return Err(WordsError::Value { task, word }),
            // One that is on anyway says nothing.
            (false, None) if flag.default_on => return Ok(()),
            (false, None) => "true".into(),
        };
        self.values.insert(index, value);
        Ok(())
    }
}
