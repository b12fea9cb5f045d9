//! `wharf version check`.

use serde::Serialize;
use wharf_core::image::past::{History, PastError};
use wharf_core::runnable_dir::RunnableDir;
use wharf_core::version::check::{compare, inspect};
use wharf_core::version::{Base, Finding, Severity, Stated, parse};
use wharf_core::workspace::{Problem, Workspace};
use wharf_git::Git;

use super::super::data;
use crate::context::Context;
use crate::exit::Failure;
use crate::render::github;

/// Fails (exit 1) where a version does not fit: its changelog is wrong, what decides the image changed since the last
/// release but the version did not, the version went backwards, or the code needs another one (`[image] requires`).
///
/// The last release is the newest Git tag `<name>-X.Y.Z` that the checkout contains.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Whose; without it, all.
    #[arg(value_name = "DIR", add = crate::commands::complete::dirs())]
    dirs: Vec<String>,
    /// Compares with this commit, branch or tag of the super-repo, instead of the last release.
    #[arg(long, value_name = "REF")]
    base: Option<String>,
    /// Prints JSON: an array of objects.
    #[arg(long)]
    json: bool,
}

/// What was found of one dir.
struct Checked<'a> {
    dir: &'a RunnableDir,
    stated: Stated,
    base: Option<Base>,
    findings: Vec<Finding>,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    path: String,
    name: &'a str,
    version: String,
    base: Option<Compared>,
    ok: bool,
    findings: Vec<Found>,
}

#[derive(Debug, Serialize)]
struct Compared {
    reference: String,
    version: String,
    same_inputs: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Found {
    severity: &'static str,
    kind: &'static str,
    line: Option<usize>,
    message: String,
}

impl Check {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        say_other_problems(context, &workspace);
        let dirs = super::dirs(&workspace, &self.dirs)?;
        if let Some(base) = self.base.as_deref().filter(|base| Git::new(&workspace.root).commit(base).is_none()) {
            return Err(Failure::usage(format!("`--base {base}` names no commit that is here"))
                .hint("fetch it, for example with `git fetch --tags origin`"));
        }
        let mut history = History::new(&workspace);
        let checked = dirs.into_iter().map(|dir| self.check(&workspace, &mut history, dir));
        let checked = checked.collect::<Result<Vec<Checked<'_>>, Failure>>()?;
        if self.json {
            data::json(&checked.iter().map(row).collect::<Vec<_>>())?;
        } else {
            self.print(context, &checked)?;
        }
        self.verdict(&checked)
    }

