//! Suites: tests chosen by their markers, with the limits that go with them.
//!
//! Owns which suite a dir runs, the expression that it hands to pytest, and what is said where a suite takes longer than it may.
//! Refuses to evaluate an expression: pytest does.

use std::time::Duration;

use serde::Serialize;

use super::plan::{Selection, TestError};
use super::report::model::DirReport;
use crate::config::{SuiteConfig, format_duration, nearest_word};
use crate::runnable_dir::RunnableDir;
use crate::workspace::Workspace;

/// The suite, or the union of suites, that a dir runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DirSuite {
    /// Names of the suites.
    pub names: Vec<String>,
    /// Their tests, as an expression for pytest's `-m`; empty: all.
    pub markers: String,
    /// Limit of one test: `Some(None)` for none; `None`: as the dir says.
    #[serde(skip)]
    pub timeout: Option<Option<Duration>>,
    /// How often a failed test is tried again; `None`: as the dir says.
    #[serde(skip)]
    pub retries: Option<u32>,
    /// How long all its tests may take together.
    #[serde(skip)]
    pub budget: Option<Duration>,
}

impl DirSuite {
    /// What is said of them together: the longest limit counts, the most retries, and budgets add up where each has one.
    fn union(names: Vec<String>, suites: &[&SuiteConfig]) -> Self {
        let markers = if suites.iter().any(|suite| suite.markers.is_empty()) {
            String::new()
        } else {
            join(suites.iter().map(|suite| suite.markers.as_str()), " or ")
        };
        let limits: Option<Vec<Option<Duration>>> = suites.iter().map(|suite| suite.timeout).collect();
        // `None`, no limit, is the longest.
        let timeout = limits.and_then(|limits| {
            let all: Option<Vec<Duration>> = limits.iter().copied().collect();
            if limits.is_empty() { None } else { Some(all.and_then(|all| all.into_iter().max())) }
        });
        let budgets: Option<Vec<Duration>> = suites.iter().map(|suite| suite.budget).collect();
        Self {
            names,
            markers,
            timeout,
            retries: suites.iter().filter_map(|suite| suite.retries).max(),
            budget: budgets.filter(|budgets| !budgets.is_empty()).map(|budgets| budgets.into_iter().sum()),
        }
    }

    /// The names as a message has them.
    #[must_use]
    pub fn shown(&self) -> String {
        let names: Vec<String> = self.names.iter().map(|name| format!("`{name}`")).collect();
        names.join(" and ")
    }
}

/// What a dir is to run of its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    /// All of them: no suite was asked for.
    All,
    /// Those of these suites.
    Suite(DirSuite),
    /// Other dirs have suites of these names, this one has none.
    Nothing,
}

/// Fails where a suite that is asked for is in no dir.
pub(super) fn check(workspace: &Workspace, selection: &Selection) -> Result<(), TestError> {
    let known = names(workspace);
    let unknown = |name: &str, from: Option<String>| TestError::NoSuite {
        name: name.to_owned(),
        from,
        known: known.clone(),
        nearest: nearest_word(name, &known.iter().map(String::as_str).collect::<Vec<_>>()),
    };
    for name in &selection.suites {
        if !known.contains(name) {
            return Err(unknown(name, None));
        }
    }
    if selection.suites.is_empty() {
        for suite in workspace.dirs.iter().filter_map(|dir| dir.config.test.suite.as_ref()) {
            if !known.contains(&suite.value) {
                return Err(unknown(&suite.value, Some(suite.origin.to_string())));
            }
        }
    }
    Ok(())
}

/// The suite that a dir runs.
pub(super) fn choose(dir: &RunnableDir, selection: &Selection) -> Chosen {
    let config = &dir.config.test;
    let asked: Vec<String> = match (&config.suite, selection.suites.is_empty()) {
        (None, true) => return Chosen::All,
        (Some(_), true) if names_tests(selection) => return Chosen::All,
        (Some(suite), true) => vec![suite.value.clone()],
        (_, false) => selection.suites.clone(),
    };
    let (mut names, mut suites) = (Vec::new(), Vec::new());
    for name in asked {
        if let Some(suite) = config.suites.get(&name).filter(|_| !names.contains(&name)) {
            names.push(name);
            suites.push(suite);
        }
    }
    if suites.is_empty() { Chosen::Nothing } else { Chosen::Suite(DirSuite::union(names, &suites)) }
}

/// Whether tests are named so closely that a suite which nobody asked for must not take any of them away.
fn names_tests(selection: &Selection) -> bool {
    let is_close = |path: &String| path.contains("::") || path.ends_with(".py");
    selection.only.is_some() || !selection.lists.is_empty() || selection.paths.iter().any(is_close)
}

/// Names of all suites of a workspace, sorted.
#[must_use]
pub fn names(workspace: &Workspace) -> Vec<String> {
    let configs = workspace.dirs.iter().map(|dir| &dir.config).chain([&workspace.config]);
    let mut names: Vec<String> = configs.flat_map(|config| config.test.suites.keys().cloned()).collect();
    names.sort();
    names.dedup();
    names
}

