//! Defaults that a sub-repo exports: `[exports.defaults]` in its `wharf.toml`.
//!
//! Owns which keys may be exported, and the layer that they make. A sub-repo's author decides what happens in repos that are
//! not theirs, so only keys are let through that neither hand out what the host has (variables, files, secrets, network), nor
//! say where images are sent, nor choose what separates a container from the host. Those a super-repo states itself.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::DeValue;

use super::check::Checker;
use super::error::{ConfigError, Place, Problem, ProblemKind};
use super::layer::{Entry, Layer};
use super::origin::{LayerKind, Origin};

/// The table that holds exported defaults.
pub(super) const DEFAULTS: &str = "exports.defaults";

/// The keys that may be exported. A key that is not here is refused, so a new one is until it was thought about.
const EXPORTED: &[&str] = &[
    "registry.pull",
    "image.base",
    "image.platforms",
    "os.packages",
    "python.version",
    "python.manager",
    "python.groups",
    "build.proxy",
    "build.index-url",
    "build.extra-index-urls",
    "test.timeout",
    "test.retries",
    "test.args",
    "test.slow",
    "test.requires",
    "test.suites.NAME.markers",
    "test.suites.NAME.timeout",
    "test.suites.NAME.retries",
    "test.suites.NAME.budget",
];

/// Whether a sub-repo may export a default of this key.
pub(super) fn may_export(path: &str) -> bool {
    EXPORTED.contains(&path)
}

/// A part of what a sub-repo exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Defaults of the configuration.
    Defaults,
    /// Common files.
    Files,
    /// Base images by name.
    Images,
    /// Tasks.
    Tasks,
    /// Templates of runnable dirs.
    Templates,
    /// Requirements of the thin environment.
    ThinEnv,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Defaults, Self::Files, Self::Images, Self::Tasks, Self::Templates, Self::ThinEnv];

    /// Its name in `[exports]` and in `[workspace] exports`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Defaults => "defaults",
            Self::Files => "files",
            Self::Images => "images",
            Self::Tasks => "tasks",
            Self::Templates => "templates",
            Self::ThinEnv => "thin-env",
        }
    }

    /// The part of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }
}

impl Checker<'_> {
    /// Reads `[exports.defaults]`: tables as at the top of a file, checked as what they will be in a super-repo.
    pub(super) fn exported_defaults(&mut self, key: Range<usize>, value: &Spanned<DeValue<'_>>) {
        if self.layer == LayerKind::Exported {
            return self.report(ProblemKind::NotExported { path: DEFAULTS.to_owned() }, key);
        }
        let DeValue::Table(table) = value.get_ref() else {
            return self.wrong_type(DEFAULTS.to_owned(), "a table", value.get_ref(), value.span());
        };
        let mut inner = Checker::new(LayerKind::Exported, self.site);
        inner.table("", table);
        self.problems.extend(inner.problems);
        self.more += inner.more;
        let layer = self.layer;
        self.entries.extend(inner.entries.iter().map(|entry| {
            let origin = Origin { layer, ..entry.origin.clone() };
            Arc::new(Entry { path: format!("{DEFAULTS}.{}", entry.path), value: entry.value.clone(), origin })
        }));
    }
}

impl Layer {
    /// The layer that this file's `[exports.defaults]` make in a super-repo; `None` where there are none.
    #[must_use]
    pub fn exported(&self) -> Option<Self> {
        let entries: Vec<_> = self.entries().filter_map(exported).collect();
        (!entries.is_empty()).then(|| Self::from_entries(LayerKind::Exported, entries))
    }
}

fn exported(entry: &Entry) -> Option<Arc<Entry>> {
    let path = entry.path.strip_prefix(DEFAULTS)?.strip_prefix('.')?.to_owned();
    let origin = Origin { layer: LayerKind::Exported, ..entry.origin.clone() };
    Some(Arc::new(Entry { path, value: entry.value.clone(), origin }))
}

/// Finds keys that two layers of `exported` state differently, while none of `nearer` says which it is.
///
/// # Errors
/// All such keys, each with both places.
pub fn check_exported(exported: &[Layer], nearer: &[&Layer]) -> Result<(), ConfigError> {
    let mut first: BTreeMap<&str, &Entry> = BTreeMap::new();
    let mut problems = Vec::new();
    for entry in exported.iter().flat_map(Layer::entries) {
        let known = *first.entry(&entry.path).or_insert(entry);
        if known.value != entry.value && !nearer.iter().any(|layer| layer.get(&entry.path).is_some()) {
            let kind = ProblemKind::ExportedTwice {
                path: entry.path.clone(),
                first: stated(&known.origin),
                second: stated(&entry.origin),
            };
            problems.push(Problem { kind, place: Place::Everywhere });
        }
    }
    ConfigError::check(problems)
}

/// File and line.
fn stated(origin: &Origin) -> String {
    Origin { layer: LayerKind::SubRepo, ..origin.clone() }.to_string()
}
