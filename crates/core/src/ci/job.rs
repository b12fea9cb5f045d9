//! The jobs that there are, and what each of them runs.

use std::fmt;
use std::str::FromStr;

use semver::Version;
use serde::Serialize;
use wharf_engine::Platform;
use wharf_process::Command;

use super::CiError;
use crate::runnable_dir::RunnableDir;
use crate::test_suite::TestPlan;
use crate::workspace::Workspace;

/// GitHub's own runner, where the configuration names none.
const RUNNER: &str = "ubuntu-24.04";

/// Why jobs run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Somebody asks for changes to be taken: only what they reach is tested.
    PullRequest,
    /// The main branch has moved: all is tested.
    Main,
    /// It is time: the slow suites too, and nothing is taken from the cache.
    Nightly,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::PullRequest, Self::Main, Self::Nightly];

    /// The word for `--event`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PullRequest => "pull-request",
            Self::Main => "main",
            Self::Nightly => "nightly",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Event {
    type Err = CiError;

    /// Wharf's own words, those of `GITHUB_EVENT_NAME`, and those of `CI_PIPELINE_SOURCE`.
    fn from_str(text: &str) -> Result<Self, CiError> {
        match text {
            "pull-request"
            | "pull_request"
            | "pull_request_target"
            | "merge_group"
            | "merge_request_event"
            | "external_pull_request_event" => Ok(Self::PullRequest),
            "main" | "push" | "workflow_dispatch" | "web" | "api" | "trigger" => Ok(Self::Main),
            "nightly" | "schedule" => Ok(Self::Nightly),
            _ => Err(CiError::NoEvent(text.to_owned())),
        }
    }
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Job {
    /// What file names and caches call it: letters, digits, `.`, `_` and `-`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The runnable dir that it is about; `None`: a shard of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// The dir whose image it uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Which shard, as `1/4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// The platform that it is for, where not the runner's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Label of the runner.
    pub runner: String,
    /// Whether the platform is emulated on that runner.
    pub emulated: bool,
    /// The line that it runs, for a shell.
    pub run: String,
    /// The same, word by word.
    #[serde(skip)]
    pub words: Vec<String>,
}

/// The jobs that test what `plan` runs.
///
/// # Errors
/// When the configuration names a suite that no dir has.
pub fn jobs(workspace: &Workspace, plan: &TestPlan, event: Event) -> Result<Vec<Job>, CiError> {
    let ci = &workspace.config.ci;
    let (key, suites) = match event {
        Event::Nightly => ("nightly", &ci.nightly),
        Event::PullRequest | Event::Main => ("suites", &ci.suites),
    };
    let is_known = |name: &String| workspace.dirs.iter().any(|dir| dir.config.test.suites.contains_key(name));
    if let Some(name) = suites.iter().find(|name| !workspace.dirs.is_empty() && !is_known(name)) {
        return Err(CiError::NoSuite { key, name: name.clone() });
    }
    let mut more: Vec<String> = suites.iter().flat_map(|suite| ["--suite".to_owned(), suite.clone()]).collect();
    match event {
        Event::PullRequest => more.push("--affected-or-all".into()),
        Event::Main => {}
        // What the cache believes is looked at once a day.
        Event::Nightly => more.push("--no-cache".into()),
    }
    let platforms: Vec<Option<Platform>> = match ci.platforms.as_slice() {
        [] => vec![None],
        several => several.iter().copied().map(Some).collect(),
    };
    let mut jobs = Vec::new();
    for platform in platforms {
        match ci.shards {
            Some(total) if plan.dirs.iter().any(|dir| dir.runs) => {
                let shard = |index| Share::Shard(format!("{index}/{total}"));
                jobs.extend((1..=total.get()).map(|index| job(workspace, &shard(index), platform, &more)));
            }
            Some(_) => {}
            None => {
                let running = plan.dirs.iter().filter(|dir| dir.runs);
                let known =
                    running.filter_map(|dir| workspace.dirs.iter().find(|one| one.address.as_str() == dir.path));
                jobs.extend(known.map(|dir| job(workspace, &Share::Dir(dir), platform, &more)));
            }
        }
    }
    Ok(jobs)
}

/// The job that releases what a tag names, `<image name>-X.Y.Z`; none where it names no version of any dir.
///
/// # Errors
/// When the dir has another version in this checkout.
pub fn release_jobs(workspace: &Workspace, tag: &str) -> Result<Vec<Job>, CiError> {
    let Some(stage) = &workspace.config.ci.release else { return Ok(Vec::new()) };
    let named = tag.rsplit_once('-').and_then(|(name, version)| Some((name, Version::parse(version).ok()?)));
    let Some((name, version)) = named else { return Ok(Vec::new()) };
    let mut owners = workspace.dirs.iter().filter(|dir| dir.image_from().is_none() && dir.name == name);
    let Some(dir) = owners.next() else { return Ok(Vec::new()) };
    if dir.version != version {
        let (tag, version) = (tag.to_owned(), version.to_string());
        return Err(CiError::WrongVersion { tag, version, dir: dir.address.clone(), has: dir.version.to_string() });
    }
    let words = ["wharf", "image", "release", &dir.address.plain(), "--stage", stage].map(str::to_owned).to_vec();
    Ok(vec![Job {
        id: format!("release-{}", dir.slug()),
        name: format!("release {}", dir.address),
        dir: Some(dir.address.to_string()),
        image: None,
        shard: None,
        platform: None,
        runner: runner(workspace, None).0,
        emulated: false,
        run: line(&words),
        words,
    }])
}

enum Share<'a> {
    Dir(&'a RunnableDir),
    Shard(String),
}

fn job(workspace: &Workspace, share: &Share<'_>, platform: Option<Platform>, more: &[String]) -> Job {
    let (mut id, mut name, words) = match share {
        Share::Dir(dir) => (dir.slug(), dir.address.to_string(), vec!["--dir".to_owned(), dir.address.plain()]),
        Share::Shard(shard) => (
            format!("shard-{}", shard.replace('/', "-")),
            format!("shard {shard}"),
            vec!["--shard".into(), shard.clone()],
        ),
    };
    let mut all = vec!["wharf".to_owned(), "test".to_owned()];
    all.extend(words);
    let (runner, emulated) = runner(workspace, platform);
    if let Some(platform) = platform {
        id = format!("{id}-{}", platform.to_string().replace('/', "-"));
        name = format!("{name} ({platform})");
        all.extend(["--platform".to_owned(), platform.to_string()]);
    }
    all.extend_from_slice(more);
    let (dir, shard) = match share {
        Share::Dir(dir) => (Some(*dir), None),
        Share::Shard(shard) => (None, Some(shard.clone())),
    };
    let owner = dir.and_then(|dir| workspace.image_owner(dir).ok());
    let (dir, image) = (dir.map(|dir| dir.address.to_string()), owner.map(|dir| dir.address.to_string()));
    let platform = platform.map(|platform| platform.to_string());
    Job { id, name, dir, image, shard, platform, runner, emulated, run: line(&all), words: all }
}

/// The runner for a platform, and whether it emulates it.
fn runner(workspace: &Workspace, platform: Option<Platform>) -> (String, bool) {
    let ci = &workspace.config.ci;
    let usual = ci.runner.clone().unwrap_or_else(|| RUNNER.to_owned());
    let Some(platform) = platform.map(|platform| platform.to_string()) else { return (usual, false) };
    match ci.runners.get(&platform) {
        Some(runner) => (runner.clone(), false),
        None => (usual, platform != "linux/amd64"),
    }
}

fn line(words: &[String]) -> String {
    Command::new(&words[0]).args(words[1..].iter().cloned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_names_of_those_who_run_jobs() {
        for event in Event::ALL {
            assert_eq!(event.word().parse::<Event>().unwrap(), event);
        }
        for (name, event) in [
            ("pull_request", Event::PullRequest),
            ("merge_request_event", Event::PullRequest),
            ("push", Event::Main),
            ("web", Event::Main),
            ("schedule", Event::Nightly),
        ] {
            assert_eq!(name.parse::<Event>().unwrap(), event, "{name}");
        }
        assert!(matches!("release".parse::<Event>(), Err(CiError::NoEvent(_))));
    }
}
