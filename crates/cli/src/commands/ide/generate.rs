//! `wharf ide generate`.

use wharf_core::ide::{devcontainers, pycharm, vscode};
use wharf_core::workspace::WorkspaceError;

use super::super::generated::{Options, settle};
use crate::context::Context;
use crate::exit::Failure;

/// Writes an editor's files for all runnable dirs: a `devcontainer.json` each, VS Code's workspace, or PyCharm's content roots and run
/// configurations.
///
/// Files that somebody has changed are shown as a diff and not overwritten (exit 5); PyCharm's own files are only added to.
#[derive(Debug, clap::Args)]
pub(super) struct Generate {
    /// The editor.
    #[arg(value_name = "EDITOR")]
    editor: Editor,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Editor {
    /// Files that VS Code and the devcontainers tools read, a container each.
    Devcontainer,
    /// A workspace of VS Code with a folder a runnable dir.
    Vscode,
    /// The project folder of PyCharm.
    Pycharm,
}

impl Generate {
    pub(super) fn run(&self, context: &Context) -> Result<u8, Failure> {
        let workspace = context.workspace()?;
        if workspace.dirs.is_empty() {
            let (root, problems) = (workspace.root.clone(), workspace.problems.clone());
            return Err(WorkspaceError::NoDirs { root, problems }.into());
        }
        let files = match self.editor {
            Editor::Devcontainer => devcontainers(&workspace, &workspace.dirs.iter().collect::<Vec<_>>())?,
            Editor::Vscode => vscode(&workspace),
            Editor::Pycharm => pycharm(&workspace)?,
        };
        settle(context, &files, &self.options)
    }
}
