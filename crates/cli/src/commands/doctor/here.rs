//! Where the user stands: the workspace, its configuration, its sub-repos.

use wharf_core::workspace::{Problem, Workspace, WorkspaceError, discover};

use super::check::Check;
use crate::context::Context;
use crate::exit::Failure;

/// What is around the user.
pub(super) enum Here {
    Workspace(Box<Workspace>),
    Nothing(WorkspaceError),
    Broken(WorkspaceError),
}

impl Here {
    pub(super) fn find(context: &Context) -> Self {
        match discover(context.surroundings.clone()) {
            Ok(workspace) => Self::Workspace(workspace.into()),
            Err(error @ WorkspaceError::Place(_)) => Self::Nothing(error),
            Err(error) => Self::Broken(error),
        }
    }

    pub(super) fn workspace(&self) -> Option<&Workspace> {
        match self {
            Self::Workspace(workspace) => Some(workspace),
            Self::Nothing(_) | Self::Broken(_) => None,
        }
    }

    /// One finding for the workspace with its configuration, one for its sub-repos, and one for what else is odd.
    pub(super) fn checks(&self) -> Vec<Check> {
        match self {
            Self::Workspace(workspace) => {
                let mut checks = vec![found(workspace)];
                checks.extend(sub_repos(workspace));
                checks.extend(odd(workspace));
                checks
            }
            Self::Nothing(error) => vec![Check::warn("workspace", error.to_string()).fix("wharf demo")],
            Self::Broken(error) => vec![broken(error)],
        }
    }
}

fn found(workspace: &Workspace) -> Check {
    let root = workspace.root.display();
    match workspace.dirs.len() {
        0 => Check::warn("workspace", format!("`{root}` has no runnable dir")).fix("wharf init"),
        1 => Check::ok("workspace", format!("`{root}`, 1 runnable dir, configuration valid")),
        count => Check::ok("workspace", format!("`{root}`, {count} runnable dirs, configuration valid")),
    }
}

fn broken(error: &WorkspaceError) -> Check {
    let hint = error.hint();
    // The whole chain, or a configuration file's lines without colours.
    let detail = match error {
        WorkspaceError::Config(config) => config.render(false).trim_start_matches("error: ").to_owned(),
        other => Failure::describe(other),
    };
    let check = Check::bad("workspace", detail);
    match hint {
        Some(hint) => check.fix(hint),
        None => check,
    }
}

fn sub_repos(workspace: &Workspace) -> Option<Check> {
    let count = workspace.repos.len() - 1;
    let missing: Vec<&str> = workspace.problems.iter().filter_map(not_populated).collect();
    match (count, missing.as_slice()) {
        (0, _) => None,
        (_, []) => Some(Check::ok("sub-repos", format!("{count}, all populated"))),
        (_, missing) => {
            let detail = format!("not populated: {}", missing.join(", "));
            Some(Check::warn("sub-repos", detail).fix("git submodule update --init --recursive"))
        }
    }
}

fn not_populated(problem: &Problem) -> Option<&str> {
    match problem {
        Problem::NotPopulated { path } => Some(path),
        _ => None,
    }
}

fn odd(workspace: &Workspace) -> Vec<Check> {
    let others = workspace.problems.iter().filter(|problem| not_populated(problem).is_none());
    others
        .map(|problem| {
            let check = Check::warn("workspace", problem.to_string());
            match problem.hint() {
                Some(hint) => check.fix(hint),
                None => check,
            }
        })
        .collect()
}