    fn check<'a>(
        &self,
        workspace: &Workspace,
        history: &mut History<'_>,
        dir: &'a RunnableDir,
    ) -> Result<Checked<'a>, Failure> {
        let bytes = super::read(dir)?.unwrap_or_default();
        let stated = parse(&bytes);
        let folder = dir.address.as_str().rsplit('/').next().unwrap_or_default();
        let mut checked = Checked { dir, stated, base: None, findings: inspect(&bytes, &dir.name, folder) };
        if matches!(checked.stated, Stated::Unclear(_)) {
            // There is no version yet that could be held against anything.
            return Ok(checked);
        }
        let (reference, read) = match &self.base {
            Some(base) => (base.clone(), history.at(dir, base)),
            None => match history.last_release(dir) {
                Ok(Some((tag, _))) => (tag.clone(), history.at_own(dir, &tag)),
                Ok(None) => (String::new(), Ok(None)),
                Err(error) => ("the last release".into(), Err(error)),
            },
        };
        match read {
            Ok(base) => checked.base = base,
            Err(PastError::Checkout(error)) => return Err(error.into()),
            Err(error) => {
                checked.findings.push(Finding::NotCompared { reference, reason: Failure::describe(&error) });
            }
        }
        let version = checked.stated.version();
        checked.findings.extend(checked.base.as_ref().and_then(|base| compare(&version, base)));
        let owner = workspace.image_owner(dir)?;
        if let Some(requires) = &dir.config.image.requires
            && !requires.value.matches(&owner.version)
        {
            checked.findings.push(Finding::Requires {
                requirement: requires.value.clone(),
                version: owner.version.clone(),
                origin: requires.origin.to_string(),
            });
        }
        Ok(checked)
    }

    fn print(&self, context: &Context, checked: &[Checked<'_>]) -> Result<(), Failure> {
        let annotate = context.surroundings.variable("GITHUB_ACTIONS") == Some("true");
        for Checked { dir, findings, .. } in checked {
            let file = super::shown(dir).display().to_string();
            for finding in findings {
                let place = finding.line().map_or_else(|| file.clone(), |line| format!("{file}:{line}"));
                data::line(&format!("{place}: {}: {finding}", finding.severity().word()))?;
                if annotate && finding.severity() == Severity::Error {
                    data::line(&github::error(&file, finding.line(), &finding.to_string()))?;
                }
            }
        }
        let unreleased: Vec<&str> = checked
            .iter()
            .filter(|checked| checked.base.is_none() && !matches!(checked.stated, Stated::Unclear(_)))
            .filter(|checked| !checked.findings.iter().any(|found| matches!(found, Finding::NotCompared { .. })))
            .map(|checked| checked.dir.address.as_str())
            .collect();
        if !unreleased.is_empty() {
            let why = match &self.base {
                Some(base) => format!("not in `{base}`"),
                None => "no Git tag `<name>-X.Y.Z`; in CI, fetch tags".into(),
            };
            context.talk.note(&format!("nothing to compare with: {} ({why})", unreleased.join(", ")));
        }
        Ok(())
    }

    fn verdict(&self, checked: &[Checked<'_>]) -> Result<u8, Failure> {
        let bad: Vec<&Checked<'_>> = checked.iter().filter(|checked| !is_ok(checked)).collect();
        let Some(first) = bad.first() else { return Ok(0) };
        let names: Vec<String> = bad.iter().map(|checked| format!("`{}`", checked.dir.address)).collect();
        let failure = Failure::failed(format!(
            "the versions of {} of {} runnable dirs do not fit: {}",
            bad.len(),
            checked.len(),
            names.join(", ")
        ));
        let raise = |finding: &Finding| matches!(finding, Finding::InputsChanged { .. } | Finding::Backwards { .. });
        Err(match bad.iter().find(|checked| checked.findings.iter().any(raise)) {
            Some(checked) => {
                failure.hint(format!("say what changed with `wharf version bump {} -m TEXT`", checked.dir.address))
            }
            None => failure.hint(format!("correct `{}`", super::shown(first.dir).display())),
        })
    }
}

/// What a check has against the version of one dir, a line each.
pub(in crate::commands) fn errors_of(workspace: &Workspace, dir: &RunnableDir) -> Result<Vec<String>, Failure> {
    let check = Check { dirs: Vec::new(), base: None, json: false };
    let checked = check.check(workspace, &mut History::new(workspace), dir)?;
    let file = super::shown(dir).display().to_string();
    let errors = checked.findings.iter().filter(|finding| finding.severity() == Severity::Error);
    Ok(errors
        .map(|finding| match finding.line() {
            Some(line) => format!("{file}:{line}: {finding}"),
            None => format!("{file}: {finding}"),
        })
        .collect())
}

fn is_ok(checked: &Checked<'_>) -> bool {
    !checked.findings.iter().any(|finding| finding.severity() == Severity::Error)
}

fn row<'a>(checked: &Checked<'a>) -> Row<'a> {
    let base = checked.base.as_ref().map(|base| Compared {
        reference: base.reference.clone(),
        version: base.version.to_string(),
        same_inputs: base.same_inputs,
    });
    let findings = checked.findings.iter().map(|finding| Found {
        severity: finding.severity().word(),
        kind: finding.kind(),
        line: finding.line(),
        message: finding.to_string(),
    });
    Row {
        path: checked.dir.address.to_string(),
        name: &checked.dir.name,
        version: checked.stated.version().to_string(),
        base,
        ok: is_ok(checked),
        findings: findings.collect(),
    }
}

/// What is wrong with changelogs is what this command finds itself.
fn say_other_problems(context: &Context, workspace: &Workspace) {
    for problem in workspace.problems.iter().filter(|problem| !matches!(problem, Problem::Changelog { .. })) {
        context.say_problem(problem);
    }
}
