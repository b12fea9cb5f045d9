//! What tasks say while they run: each line with its task in front, or all of a task in one piece.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use wharf_core::task::run::{Ended, TaskEvent};
use wharf_process::Stream;

use super::stopping::Stopping;
use crate::context::Context;
use crate::render::{Paint, Style};

/// How output is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Shown {
    /// Each line with its task in front.
    Prefix,
    /// All of a task in one piece, when it has ended.
    Group,
    /// As it is, with the terminal: one task at a time.
    Raw,
}

/// Shows events.
pub(super) struct Tell {
    shown: Shown,
    labels: Vec<String>,
    width: usize,
    style: Style,
    out_style: Style,
    is_quiet: bool,
    stopping: Stopping,
    said: Mutex<Vec<Said>>,
}

/// What a task wrote and was not shown yet.
#[derive(Default, Clone)]
struct Said {
    out: Vec<u8>,
    err: Vec<u8>,
}

const COLORS: [Paint; 4] = [Paint::Cyan, Paint::Green, Paint::Yellow, Paint::Bold];
/// Longer names push lines too far to the right.
const WIDEST: usize = 24;

impl Tell {
    pub(super) fn new(context: &Context, shown: Shown, labels: Vec<String>, stopping: Stopping) -> Self {
        let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or_default().min(WIDEST);
        Self {
            shown,
            width,
            style: context.talk.style,
            out_style: context.talk.out_style,
            is_quiet: context.talk.is_quiet(),
            stopping,
            said: Mutex::new(vec![Said::default(); labels.len()]),
            labels,
        }
    }

    /// Takes one event.
    pub(super) fn on(&self, event: TaskEvent) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            TaskEvent::Container(client, name) => self.stopping.add(*client, name),
            TaskEvent::Starts(place, command) => {
                let first = command.lines().next().unwrap_or_default();
                self.note(&format!("{}: {first}", self.labels[place]));
            }
            TaskEvent::Wrote(place, chunk) => {
                let buffer = match chunk.stream {
                    Stream::Stdout => &mut said[place].out,
                    // One piece is in the order in which it was written.
                    Stream::Stderr if self.shown == Shown::Group => &mut said[place].out,
                    Stream::Stderr => &mut said[place].err,
                };
                buffer.extend_from_slice(&chunk.bytes);
                if self.shown == Shown::Prefix {
                    let whole = buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                    let lines: Vec<u8> = buffer.drain(..whole).collect();
                    self.lines(place, chunk.stream, &lines);
                }
            }
            TaskEvent::Ended(place, ended) => {
                let Said { out, err } = std::mem::take(&mut said[place]);
                match self.shown {
                    Shown::Prefix => {
                        self.lines(place, Stream::Stdout, &out);
                        self.lines(place, Stream::Stderr, &err);
                    }
                    Shown::Group if !out.is_empty() => self.piece(place, &out),
                    Shown::Group | Shown::Raw => {}
                }
                if ended == Ended::UpToDate {
                    self.note(&format!("{}: up to date", self.labels[place]));
                }
            }
        }
    }

    fn note(&self, text: &str) {
        if !self.is_quiet {
            // Nobody to tell is no reason to stop.
            let _ = writeln!(std::io::stderr(), "{}", self.style.paint(Paint::Dim, text));
        }
    }

    fn lines(&self, place: usize, stream: Stream, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let style = if stream == Stream::Stdout { self.out_style } else { self.style };
        let label =
            style.paint(COLORS[place % COLORS.len()], &format!("{:<width$}", self.labels[place], width = self.width));
        let mut text = Vec::with_capacity(bytes.len() + 64);
        for line in bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n') {
            text.extend_from_slice(label.as_bytes());
            text.extend_from_slice(b" | ");
            text.extend_from_slice(line);
            text.push(b'\n');
        }
        let _ = match stream {
            Stream::Stdout => std::io::stdout().lock().write_all(&text),
            Stream::Stderr => std::io::stderr().lock().write_all(&text),
        };
    }

    fn piece(&self, place: usize, bytes: &[u8]) {
        let head = self.out_style.paint(Paint::Bold, &self.labels[place]);
        let end: &[u8] = if bytes.ends_with(b"\n") { b"" } else { b"\n" };
        let text = [format!("== {head}\n").as_bytes(), bytes, end].concat();
        let _ = std::io::stdout().lock().write_all(&text);
    }
}
