//! The generated reference (`cargo xtask gen --check` compares it with what the program writes) and completions.

use std::path::PathBuf;

use wharf_testkit::{Sandbox, WharfCommand, repo_root, sample};

fn wharf(sandbox: &Sandbox) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf"))
}

fn kept(name: &str) -> String {
    fs_err::read_to_string(repo_root().join("docs/reference").join(name)).expect("run `cargo xtask gen`")
}

/// The words that stand first in the list of commands.
fn commands(sandbox: &Sandbox) -> Vec<String> {
    let help = wharf(sandbox).arg("--help").run();
    help.assert_code(0);
    let list = help.stdout.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let starts = list.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    starts.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

#[test]
fn every_command_is_in_the_reference_and_has_a_man_page() {
    let sandbox = Sandbox::new();
    let page = kept("commands.md");
    let commands = commands(&sandbox);
    assert!(commands.len() > 3, "{commands:?}");
    for command in commands {
        assert!(page.contains(&format!("\n## `wharf {command}`\n")), "{command}");
        let man = kept(&format!("man/wharf-{command}.1"));
        assert!(man.contains(".TH") && man.contains("SYNOPSIS") && man.len() > 400, "{command}: {man}");
    }
}

#[test]
fn man_pages_hold_known_macros_only() {
    let text = kept("man/wharf.1");
    // Each line is a macro or text; a macro that man(7) does not have would vanish silently.
    for line in text.lines().filter(|line| line.starts_with('.')) {
        let name = line[1..].split_whitespace().next().unwrap_or_default();
        let known = ["TH", "SH", "SS", "TP", "RS", "RE", "IP", "PP", "br", "ie", "el", "nf", "fi", "B", "I"];
        assert!(known.contains(&name), "{line}");
    }
}

#[test]
fn exit_codes_and_variables_are_listed() {
    let codes = kept("exit-codes.md");
    for code in [0, 1, 2, 3, 4, 5, 70, 130] {
        assert!(codes.contains(&format!("| {code} | ")), "{code}");
    }
    let variables = kept("environment.md");
    for name in ["WHARF_ENGINE", "WHARF_IMAGE_BASE", "WHARF_CACHE_DIR", "WHARF_CONFIG", "NO_COLOR", "DOCKER_HOST"] {
        assert!(variables.contains(&format!("`{name}`")), "{name}");
    }
    assert!(kept("config.md").contains("`image.base`"));
}

#[test]
fn ls_prints_what_its_schema_says() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.test("test_a.py", "")).dir(".", |dir| dir).build();
    let output = wharf(&sandbox).args(["ls", "--json"]).cwd(repo.path()).run();
    output.assert_code(0);
    let schema: serde_json::Value = serde_json::from_str(&kept("ls.schema.json")).unwrap();
    let properties = schema["items"]["properties"].as_object().unwrap();
    let rows = output.json();
    assert_eq!(rows.as_array().unwrap().len(), 2);
    for row in rows.as_array().unwrap() {
        let row = row.as_object().unwrap();
        assert_eq!(row.keys().collect::<Vec<_>>(), properties.keys().collect::<Vec<_>>());
        for (name, value) in row {
            let is_number = properties[name]["type"] == "integer";
            assert_eq!(value.is_u64(), is_number, "{name}: {value}");
        }
    }
}

#[test]
fn each_shell_gets_a_script() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = wharf(&sandbox).args(["completions", shell]).run();
        output.assert_code(0).stdout_contains("COMPLETE").stdout_contains("wharf");
    }
    for (shell, name) in [("bash", "wharf.bash"), ("zsh", "_wharf"), ("fish", "wharf.fish")] {
        assert_eq!(wharf(&sandbox).args(["completions", shell]).run().stdout, kept(&format!("completions/{name}")));
    }
    wharf(&sandbox).args(["completions", "tcsh"]).run().assert_code(2).stderr_contains("powershell");
}

/// A sandbox whose search path starts with the program under test.
fn with_wharf_on_path() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let bin = PathBuf::from(env!("CARGO_BIN_EXE_wharf")).parent().expect("a program lies in a folder").to_owned();
    let path = sandbox.variables().iter().find(|(name, _)| name == "PATH").expect("it is always set").1.clone();
    let dirs = std::iter::once(bin).chain(std::env::split_paths(&path));
    sandbox.set("PATH", std::env::join_paths(dirs).expect("no folder has a colon"));
    sandbox
}

#[test]
fn bash_completes_commands_and_runnable_dirs() {
    let sandbox = with_wharf_on_path();
    let repo = sample::workspace(&sandbox).dir("infra/deep", |dir| dir).dir("ml", |dir| dir).build();
    let shell = sandbox.command("bash").args(["--norc", "--noprofile", "-i"]).env("PS1", "$ ").env("TERM", "xterm");
    let mut terminal = shell.cwd(repo.path()).deadline(std::time::Duration::from_secs(20)).spawn_in_terminal(30, 100);
    terminal.wait_screen_contains("$");
    terminal.send("source <(wharf completions bash); echo rea''dy\r");
    terminal.wait_screen_contains("\nready\n$");
    terminal.send("wharf doc\t");
    terminal.wait_screen_contains("$ wharf doctor");
    terminal.send("\x15wharf test --dir inf\t");
    terminal.wait_screen_contains("$ wharf test --dir infra/deep");
    terminal.send("\x15wharf test --dir //m\t");
    terminal.wait_screen_contains("$ wharf test --dir //ml");
    terminal.send("\x15exit\r");
    terminal.wait_exit().assert_code(0);
}

#[test]
fn completion_outside_of_a_workspace_is_silent() {
    let sandbox = with_wharf_on_path();
    let words = ["--", "wharf", "test", "--dir", ""];
    let output = wharf(&sandbox).args(words).env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "3").run();
    output.assert_code(0);
    assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("", ""));
}
