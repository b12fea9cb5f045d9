//! Poetry: `poetry.lock`.

use super::LockError;
use super::resolve::Upgrade;
use super::room::{Room, Said};
use crate::image::change::{Versions, add};
use crate::image::python::Install;
use crate::image::python::names::normalize;

/// Goes to the copy of the project and makes sure of the environment that Poetry wants to find.
const START: &str =
    "cd \"$W/tree/$1\"; shift; [ -x \"$VENV/bin/python\" ] || \"$PYTHON\" -m venv --without-pip \"$VENV\"\n";

/// Whether the lock, as it was copied, fits the manifest. A `false` may also mean that Poetry found fault with something else.
pub(super) fn is_fresh(room: &Room<'_>, folder: &str) -> Result<bool, LockError> {
    let script = format!("{START}exec \"$POETRY\" check --lock --no-interaction --no-ansi");
    Ok(room.run(&script, &[folder.to_owned()])?.is_success)
}

/// Locks the copy of the project at `folder`, from the workspace's root. Poetry keeps versions by itself from 2.0 on; before, it has to be
/// told, and upgrades otherwise.
pub(super) fn lock(room: &Room<'_>, folder: &str, upgrade: &Upgrade) -> Result<Said, LockError> {
    let mut args = vec![folder.to_owned()];
    let command = match upgrade {
        Upgrade::Nothing => {
            "keep=; if \"$POETRY\" lock --help | grep -q -e --no-update; then keep=--no-update; fi; \
             exec \"$POETRY\" lock --no-interaction --no-ansi $keep"
        }
        Upgrade::All => {
            "all=; if \"$POETRY\" lock --help | grep -q -e --regenerate; then all=--regenerate; fi; \
             exec \"$POETRY\" lock --no-interaction --no-ansi $all"
        }
        Upgrade::Only(names) => {
            args.extend(names.iter().cloned());
            "exec \"$POETRY\" update --lock --no-interaction --no-ansi \"$@\""
        }
    };
    room.run(&format!("{START}{command}"), &args)
}

/// What a step of the build would install, by the lock of the copy.
pub(super) fn installed(room: &Room<'_>, folder: &str, step: &Install) -> Result<Result<Versions, Said>, LockError> {
    let Install::PoetrySync { groups, extras } = step else { return Ok(Ok(Versions::new())) };
    let only: Vec<&str> = std::iter::once("main").chain(groups.iter().map(String::as_str)).collect();
    let mut args = vec![folder.to_owned(), format!("--only={}", only.join(","))];
    args.extend(extras.iter().map(|name| format!("--extras={name}")));
    let command = "exec \"$POETRY\" install --dry-run --no-root --no-directory --no-interaction --no-ansi \"$@\"";
    let said = room.run(&format!("{START}{command}"), &args)?;
    Ok(if said.is_success { Ok(added(&said.text)) } else { Err(said) })
}

/// The `- Installing name (version)` lines of Poetry, less those that it skips for another platform.
fn added(text: &str) -> Versions {
    let mut versions = Versions::new();
    for line in text.lines().filter(|line| !line.contains("Not required") && !line.contains("Not needed")) {
        let line = line.trim_start().trim_start_matches(['-', '•', ' ']);
        let named = line.strip_prefix("Installing ").and_then(|rest| rest.split_once(" ("));
        if let Some((name, rest)) = named {
            let version = rest.split([' ', ')', ':']).next().unwrap_or_default();
            add(&mut versions, normalize(name), version);
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poetrys_lines_are_read() {
        let text = "Installing dependencies from lock file\n\nPackage operations: 2 installs, 0 updates, 0 removals, 1 skipped\n\n  \
                    - Installing colorama (0.4.6): Skipped for the following reason: Not required\n  \
                    - Installing iniconfig (2.0.0)\n  - Installing six (1.16.0 8d3bb1c)\n";
        let expected = [("iniconfig", "2.0.0"), ("six", "1.16.0")];
        assert_eq!(added(text), expected.map(|(name, version)| (name.to_owned(), version.to_owned())).into());
    }
}
