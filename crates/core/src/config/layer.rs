//! One source of configuration, read and checked.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use toml::de::DeTable;

use super::check::Checker;
use super::error::{ConfigError, Place, Problem, ProblemKind};
use super::origin::{LayerKind, Origin};
use super::schema;
use super::site::{FileText, Site};
use super::value::Value;

/// The most bytes of one file that are read.
pub const MAX_FILE_BYTES: usize = 1 << 20;

static DEFAULTS: LazyLock<Layer> = LazyLock::new(|| {
    let text = include_str!("defaults.toml");
    Layer::from_toml(LayerKind::Defaults, Path::new("defaults.toml"), text.as_bytes())
        .expect("a test reads the embedded defaults")
});

/// One value that a layer states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Dotted path of the key, with the name of a named thing: `image.base`, `build.secrets.npm`.
    pub path: String,
    /// The value, well formed.
    pub value: Value,
    /// Where it is stated.
    pub origin: Origin,
}

/// One source of configuration, read and checked: a file, all variables, or all flags.
#[derive(Clone)]
pub struct Layer {
    kind: LayerKind,
    entries: Vec<Arc<Entry>>,
}

impl Layer {
    /// Reads a file. `path` names it in messages and origins; relative paths are relative to the super-repo's root.
    ///
    /// # Errors
    /// All that is wrong with the text. Where it is not TOML, only that.
    pub fn from_toml(kind: LayerKind, path: &Path, bytes: &[u8]) -> Result<Self, ConfigError> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self { kind, entries: Vec::new() });
        }
        let path: Arc<Path> = path.into();
        if bytes.len() > MAX_FILE_BYTES {
            let problem = ProblemKind::TooLarge { bytes: bytes.len(), limit: MAX_FILE_BYTES };
            return Err(ConfigError::of(problem, Place::File(path)));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(&path, bytes, error))?;
        let site = Site::File(FileText::new(path, text));
        let mut checker = Checker::new(kind, &site);
        let (table, errors) = DeTable::parse_recoverable(text);
        if errors.is_empty() {
            checker.table("", table.get_ref());
        } else {
            report_syntax(&mut checker, &errors);
        }
        Self::from_checker(kind, checker)
    }

    /// What the checker found good.
    ///
    /// # Errors
    /// What it found bad, in the order of the source.
    pub(super) fn from_checker(kind: LayerKind, checker: Checker<'_>) -> Result<Self, ConfigError> {
        let Checker { entries, mut problems, more, site, .. } = checker;
        problems.sort_by_key(|problem| match &problem.place {
            Place::Line(at) => (at.line, at.column),
            _ => (0, 0),
        });
        if more > 0 {
            problems.push(Problem { kind: ProblemKind::TooMany { more }, place: site.whole() });
        }
        ConfigError::check(problems)?;
        Ok(Self::from_entries(kind, entries))
    }

    pub(super) fn from_entries(kind: LayerKind, entries: Vec<Arc<Entry>>) -> Self {
        Self { kind, entries }
    }

    /// The defaults that are embedded in the binary.
    #[must_use]
    pub fn defaults() -> &'static Self {
        &DEFAULTS
    }

    /// Which layer it is.
    #[must_use]
    pub fn kind(&self) -> LayerKind {
        self.kind
    }

    /// The value that this layer itself states, also where it is without effect in a resolution (a sub-repo's
    /// `workspace.exclude`).
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().map(AsRef::as_ref).find(|entry| entry.path == path)
    }

    /// All that this layer states, in no particular order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().map(AsRef::as_ref)
    }

    /// What takes part in a resolution: all but the keys that are dormant in this kind of layer.
    pub(super) fn effective(&self) -> impl Iterator<Item = &Arc<Entry>> {
        let is_dormant = |entry: &Entry| {
            let key = schema::find(&schema::without_item(&entry.path));
            key.is_some_and(|key| key.dormant.contains(&self.kind))
        };
        self.entries.iter().filter(move |entry| !is_dormant(entry))
    }
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.iter().map(|entry| (&entry.path, &entry.value));
        write!(f, "{} ", self.kind.name())?;
        f.debug_map().entries(entries).finish()
    }
}

pub(super) fn not_utf8(path: &Arc<Path>, bytes: &[u8], error: std::str::Utf8Error) -> ConfigError {
    let offset = error.valid_up_to();
    // Replacements stand at or after the byte, so its offset is good, and the whole line is there to be masked.
    let text = String::from_utf8_lossy(bytes);
    let span = offset..offset + char::REPLACEMENT_CHARACTER.len_utf8();
    let place = Site::File(FileText::new(Arc::clone(path), &text)).place(span);
    ConfigError::of(ProblemKind::NotUtf8 { offset, byte: bytes.get(offset).copied() }, place)
}

/// Reports the first error of each line: later ones follow from it.
fn report_syntax(checker: &mut Checker<'_>, errors: &[toml::de::Error]) {
    for error in errors {
        checker.report(ProblemKind::NotToml { message: error.message().to_owned() }, error.span().unwrap_or(0..0));
    }
    checker.problems.dedup_by_key(|problem| match &problem.place {
        Place::Line(at) => at.line,
        _ => 0,
    });
}
