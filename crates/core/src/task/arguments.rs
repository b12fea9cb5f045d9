//! Arguments of tasks: their types, and the words of a command line bound to them.

use std::collections::BTreeMap;

/// An argument of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// Its name; on the command line with `-` for `_`.
    pub name: String,
    /// Its type.
    pub kind: ArgumentKind,
    /// Its value where none is given: one, or several for a variadic one. `None`: nothing is known.
    pub default: Option<Vec<String>>,
    /// What it is for; may be empty.
    pub help: String,
    /// The values that it may have; empty: any.
    pub choices: Vec<String>,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it can be given without its name.
    pub positional: bool,
    /// Whether it takes all words that are left.
    pub variadic: bool,
}

/// The type of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgumentKind {
    /// Any text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Given or not.
    Bool,
    /// A path.
    Path,
    /// One of some words.
    Choice,
}

impl ArgumentKind {
    /// The type of a word of the configuration.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "string" => Self::String,
            "int" => Self::Int,
            "float" => Self::Float,
            "bool" => Self::Bool,
            "path" => Self::Path,
            "choice" => Self::Choice,
            _ => return None,
        })
    }

    /// The word of the configuration.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Path => "path",
            Self::Choice => "choice",
        }
    }
}

/// Words that do not fit a task's arguments.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// One is missing.
    #[error("task `{task}` needs the argument `{name}`")]
    Missing {
        /// The task.
        task: String,
        /// The argument.
        name: String,
        /// How the task is called.
        usage: String,
    },
    /// One is not known.
    #[error("task `{task}` has no argument `{word}`")]
    Unknown {
        /// The task.
        task: String,
        /// What was written.
        word: String,
        /// How the task is called.
        usage: String,
    },
    /// One has a value of another type.
    #[error("argument `{name}` of task `{task}` is {expected}, not `{value}`")]
    WrongType {
        /// The task.
        task: String,
        /// The argument.
        name: String,
        /// What was written.
        value: String,
        /// What is expected.
        expected: String,
    },
    /// There are words left.
    #[error("task `{task}` takes no further argument such as `{word}`")]
    TooMany {
        /// The task.
        task: String,
        /// The first word that is left.
        word: String,
        /// How the task is called.
        usage: String,
    },
    /// A name without a value.
    #[error("argument `--{name}` of task `{task}` needs a value")]
    NoValue {
        /// The task.
        task: String,
        /// The argument.
        name: String,
    },
}

impl ArgumentError {
    /// How the task is called.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing { usage, .. } | Self::Unknown { usage, .. } | Self::TooMany { usage, .. } => {
                Some(format!("it is called as `{usage}`"))
            }
            Self::WrongType { .. } | Self::NoValue { .. } => None,
        }
    }
}

/// Values of all arguments of a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bound(pub BTreeMap<String, Vec<String>>);

impl Bound {
    /// The value of an argument as one text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|values| values.join(" "))
    }
}

impl Argument {
    /// The option as one types it: `--dry-run`.
    #[must_use]
    pub fn flag(&self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }

    /// What a value must be, as a phrase.
    #[must_use]
    pub fn expected(&self) -> String {
        if !self.choices.is_empty() {
            let choices: Vec<String> = self.choices.iter().map(|choice| format!("`{choice}`")).collect();
            return format!("one of {}", choices.join(", "));
        }
        match self.kind {
            ArgumentKind::Int => "a whole number",
            ArgumentKind::Float => "a number",
            ArgumentKind::Bool => "`true` or `false`",
            ArgumentKind::Path => "a path",
            ArgumentKind::String | ArgumentKind::Choice => "a text",
        }
        .to_owned()
    }

    /// Whether it may have this value.
    #[must_use]
    pub fn accepts(&self, value: &str) -> bool {
        let typed = match self.kind {
            ArgumentKind::Int => value.parse::<i64>().is_ok(),
            ArgumentKind::Float => value.parse::<f64>().is_ok(),
            ArgumentKind::Bool => matches!(value, "true" | "false"),
            // A variable cannot hold more.
            ArgumentKind::String | ArgumentKind::Path | ArgumentKind::Choice => !value.contains('\0'),
        };
        typed && (self.choices.is_empty() || self.choices.iter().any(|choice| choice == value))
    }

