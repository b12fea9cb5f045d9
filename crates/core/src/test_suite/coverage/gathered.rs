//! What the sessions of one runnable dir said of coverage, over all its attempts.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::file::{Branch, FileCoverage};
use super::lines::Lines;

/// Coverage that one dir's containers told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Gathered {
    /// What measured, such as `coverage 7.6.1`.
    pub tool: Option<String>,
    /// By workspace-relative path.
    pub files: BTreeMap<String, FileCoverage>,
    /// Why nothing was measured, where the plugin said so.
    #[serde(skip)]
    pub missing: Option<Missing>,
    /// Containers that started, and those of them that told all.
    #[serde(skip)]
    attempts: (u32, u32),
    /// Whether a worker of xdist died, whose session went on without it.
    #[serde(skip)]
    pub lost_worker: bool,
}

/// Why a dir was not measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// One line.
    pub why: String,
    /// Whether installing `coverage` is the way out.
    pub install: bool,
}

impl Gathered {
    /// A container starts.
    pub fn begin(&mut self) {
        self.attempts.0 += 1;
    }

    /// What it saw of one file. Lines that make no sense are left out, for the number only gets worse by it.
    pub fn file(&mut self, path: String, hit: &str, missed: &str, branches: Vec<(u32, u32, BTreeSet<i64>)>) {
        let lines = |text: &str| text.parse::<Lines>().unwrap_or_default();
        let branches = branches.into_iter().map(|(line, total, missed)| (line, Branch { total, missed }));
        let file = FileCoverage { hit: lines(hit), missed: lines(missed), branches: branches.collect() };
        self.files.entry(path).or_default().merge(&file);
    }

    /// It has told all, or why there is nothing to tell.
    pub fn end(&mut self, tool: Option<String>, missing: Option<Missing>) {
        self.attempts.1 += 1;
        self.tool = tool.or_else(|| self.tool.take());
        self.missing = missing.or_else(|| self.missing.take());
    }

    /// What is to be said of a dir whose coverage is not whole: a line, and whether nothing at all was measured.
    #[must_use]
    pub fn gap(&self, dir: &str) -> Option<Gap> {
        let (started, told) = self.attempts;
        if let (Some(missing), None) = (&self.missing, &self.tool) {
            let way = if missing.install {
                format!("; add `coverage` to the development requirements of `{dir}`")
            } else {
                String::new()
            };
            return Some(Gap { text: format!("no coverage of `{dir}`: {}{way}", missing.why), whole: true });
        }
        if started > told || self.lost_worker {
            let text = format!("coverage of `{dir}` lacks what ran in a process that died");
            return Some(Gap { text, whole: told == 0 });
        }
        None
    }
}

/// Something that the merged numbers lack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// One line.
    pub text: String,
    /// Whether it is all of a dir.
    pub whole: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_add_up_and_a_died_one_is_said() {
        let mut gathered = Gathered::default();
        gathered.begin();
        gathered.begin();
        gathered.file("infra/a.py".into(), "1-3", "4", Vec::new());
        gathered.file("infra/a.py".into(), "4", "1-3", Vec::new());
        gathered.end(Some("coverage 7.6.1".into()), None);
        assert_eq!(gathered.files["infra/a.py"].hit.to_string(), "1-4");
        assert_eq!(gathered.files["infra/a.py"].missed.to_string(), "");
        let gap = gathered.gap("infra").unwrap();
        let mut whole = Gathered::default();
        whole.begin();
        whole.end(Some("coverage 7.6.1".into()), None);
        assert_eq!(whole.gap("infra"), None);
        whole.lost_worker = true;
        assert_eq!(whole.gap("infra"), Some(gap.clone()));
        assert_eq!(
            (gap.text.as_str(), gap.whole),
            ("coverage of `infra` lacks what ran in a process that died", false)
        );
    }

    #[test]
    fn a_dir_without_the_package_says_how_to_add_it() {
        let mut gathered = Gathered::default();
        gathered.begin();
        let missing = Missing { why: "`coverage` is not installed in its image".into(), install: true };
        gathered.end(None, Some(missing));
        let gap = gathered.gap("infra").unwrap();
        assert!(
            gap.whole && gap.text.ends_with("; add `coverage` to the development requirements of `infra`"),
            "{gap:?}"
        );
    }
}
