//! Runs again whenever an input changes. Inputs are looked at five times a second: that costs a few system calls for each
//! file, works on every file system, and needs no limit of the system raised.

use std::time::Duration;

use wharf_core::task::fresh::{Fresh, Seen};

use super::Session;
use crate::exit::{self, Failure};

const PAUSE: Duration = Duration::from_millis(200);

pub(super) fn run(session: &Session<'_>) -> Result<u8, Failure> {
    let nodes = &session.workshop.graph.nodes;
    if nodes.iter().all(|node| session.workshop.task(node).inputs.is_empty()) {
        return Err(Failure::usage("none of these tasks has `inputs`, so there is nothing to watch")
            .hint("state them: `inputs = [\"src/**\"]`"));
    }
    session.confirm()?;
    loop {
        let fresh = session.fresh()?;
        let before = inputs(session, &fresh)?;
        let ended = session.attempt(&fresh);
        fresh.save()?;
        match session.verdict(&ended) {
            Err(failure) if failure.code == 130 => return Err(failure),
            Err(failure) => drop(exit::code(Err(failure))),
            Ok(_) => {}
        }
        session.context.talk.note("watching; ctrl-C ends it");
        loop {
            fresh.has_changed();
            if inputs(session, &fresh)? != before {
                break;
            }
            std::thread::sleep(PAUSE);
            if session.stopping.is_stopped() {
                session.stopping.finish();
                return Err(Failure { code: 130, message: "interrupted".into(), hint: None });
            }
        }
    }
}

/// All inputs but what the tasks themselves make.
fn inputs(session: &Session<'_>, fresh: &Fresh) -> Result<Vec<Seen>, Failure> {
    let (mut inputs, mut made) = (Vec::new(), Vec::new());
    for node in &session.workshop.graph.nodes {
        let folder = session.workshop.folder(node);
        let task = session.workshop.task(node);
        inputs.extend(fresh.files(&folder, &task.inputs)?);
        made.extend(fresh.files(&folder, &task.outputs)?.into_iter().map(|seen| seen.path));
    }
    made.sort();
    inputs.retain(|seen| made.binary_search(&seen.path).is_err());
    Ok(inputs)
}
