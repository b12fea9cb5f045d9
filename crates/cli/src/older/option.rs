//! Options of tasks, with the short letters that invoke gives them.

/// An option of a task.
#[derive(Debug, Clone, Copy)]
pub struct Opt {
    /// Its name, with `_`.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What becomes of it.
    pub fate: Fate,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value.
    Text,
    /// A value that must be given; its name may be left out.
    Needed,
    /// A number or a version; its name may be left out.
    Number,
    /// Nothing; it is on unless `--no-NAME` is given.
    On,
    /// Nothing; it is off unless it is given.
    Off,
}

/// What becomes of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is part of the `wharf` command.
    Used,
    /// There is no need for it any more, for this reason.
    Needless(&'static str),
    /// It has no equal; this is what to do instead.
    Refused(&'static str),
}

pub(super) const fn text(name: &'static str) -> Opt {
    Opt { name, kind: Kind::Text, fate: Fate::Used }
}

pub(super) const fn needed(name: &'static str) -> Opt {
    Opt { name, kind: Kind::Needed, fate: Fate::Used }
}

pub(super) const fn number(name: &'static str) -> Opt {
    Opt { name, kind: Kind::Number, fate: Fate::Used }
}

pub(super) const fn on(name: &'static str) -> Opt {
    Opt { name, kind: Kind::On, fate: Fate::Used }
}

pub(super) const fn off(name: &'static str) -> Opt {
    Opt { name, kind: Kind::Off, fate: Fate::Used }
}

impl Opt {
    pub(super) const fn needless(mut self, why: &'static str) -> Self {
        self.fate = Fate::Needless(why);
        self
    }

    pub(super) const fn refused(mut self, instead: &'static str) -> Self {
        self.fate = Fate::Refused(instead);
        self
    }

    /// As one types it: `--skip-pull`.
    #[must_use]
    pub fn long(&self) -> String {
        let no = if self.kind == Kind::On { "no-" } else { "" };
        format!("--{no}{}", self.name.replace('_', "-"))
    }
}

/// A flag as the command line is read with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Flag {
    /// Its name, with `_`.
    pub(super) name: String,
    pub(super) short: Option<char>,
    pub(super) takes_value: bool,
    pub(super) default_on: bool,
    pub(super) positional: bool,
    /// Whether it takes a word without its name only where that starts with a digit.
    pub(super) is_number: bool,
}

/// The flags of a row, or of a task that was read from Python.
pub(super) fn flags(options: &[Opt]) -> Vec<Flag> {
    let plain = options.iter().map(|option| Flag {
        name: option.name.to_owned(),
        short: None,
        takes_value: matches!(option.kind, Kind::Text | Kind::Needed | Kind::Number),
        default_on: option.kind == Kind::On,
        positional: matches!(option.kind, Kind::Needed | Kind::Number),
        is_number: option.kind == Kind::Number,
    });
    lettered(plain.collect())
}

/// Gives each flag the letter that invoke gives it: the first of its name that is not taken, in the order of the function's
/// parameters (`Task.arg_opts`).
pub(super) fn lettered(mut flags: Vec<Flag>) -> Vec<Flag> {
    let mut taken: Vec<String> = flags.iter().map(|flag| flag.name.replace('_', "-")).collect();
    for flag in &mut flags {
        let name = flag.name.replace('_', "-");
        flag.short = name.chars().find(|letter| {
            let text = letter.to_string();
            text != name && !taken.contains(&text)
        });
        taken.extend(flag.short.map(|letter| letter.to_string()));
    }
    flags
}
