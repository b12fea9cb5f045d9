//! `wharf` alone: the state of what is here and the next sensible command.

use crate::context::Context;
use crate::exit::Failure;

/// Shows the state of what is here.
///
/// # Errors
/// When there is no workspace.
pub fn run(context: &Context) -> Result<u8, Failure> {
    let workspace = context.workspace()?;
    context.say_problems(&workspace);
    Ok(0)
}
