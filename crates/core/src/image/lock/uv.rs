//! uv: `uv.lock`.

use super::LockError;
use super::resolve::Upgrade;
use super::room::{Room, Said};
use crate::image::change::{Versions, add};
use crate::image::python::Install;
use crate::image::python::names::normalize;

/// Whether the lock, as it was copied, fits the manifest.
pub(super) fn is_fresh(room: &Room<'_>, folder: &str) -> Result<bool, LockError> {
    let script = "cd \"$W/tree/$1\"; exec \"$UV\" lock --locked --no-progress --python \"$PYTHON\"";
    Ok(room.run(script, &[folder.to_owned()])?.is_success)
}

/// Locks the copy of the project at `folder`, from the workspace's root.
pub(super) fn lock(room: &Room<'_>, folder: &str, upgrade: &Upgrade) -> Result<Said, LockError> {
    let script = "cd \"$W/tree/$1\"; shift; exec \"$UV\" lock --no-progress --python \"$PYTHON\" \"$@\"";
    let mut args = vec![folder.to_owned()];
    match upgrade {
        Upgrade::Nothing => {}
        Upgrade::All => args.push("--upgrade".into()),
        Upgrade::Only(names) => args.extend(names.iter().map(|name| format!("--upgrade-package={name}"))),
    }
    room.run(script, &args)
}

/// What a step of the build would install, by the lock of the copy.
pub(super) fn installed(room: &Room<'_>, folder: &str, step: &Install) -> Result<Result<Versions, Said>, LockError> {
    let Install::UvSync { groups, extras, main, package } = step else { return Ok(Ok(Versions::new())) };
    let script = "cd \"$W/tree/$1\"; shift; exec \"$UV\" sync --dry-run --frozen --no-progress --python \"$PYTHON\" --inexact \
                  --no-install-project --no-install-workspace --no-install-local --no-default-groups \"$@\"";
    let mut args = vec![folder.to_owned()];
    let group = if *main { "--group" } else { "--only-group" };
    args.extend(groups.iter().map(|name| format!("{group}={name}")));
    args.extend(extras.iter().map(|name| format!("--extra={name}")));
    args.extend(package.iter().map(|name| format!("--package={name}")));
    let said = room.run(script, &args)?;
    Ok(if said.is_success { Ok(added(&said.text)) } else { Err(said) })
}

/// The ` + name==version` lines of uv.
fn added(text: &str) -> Versions {
    let mut versions = Versions::new();
    for line in text.lines() {
        let pinned = line.trim_start().strip_prefix("+ ").and_then(|rest| rest.split_once("=="));
        if let Some((name, rest)) = pinned {
            let version = rest.split_whitespace().next().unwrap_or_default();
            add(&mut versions, normalize(name), version);
        }
    }
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uvs_lines_are_read() {
        let text = "Would create project environment at: /x\nWould install 2 packages\n + Markup_Safe==3.0.1\n + six==1.17.0 (from https://x/y)\n";
        let expected = [("markup-safe", "3.0.1"), ("six", "1.17.0")];
        assert_eq!(added(text), expected.map(|(name, version)| (name.to_owned(), version.to_owned())).into());
    }
}
