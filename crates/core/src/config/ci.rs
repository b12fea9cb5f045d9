//! Table `ci`, as the rest of core works with it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use wharf_engine::Platform;

use super::merge::Resolved;
use super::value::Value;

/// Table `ci`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CiConfig {
    /// Command by which jobs get Wharf.
    pub install: Option<String>,
    /// The main branch.
    pub branch: String,
    /// How many jobs share the tests; `None`: one a runnable dir.
    pub shards: Option<NonZeroU32>,
    /// Suites of merge requests and of the main branch; empty: as `wharf test` has it.
    pub suites: Vec<String>,
    /// Suites of the schedule.
    pub nightly: Vec<String>,
    /// The schedule, as cron has it.
    pub schedule: String,
    /// Platforms that tests run on; empty: the runner's own.
    pub platforms: Vec<Platform>,
    /// The runner.
    pub runner: Option<String>,
    /// Runners by platform.
    pub runners: BTreeMap<String, String>,
    /// Image that GitLab's jobs run in.
    pub image: String,
    /// Secrets that jobs get.
    pub secrets: Vec<String>,
    /// Stage that a tag releases; `None`: tags release nothing.
    pub release: Option<String>,
}

impl CiConfig {
    /// The typed form; each form was checked when the file was read.
    pub(super) fn read(resolved: &Resolved) -> Self {
        let text = |path: &str| resolved.get(path).and_then(|(value, _)| value.as_text()).map(str::to_owned);
        let list = |path: &str| {
            let found = resolved.get(path).and_then(|(value, _)| value.as_list());
            found.map(<[String]>::to_vec).unwrap_or_default()
        };
        let shards = resolved.get("ci.shards").and_then(|(value, _)| value.as_integer());
        let named = resolved.named("ci.runners");
        Self {
            install: text("ci.install"),
            branch: text("ci.branch").unwrap_or_default(),
            shards: shards.and_then(|shards| u32::try_from(shards).ok()).and_then(NonZeroU32::new),
            suites: list("ci.suites"),
            nightly: list("ci.nightly"),
            schedule: text("ci.schedule").unwrap_or_default(),
            platforms: list("ci.platforms").iter().filter_map(|text| text.parse().ok()).collect(),
            runner: text("ci.runner"),
            runners: named
                .filter_map(|(name, value, _)| Some((name.trim_matches('"').into(), Value::as_text(value)?.into())))
                .collect(),
            image: text("ci.image").unwrap_or_default(),
            secrets: list("ci.secrets"),
            release: text("ci.release").filter(|stage| stage != "none"),
        }
    }
}
