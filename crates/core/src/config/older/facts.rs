//! What a `repo_config` file says: values by their path in the YAML form, with their places.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::super::error::{Problem, ProblemKind};
use super::super::site::Site;
use super::{python, yaml};

/// A value that the file states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    /// Its path, `docker_info.docker_image_name`.
    pub path: String,
    /// Its text, as YAML or Python would print it.
    pub text: String,
    /// Bytes of what names it.
    pub key: Range<usize>,
    /// Bytes of the value.
    pub value: Range<usize>,
}

/// A value that is computed, so that only running the file would tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unread {
    /// Its path, as if it were stated.
    pub path: String,
    /// What computes it.
    pub name: String,
    /// Where.
    pub place: Range<usize>,
}

/// All that a file says.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub facts: Vec<Fact>,
    pub unread: Vec<Unread>,
    /// The functions that state facts, by path.
    pub named: BTreeMap<String, String>,
}

impl Facts {
    /// Reads a file by the kind that its name says.
    pub(super) fn read(path: &Path, text: &str, site: &Site<'_>) -> Result<Self, Vec<Problem>> {
        if path.extension().is_some_and(|extension| extension == "py") {
            return python::read(text)
                .map_err(|(message, span)| vec![problem(ProblemKind::NotPython { message }, span, site)]);
        }
        let facts = yaml::read(text).map_err(|problems| {
            problems.into_iter().map(|(kind, span)| problem(kind, span, site)).collect::<Vec<_>>()
        })?;
        Ok(Self { facts, ..Self::default() })
    }

    /// Takes back what was said at `path`.
    pub(super) fn forget(&mut self, path: &str) {
        self.facts.retain(|fact| fact.path != path);
        self.unread.retain(|unread| unread.path != path);
        self.named.remove(path);
    }

    /// The fact at `path`; what is stated without a value is not stated.
    pub(super) fn get(&self, path: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.path == path)
    }
}

pub(super) fn problem(kind: ProblemKind, span: Range<usize>, site: &Site<'_>) -> Problem {
    Problem { kind, place: site.place(span) }
}

/// A yes or no as people write it in YAML 1.1, YAML 1.2 and Python.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" | "y" => Some(true),
        "false" | "no" | "off" | "0" | "n" => Some(false),
        _ => None,
    }
}
