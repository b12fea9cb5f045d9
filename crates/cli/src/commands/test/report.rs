//! The part of `wharf test` that is about its reports: coverage, and a script that repeats failures.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use clap::Parser;
use wharf_core::config::Variable;
use wharf_core::test_suite::Report;
use wharf_core::test_suite::coverage::{FOLDER, Forms, INDEX_FILE, XML_FILE};
use wharf_core::test_suite::repro::{self, Facts, ReproError};
use wharf_core::workspace::{StateDir, Workspace};

use crate::arguments::{Arguments, Command};
use crate::context::Context;
use crate::deferred::Deferred;
use crate::exit::Failure;
use crate::render::coverage::table;
use crate::render::style::Style;

/// Arguments about reports.
#[derive(Debug, Clone, clap::Args)]
pub struct Reports {
    /// Measure the coverage of all dirs together: a table, pages (html) and Cobertura's coverage.xml, or only the forms named.
    #[arg(
        long,
        value_name = "FORM",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "term,html,xml",
        value_delimiter = ','
    )]
    pub coverage: Vec<Form>,
    /// Print a bash script that repeats what was bad in the last run, or in RUN; no test runs.
    #[arg(long, value_name = "RUN", num_args = 0..=1)]
    pub repro: Option<Option<u32>>,
}

/// A form of coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// A table at the end.
    Term,
    /// Pages, in the report's folder.
    Html,
    /// `coverage.xml`, in the report's folder.
    Xml,
}

impl Reports {
    /// Whether coverage is measured. Then all tests must run: a verdict from a cache brings no coverage.
    #[must_use]
    pub fn measures(&self) -> bool {
        !self.coverage.is_empty()
    }

    /// The files that are wanted, where coverage is.
    #[must_use]
    pub fn forms(&self) -> Option<Forms> {
        let has = |form| self.coverage.contains(&form);
        self.measures().then(|| Forms { html: has(Form::Html), xml: has(Form::Xml) })
    }

    /// Says what was measured, behind the summary.
    ///
    /// # Errors
    /// What `out` says.
    pub fn print_coverage(
        &self,
        report: &Report,
        out: &mut impl Write,
        place: &str,
        style: Style,
    ) -> std::io::Result<()> {
        if !self.measures() {
            return Ok(());
        }
        let Some(total) = report.coverage else { return writeln!(out, "coverage: nothing was measured") };
        if self.coverage.contains(&Form::Term) {
            writeln!(out)?;
            write!(out, "{}", table(report, total).render(None, style))?;
            writeln!(out)?;
        }
        let files = [(Form::Html, format!("{FOLDER}/{INDEX_FILE}")), (Form::Xml, XML_FILE.to_owned())];
        let files = files.iter().filter(|(form, _)| self.coverage.contains(form));
        let files: Vec<_> = files.map(|(_, file)| Path::new(place).join(file).display().to_string()).collect();
        let files = if files.is_empty() { String::new() } else { format!(": {}", files.join(", ")) };
        writeln!(out, "coverage {} %{files}", total.shown())
    }

    /// Prints the script.
    ///
    /// # Errors
    /// When there is no such report.
    pub fn print_repro(
        &self,
        context: &Context,
        workspace: &Workspace,
        report_dir: Option<&Path>,
    ) -> Result<u8, Failure> {
        let folder = match report_dir {
            Some(folder) => workspace.surroundings.here.join(folder),
            None => repro::folder(&StateDir::peek(workspace), self.repro.flatten())?,
        };
        let report = repro::read(&folder)?;
        let mut facts = facts(&report.command);
        facts.root.clone_from(&workspace.root);
        facts.variables = passed_on(workspace);
        match repro::script(&report, &folder, &facts) {
            Some(script) => write!(std::io::stdout(), "{script}")?,
            None => context.talk.note(&format!("nothing was bad in run {}, so there is nothing to repeat", report.run)),
        }
        Ok(0)
    }
}

/// What of a run's command line matters for its tests. One that this Wharf does not understand gives nothing.
fn facts(command: &str) -> Facts {
    let words = shlex::split(command).unwrap_or_default();
    let Ok(Arguments { command: Some(Command::Test(Deferred(test))), .. }) = Arguments::try_parse_from(words) else {
        return Facts::default();
    };
    let mut options = Vec::new();
    let names_stage = test.stage != "auto";
    if names_stage {
        options.extend(["--stage".to_owned(), test.stage.clone()]);
    }
    let version = test.version.clone().filter(|_| names_stage);
    let platform = test.platform.map(|platform| platform.to_string());
    for (name, value) in [("--version", version), ("--platform", platform), ("--timeout", test.timeout.clone())] {
        options.extend(value.map(|value| [name.to_owned(), value]).into_iter().flatten());
    }
    Facts { options, names_stage, pytest: test.pytest, ..Facts::default() }
}

fn passed_on(workspace: &Workspace) -> BTreeMap<String, Vec<String>> {
    let names = |variables: &[Variable]| {
        let names = variables.iter().filter_map(|variable| match variable {
            Variable::PassedOn(name) => Some(name.clone()),
            Variable::Set { .. } => None,
        });
        names.collect()
    };
    workspace.dirs.iter().map(|dir| (dir.address.to_string(), names(&dir.config.run.env))).collect()
}

impl From<ReproError> for Failure {
    fn from(error: ReproError) -> Self {
        let hint = error.hint();
        let failure = Self::environment(error.to_string());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_matters_of_a_command_is_kept() {
        let facts = facts("wharf test -j 2 -k 'a or b' --timeout 30s --coverage infra -- -p no:randomly '-o x=1 2'");
        assert_eq!(facts.options, ["--timeout", "30s"]);
        assert_eq!(facts.pytest, ["-p", "no:randomly", "-o x=1 2"]);
        assert!(self::facts("wharf release 'x").options.is_empty());
        assert_eq!(
            self::facts("wharf test --stage dev --version 1.2.3").options,
            ["--stage", "dev", "--version", "1.2.3"]
        );
    }

    #[test]
    fn forms_are_all_or_those_named() {
        let reports = |words: &[&str]| {
            let words = ["wharf", "test"].iter().chain(words);
            match Arguments::try_parse_from(words).unwrap().command {
                Some(Command::Test(Deferred(test))) => test.reports,
                _ => unreachable!("it was `test`"),
            }
        };
        assert_eq!(reports(&["--coverage", "infra"]).coverage, [Form::Term, Form::Html, Form::Xml]);
        assert_eq!(reports(&["--coverage=xml"]).forms(), Some(Forms { html: false, xml: true }));
        assert_eq!(reports(&[]).forms(), None);
        assert_eq!(reports(&["--repro"]).repro, Some(None));
        assert_eq!(reports(&["--repro", "17"]).repro, Some(Some(17)));
        assert!(Arguments::try_parse_from(["wharf", "test", "--coverage=svg"]).is_err());
    }
}
