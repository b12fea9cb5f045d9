//! Which steps of a release are done and still hold, and which are open. Looks, and changes nothing.

use wharf_engine::Registry;
use wharf_process::Command;

use super::ground::{Ground, ORIGIN, git};
use super::{Record, ReleaseError, Request, Standing, Step, images, publish};
use crate::image::Stage;

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The step.
    pub step: Step,
    /// How it stands.
    pub standing: Standing,
    /// What one could type to do it by hand; none where there is no such thing.
    pub commands: Vec<String>,
}

/// Says what a release would do.
///
/// # Errors
/// What would refuse the release before anything is built.
pub fn plan(request: &Request<'_>, session: &Registry) -> Result<Vec<Planned>, ReleaseError> {
    super::run::refuse_other_owner(request)?;
    let ground = Ground::read(request)?;
    let record = Record::read(request);
    let steps = standing(request, &ground, record.as_ref(), session)?;
    if steps.iter().any(|(_, standing)| *standing != Standing::Done) {
        ground.check(request)?;
        publish::rights(request, &ground, session)?;
    }
    let planned = steps.into_iter().map(|(step, standing)| {
        let commands = if standing == Standing::Done { Vec::new() } else { commands(request, &ground, step)? };
        Ok(Planned { step, standing, commands })
    });
    planned.collect()
}

/// How each step stands: up to the first one that does not hold they are done, from there on open.
pub(super) fn standing(
    request: &Request<'_>,
    ground: &Ground,
    record: Option<&Record>,
    session: &Registry,
) -> Result<Vec<(Step, Standing)>, ReleaseError> {
    let (first, why) = match record {
        None => (Step::Build, "it is not begun".to_owned()),
        Some(record) => match first_open(request, ground, record, session)? {
            Some(found) => found,
            None => return Ok(Step::all(request.stage).into_iter().map(|step| (step, Standing::Done)).collect()),
        },
    };
    let steps = Step::all(request.stage).into_iter().map(|step| {
        let standing = match step {
            Step::Check | Step::Rights => Standing::Open("looked at each time".into()),
            step if step < first => Standing::Done,
            step if step == first => Standing::Open(why.clone()),
            _ => Standing::Open(format!("after {}", first.word())),
        };
        (step, standing)
    });
    Ok(steps.collect())
}

fn first_open(
    request: &Request<'_>,
    ground: &Ground,
    record: &Record,
    session: &Registry,
) -> Result<Option<(Step, String)>, ReleaseError> {
    let anew = |what: &str| Ok(Some((Step::Build, format!("{what} than that of the release that was begun"))));
    if record.commit != ground.commit {
        return anew("the commit is another one");
    }
    if record.inputs != ground.inputs {
        return anew("what decides the image is something else");
    }
    if record.engine != request.client.kind().word() {
        return anew("the engine is another one");
    }
    let platforms: Vec<String> = request.platforms()?.iter().map(ToString::to_string).collect();
    if record.has(Step::Build) && !platforms.iter().all(|platform| record.built.contains_key(platform)) {
        return Ok(Some((Step::Build, "a platform was added".into())));
    }
    let there = if record.has(Step::Push) { publish::digests(request, session)? } else { Default::default() };
    let is_there =
        |(place, digest): (&String, &Option<String>)| digest.is_some() && record.digests.get(place) == digest.as_ref();
    let pushed = record.has(Step::Push) && there.iter().all(is_there);
    let released = if record.has(Step::Promote) || (request.stage == Stage::Prod && !record.images.is_empty()) {
        &record.images
    } else {
        &record.built
    };
    // What all registries have is not needed here any more.
    let here = pushed || images::are_here(request, released)?;
    for step in Step::all(request.stage) {
        let is_noted = matches!(step, Step::Check | Step::Rights) || record.has(step);
        let lost = match step {
            Step::Build if is_noted && !here => Some("an image is not here any more"),
            Step::Push if is_noted && !pushed => Some("a registry does not have it as it was"),
            Step::Tag if is_noted && git(request).commit(&format!("refs/tags/{}", request.git_tag())).is_none() => {
                Some("the tag is gone")
            }
            _ => None,
        };
        match (is_noted, lost) {
            (true, None) => {}
            (true, Some(lost)) => return Ok(Some((step, lost.to_owned()))),
            (false, _) => return Ok(Some((step, "it is not done yet".into()))),
        }
    }
    Ok(None)
}

/// The commands that do a step by hand.
fn commands(request: &Request<'_>, ground: &Ground, step: Step) -> Result<Vec<String>, ReleaseError> {
    let Request { workspace, client, dir, stage, .. } = *request;
    let address = if dir.address.is_root() { ".".to_owned() } else { format!("//{}", dir.address) };
    let wharf = |args: &[&str]| {
        let line = Command::new("wharf").arg("-C").arg(workspace.root.clone());
        line.args(["--engine", client.kind().word()]).args(args.iter().copied()).to_string()
    };
    let platforms: Vec<String> = request.platforms()?.iter().map(ToString::to_string).collect();
    let platforms = platforms.join(",");
    let built = if stage == Stage::Prod { "prod" } else { "local" };
    Ok(match step {
        Step::Check => vec![wharf(&["version", "check", &address])],
        Step::Build => vec![wharf(&["image", "build", "--stage", built, "--platform", &platforms, &address])],
        Step::Test => {
            vec![wharf(&["test", "--stage", built, "--dir", &address, "-m", "not superslow and not qa"])]
        }
        Step::Promote => vec![wharf(&["image", "promote", &address])],
        Step::Push => vec![wharf(&["image", "push", &address, "--stage", stage.word()])],
        Step::Tag => {
            let message = format!("{} {}", dir.name, dir.version);
            let git = git(request);
            let mut lines = vec![git.tag_command(&request.git_tag(), &ground.commit, &message).to_string()];
            if git.has_remote(ORIGIN)? {
                lines.push(git.push_tag_command(ORIGIN, &request.git_tag()).to_string());
            }
            lines
        }
        Step::Verify => request
            .repositories()?
            .iter()
            .map(|repository| format!("skopeo inspect --raw docker://{repository}:{}", request.tag()))
            .collect(),
        Step::Float => request
            .repositories()?
            .iter()
            .map(|to| format!("skopeo copy --all docker://{to}:{} docker://{to}:{stage}", request.tag()))
            .collect(),
        Step::Rights | Step::Qa => Vec::new(),
    })
}
