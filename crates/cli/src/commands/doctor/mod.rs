//! `wharf doctor`: what this machine has and lacks, each with a fix to paste.
//!
//! [`check`] is one finding. [`tools`], [`engines`] and [`space`] each look at one side of the machine and change
//! nothing; this file puts their findings in order and shows them.

pub(super) mod check;
mod engines;
mod fix;
mod here;
mod space;
pub(super) mod tools;

use std::fmt::Write as _;
use std::io::{ErrorKind, Write};

use check::{Check, Status};

use crate::context::Context;
use crate::exit::Failure;
use crate::render::width::pad_end;
use crate::render::{Paint, Style};

/// Checks what this machine has and lacks, and says for each thing that is wrong how to mend it.
///
/// Ends with exit code 4 where nothing here can run tests. Changes nothing.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Print the checks as JSON: a list of objects with check, status, detail and fix.
    #[arg(long)]
    pub json: bool,
}

impl Doctor {
    /// Runs the command.
    ///
    /// # Errors
    /// When nothing here can run tests, or standard output cannot be written.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        let checks = examine(context);
        let text = if self.json {
            let json = serde_json::to_string_pretty(&checks).map_err(std::io::Error::from)?;
            format!("{json}\n")
        } else {
            table(&checks, context.talk.out_style)
        };
        match std::io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
        let bad: Vec<&str> = checks.iter().filter(|one| one.status == Status::Bad).map(|one| one.check).collect();
        if bad.is_empty() {
            return Ok(0);
        }
        let failure = Failure::environment(format!("no tests can run here: see {}", bad.join(", ")));
        Err(failure.hint("mend what is marked `bad`, each with the command beside `fix`"))
    }
}

/// All checks, what is needed first before what only helps.
fn examine(context: &Context) -> Vec<Check> {
    let here = here::Here::find(context);
    let mut checks = vec![tools::git(context)];
    checks.extend(here.checks());
    let python = tools::python(context);
    let uv = tools::uv();
    let found = engines::Found::detect(context, here.workspace());
    checks.extend(found.checks(&python, &uv));
    checks.push(python.check);
    checks.push(uv.check);
    checks.extend(space::checks(context, here.workspace(), found.clients()));
    checks.extend(found.leftovers(here.workspace()));
    checks
}

/// The findings as text.
pub(super) fn table(checks: &[Check], style: Style) -> String {
    let widest = checks.iter().map(|one| one.check.len()).max().unwrap_or(0);
    let mut text = String::new();
    for one in checks {
        let word = style.paint(one.status.paint(), &pad_end(one.status.word(), 4));
        let mut lines = one.detail.lines();
        let first = lines.next().unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{word}  {}  {first}", pad_end(one.check, widest));
        let indent = " ".repeat(6 + widest + 2);
        for line in lines {
            let _ = writeln!(text, "{indent}{line}");
        }
        if let Some(fix) = &one.fix {
            let _ = writeln!(text, "{indent}{} {fix}", style.paint(Paint::Cyan, "fix:"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_stand_in_columns_with_their_fix_below() {
        let checks = [
            Check::ok("git", "2.39.5"),
            Check::warn("workspace", "not in a Git repo").fix("wharf demo"),
            Check::bad("uv", "one\ntwo"),
        ];
        let expected = "\
ok    git        2.39.5
warn  workspace  not in a Git repo
                 fix: wharf demo
bad   uv         one
                 two
";
        assert_eq!(table(&checks, Style::PLAIN), expected);
    }

    #[test]
    fn json_has_all_fields() {
        let json = serde_json::to_value([Check::ok("git", "2.39.5")]).unwrap();
        let expected = serde_json::json!([{"check": "git", "status": "ok", "detail": "2.39.5", "fix": null}]);
        assert_eq!(json, expected);
    }
}
