//! `wharf test --affected`: only the tests that a change can reach.

use wharf_core::test_suite::TestPlan;
use wharf_core::test_suite::affected::{self as core, BaseError, OutOfReach, Remembered};
use wharf_core::workspace::{StateDir, Workspace};

use crate::context::Context;
use crate::exit::Failure;

/// Which changes narrow a run.
#[derive(Debug, clap::Args)]
pub struct Affected {
    /// Only test files that what changed can reach: committed, staged, unstaged and new files, also in sub-repos and by moved pins.
    ///
    /// What a test file depends on is known from earlier runs, else from its imports.
    #[arg(long)]
    pub affected: bool,
    /// What changes are counted from: where HEAD left this branch, tag or commit. By default `base` in `[test]`, what CI names, or the
    /// default branch.
    #[arg(long, value_name = "REF", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub base: Option<String>,
    /// As --affected, and all tests where the history to compare with is not here (a shallow clone).
    #[arg(long)]
    pub affected_or_all: bool,
}

impl Affected {
    /// Leaves out of `plan` what is not affected, and says how much that is; `None` where it was not asked for.
    ///
    /// # Errors
    /// When the base names nothing here, or is out of reach.
    pub fn narrow(
        &self,
        context: &Context,
        workspace: &Workspace,
        plan: &mut TestPlan,
    ) -> Result<Option<core::Affected>, Failure> {
        if !self.affected && !self.affected_or_all {
            return match self.base {
                None => Ok(None),
                Some(_) => Err(Failure::usage("`--base` says nothing without `--affected`").hint("add `--affected`")),
            };
        }
        let out_of_reach = if self.affected_or_all { OutOfReach::RunAll } else { OutOfReach::Refuse };
        let seen = Remembered::open(&workspace.root, &StateDir::peek(workspace));
        let mut found = core::affected(workspace, self.base.as_deref(), out_of_reach, &seen)?;
        found.apply(plan);
        found.dirs.retain(|dir| plan.dirs.iter().any(|planned| planned.path == dir.path));
        for note in &found.notes {
            context.talk.warning(note);
        }
        if found.everything.is_some() {
            context.talk.warning(&found.line());
            return Ok(Some(found));
        }
        context.talk.note(&found.line());
        for dir in found.dirs.iter().filter(|dir| !dir.affected.is_empty()) {
            context.talk.note(&format!("{}: {}", dir.path, dir.line()));
        }
        Ok(Some(found))
    }
}

impl From<BaseError> for Failure {
    fn from(error: BaseError) -> Self {
        let failure = match &error {
            BaseError::Unknown { .. } => Self::usage(error.to_string()),
            BaseError::Shallow { .. } | BaseError::NotFetched { .. } => Self::refused(error.to_string()),
            BaseError::Git(_) => Self::environment(Self::describe(&error)),
        };
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