    fn usage(&self) -> String {
        let upper = self.name.to_uppercase();
        let text = match () {
            () if self.positional && self.variadic => format!("{upper}..."),
            () if self.positional => upper,
            () if self.kind == ArgumentKind::Bool => self.flag(),
            () => format!("{} {upper}", self.flag()),
        };
        if self.required { text } else { format!("[{text}]") }
    }
}

/// How a task is called: `wharf task build TARGET [--jobs JOBS]`.
#[must_use]
pub fn usage(task: &str, arguments: &[Argument]) -> String {
    let words = arguments.iter().map(Argument::usage);
    ["wharf task".to_owned(), task.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// Binds the words of a command line to arguments. `--name value`, `--name=value`, `--flag`, `--no-flag`; words without
/// a name go to positional arguments in their order; after `--` all words are such.
///
/// # Errors
/// When a word fits no argument, a value has the wrong type, or one is missing.
pub fn bind(task: &str, arguments: &[Argument], words: &[String]) -> Result<Bound, ArgumentError> {
    let mut binder = Binder { task, arguments, bound: BTreeMap::new() };
    let mut words = words.iter();
    let mut only_positional = false;
    while let Some(word) = words.next() {
        match word.strip_prefix("--").filter(|_| !only_positional) {
            Some("") => only_positional = true,
            Some(flag) => {
                let (name, value) = flag.split_once('=').map_or((flag, None), |(name, value)| (name, Some(value)));
                binder.named(name, value.map(str::to_owned), &mut words)?;
            }
            None => binder.positional(word)?,
        }
    }
    binder.finish()
}

struct Binder<'a> {
    task: &'a str,
    arguments: &'a [Argument],
    bound: BTreeMap<String, Vec<String>>,
}

impl Binder<'_> {
    fn named<'w>(
        &mut self,
        flag: &str,
        value: Option<String>,
        words: &mut impl Iterator<Item = &'w String>,
    ) -> Result<(), ArgumentError> {
        let name = flag.replace('-', "_");
        let arguments = self.arguments;
        let find = |name: &str| arguments.iter().find(|argument| argument.name.replace('-', "_") == name);
        if let Some(argument) = find(&name) {
            let value = match (value, argument.kind) {
                (Some(value), _) => value,
                (None, ArgumentKind::Bool) => "true".to_owned(),
                (None, _) => words
                    .next()
                    .cloned()
                    .ok_or_else(|| ArgumentError::NoValue { task: self.task.to_owned(), name: flag.to_owned() })?,
            };
            return self.take(argument, value);
        }
        let negated = name.strip_prefix("no_").and_then(find).filter(|argument| argument.kind == ArgumentKind::Bool);
        match negated.filter(|_| value.is_none()) {
            Some(argument) => self.take(argument, "false".to_owned()),
            None => Err(ArgumentError::Unknown {
                task: self.task.to_owned(),
                word: format!("--{flag}"),
                usage: usage(self.task, self.arguments),
            }),
        }
    }

    fn positional(&mut self, word: &str) -> Result<(), ArgumentError> {
        let arguments = self.arguments;
        let mut free = arguments.iter().filter(|argument| argument.positional);
        let next = free.find(|argument| argument.variadic || !self.bound.contains_key(&argument.name));
        match next {
            Some(argument) => self.take(argument, word.to_owned()),
            None => Err(ArgumentError::TooMany {
                task: self.task.to_owned(),
                word: word.to_owned(),
                usage: usage(self.task, self.arguments),
            }),
        }
    }

    fn take(&mut self, argument: &Argument, value: String) -> Result<(), ArgumentError> {
        if !argument.accepts(&value) {
            return Err(ArgumentError::WrongType {
                task: self.task.to_owned(),
                name: argument.name.clone(),
                value,
                expected: argument.expected(),
            });
        }
        let values = self.bound.entry(argument.name.clone()).or_default();
        if !argument.variadic {
            values.clear();
        }
        values.push(value);
        Ok(())
    }

    fn finish(mut self) -> Result<Bound, ArgumentError> {
        for argument in self.arguments {
            if self.bound.contains_key(&argument.name) {
                continue;
            }
            if argument.required {
                return Err(ArgumentError::Missing {
                    task: self.task.to_owned(),
                    name: argument.name.clone(),
                    usage: usage(self.task, self.arguments),
                });
            }
            let none = if argument.kind == ArgumentKind::Bool { vec!["false".to_owned()] } else { Vec::new() };
            self.bound.insert(argument.name.clone(), argument.default.clone().unwrap_or(none));
        }
        Ok(Bound(self.bound))
    }
}
