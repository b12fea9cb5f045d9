//! What `wharf ci generate` and `wharf ide generate` have in common: files are compared, shown or written.

use wharf_core::generated::{Generated, GeneratedError, Standing};

use super::data;
use crate::context::Context;
use crate::exit::Failure;

/// What is done with the files.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Writes nothing; exit 1, with a diff, where a file is not what would be written.
    #[arg(long, conflicts_with_all = ["dry_run", "force"])]
    check: bool,
    /// Prints the commands that would write the files, and writes nothing.
    #[arg(long)]
    dry_run: bool,
    /// Overwrites files that somebody has changed.
    #[arg(long)]
    force: bool,
}

/// Compares, shows or writes `files`, all of them or none.
pub(super) fn settle(context: &Context, files: &[Generated], options: &Options) -> Result<u8, Failure> {
    let standings = files.iter().map(Generated::standing).collect::<Result<Vec<_>, _>>()?;
    let with = || files.iter().zip(&standings);
    if options.check {
        return check(context, with());
    }
    let edited: Vec<_> = with().filter(|(_, standing)| matches!(standing, Standing::Edited { .. })).collect();
    if !options.force && !edited.is_empty() {
        for (_, standing) in &edited {
            show(standing)?;
        }
        let names: Vec<String> = edited.iter().map(|(file, _)| format!("`{}`", file.path.display())).collect();
        return Err(Failure::refused(format!(
            "{} {} not as Wharf wrote {}, so nothing is overwritten",
            names.join(", "),
            if names.len() == 1 { "is" } else { "are" },
            if names.len() == 1 { "it" } else { "them" }
        ))
        .hint("the diff says what would be lost; `--force` overwrites it, moving the file away keeps it"));
    }
    for (file, standing) in with() {
        if *standing == Standing::Same {
            context.talk.note(&format!("`{}` is there already", file.path.display()));
        } else if options.dry_run {
            data::text(&file.commands())?;
        } else {
            file.write()?;
            data::line(&file.path.display().to_string())?;
        }
    }
    Ok(0)
}

fn check<'a>(context: &Context, files: impl Iterator<Item = (&'a Generated, &'a Standing)>) -> Result<u8, Failure> {
    let (mut good, mut bad) = (0, Vec::new());
    for (file, standing) in files {
        let name = file.path.display();
        match standing {
            Standing::Same => good += 1,
            Standing::Missing => bad.push(format!("`{name}` is missing")),
            Standing::Stale { .. } => bad.push(format!("`{name}` is stale")),
            Standing::Edited { .. } => bad.push(format!("`{name}` was changed by hand")),
        }
        show(standing)?;
    }
    if bad.is_empty() {
        context.talk.note(&format!("{good} {} up to date", if good == 1 { "file is" } else { "files are" }));
        return Ok(0);
    }
    Err(Failure::failed(bad.join(", ")).hint("write them with the same command without `--check`"))
}

fn show(standing: &Standing) -> Result<(), Failure> {
    match standing {
        Standing::Stale { diff } | Standing::Edited { diff } => data::text(diff),
        Standing::Same | Standing::Missing => Ok(()),
    }
}

impl From<GeneratedError> for Failure {
    fn from(error: GeneratedError) -> Self {
        Self::environment(Self::describe(&error))
    }
}