/// What `--require` may name: the markers and capabilities of `[test.requires]` of all dirs, and `all`; sorted. Empty where there
/// are none.
#[must_use]
pub fn requirements(workspace: &Workspace) -> Vec<String> {
    let requires = workspace.dirs.iter().flat_map(|dir| &dir.config.test.requires);
    let mut names: Vec<String> =
        requires.flat_map(|(marker, capability)| [marker.clone(), capability.to_string()]).collect();
    if !names.is_empty() {
        names.push("all".into());
    }
    names.sort();
    names.dedup();
    names
}

/// Fails where something is demanded that no test can require.
///
/// # Errors
/// The first such name, with the nearest one.
pub fn check_required(workspace: &Workspace, demanded: &[String]) -> Result<(), TestError> {
    let known = requirements(workspace);
    match demanded.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let nearest = nearest_word(name, &known.iter().map(String::as_str).collect::<Vec<_>>());
            Err(TestError::NoCapability { name: name.clone(), known, nearest })
        }
    }
}

/// The expression for pytest's `-m` that a suite and the user's own make together; `None` where both let all through. Pytest
/// obeys only the last `-m`, so one among the user's own arguments for pytest is taken into account too.
pub(super) fn expression(suite: Option<&DirSuite>, selection: &Selection) -> Option<String> {
    let suite = suite.map(|suite| suite.markers.as_str()).filter(|markers| !markers.is_empty());
    let user = selection.markers.as_deref();
    let own = suite.is_some().then(|| marker_argument(&selection.pytest)).flatten();
    let parts: Vec<&str> = [suite, user, own].into_iter().flatten().filter(|part| !part.trim().is_empty()).collect();
    (!parts.is_empty()).then(|| join(parts.into_iter(), " and "))
}

/// Whether [`expression`] took a `-m` of the user's arguments for pytest in, so that it has to stand behind these.
pub(super) fn marker_argument(arguments: &[String]) -> Option<&str> {
    let mut found = None;
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.strip_prefix("-m") {
            Some("") => found = rest.next().map(String::as_str),
            Some(glued) => found = Some(glued),
            None => {}
        }
    }
    found
}

fn join<'t>(parts: impl Iterator<Item = &'t str>, with: &str) -> String {
    let parts: Vec<&str> = parts.collect();
    match parts.as_slice() {
        [one] => (*one).to_owned(),
        parts => parts.iter().map(|part| format!("({part})")).collect::<Vec<_>>().join(with),
    }
}

/// A line where a dir's tests took longer together than their suite may.
pub(super) fn over_budget(suite: &DirSuite, report: &DirReport) -> Option<String> {
    let budget = suite.budget?;
    let took: f64 = report.tests.iter().map(|test| test.duration).sum();
    (took > budget.as_secs_f64()).then(|| {
        let (path, suite, budget) = (&report.path, suite.shown(), format_duration(budget));
        format!("{path}: its tests took {took:.1}s together, more than the {budget} that suite {suite} may take")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suite(markers: &str, timeout: Option<u64>, budget: Option<u64>) -> SuiteConfig {
        SuiteConfig {
            markers: markers.into(),
            timeout: timeout.map(|seconds| Some(Duration::from_secs(seconds))),
            retries: budget.map(|budget| u32::try_from(budget).unwrap()),
            budget: budget.map(Duration::from_secs),
        }
    }

    fn union(suites: &[&SuiteConfig]) -> DirSuite {
        DirSuite::union(vec!["x".into()], suites)
    }

    #[test]
    fn several_suites_are_their_union() {
        let (fast, slow, all) =
            (suite("not slow", Some(5), Some(2)), suite("slow", Some(60), Some(3)), suite("", None, None));
        let both = union(&[&fast, &slow]);
        assert_eq!(both.markers, "(not slow) or (slow)");
        assert_eq!((both.timeout, both.retries), (Some(Some(Duration::from_secs(60))), Some(3)));
        assert_eq!(both.budget, Some(Duration::from_secs(5)));
        let with_all = union(&[&fast, &all]);
        assert_eq!((with_all.markers.as_str(), with_all.timeout, with_all.budget), ("", None, None));
        let endless = SuiteConfig { timeout: Some(None), ..fast.clone() };
        assert_eq!(union(&[&endless, &slow]).timeout, Some(None));
        assert_eq!(union(&[&fast]).markers, "not slow");
    }

    #[test]
    fn markers_of_suite_and_user_both_count() {
        let fast = union(&[&suite("not slow", None, None)]);
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut selection = Selection::default();
        assert_eq!(expression(None, &selection), None);
        assert_eq!(expression(Some(&fast), &selection).as_deref(), Some("not slow"));
        selection.pytest = words(&["-q", "-m", "net or db"]);
        assert_eq!(expression(Some(&fast), &selection).as_deref(), Some("(not slow) and (net or db)"));
        assert_eq!(expression(None, &selection), None, "pytest sees it by itself");
        selection.pytest = words(&["-mnet"]);
        selection.markers = Some("gpu".into());
        assert_eq!(expression(Some(&fast), &selection).as_deref(), Some("(not slow) and (gpu) and (net)"));
    }
}
