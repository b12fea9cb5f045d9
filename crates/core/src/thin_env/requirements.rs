//! Reads requirements files, as pip's "Requirements File Format" has them: comments, continued lines, includes, options.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::error::ThinEnvError;
use super::needs::{Line, LineKind};

/// One line of a file, continued ones put together.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Logical {
    /// Without comment and with single blanks where it was continued.
    pub(super) text: String,
    /// Where it starts, from 1.
    pub(super) number: usize,
}

/// The lines that say something. A comment starts at the line's start or behind a blank; a backslash at the end continues a line.
pub(super) fn logical(text: &str) -> Vec<Logical> {
    let mut lines: Vec<Logical> = Vec::new();
    let mut open = false;
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let is_comment = line.trim_start().starts_with('#');
        let (line, continues) = match line.trim_end().strip_suffix('\\') {
            Some(line) if !is_comment => (line, true),
            _ => (line, false),
        };
        let line = without_comment(line).trim();
        match lines.last_mut() {
            Some(last) if open => {
                if !last.text.is_empty() && !line.is_empty() {
                    last.text.push(' ');
                }
                last.text.push_str(line);
            }
            _ => lines.push(Logical { text: line.to_owned(), number: index + 1 }),
        }
        // A comment between continued lines ends none of them.
        open = continues || (open && is_comment);
    }
    lines.retain(|line| !line.text.is_empty());
    lines
}

fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if c == '#' && before.is_whitespace() {
            return &line[..at];
        }
        before = c;
    }
    line
}

/// Reads a file with all that it includes.
pub(super) struct Reader<'a> {
    root: &'a Path,
    seen: BTreeSet<(PathBuf, LineKind)>,
    /// What was found, in order.
    pub(super) lines: Vec<Line>,
}

impl<'a> Reader<'a> {
    /// Files are named from `root` where they lie in it.
    pub(super) fn new(root: &'a Path) -> Self {
        Self { root, seen: BTreeSet::new(), lines: Vec::new() }
    }

    /// Reads `file`, which `stated` names; each file once, so that a circle of includes ends.
    pub(super) fn file(&mut self, file: &Path, kind: LineKind, stated: &str) -> Result<(), ThinEnvError> {
        let unreadable = |source| ThinEnvError::Unreadable { file: file.to_owned(), stated: stated.to_owned(), source };
        let file = file.canonicalize().map_err(unreadable)?;
        if !self.seen.insert((file.clone(), kind)) {
            return Ok(());
        }
        let unreadable = |source| ThinEnvError::Unreadable { file: file.clone(), stated: stated.to_owned(), source };
        let bytes = std::fs::read(&file).map_err(unreadable)?;
        let shown = file.strip_prefix(self.root).unwrap_or(&file).display().to_string();
        let folder = file.parent().unwrap_or(self.root).to_owned();
        for line in logical(&String::from_utf8_lossy(&bytes)) {
            self.line(&line.text, kind, &folder, format!("{shown}:{}", line.number))?;
        }
        Ok(())
    }

    fn line(&mut self, text: &str, kind: LineKind, folder: &Path, origin: String) -> Result<(), ThinEnvError> {
        let (text, origin) = (text.to_owned(), origin);
        for (names, included) in [(["-r", "--requirement"], kind), (["-c", "--constraint"], LineKind::Constraint)] {
            let Some(file) = option(&text, names) else { continue };
            if file.contains("://") {
                return Err(ThinEnvError::Remote { text, origin });
            }
            return self.file(&folder.join(file), included, &origin);
        }
        if let Some(links) = option(&text, ["-f", "--find-links"]) {
            let place = if links.contains("://") { links.to_owned() } else { folder.join(links).display().to_string() };
            self.lines.push(Line { kind: LineKind::Option, text: format!("--find-links {place}"), origin });
        } else if option(&text, ["-e", "--editable"]).is_some() || is_local(&text) {
            return Err(ThinEnvError::Local { text, origin });
        } else if text.starts_with('-') {
            self.lines.push(Line { kind: LineKind::Option, text, origin });
        } else {
            self.lines.push(Line { kind, text, origin });
        }
        Ok(())
    }
}

/// The value of an option, written `-r x`, `-rx`, `--requirement x` or `--requirement=x`.
fn option<'t>(text: &'t str, [short, long]: [&str; 2]) -> Option<&'t str> {
    let value = match text.strip_prefix(long) {
        Some(rest) => rest.strip_prefix('=').or_else(|| rest.starts_with(char::is_whitespace).then_some(rest))?,
        None => text.strip_prefix(short).filter(|_| !text.starts_with("--"))?,
    };
    let value = value.trim();
    Some(value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(value))
}

/// Whether a requirement is a file or folder of this machine and not a name.
fn is_local(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let target = text.split_once('@').map_or(first, |(_, target)| target.trim());
    first.starts_with(['.', '/', '~'])
        || (first.contains('/') && !text.contains('@') && !text.contains("://"))
        || target.starts_with("file:")
}
