//! A question, asked only where somebody can answer it.

use std::io::{BufRead, IsTerminal, Write};

use crate::context::Context;
use crate::exit::Failure;

/// Whether to go on: asked on a terminal, taken for granted where there is none.
///
/// # Errors
/// Exit code 5 where the answer is no.
pub(super) fn go_on(context: &Context) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    if !(context.talk.live && stdin.is_terminal()) {
        return Ok(());
    }
    let mut err = std::io::stderr();
    let _ = write!(err, "go on? [Y/n] ");
    let _ = err.flush();
    let mut answer = String::new();
    let read = stdin.lock().read_line(&mut answer)?;
    let is_yes = matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes");
    // The end of the input is no yes.
    if read > 0 && is_yes { Ok(()) } else { Err(Failure::refused("nothing was written")) }
}
