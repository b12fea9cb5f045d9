//! The text that is being read, so that every offset in it can be named to people.

use std::cell::OnceCell;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::error::{Place, SourceLine};
use super::mask::{mask_window, secrets};
use super::origin::{LayerKind, Origin, Source};

/// What is being read.
pub(super) enum Site<'t> {
    /// A file of configuration.
    File(FileText<'t>),
    /// A variable, by name.
    Variable(Arc<str>),
    /// A flag, by name.
    Flag(Arc<str>),
}

/// A file's text with the starts of its lines, so that many problems stay cheap.
pub(super) struct FileText<'t> {
    path: Arc<Path>,
    text: &'t str,
    line_starts: Vec<usize>,
    /// Where credentials stand; looked for when a problem is shown.
    secrets: OnceCell<Vec<Range<usize>>>,
}

/// The most bytes of a line that a problem keeps.
const LONGEST_LINE: usize = 4096;

impl<'t> FileText<'t> {
    pub(super) fn new(path: Arc<Path>, text: &'t str) -> Self {
        let after_newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { path, text, line_starts: [0].into_iter().chain(after_newlines).collect(), secrets: OnceCell::new() }
    }

    /// Line of a byte offset, from 1.
    fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// The line at `span`, which is cut to its first line. Of a very long line only the part around `span` is kept.
    fn source_line(&self, span: Range<usize>) -> SourceLine {
        let line = self.line(span.start.min(self.text.len()));
        let start = self.line_starts[line - 1];
        let end = self.line_starts.get(line).map_or(self.text.len(), |next| next - 1);
        let end = start + self.text[start..end].trim_end_matches('\r').len();
        let within = |offset: usize| self.text.floor_char_boundary(offset.clamp(start, end));
        let span = within(span.start)..within(span.end.max(span.start));
        let column = self.text[start..span.start].chars().count() + 1;
        let window = within(span.start.saturating_sub(LONGEST_LINE / 2))..within(span.start + LONGEST_LINE / 2);
        let span = span.start..span.end.min(window.end);
        let secrets = self.secrets.get_or_init(|| secrets(self.text));
        let (text, span) = mask_window(self.text, secrets, &window, span);
        SourceLine { path: Arc::clone(&self.path), line, column, text, span }
    }
}

impl Site<'_> {
    /// How a problem at these bytes is named.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        match self {
            Self::File(file) => Place::Line(file.source_line(span)),
            Self::Variable(name) => Place::Variable(Arc::clone(name)),
            Self::Flag(name) => Place::Flag(Arc::clone(name)),
        }
    }

    /// How a problem with all of it is named.
    pub(super) fn whole(&self) -> Place {
        match self {
            Self::File(file) => Place::File(Arc::clone(&file.path)),
            Self::Variable(name) => Place::Variable(Arc::clone(name)),
            Self::Flag(name) => Place::Flag(Arc::clone(name)),
        }
    }

    /// Where a value whose key is at these bytes came from.
    pub(super) fn origin(&self, layer: LayerKind, key: &Range<usize>) -> Origin {
        let source = match self {
            Self::File(_) if layer == LayerKind::Defaults => Source::BuiltIn,
            Self::File(file) => Source::File { path: Arc::clone(&file.path), line: file.line(key.start) },
            Self::Variable(name) => Source::Variable(Arc::clone(name)),
            Self::Flag(name) => Source::Flag(Arc::clone(name)),
        };
        Origin { layer, source }
    }
}
