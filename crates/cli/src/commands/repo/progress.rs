//! How fetching several repos is shown: on a terminal a line per repo while it is being fetched, else a line when it is there.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use wharf_core::repos::compose::{Outcome, Step, Watch};

use crate::render::{Paint, Style};
use crate::talk::Talk;

/// The lines.
#[derive(Debug)]
pub(in crate::commands) struct Progress {
    style: Style,
    quiet: bool,
    bars: MultiProgress,
    live: Option<Mutex<BTreeMap<String, ProgressBar>>>,
}

impl Progress {
    /// Shows nothing until the first step.
    pub(in crate::commands) fn new(talk: &Talk) -> Self {
        let live = (talk.live && !talk.is_quiet()).then(Mutex::default);
        Self { style: talk.style, quiet: talk.is_quiet(), bars: MultiProgress::new(), live }
    }

    /// Takes away what still moves.
    pub(in crate::commands) fn finish(&self) {
        // A terminal that is gone is no reason to fail.
        let _ = self.bars.clear();
    }

    fn bar(&self, path: &str, text: &str) {
        let Some(live) = &self.live else { return };
        let mut bars = live.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(path.to_owned()).or_insert_with(|| {
            let signs = if self.style.unicode { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "-\\|/ " };
            let style =
                ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            let bar = self.bars.add(ProgressBar::new_spinner().with_style(style.tick_chars(signs)));
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        bar.set_message(format!("{}: {text}", name(path)));
    }

    fn ended(&self, path: &str, outcome: &Outcome) {
        let line = match outcome {
            Outcome::Ready { branch: Some(branch), commit } => format!("on {branch} at {}", short(commit)),
            Outcome::Ready { branch: None, commit } => format!("at {}", short(commit)),
            Outcome::Unreadable { .. } => "not readable by you".into(),
            Outcome::LeftOut => "left out: `update = none` in `.gitmodules`".into(),
            Outcome::Refused(_) => "refused".into(),
            Outcome::Failed(_) => "failed".into(),
        };
        let paint = if matches!(outcome, Outcome::Ready { .. }) { Paint::Dim } else { Paint::Yellow };
        let line = self.style.paint(paint, &format!("{}: {line}", name(path)));
        match &self.live {
            Some(live) => {
                if let Some(bar) = live.lock().unwrap_or_else(PoisonError::into_inner).remove(path) {
                    bar.finish_and_clear();
                }
                let _ = self.bars.println(line);
            }
            None if self.quiet => {}
            None => {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        }
    }
}

impl Watch for Progress {
    fn on(&self, path: &str, step: Step<'_>) {
        match step {
            Step::Fetching => self.bar(path, "fetching"),
            Step::CheckingOut => self.bar(path, "writing files"),
            Step::Ended(outcome) => self.ended(path, outcome),
        }
    }
}

fn name(path: &str) -> &str {
    if path.is_empty() { "super-repo" } else { path }
}

fn short(commit: &str) -> &str {
    commit.get(..9).unwrap_or(commit)
}
