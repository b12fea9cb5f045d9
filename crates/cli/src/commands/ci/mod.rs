//! `wharf ci`: what CI runs, and the workflows that start it.

mod generate;
mod matrix;
mod run;

use clap::Subcommand;
use wharf_core::ci::{self, CiError, Job};
use wharf_core::test_suite::{self, Selection, TestPlan};
use wharf_core::workspace::Workspace;

use crate::context::{Context, Intent};
use crate::exit::Failure;

/// CI: the jobs that there are, workflows for GitHub and GitLab, and a job's steps run here.
#[derive(Debug, clap::Args)]
pub struct Ci {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Generate(generate::Generate),
    Matrix(matrix::Matrix),
    Run(run::Run),
}

impl Ci {
    /// Whether it only looks.
    #[must_use]
    pub fn intent(&self) -> Intent {
        match &self.command {
            Command::Matrix(_) => Intent::Look,
            Command::Generate(_) | Command::Run(_) => Intent::Change,
        }
    }

    /// Runs the command.
    ///
    /// # Errors
    /// What the command could not do.
    pub fn run(&self, context: &Context) -> Result<u8, Failure> {
        match &self.command {
            Command::Generate(command) => command.run(context),
            Command::Matrix(command) => command.run(context),
            Command::Run(command) => command.run(context),
        }
    }
}

/// Which jobs are meant.
#[derive(Debug, clap::Args)]
struct Which {
    /// Why jobs run: pull-request, main, nightly, or what GitHub and GitLab call it (push, schedule, merge_request_event, …).
    #[arg(long, value_name = "EVENT", default_value = "main")]
    event: String,
    /// The jobs that release what this tag names, instead.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
}

impl Which {
    fn event(&self) -> Result<ci::Event, CiError> {
        self.event.parse()
    }

    /// All jobs of the event, or of the tag, over what `plan` runs.
    fn jobs(&self, workspace: &Workspace, plan: &TestPlan) -> Result<Vec<Job>, CiError> {
        match &self.tag {
            Some(tag) => ci::release_jobs(workspace, tag),
            None => ci::jobs(workspace, plan, self.event()?),
        }
    }
}

/// The plan of all tests; empty where there are no runnable dirs.
fn whole(workspace: &Workspace) -> Result<TestPlan, Failure> {
    Ok(test_suite::plan(workspace, &Selection::default())?)
}

impl From<CiError> for Failure {
    fn from(error: CiError) -> Self {
        let hint = error.hint();
        let message = Self::describe(&error);
        let failure = match error {
            CiError::Tests(error) => return error.into(),
            CiError::NoInstall | CiError::NoSuite { .. } => Self::configuration(message),
            CiError::NoJob { .. } | CiError::NoEvent(_) => Self::usage(message),
            CiError::WrongVersion { .. } => Self::refused(message),
            CiError::Template(_) => Self { code: 70, message, hint: None },
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
