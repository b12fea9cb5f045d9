//! What core says while it works. Owns the vocabulary of progress; refuses to print: a [`Listener`] does.

use std::path::PathBuf;

/// Something worth telling while a command works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A fact worth one line, such as which engine was chosen and why.
    Note(String),
    /// Something that is not right but stops nothing.
    Warning(String),
    /// Something that takes a while moved on.
    Step {
        /// What it is, such as `thin environment`.
        what: String,
        /// The latest line of it.
        line: String,
    },
    /// The services of a runnable dir moved on.
    Services {
        /// What people call the dir.
        dir: String,
        /// What happened, such as `postgres is ready`.
        line: String,
    },
    /// The image of a runnable dir moved on.
    Image {
        /// Address of the runnable dir.
        dir: String,
        /// What happened to its image.
        state: ImageState,
    },
}

/// Where an image is on its way to being usable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageState {
    /// It was there already.
    Found {
        /// Reference or id by which the engine knows it.
        image: String,
        /// Why this one was chosen, for one line of talk.
        why: String,
    },
    /// It is being fetched from a registry.
    Pulling {
        /// Reference that is fetched.
        image: String,
    },
    /// It is being built; `step` is the builder's latest line.
    Building {
        /// Reference that will be made.
        image: String,
        /// The latest line of the builder's output.
        step: String,
    },
    /// It was built or fetched and can be used.
    Ready {
        /// Reference or id by which the engine knows it.
        image: String,
        /// What was done to have it, for one line of talk.
        why: String,
    },
    /// It cannot be had.
    Failed {
        /// One line of cause.
        cause: String,
        /// The whole log, where there is one.
        log: Option<PathBuf>,
    },
}

/// Receives what core says. Called from several threads at once.
pub trait Listener: Sync {
    /// Takes one event; must return quickly.
    fn on(&self, event: Event);
}

/// A listener that drops everything, for plans and tests.
#[derive(Debug, Default, Clone, Copy)]
pub struct Silent;

impl Listener for Silent {
    fn on(&self, _event: Event) {}
}

/// Tells the time to those who may not ask for it themselves.
pub trait Clock: Sync {
    /// Time since the command started; never goes back.
    fn elapsed(&self) -> std::time::Duration;
    /// The calendar's time, RFC 3339 in UTC.
    fn timestamp(&self) -> String;
}
