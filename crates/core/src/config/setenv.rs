//! The table `[setenv]`: variables that a team gives its shells and containers.
//!
//! A value may refer to what the place decides (`${ROOT}`) and to other variables of the table, never to a variable of the host:
//! so the same files mean the same everywhere, and nothing that somebody happens to have set is repeated. All references are
//! checked when the configuration is read, so that working out a value cannot fail later.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::error::{ConfigError, Place, ProblemKind};
use super::merge::Resolved;
use super::origin::{Located, Origin, Source};

/// What references may name beside variables of the table: the super-repo's root, the runnable dir, the user's home and the
/// workspace's name.
pub const GIVEN: [&str; 4] = ["ROOT", "DIR", "HOME", "WORKSPACE"];

/// The longest value, references worked out, in bytes; Linux takes no more than 128 KiB in one variable.
const LONGEST: usize = 64 * 1024;
/// The longest chain of references.
const DEEPEST: usize = 32;

/// Names that decide how shells, loaders and Wharf itself work.
const RESERVED: &[&str] = &[
    "_",
    "ENV",
    "EUID",
    "GID",
    "HOME",
    "IFS",
    "LINENO",
    "LOGNAME",
    "OLDPWD",
    "OPTARG",
    "OPTIND",
    "PATH",
    "PPID",
    "PROMPT",
    "PROMPT_COMMAND",
    "PS0",
    "PS1",
    "PS2",
    "PS3",
    "PS4",
    "PWD",
    "PYTHONHOME",
    "PYTHONPATH",
    "RANDOM",
    "SECONDS",
    "SHELL",
    "SHELLOPTS",
    "SHLVL",
    "UID",
    "USER",
    "USERNAME",
    "VIRTUAL_ENV",
    "ZDOTDIR",
    // Read-only or tied to others in zsh and fish.
    "aliases",
    "argv",
    "cdpath",
    "commands",
    "fpath",
    "functions",
    "history",
    "hostname",
    "mailpath",
    "manpath",
    "options",
    "parameters",
    "path",
    "pipestatus",
    "prompt",
    "signals",
    "status",
    "umask",
    "version",
];
const RESERVED_STARTS: &[&str] =
    &["WHARF_", "_WHARF_", "BASH", "ZSH_", "FISH_", "fish_", "DYLD_", "LD_PRELOAD", "LD_AUDIT"];

/// Table `setenv`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetenvConfig {
    /// The variables by name, with their values as they are written.
    pub variables: BTreeMap<String, Located<String>>,
    /// Folders to put in front of `PATH`, as they are written: see [`super::Places::path`].
    pub path: Option<Located<Vec<String>>>,
    /// The folder of Git hooks, from the super-repo's root.
    pub git_hooks: Option<Located<String>>,
}

impl SetenvConfig {
    /// Reads the table and checks its references.
    ///
    /// # Errors
    /// The first value that refers to nothing, to itself, or grows too long.
    pub(super) fn read(resolved: &Resolved) -> Result<Self, ConfigError> {
        let mut table = Self::default();
        for (name, value, origin) in resolved.named("setenv") {
            let origin = origin.clone();
            match (name, value.as_text(), value.as_list()) {
                ("path", _, Some(list)) => table.path = Some(Located { value: list.to_vec(), origin }),
                ("git-hooks", Some(text), _) => table.git_hooks = Some(Located { value: text.to_owned(), origin }),
                (name, Some(text), _) => {
                    table.variables.insert(name.to_owned(), Located { value: text.to_owned(), origin });
                }
                _ => {}
            }
        }
        for (name, located) in &table.variables {
            if let Err(expected) = table.cost(name, &mut Vec::new()) {
                let kind = ProblemKind::bad_value(format!("setenv.{name}"), &located.value, expected);
                return Err(ConfigError::of(kind, place(&located.origin)));
            }
        }
        Ok(table)
    }

