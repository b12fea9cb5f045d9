//! VS Code's workspace: a folder a runnable dir, and in each a `python` that runs in that dir's container.
//!
//! The Python extension finds and runs tests by calling the interpreter of each folder. So each folder has its own processes, in its own
//! container, with its own `conftest.py`s; nothing of one dir reaches another.

use serde_json::json;

use crate::generated::{Generated, MARK};
use crate::workspace::Workspace;

/// Folder, from its dir, that looks like a virtual environment: VS Code takes a lone script for no interpreter.
pub(super) const VENV: &str = ".vscode/wharf";
/// The interpreter in it.
pub(super) const PYTHON: &str = "bin/python";

/// The `.code-workspace` at the root, and each dir's interpreter.
#[must_use]
pub fn vscode(workspace: &Workspace) -> Vec<Generated> {
    let by = format!("# Written by `wharf ide generate vscode` ({MARK})");
    let python = format!(
        "#!/bin/sh\n{by}: the Python of this folder's container.\n\
         exec wharf --quiet -C \"${{0%/{VENV}/{PYTHON}}}\" ide python . -- \"$@\"\n"
    );
    // The version that counts is the one that the interpreter says.
    let config = format!("{by}.\nprompt = wharf\nversion = 3.0.0\n");
    let mut files = vec![code_workspace(workspace)];
    for dir in &workspace.dirs {
        let venv = dir.path.join(VENV);
        files.push(Generated::new(venv.join(PYTHON), &python).executable());
        files.push(Generated::new(venv.join("pyvenv.cfg"), &config));
    }
    files
}

fn code_workspace(workspace: &Workspace) -> Generated {
    let folders: Vec<_> = workspace
        .dirs
        .iter()
        .map(|dir| {
            let name = if dir.address.is_root() { workspace.name.clone() } else { dir.address.to_string() };
            json!({ "name": name, "path": dir.address.as_str() })
        })
        .collect();
    let test = |label: String, command: String| {
        let options = json!({ "cwd": "${workspaceFolder}" });
        json!({ "label": label, "type": "shell", "command": command, "options": options, "group": "test", "problemMatcher": [] })
    };
    let value = json!({
        "folders": folders,
        "settings": {
            "python.defaultInterpreterPath": format!("${{workspaceFolder}}/{VENV}/{PYTHON}"),
            "python.testing.cwd": "${workspaceFolder}",
            "python.testing.pytestEnabled": true,
            "python.testing.unittestEnabled": false,
            "python.terminal.activateEnvironment": false,
            "files.exclude": { "**/.wharf": true },
        },
        "extensions": { "recommendations": ["ms-python.python"] },
        "tasks": { "version": "2.0.0", "tasks": [
            test("wharf test: this dir".into(), "wharf test --dir .".into()),
            test("wharf test: all".into(), "wharf test".into()),
        ] },
    });
    let json = serde_json::to_string_pretty(&value).unwrap_or_default();
    let text = format!(
        "// Written by `wharf ide generate vscode` ({MARK}); settings of your own go into each folder's `.vscode`.\n{json}\n"
    );
    Generated::new(workspace.root.join(format!("{}.code-workspace", file_name(&workspace.name))), &text)
}

/// A name without what would make it a path.
pub(super) fn file_name(name: &str) -> String {
    name.replace(|c: char| c == '/' || c.is_control(), "-")
}
