//! The keys of `[ci]`.

use super::{POSITIVE, ROOT, key};
use crate::config::form::Form;
use crate::config::schema::{Key, Kind, Names};

/// The platforms that hosted runners have.
const PLATFORMS: &[&str] = &["linux/amd64", "linux/arm64"];

/// All of them, in the order of the reference.
pub(super) const CI_KEYS: &[Key] = &[
    key(
        "ci.install",
        Kind::Text(Form::Line),
        "Command by which CI's jobs get Wharf; `{version}` is the version that `requires-wharf` asks for",
    )
    .absent("it must be stated, for `wharf ci generate`")
    .example(r#""cargo install --locked --git https://git.example.org/wharf --tag v{version} wharf-cli""#)
    .whole_workspace(ROOT),
    key("ci.branch", Kind::Text(Form::Branch), "Main branch: each of its commits runs all tests")
        .default(r#""main""#)
        .example(r#""trunk""#)
        .whole_workspace(ROOT),
    key("ci.shards", POSITIVE, "How many jobs share the tests, balanced by their durations")
        .absent("each runnable dir with tests has a job of its own")
        .example("4")
        .whole_workspace(ROOT),
    key("ci.suites", Kind::List(Form::Name), "Suites that merge requests and the main branch run")
        .default("[]")
        .example(r#"["fast"]"#)
        .whole_workspace(ROOT),
    key("ci.nightly", Kind::List(Form::Name), "Suites that the schedule runs")
        .default(r#"["all"]"#)
        .example(r#"["fast", "slow", "superslow"]"#)
        .whole_workspace(ROOT),
    key("ci.schedule", Kind::Text(Form::Cron), "When the nightly jobs run, as cron has it, in UTC")
        .default(r#""0 3 * * *""#)
        .example(r#""30 1 * * 1-5""#)
        .whole_workspace(ROOT),
    key("ci.platforms", Kind::List(Form::Platform), "Platforms that tests run on, each in jobs of its own")
        .absent("the runner's own")
        .example(r#"["linux/amd64", "linux/arm64"]"#)
        .whole_workspace(ROOT),
    key("ci.runner", Kind::Text(Form::Line), "Label of the runner on GitHub, its tag on GitLab")
        .absent("`ubuntu-24.04` on GitHub, any on GitLab")
        .example(r#""self-hosted""#)
        .whole_workspace(ROOT),
    key(
        "ci.runners",
        Kind::NamedText(Names::Only(PLATFORMS), Form::Line),
        "Runners by platform, for platforms that are not emulated on `ci.runner`",
    )
    .absent("other platforms than the runner's own are emulated")
    .example(r#"{ "linux/arm64" = "ubuntu-24.04-arm" }"#)
    .whole_workspace(ROOT),
    key("ci.image", Kind::Text(Form::ImageReference), "Image that GitLab's jobs run in: with Git and Docker's program")
        .default(r#""docker:28-cli""#)
        .example(r#""registry.example.org/acme/ci:1""#)
        .whole_workspace(ROOT),
    key("ci.secrets", Kind::List(Form::VariableName), "Names of CI secrets that jobs get as variables")
        .default("[]")
        .example(r#"["WHARF_GIT_TOKEN", "AWS_ACCESS_KEY_ID"]"#)
        .whole_workspace(ROOT),
    key("ci.release", Kind::Text(Form::Choice(&["dev", "prod", "none"])), "Stage that a tag `NAME-X.Y.Z` releases")
        .default(r#""dev""#)
        .example(r#""prod""#)
        .whole_workspace(ROOT),
];
