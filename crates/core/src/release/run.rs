//! Does the open steps of a release, and notes each one before the next.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use wharf_engine::Registry;

use super::adopt::adopt;
use super::ground::Ground;
use super::plan::standing;
use super::suite::RunSuite;
use super::{Record, ReleaseError, Request, Standing, Step, images, publish, suite};
use crate::container::Owner;
use crate::event::{Clock, Listener};
use crate::image::Stage;
use crate::image::push::OnMove;
use crate::workspace::{Lock, LockError, Patience};

/// What there is to say of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It was done before, and holds.
    Holds,
    /// It begins, for this reason.
    Begins(String),
    /// It is done and noted; what came of it, where that is worth a line.
    Done(Option<String>),
}

/// What a release is lent.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The session with registries.
    pub session: &'a Registry,
    /// Set when nothing more may be started.
    pub stop: &'a AtomicBool,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Hears of builds.
    pub listener: &'a dyn Listener,
    /// Hears of each step.
    pub on_step: &'a dyn Fn(Step, Told),
    /// Told of each move of an image.
    pub on_move: &'a OnMove<'a>,
    /// Told of each reference that went up, or failed to.
    pub on_sent: &'a (dyn Fn(&str) + Sync),
}

impl fmt::Debug for Tools<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").field("session", self.session).finish_non_exhaustive()
    }
}

/// Releases: does what is not done yet. Gives the record, with all steps in it.
///
/// # Errors
/// Why it stopped. What was done is noted, and the same call goes on from there.
pub fn run(request: &Request<'_>, tools: &Tools<'_>, tests: &mut RunSuite<'_>) -> Result<Record, ReleaseError> {
    refuse_other_owner(request)?;
    let _lock = lock(request)?;
    let ground = Ground::read(request)?;
    let known = Record::read(request);
    let steps = standing(request, &ground, known.as_ref(), tools.session)?;
    let first = steps.iter().find(|(step, standing)| *step >= Step::Build && *standing != Standing::Done);
    let Some(first) = first.map(|(step, _)| *step) else {
        steps.iter().for_each(|(step, _)| (tools.on_step)(*step, Told::Holds));
        return Ok(known.unwrap_or_default());
    };
    let mut record = known
        .filter(|known| known.commit == ground.commit && known.inputs == ground.inputs)
        .unwrap_or_else(|| Record::new(request, &ground.commit, &ground.inputs));
    record.reopen(first);
    record.engine = request.client.kind().word().to_owned();
    for (step, standing) in steps {
        let Standing::Open(why) = standing else {
            (tools.on_step)(step, Told::Holds);
            continue;
        };
        if tools.stop.load(Ordering::Relaxed) {
            return Err(ReleaseError::Interrupted);
        }
        (tools.on_step)(step, Told::Begins(why));
        let said = one(request, &ground, step, &mut record, (tools, &mut *tests))?;
        record.done.insert(step, tools.clock.timestamp());
        record.write(request).map_err(ReleaseError::Record)?;
        (tools.on_step)(step, Told::Done(said));
    }
    Ok(record)
}

fn one(
    request: &Request<'_>,
    ground: &Ground,
    step: Step,
    record: &mut Record,
    (tools, tests): (&Tools<'_>, &mut RunSuite<'_>),
) -> Result<Option<String>, ReleaseError> {
    match step {
        Step::Check => ground.check(request)?,
        Step::Rights => publish::rights(request, ground, tools.session)?,
        Step::Build => {
            adopt(request, ground, tools)?;
            record.built = images::build(request, &ground.inputs, tools.listener, tools.stop)?;
            if request.stage == Stage::Prod {
                record.images = record.built.clone();
            }
        }
        Step::Test => {
            let passed = suite::inside(request, &record.built, &ground.commit, tests)?;
            let said = passed.note.clone();
            record.tested = Some(passed);
            return Ok(Some(said));
        }
        Step::Qa => {
            let passed = suite::outside(request, &record.built, &ground.commit, tests)?;
            let said = passed.note.clone();
            record.qa = Some(passed);
            return Ok(Some(said));
        }
        Step::Promote => {
            let none = || super::Passed { tests: None, note: String::new() };
            let passed = record.tested.clone().unwrap_or_else(none);
            record.images = images::promote(request, &record.built, &passed)?;
        }
        Step::Push => {
            if request.stage == Stage::Prod {
                record.images = record.built.clone();
            }
            record.digests = publish::push(request, record, tools)?;
            let said = record.digests.iter().map(|(place, digest)| format!("{place}:{}@{digest}", request.tag()));
            return Ok(Some(said.collect::<Vec<_>>().join(", ")));
        }
        Step::Verify => publish::verify(request, record, tools.session)?,
        Step::Float => return Ok(Some(publish::float(request, record, tools.session)?.join(", "))),
        Step::Tag => return Ok(Some(publish::tag(request, ground)?)),
    }
    Ok(None)
}

/// Refuses a dir that uses the image of another one.
pub(super) fn refuse_other_owner(request: &Request<'_>) -> Result<(), ReleaseError> {
    let Request { workspace, dir, .. } = *request;
    let owner = workspace.image_owner(dir).map_err(crate::test_suite::TestError::from)?;
    if owner.address == dir.address {
        return Ok(());
    }
    Err(ReleaseError::NotOwner { dir: dir.address.to_string(), owner: owner.address.to_string() })
}

/// One release of a version at a time on this machine, whatever clone it is started in.
fn lock(request: &Request<'_>) -> Result<Lock, ReleaseError> {
    let name = request.git_tag();
    let file = request.workspace.surroundings.cache.join("locks").join(format!("release-{name}"));
    let holder = format!("process {} in `{}`", Owner::current().pid(), request.workspace.root.display());
    Lock::take(&file, &holder, Patience::GiveUp).map_err(|error| match error {
        LockError::Held { holder, .. } => ReleaseError::Busy { name: name.clone(), holder },
        other => other.into(),
    })
}
