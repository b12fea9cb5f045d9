//! Talk goes to standard error: notes, warnings, and the progress of images. Data goes to standard output, elsewhere.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use wharf_core::event::{Event, ImageState, Listener};
use wharf_core::workspace::Surroundings;

use crate::arguments::{Color, Global};
use crate::render::{Paint, Style};

/// How to talk.
#[derive(Debug)]
pub struct Talk {
    /// Colours and signs for standard error.
    pub style: Style,
    /// Colours and signs for standard output.
    pub out_style: Style,
    /// Whether a person watches standard error.
    pub live: bool,
    /// What the user said about colours.
    pub color: Color,
    quiet: bool,
    said: Mutex<BTreeMap<String, Instant>>,
}

impl Talk {
    /// Finds out how to talk.
    #[must_use]
    pub fn new(global: &Global, surroundings: &Surroundings) -> Self {
        let dumb = surroundings.variable("TERM") == Some("dumb");
        let plain = surroundings.variable("NO_COLOR").is_some() || dumb;
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| surroundings.variable(name));
        let unicode = locale.is_none_or(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
        let style = |terminal: bool| Style {
            color: match global.color {
                Color::Always => true,
                Color::Never => false,
                Color::Auto => terminal && !plain,
            },
            unicode,
        };
        let live = std::io::stderr().is_terminal() && !dumb;
        Self {
            style: style(live),
            out_style: style(std::io::stdout().is_terminal()),
            live,
            color: global.color,
            quiet: global.quiet,
            said: Mutex::default(),
        }
    }

    /// Whether only warnings and errors are wanted.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// One line that may interest the user.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.line(&self.style.paint(Paint::Dim, text));
        }
    }

    /// One line that the user should see.
    pub fn warning(&self, text: &str) {
        let head = self.style.paint(Paint::Yellow, "warning:");
        self.line(&format!("{head} {text}"));
    }

    /// One line that is always shown.
    pub fn line(&self, text: &str) {
        // Nobody to tell is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// A build's own lines are shown at most every ten seconds: the log has them all.
    fn is_due(&self, image: &str) -> bool {
        let Ok(mut said) = self.said.lock() else { return false };
        let now = Instant::now();
        let due = said.get(image).is_none_or(|last| now.duration_since(*last) > Duration::from_secs(10));
        if due {
            said.insert(image.to_owned(), now);
        }
        due
    }
}

impl Listener for Talk {
    fn on(&self, event: Event) {
        match event {
            Event::Note(text) => self.note(&text),
            Event::Warning(text) => self.warning(&text),
            Event::Step { what, line } => {
                if self.is_due(&what) {
                    self.note(&format!("{what}: {line}"));
                }
            }
            Event::Services { dir, line } => self.note(&format!("{dir}: {line}")),
            Event::Image { dir, state } => match state {
                ImageState::Found { image, why } => self.note(&format!("{dir}: {image} ({why})")),
                ImageState::Ready { image, why } => self.note(&format!("{dir}: {image} ({why})")),
                ImageState::Pulling { image } => self.note(&format!("{dir}: pulling {image}")),
                ImageState::Building { image, step } => {
                    if self.is_due(&image) {
                        self.note(&format!("{dir}: building {image}: {step}"));
                    }
                }
                ImageState::Failed { .. } => {}
            },
        }
    }
}
