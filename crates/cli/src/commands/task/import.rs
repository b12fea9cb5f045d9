//! `wharf task import`.

use wharf_core::task::import;

use super::super::data;
use super::Options;
use crate::context::Context;
use crate::exit::Failure;

/// Writes the plain tasks of the super-repo's `tasks.py` over to its `wharf.toml`, or prints what it would hold.
pub(super) fn run(context: &Context, options: &Options, words: &[String]) -> Result<u8, Failure> {
    if let Some(word) = words.iter().find(|word| *word != "--dry-run") {
        return Err(Failure::usage(format!("`wharf task import` takes no `{word}`"))
            .hint("it is called as `wharf task import [--dry-run]`"));
    }
    let workspace = context.workspace()?;
    let Some(import) = import::plan(&workspace, &crate::arguments::names())? else {
        return Err(Failure::usage("there is no `tasks.py` at the super-repo's root"));
    };
    for unread in &import.unread {
        context.talk.warning(&unread.to_string());
    }
    for (name, why) in &import.left {
        context.talk.note(&format!("`{name}` stays in `tasks.py`: {why}"));
    }
    if options.dry_run || !words.is_empty() {
        data::text(&import.text)?;
    } else if !import.written.is_empty() {
        import::apply(&import)?;
    }
    let count = import.written.len();
    let verb = if options.dry_run || !words.is_empty() { "would be" } else { "were" };
    context.talk.note(&format!("{count} tasks {verb} written to `wharf.toml`, {} stay", import.left.len()));
    Ok(0)
}
