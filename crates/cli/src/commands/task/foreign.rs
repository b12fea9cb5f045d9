//! Words for the real `invoke`: as they are, with its exit code.

use wharf_core::task::Catalogue;
use wharf_core::task::graph::{Graph, Request};
use wharf_core::task::run::Ended;
use wharf_core::task::step::Workshop;

use super::stopping::Stopping;
use super::{Options, Session, home};
use crate::context::Context;
use crate::exit::Failure;

/// Runs `python -m invoke WORDS` in the thin environment, beside the nearest `tasks.py`; gives its exit code.
///
/// # Errors
/// When there is no `tasks.py`, or no thin environment.
pub fn through_invoke(context: &Context, words: &[String]) -> Result<u8, Failure> {
    let workspace = context.workspace()?;
    let mut catalogue = Catalogue::read(&workspace)?;
    let name = words.iter().find(|word| !word.starts_with('-')).cloned().unwrap_or_default();
    let Some((first, rest)) = words.split_first() else { return Ok(0) };
    let Some(task) = catalogue.add_unread(&workspace, &home(&workspace), first) else {
        return Err(Failure::usage(format!("there is no task `{name}`, and no `tasks.py` that could have it"))
            .hint("`i --list` lists the tasks"));
    };
    let request = Request { task, words: rest.to_vec(), moved: None };
    let graph = Graph::plan(&catalogue, &[request], std::env::consts::OS)?;
    let stopping = Stopping::listen()?;
    let workshop = Workshop::new(&workspace, &catalogue, &graph, &context.talk, stopping.stop());
    workshop.check()?;
    let options = Options::default();
    let session = Session { context, options: &options, workshop, stopping: stopping.clone() };
    let ended = session.attempt(&session.fresh()?);
    match ended.as_slice() {
        [Ended::Failed { exit, .. }] if !stopping.is_stopped() => {
            Ok(u8::try_from(exit.shell_code() & 0xff).unwrap_or(1))
        }
        _ => session.verdict(&ended),
    }
}
