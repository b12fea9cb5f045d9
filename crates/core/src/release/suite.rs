//! The tests of a release: which ones, where, and what they say of the image.

use std::collections::BTreeMap;

use wharf_engine::{Kind, Platform};
use wharf_git::Git;

use super::{Passed, ReleaseError, Request};
use crate::image::choice::{StageWish, Wish};
use crate::image::place;
use crate::image::tested::{Code, Counts, Tested};
use crate::image::{Place, Stage};
use crate::test_suite::report::model::{DirReport, DirStatus};
use crate::test_suite::{self, Report, Selection, TestError, TestPlan};

/// The marker of tests that see the image from outside.
const QA: &str = "qa";
/// All others, of the suites that do not take very long.
const OTHERS: (&[&str], &str) = (&["fast", "slow"], "not qa");

/// Tests to be run, by whoever can show them.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Which.
    pub plan: TestPlan,
    /// In which image.
    pub wish: Wish,
    /// Where.
    pub place: Where,
    /// Further variables, as `NAME=value`, or `NAME` to pass the caller's on.
    pub env: Vec<String>,
}

/// Where tests run.
#[derive(Debug, Clone)]
pub enum Where {
    /// In the image, with the engine of the release.
    Inside,
    /// Beside it: on the host, in the environment of the dir's development dependencies.
    Outside(Place),
}

/// Runs tests and shows them.
pub type RunSuite<'a> = dyn FnMut(Suite) -> Result<Report, TestError> + 'a;

/// The dir's tests, in the image for the platform that is tested.
pub(super) fn inside(
    request: &Request<'_>,
    built: &BTreeMap<String, String>,
    commit: &str,
    run: &mut RunSuite<'_>,
) -> Result<Passed, ReleaseError> {
    let platform = request.tested_platform()?;
    let plan = plan(request, OTHERS)?;
    if !plan.dirs.iter().any(|dir| dir.runs) {
        return Ok(Passed { tests: None, note: "it has no tests".into() });
    }
    let id = built.get(&platform.to_string()).cloned().unwrap_or_default();
    let wish = Wish { stage: stage_of(request, platform, &id)?, platform: foreign(request, platform)?, version: None };
    let report = run(Suite { plan, wish, place: Where::Inside, env: Vec::new() })?;
    let dir = verdict(request, &report, "the tests")?;
    if let Some(reference) = &dir.image {
        let found = request.client.image(reference)?.map(|image| image.id).unwrap_or_default();
        if found != id {
            return Err(ReleaseError::OtherImage { dir: request.dir.address.to_string(), found, built: id });
        }
    }
    Ok(passed(request, &report, dir, &id, commit))
}

/// The tests that see the image from outside, where there are any.
pub(super) fn outside(
    request: &Request<'_>,
    built: &BTreeMap<String, String>,
    commit: &str,
    run: &mut RunSuite<'_>,
) -> Result<Passed, ReleaseError> {
    if !has_marker(request)? {
        return Ok(Passed { tests: None, note: format!("it has no tests marked `{QA}`") });
    }
    let id = built.get(&request.tested_platform()?.to_string()).cloned().unwrap_or_default();
    let mut env = vec![
        format!("WHARF_IMAGE={id}"),
        format!("WHARF_STAGE={}", request.stage),
        format!("WHARF_VERSION={}", request.dir.version),
        format!("WHARF_ENGINE={}", request.client.kind()),
    ];
    // How the engine is reached is no secret of the image's.
    let engines = ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "CONTAINER_HOST", "CONTAINERS_CONF"];
    env.extend(engines.map(str::to_owned));
    let host = place::open(Kind::Host, &request.workspace.surroundings)?;
    let suite = Suite { plan: plan(request, (&["all"], QA))?, wish: Wish::default(), place: Where::Outside(host), env };
    let report = run(suite)?;
    let dir = verdict(request, &report, "the tests marked `qa`")?;
    Ok(passed(request, &report, dir, &id, commit))
}

fn plan(request: &Request<'_>, (suites, markers): (&[&str], &str)) -> Result<TestPlan, ReleaseError> {
    let address = format!("//{}", request.dir.address);
    let dirs = vec![if request.dir.address.is_root() { ".".into() } else { address }];
    let suites = suites.iter().map(|suite| (*suite).to_owned()).collect();
    let selection = Selection { dirs, suites, markers: Some(markers.to_owned()), ..Selection::default() };
    Ok(test_suite::plan(request.workspace, &selection)?)
}

/// The stage in which the engine has the image that was built: the team's where it was there before.
fn stage_of(request: &Request<'_>, platform: Platform, id: &str) -> Result<StageWish, ReleaseError> {
    if request.stage == Stage::Prod {
        return Ok(StageWish::Only(Stage::Prod));
    }
    let named = request.client.image(&super::images::reference(request, platform)?)?;
    let stage = if named.is_some_and(|image| image.id == id) { Stage::Dev } else { Stage::Local };
    Ok(StageWish::Only(stage))
}

fn foreign(request: &Request<'_>, platform: Platform) -> Result<Option<Platform>, ReleaseError> {
    Ok((platform != request.client.native_platform()?).then_some(platform))
}

/// Whether a file of the dir that may hold tests speaks of the marker. Read as text: to ask pytest would need an environment.
fn has_marker(request: &Request<'_>) -> Result<bool, ReleaseError> {
    let Request { workspace, dir, .. } = *request;
    let nested: Vec<_> = workspace.dirs.iter().filter(|other| other.address != dir.address).map(|d| &d.path).collect();
    for name in Git::new(&dir.path).files()? {
        let path = dir.path.join(&name);
        let is_inner = nested.iter().any(|other| other.starts_with(&dir.path) && path.starts_with(other));
        if !name.ends_with(".py") || is_inner {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.contains(&format!("mark.{QA}")) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What came of the dir, where nothing is wrong with it.
fn verdict<'r>(request: &Request<'_>, report: &'r Report, what: &'static str) -> Result<&'r DirReport, ReleaseError> {
    if report.interrupted {
        return Err(ReleaseError::Interrupted);
    }
    let address = request.dir.address.to_string();
    let dir = report.dirs.iter().find(|dir| dir.path == address);
    match dir {
        Some(dir) if report.exit_code == 0 && matches!(dir.status, DirStatus::Passed | DirStatus::NoTests) => Ok(dir),
        found => Err(ReleaseError::Tests {
            dir: address,
            what,
            run: report.run,
            cause: found.and_then(|dir| dir.cause.clone()).map(|cause| format!(": {cause}")).unwrap_or_default(),
            code: report.exit_code.max(1),
        }),
    }
}

fn passed(request: &Request<'_>, report: &Report, dir: &DirReport, id: &str, commit: &str) -> Passed {
    if dir.status == DirStatus::NoTests {
        return Passed { tests: None, note: "none of its tests is meant for it".into() };
    }
    let summary = &dir.summary;
    let tests = Tested {
        dir: request.dir.address.to_string(),
        image: id.to_owned(),
        run: report.run,
        time: report.started.clone(),
        code: Some(Code { commit: commit.to_owned(), dirty: false }),
        counts: Counts {
            passed: summary.passed + summary.flaky + summary.xpassed,
            skipped: summary.skipped + summary.xfailed,
            deselected: summary.deselected,
        },
    };
    let note = tests.describe();
    Passed { tests: Some(tests), note }
}
