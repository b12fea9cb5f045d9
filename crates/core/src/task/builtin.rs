//! Tasks that every team writes again. A repo takes one with `[tasks.lint] builtin = "lint"`, under any name.
//!
//! Each is a small `sh` script, so that a plan shows all of it and it can be pasted.

use super::PlaceOfTask;
use super::arguments::{Argument, ArgumentKind};

/// A task that Wharf brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// pre-commit on the files that changed.
    Lint,
    /// Removes caches that Python's tools leave; never a file that Git knows.
    Clean,
    /// Gives files that containers made as another user back to the caller.
    FixPerms,
}

/// All tools agree on these names; `.gitignore` need not name them.
const CLEAN: &str = "git rev-parse --show-toplevel >/dev/null || exit 1
find . -name .git -prune -o -type d \\( -name __pycache__ -o -name .pytest_cache -o -name .mypy_cache -o -name .ruff_cache \
-o -name .ipynb_checkpoints -o -name '*.egg-info' \\) -prune -print | while IFS= read -r path; do
  if [ -z \"$(git -C \"$(dirname \"$path\")\" ls-files -- \"$(basename \"$path\")\" | head -n 1)\" ]; then
    printf '%s\\n' \"$path\"
    [ \"$dry\" = true ] || rm -rf -- \"$path\"
  fi
done";

const FIX_PERMS: &str = "user=$(id -u) group=$(id -g)
count=$(find . ! -user \"$user\" -print | wc -l)
if [ \"$count\" -eq 0 ]; then echo 'all files are yours'; exit 0; fi
find . ! -user \"$user\" -print
if [ \"$dry\" = true ]; then exit 0; fi
if [ \"$user\" -eq 0 ]; then set --; else set -- sudo; fi
find . ! -user \"$user\" -exec \"$@\" chown -h \"$user:$group\" {} +";

const LINT: &str = "if [ \"$all\" = true ]; then exec pre-commit run --all-files; fi
changed=$(git diff --name-only --relative --diff-filter=d HEAD -- . && git ls-files --others --exclude-standard -- .) || exit 1
if [ -z \"$changed\" ]; then echo 'no file has changed'; exit 0; fi
printf '%s\\n' \"$changed\" | tr '\\n' '\\0' | xargs -0 pre-commit run --files";

impl Builtin {
    /// The one with this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "lint" => Self::Lint,
            "clean" => Self::Clean,
            "fix-perms" => Self::FixPerms,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Lint => "lint",
            Self::Clean => "clean",
            Self::FixPerms => "fix-perms",
        }
    }

    /// What it is for, in one line.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Self::Lint => "Runs pre-commit on the files that changed",
            Self::Clean => "Removes caches of Python's tools, never a file that Git knows",
            Self::FixPerms => "Gives files that containers made as another user back to you",
        }
    }

    /// Where it runs unless `in` says otherwise.
    #[must_use]
    pub fn place(self) -> PlaceOfTask {
        match self {
            Self::Lint => PlaceOfTask::Container,
            Self::Clean | Self::FixPerms => PlaceOfTask::Host,
        }
    }

    /// Its script.
    #[must_use]
    pub fn script(self) -> &'static str {
        match self {
            Self::Lint => LINT,
            Self::Clean => CLEAN,
            Self::FixPerms => FIX_PERMS,
        }
    }

    /// Its arguments.
    #[must_use]
    pub fn arguments(self) -> Vec<Argument> {
        let flag = |name: &str, help: &str| Argument {
            name: name.to_owned(),
            kind: ArgumentKind::Bool,
            default: None,
            help: help.to_owned(),
            choices: Vec::new(),
            required: false,
            positional: false,
            variadic: false,
        };
        match self {
            Self::Lint => vec![flag("all", "All files, not only those that changed")],
            Self::Clean | Self::FixPerms => vec![flag("dry", "Names the files, and leaves them as they are")],
        }
    }
}
