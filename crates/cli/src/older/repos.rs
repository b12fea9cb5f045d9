//! Tasks about repos, and those that say how things are.

use super::line::{Call, Line, Refusal, Translation};
use super::option::{off, on, text};
use super::table::Row;

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "git_pull",
        help: "Pulls the super-repo and its sub-repos",
        options: &[],
        make: |_| Ok(Line::new(["repo", "pull"]).into()),
    },
    Row {
        name: "git_branches",
        help: "Shows the branch of each repo",
        options: &[],
        make: |_| Ok(Line::new(["repo", "status"]).into()),
    },
    Row {
        name: "git_branch_create",
        help: "Makes a branch and takes it",
        options: &[
            text("branch_name"),
            text("issue_id"),
            text("repo_short_name"),
            text("suffix"),
            on("only_branch_from_master").needless("the branch starts where you are"),
            on("check_branch_name").needless("a branch may have any name"),
        ],
        make: branch,
    },
    Row {
        name: "git_roll_amp_forward",
        help: "Moves sub-repos to the heads of their branches and commits that",
        options: &[],
        make: |_| Ok(vec![Line::new(["repo", "pull", "--latest"]), Line::new(["repo", "pin"])].into()),
    },
    Row {
        name: "print_setup",
        help: "Prints the configuration",
        options: &[],
        make: |_| Ok(Line::new(["config", "show"]).into()),
    },
    Row {
        name: "print_tasks",
        help: "Prints all tasks",
        options: &[off("as_code").needless("`wharf tasks --json` is for programs")],
        make: |_| Ok(Line::new(["tasks"]).into()),
    },
];

fn branch(call: &Call<'_>) -> Result<Translation, Refusal> {
    // The name of an issue is on its server, which only their task asks.
    if call.text("issue_id").is_some_and(|id| id != "0") {
        return Ok(Translation::default());
    }
    let missing = Refusal::Missing { task: call.row.name, option: "--branch-name" };
    let name = call.text("branch_name").ok_or(missing)?;
    let name = call.text("suffix").map_or_else(|| name.to_owned(), |suffix| format!("{name}_{suffix}"));
    Ok(Line::new(["repo", "switch", "--create"]).word(name).into())
}
