//! Images on their way to and from registries: a bar in bytes for each on a terminal, a line for each otherwise.
//!
//! Bars come after half a second, so that what is quick leaves no flicker. How many bytes there are is known from the engine's API only;
//! where it comes from a program, its latest line stands in for that.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use wharf_engine::{Retry, Side, Transfer};

use super::style::{Paint, Style};

/// Before this, no bar.
const PATIENCE: Duration = Duration::from_millis(500);
const COUNTED: &str = "{prefix} {bar:24} {bytes:>10}/{total_bytes:10} {bytes_per_sec:>12} {wide_msg}";
const UNCOUNTED: &str = "{prefix} {spinner} {wide_msg}";

/// The bars of all images on their way. Copies show the same bars.
#[derive(Clone)]
pub struct Transfers {
    side: Side,
    style: Style,
    quiet: bool,
    bars: Option<MultiProgress>,
    shown: Arc<Mutex<BTreeMap<String, Shown>>>,
}

impl fmt::Debug for Transfers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfers").field("side", &self.side).finish_non_exhaustive()
    }
}

struct Shown {
    since: Instant,
    bar: Option<ProgressBar>,
    layers: Layers,
}

/// Bytes by layer.
#[derive(Debug, Default)]
struct Layers(BTreeMap<String, (u64, u64)>);

impl Layers {
    fn take(&mut self, news: &Transfer) {
        match news {
            Transfer::Layer { id, done, total } => {
                let (before, known) = self.0.get(id).copied().unwrap_or_default();
                let total = total.unwrap_or(known).max(known).max(*done);
                self.0.insert(id.clone(), ((*done).max(before), total));
            }
            Transfer::Finished { id } => {
                if let Some((done, total)) = self.0.get_mut(id) {
                    *done = *total;
                }
            }
            // What was sent of it may be sent again.
            Transfer::Retry(_) => self.0.clear(),
            Transfer::Line(_) => {}
        }
    }

    fn sums(&self) -> (u64, u64) {
        self.0.values().fold((0, 0), |(done, total), (one, all)| (done + one, total + all))
    }
}

impl Transfers {
    /// For a terminal where `live`, else lines.
    #[must_use]
    pub fn new(side: Side, style: Style, live: bool, quiet: bool) -> Self {
        let bars = (live && !quiet).then(MultiProgress::new);
        Self { side, style, quiet, bars, shown: Arc::default() }
    }

    /// Takes news of `reference`, which belongs to the runnable dir `dir`.
    pub fn take(&self, dir: &str, reference: &str, news: &Transfer) {
        if let Transfer::Retry(retry) = news {
            self.retry(retry);
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if !shown.contains_key(reference) {
            let one = Shown { since: Instant::now(), bar: None, layers: Layers::default() };
            shown.insert(reference.to_owned(), one);
            if self.bars.is_none() {
                let verb = if self.side == Side::Push { "pushing" } else { "pulling" };
                self.note(&format!("{dir}: {verb} {reference}"));
            }
        }
        let Some(one) = shown.get_mut(reference) else { return };
        one.layers.take(news);
        let Some(bars) = self.bars.as_ref().filter(|_| one.since.elapsed() > PATIENCE) else { return };
        let bar = one.bar.get_or_insert_with(|| bars.add(ProgressBar::new(0).with_prefix(dir.to_owned())));
        show(bar, one.layers.sums(), news, self.style);
    }

    /// Takes the bars of a dir's images away, whatever came of them.
    pub fn done(&self, reference: &str) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bar) = shown.get_mut(reference).and_then(|one| one.bar.take()) {
            bar.finish_and_clear();
        }
    }

    /// Says that something is tried again.
    pub fn retry(&self, retry: &Retry) {
        let Retry { what, why, next, of, wait } = retry;
        let why = why.lines().next().unwrap_or_default();
        let head = self.style.paint(Paint::Yellow, "warning:");
        let seconds = wait.as_secs_f64();
        self.line(&format!("{head} {what} failed ({why}); try {next} of {of} in {seconds:.1} s"));
    }

    /// One line that may interest the user.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            self.line(&self.style.paint(Paint::Dim, text));
        }
    }

    /// Does something that writes to the terminal, with the bars out of its way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bars {
            Some(bars) => bars.suspend(write),
            None => write(),
        }
    }

    fn line(&self, text: &str) {
        // Nobody to tell is no reason to stop.
        self.aside(|| drop(std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{text}\n"))));
    }
}

fn show(bar: &ProgressBar, (done, total): (u64, u64), news: &Transfer, style: Style) {
    let template = if total > 0 { COUNTED } else { UNCOUNTED };
    if let Ok(template) = ProgressStyle::with_template(template) {
        bar.set_style(template.progress_chars(style.sign("━╸─", "=>-")).tick_chars(style.sign("⠁⠂⠄⠂ ", "-\\|/ ")));
    }
    bar.set_length(total);
    bar.set_position(done);
    match news {
        Transfer::Line(line) => bar.set_message(line.clone()),
        _ => bar.set_message(""),
    }
    bar.tick();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(id: &str, done: u64, total: Option<u64>) -> Transfer {
        Transfer::Layer { id: id.into(), done, total }
    }

    #[test]
    fn bytes_add_up_and_never_go_back() {
        let mut layers = Layers::default();
        let mut sums = |news: &Transfer| {
            layers.take(news);
            layers.sums()
        };
        assert_eq!(sums(&layer("a", 5, Some(10))), (5, 10));
        assert_eq!(sums(&layer("b", 1, None)), (6, 11));
        assert_eq!(sums(&layer("a", 3, Some(10))), (6, 11));
        assert_eq!(sums(&layer("a", 12, Some(10))), (13, 13), "compressed or not: no more than all");
        assert_eq!(sums(&Transfer::Finished { id: "b".into() }), (13, 13));
        assert_eq!(sums(&Transfer::Finished { id: "never seen".into() }), (13, 13));
        assert_eq!(sums(&Transfer::Line("x".into())), (13, 13));
    }
}