    /// The value of one variable, references worked out; `given` knows the names of [`GIVEN`]. `None` where there is no such
    /// variable, or one of the names that it needs has no value here.
    #[must_use]
    pub fn value(&self, name: &str, given: &dyn Fn(&str) -> Option<OsString>) -> Option<OsString> {
        let mut value = OsString::new();
        // References that go round in a circle were refused when the table was read.
        for part in parts(&self.variables.get(name)?.value).ok()? {
            match part {
                Part::Text(text) => value.push(text),
                Part::Reference(other) if self.is_variable(other, name) => value.push(self.value(other, given)?),
                Part::Reference(other) => value.push(given(other)?),
            }
        }
        Some(value)
    }

    /// A variable's own name in its value means what is given: `HOME = "${HOME}/x"` would be its own cause else.
    fn is_variable(&self, reference: &str, within: &str) -> bool {
        self.variables.contains_key(reference) && !(reference == within && GIVEN.contains(&reference))
    }

    /// How much work the value of a variable is: its bytes and references, or what would be right instead.
    fn cost<'a>(&'a self, name: &'a str, above: &mut Vec<&'a str>) -> Result<usize, String> {
        if above.contains(&name) {
            let circle: Vec<String> = above.iter().chain([&name]).map(|name| format!("`{name}`")).collect();
            return Err(format!("references that do not go round in a circle, as {} does", circle.join(" → ")));
        }
        if above.len() >= DEEPEST {
            return Err(format!("at most {DEEPEST} references in a row"));
        }
        let Some(located) = self.variables.get(name) else { return Ok(0) };
        above.push(name);
        let mut cost = 1;
        for part in parts(&located.value)? {
            cost += match part {
                Part::Text(text) => text.len(),
                Part::Reference(other) if self.is_variable(other, name) => self.cost(other, above)?,
                Part::Reference(other) if GIVEN.contains(&other) => 1,
                Part::Reference(other) => return Err(unknown(other)),
            };
            if cost > LONGEST {
                return Err(format!("a value of at most {LONGEST} bytes"));
            }
        }
        above.pop();
        Ok(cost)
    }
}

fn unknown(reference: &str) -> String {
    format!(
        "references to `ROOT`, `DIR`, `HOME`, `WORKSPACE` or another variable of `[setenv]`, and `{reference}` is none; `$${{` stands for a plain `${{`"
    )
}

fn place(origin: &Origin) -> Place {
    match &origin.source {
        Source::BuiltIn => Place::Everywhere,
        Source::File { path, .. } => Place::File(path.clone()),
        Source::Variable(name) => Place::Variable(name.clone()),
        Source::Flag(name) => Place::Flag(name.clone()),
    }
}

/// Whether `[setenv]` may have a variable of this name.
pub(super) fn is_free_name(name: &str) -> bool {
    super::form::is_variable_name(name)
        && !RESERVED.contains(&name)
        && !RESERVED_STARTS.iter().any(|start| name.starts_with(start))
}

/// What a name must be, as a phrase for messages.
pub(super) const EXPECTED_NAME: &str = "the name of a variable that decides nothing about the shell, the loader or Wharf itself (for \
                                        `PATH` there is `setenv.path`)";

enum Part<'a> {
    Text(&'a str),
    Reference(&'a str),
}

/// Takes a value apart: `${NAME}` refers, `$${` is a plain `${`, any other `$` stands for itself.
fn parts(value: &str) -> Result<Vec<Part<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            parts.extend([Part::Text(&rest[..at - 1]), Part::Text("${")]);
            rest = &rest[at + 2..];
            continue;
        }
        let after = &rest[at + 2..];
        let end = after.find('}').ok_or("a `}` for each `${`; `$${` stands for a plain `${`")?;
        parts.extend([Part::Text(&rest[..at]), Part::Reference(&after[..end])]);
        rest = &after[end + 1..];
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}
