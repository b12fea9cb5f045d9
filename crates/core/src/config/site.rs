//! The text that is being read, so that every offset in it can be named to people.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::error::{Place, SourceLine};
use super::mask::mask_line;
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
}

impl<'t> FileText<'t> {
    pub(super) fn new(path: Arc<Path>, text: &'t str) -> Self {
        let after_newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { path, text, line_starts: [0].into_iter().chain(after_newlines).collect() }
    }

    /// Line of a byte offset, from 1.
    fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= offset)
    }

    /// The line at `span`, which is cut to its first line.
    fn source_line(&self, span: Range<usize>) -> SourceLine {
        let line = self.line(span.start.min(self.text.len()));
        let start = self.line_starts[line - 1];
        let end = self.line_starts.get(line).map_or(self.text.len(), |next| next - 1);
        let text = self.text[start..end].trim_end_matches('\r');
        let within = |offset: usize| floor_char_boundary(text, offset.saturating_sub(start));
        let span = within(span.start)..within(span.end).max(within(span.start));
        let column = text[..span.start].chars().count() + 1;
        let (text, span) = mask_line(text, span);
        SourceLine { path: Arc::clone(&self.path), line, column, text, span }
    }
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
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
