//! Writes the reference into the folder that is given: what `docs/reference` holds, byte for byte. Run by
//! `cargo xtask gen`. The same program writes the same bytes, whatever the terminal, the user and the machine.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Command;
use serde_json::{Value, json};
use wharf_cli::commands::completions::{Shell, script};
use wharf_cli::{arguments, exit, variables};
use wharf_core::config::schema;
use wharf_core::test_suite::report;

/// Columns of the help texts.
const WIDTH: usize = 100;

/// Says that a page is generated.
const NOTE: &str = "<!-- Written by `cargo xtask gen`; do not edit. -->\n";

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return exit::code(Err(exit::Failure::usage("the folder to write the reference into is missing")));
    };
    match write_all(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::code(Err(error.into())),
    }
}

fn write_all(folder: &Path) -> std::io::Result<()> {
    let page = |title: &str, body: &str| format!("{NOTE}# {title}\n\n{body}");
    fs_err::create_dir_all(folder)?;
    for (name, text) in [
        ("commands.md", page("Commands", &commands())),
        ("config.md", page("Configuration", &config())),
        ("exit-codes.md", page("Exit codes", &exit_codes())),
        ("environment.md", page("Environment variables", &environment())),
        ("report.schema.json", pretty(&report::schema())),
        ("ls.schema.json", pretty(&ls_schema())),
    ] {
        fs_err::write(folder.join(name), text)?;
    }
    let man = folder.join("man");
    fs_err::create_dir_all(&man)?;
    clap_mangen::generate_to(arguments::command(), &man)?;
    let completions = folder.join("completions");
    fs_err::create_dir_all(&completions)?;
    for (shell, name) in [(Shell::Bash, "wharf.bash"), (Shell::Zsh, "_wharf"), (Shell::Fish, "wharf.fish")] {
        fs_err::write(completions.join(name), script(shell)?)?;
    }
    Ok(())
}

/// The help of every command; options that all commands have stand with the first one only.
fn commands() -> String {
    let mut text = String::from("Each command with its help, as `wharf COMMAND --help` prints it.\n");
    let mut command = with_width(arguments::command());
    command.build();
    push_command(&mut text, &command, "wharf");
    text
}

/// The width is set on each command, so that no terminal has a say in it.
fn with_width(command: Command) -> Command {
    command.term_width(WIDTH).mut_subcommands(with_width)
}

fn push_command(text: &mut String, command: &Command, path: &str) {
    let is_top = path == "wharf";
    let mut shown = command.clone();
    if !is_top {
        shown = shown.mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
    }
    let help = shown.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    // Writing to a string cannot fail.
    let _ = write!(text, "\n## `{path}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
        push_command(text, sub, &format!("{path} {}", sub.get_name()));
    }
}

fn config() -> String {
    format!(
        "Keys of `wharf.toml` at the root of a repo, of `devops/wharf.toml` in a runnable dir, and of the user's own \
         `config.toml`. A stronger layer overrides a weaker one: built-in defaults, user, super-repo, sub-repo, \
         runnable dir, variables, flags. `wharf config show --origin` says where each value comes from.\n\n{}",
        schema::reference_markdown()
    )
}

fn exit_codes() -> String {
    let mut text = String::from("`wharf run` and `wharf bash` pass the code of their command through.\n\n");
    table(&mut text, ["code", "meaning"], exit::CODES.iter().map(|(code, meaning)| (code.to_string(), *meaning)));
    text
}

fn environment() -> String {
    let quoted = |names: &str| names.split(", ").map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let rows = |list: &'static [(&str, &str)]| list.iter().map(move |(names, meaning)| (quoted(names), *meaning));
    let mut text = String::from("## Wharf's own\n\n");
    table(&mut text, ["variable", "meaning"], rows(&variables::OWN));
    text.push_str(
        "\n## That state configuration\n\nStronger than all files, weaker than flags. What each takes stands in \
         [config.md](config.md).\n\n",
    );
    let keys = schema::variables().map(|(name, key)| (format!("`{name}`"), format!("`{}`: {}.", key.path, key.doc)));
    table(&mut text, ["variable", "key"], keys);
    text.push_str("\n## Of others\n\n");
    table(&mut text, ["variable", "meaning"], rows(&variables::OTHERS));
    text.push_str("\n## That commands find in their container\n\n");
    table(&mut text, ["variable", "meaning"], rows(&variables::GIVEN));
    text
}

fn table<A: AsRef<str>, B: AsRef<str>>(text: &mut String, heads: [&str; 2], rows: impl Iterator<Item = (A, B)>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "| {} | {} |\n| --- | --- |", heads[0], heads[1]);
    for (first, second) in rows {
        let [first, second] = [first.as_ref(), second.as_ref()].map(|cell| cell.replace('|', "\\|"));
        let _ = writeln!(text, "| {first} | {second} |");
    }
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

/// The JSON Schema of `wharf ls --json`.
fn ls_schema() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let properties = json!({
        "path": text("Where it is, from the super-repo's root; `.` for the root itself."),
        "name": text("Name of its image, without registry and tag."),
        "version": text("Its version: the top entry of its `changelog.txt`, else 0.1.0."),
        "image": text("The image that it uses, with its tag."),
        "repo": text("Path of the repo that it is in; `.` for the super-repo."),
        "layout": {"enum": ["native"], "description": "How it is described on disk."},
        "tests": {"type": "integer", "minimum": 0, "description": "Number of its test files."},
    });
    let required: Vec<&String> = properties.as_object().into_iter().flat_map(serde_json::Map::keys).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Runnable dirs",
        "description": "What `wharf ls --json` prints: one entry a runnable dir, in order of address.",
        "type": "array",
        "items": {"type": "object", "required": required, "properties": properties},
    })
}
