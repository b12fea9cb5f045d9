//! `wharf ci generate`.

use std::path::PathBuf;

use wharf_core::ci::{Provider, generate};

use super::super::generated::{Options, settle};
use crate::context::Context;
use crate::exit::Failure;

/// Writes the workflow that tests and releases this workspace: `.github/workflows/wharf.yml` or `.gitlab-ci.yml`.
///
/// Each of its steps is a `wharf` line that anybody can type. A file that somebody has changed is shown as a diff and not overwritten
/// (exit 5).
#[derive(Debug, clap::Args)]
pub(super) struct Generate {
    /// Who runs it.
    #[arg(value_name = "PROVIDER")]
    provider: ProviderName,
    /// Another file to write, such as one that `.gitlab-ci.yml` includes.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    to: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ProviderName {
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
}

impl Generate {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        let provider = match self.provider {
            ProviderName::Github => Provider::GitHub,
            ProviderName::Gitlab => Provider::GitLab,
        };
        let mut file = generate(&workspace, &super::whole(&workspace)?, provider)?;
        if let Some(to) = &self.to {
            file.path = workspace.surroundings.here.join(to);
        }
        settle(context, &[file], &self.options)
    }
}
