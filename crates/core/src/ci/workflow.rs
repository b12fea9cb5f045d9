//! The text of workflows.

use minijinja::{AutoEscape, Environment, Value, context};

use super::{CiError, Event, Job, jobs};
use crate::generated::Generated;
use crate::test_suite::TestPlan;
use crate::workspace::{Workspace, wharf_version};

const GITHUB: &str = include_str!("github.yaml.j2");
const GITLAB: &str = include_str!("gitlab.yaml.j2");

// What others' code is named by: a commit, which nobody can move, with the version that people know it by.
const CHECKOUT: &str = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2";
const RESTORE: &str = "actions/cache/restore@5a3ec84eff668545956fd18022155c47e93e2684 # v4.2.3";
const SAVE: &str = "actions/cache/save@5a3ec84eff668545956fd18022155c47e93e2684 # v4.2.3";
const UPLOAD: &str = "actions/upload-artifact@ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2";
const LOGIN: &str = "docker/login-action@74a5d142397b4f367a81961eba4e8cd7edddf772 # v3.4.0";
const QEMU: &str = "docker/setup-qemu-action@29109295f81e9208d7d86ff1c6c12d2833863392 # v3.6.0";

/// Secret with a token for private sub-repos: the variable that `git.token-env` names by default.
const TOKEN: &str = "WHARF_GIT_TOKEN";
/// The step that populates sub-repos with it. The token reaches only the server that the super-repo comes from, and only in a variable.
const POPULATE: &str = r#"
      - name: Check out sub-repos
        env:
          WHARF_GIT_TOKEN: ${{ secrets.WHARF_GIT_TOKEN || github.token }}
        run: |
          host="${GITHUB_SERVER_URL#https://}"
          git -c "credential.$GITHUB_SERVER_URL.helper=" \
            -c "credential.$GITHUB_SERVER_URL.helper=!f() { test \"\$1\" = get && echo username=x-access-token && echo \"password=\$WHARF_GIT_TOKEN\"; }; f" \
            -c "url.$GITHUB_SERVER_URL/.insteadOf=git@$host:" -c "url.$GITHUB_SERVER_URL/.insteadOf=ssh://git@$host/" \
            submodule update --init --recursive"#;

/// Who runs workflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// GitHub Actions: jobs come from `wharf ci matrix` at the time of the run.
    GitHub,
    /// GitLab CI: jobs stand in the file.
    GitLab,
}

impl Provider {
    /// Path of its file from the super-repo's root.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::GitHub => ".github/workflows/wharf.yml",
            Self::GitLab => ".gitlab-ci.yml",
        }
    }
}

/// The workflow for `provider`; `plan` is that of all tests.
///
/// # Errors
/// When nothing says how jobs get Wharf, or a suite is named that no dir has.
pub fn generate(workspace: &Workspace, plan: &TestPlan, provider: Provider) -> Result<Generated, CiError> {
    let ci = &workspace.config.ci;
    let version = wharf_version(&workspace.config).to_string();
    let install = ci.install.as_ref().ok_or(CiError::NoInstall)?.replace("{version}", &version);
    let common = context! {
        schedule => quoted(&ci.schedule), install => quoted(&install), version,
        release => ci.release.is_some(), secrets => ci.secrets.clone(),
    };
    let mut all = Vec::new();
    for event in Event::ALL {
        all.extend(jobs(workspace, plan, event)?.into_iter().map(|job| (event, job)));
    }
    let (template, own) = match provider {
        Provider::GitHub => (GITHUB, github(workspace, &all)),
        Provider::GitLab => (GITLAB, gitlab(workspace, &all)),
    };
    // GitHub's expressions have the brackets of the template language, so the templates write them with others.
    let template = template.replace("$[[", "{% raw %}${{{% endraw %}").replace("]]", "}}");
    let text = render(&template, context! { ..common, ..own })?;
    Ok(Generated::new(workspace.root.join(provider.file()), &text))
}

fn github(workspace: &Workspace, jobs: &[(Event, Job)]) -> Value {
    let ci = &workspace.config.ci;
    let registry = &workspace.config.registry;
    let packages = registry.push.iter().chain(&registry.pull).any(|registry| registry.starts_with("ghcr.io/"));
    let runner = quoted(ci.runner.as_deref().unwrap_or("ubuntu-24.04"));
    // The token of a workflow reads this repository only, so private sub-repos come with that of the user, where there is one.
    let has_token = ci.secrets.iter().any(|name| name == TOKEN);
    let (submodules, populate) = if has_token { ("false", POPULATE) } else { ("recursive", "") };
    let fetch = format!(
        "      - uses: {CHECKOUT}\n        with:\n          fetch-depth: 0\n          submodules: {submodules}"
    );
    let checkout = format!("{fetch}\n          persist-credentials: false{populate}");
    let fetch = format!("{fetch}{populate}");
    context! {
        branch => quoted(&ci.branch), runner, packages, fetch, checkout,
        emulation => jobs.iter().any(|(_, job)| job.emulated),
        restore => RESTORE, save => SAVE, upload => UPLOAD, login => LOGIN, qemu => QEMU,
    }
}

fn gitlab(workspace: &Workspace, jobs: &[(Event, Job)]) -> Value {
    let ci = &workspace.config.ci;
    let jobs: Vec<Value> = jobs
        .iter()
        .map(|(event, job)| {
            // GitLab has a tag only where the configuration names one.
            let named = job.platform.as_ref().and_then(|platform| ci.runners.get(platform)).or(ci.runner.as_ref());
            context! {
                title => quoted(&format!("{} {event}", job.name)), event => event.word(), run => quoted(&job.run),
                tag => named.map(|tag| quoted(tag)), emulated => job.emulated,
                architecture => job.platform.as_deref().and_then(|platform| platform.split('/').nth(1)),
            }
        })
        .collect();
    let branch = format!("$CI_COMMIT_BRANCH == \"{}\"", ci.branch);
    context! {
        jobs, image => quoted(&ci.image), tag => ci.runner.as_deref().map(quoted),
        main_rule => quoted(&format!("{branch} && $CI_PIPELINE_SOURCE != \"schedule\"")), branch_rule => quoted(&branch),
    }
}

/// A string as YAML reads it: that of JSON is one (YAML 1.2, section 1.3).
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn render(template: &str, values: Value) -> Result<String, CiError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let mut text = environment.render_str(template, values)?;
    text.push('\n');
    Ok(text)
}
