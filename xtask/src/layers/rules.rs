//! Which crate and which core module may name what.

use super::paths::Path;

/// Each crate with the Wharf crates that it may use. The test kit is a dev-dependency of any.
const CRATES: &[(&str, &[&str])] = &[
    ("process", &[]),
    ("git", &["process"]),
    ("engine", &["process"]),
    ("core", &["git", "engine", "process"]),
    ("remote-cache", &["core"]),
    ("cli", &["remote-cache", "core", "git", "engine", "process"]),
    ("testkit", &[]),
    ("xtask", &[]),
];

/// Core's modules from the lowest up: a module may name those of lower ranks and itself, not others of its own rank.
const RANKS: &[&[&str]] = &[
    &["event"],
    &["config", "version", "generated"],
    &["sub_repo", "runnable_dir", "thin_env", "shell_env"],
    &["workspace"],
    &["image"],
    &["container", "dependency"],
    &["service"],
    &["test_suite", "common_files", "repos"],
    &["start", "graph"],
    &["release", "adopt"],
    &["task", "ci", "ide"],
];

/// Crates that may start programs; all others ask `wharf-process`.
const SPAWNERS: &[&str] = &["process", "testkit", "xtask"];

/// Where a piece of source stands.
#[derive(Debug, Clone, Copy)]
pub struct Position<'a> {
    /// The folder of its crate: `core`, `cli`.
    pub krate: &'a str,
    /// The module right below its crate's root; None in the root itself.
    pub module: Option<&'a str>,
}

/// Why `path` may not stand there; None where it may.
pub fn judge(position: Position<'_>, path: &Path) -> Option<String> {
    let words: Vec<&str> = path.words.iter().map(String::as_str).collect();
    let first = words.first().copied().unwrap_or_default();
    if let Some(other) = first.strip_prefix("wharf_") {
        return wrong_crate(position.krate, &other.replace('_', "-"));
    }
    if first == "std" || first == "tokio" {
        let spawns = matches!(words.as_slice(), [_, "process", "Command" | "*", ..]);
        if spawns && !SPAWNERS.contains(&position.krate) {
            return Some(format!("`{}`: only crates/process starts programs", path.text()));
        }
    }
    if position.krate != "core" {
        return None;
    }
    if first == "crate"
        && let Some(module) = position.module
    {
        return wrong_module(module, words.get(1).copied().unwrap_or_default());
    }
    impure(&words).map(|what| format!("`{}`: core {what}; pass it in", path.text()))
}

/// Why crate `from` may not use crate `to`.
pub fn wrong_crate(from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    let Some((_, allowed)) = CRATES.iter().find(|(name, _)| *name == from) else {
        return Some(format!("unknown crate `{from}`: add it to CRATES in xtask/src/layers/rules.rs"));
    };
    if allowed.contains(&to) {
        return None;
    }
    let allowed =
        if allowed.is_empty() { "none of Wharf's crates".to_owned() } else { format!("only {}", allowed.join(", ")) };
    Some(format!("crate `{from}` may not use `{to}`; it may use {allowed}"))
}

/// Why core's module is not known; None where it is.
pub fn unknown_module(module: &str) -> Option<String> {
    rank(module)
        .is_none()
        .then(|| format!("unknown core module `{module}`: add it to the ranks in xtask/src/layers/rules.rs"))
}

fn wrong_module(from: &str, to: &str) -> Option<String> {
    if from == to {
        return None;
    }
    if to.is_empty() || to == "*" {
        return Some("name the module that is meant, not all of the crate".to_owned());
    }
    let unknown = unknown_module(from).or_else(|| unknown_module(to));
    if unknown.is_some() || rank(from) > rank(to) {
        return unknown;
    }
    Some(format!("core module `{from}` may not use `{to}`, which is not below it"))
}

fn rank(module: &str) -> Option<usize> {
    RANKS.iter().position(|modules| modules.contains(&module))
}

/// What of the outside world a path would bring into core.
fn impure(words: &[&str]) -> Option<&'static str> {
    let last = words.last().copied().unwrap_or_default();
    if matches!(last, "println!" | "eprintln!" | "print!" | "eprint!" | "dbg!") {
        return Some("never prints");
    }
    match words {
        ["std", "process", "exit" | "abort", ..] => Some("never exits"),
        ["std", "env", "var" | "var_os" | "vars" | "vars_os" | "args" | "args_os" | "*", ..] => {
            Some("reads no variables")
        }
        [.., "Instant" | "SystemTime" | "Timestamp" | "Zoned", "now"] => Some("never asks the time"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(krate: &str, module: &str, path: &str) -> String {
        let path = Path { words: path.split("::").map(str::to_owned).collect(), line: 1 };
        judge(Position { krate, module: Some(module).filter(|module| !module.is_empty()) }, &path).unwrap_or_default()
    }

    #[test]
    fn crates_look_down() {
        assert_eq!(verdict("cli", "", "wharf_core::image::Stage"), "");
        assert_eq!(verdict("core", "image", "wharf_process::Program"), "");
        assert!(verdict("git", "", "wharf_engine::Engine").contains("may use only process"));
        assert!(verdict("process", "", "wharf_core::X").contains("none of Wharf's crates"));
        assert!(verdict("core", "image", "wharf_testkit::Sandbox").contains("may not use `testkit`"));
        assert!(verdict("extra", "", "wharf_core::X").contains("unknown crate"));
    }

    #[test]
    fn core_modules_look_down() {
        assert_eq!(verdict("core", "image", "crate::version::Version"), "");
        assert_eq!(verdict("core", "image", "crate::image::plan"), "");
        assert_eq!(verdict("core", "", "crate::task::Task"), "", "the root re-exports");
        assert!(verdict("core", "image", "crate::test_suite::X").contains("not below it"));
        assert!(verdict("core", "version", "crate::config::X").contains("not below it"), "nor beside it");
        assert!(verdict("core", "image", "crate::drawer::X").contains("unknown core module `drawer`"));
        assert!(verdict("core", "drawer", "crate::image::X").contains("unknown core module `drawer`"));
        assert_eq!(verdict("cli", "commands", "crate::anything::X"), "");
    }

    #[test]
    fn only_process_spawns() {
        assert!(verdict("engine", "docker", "std::process::Command").contains("only crates/process"));
        assert!(verdict("cli", "", "std::process::Command::new").contains("only crates/process"));
        assert_eq!(verdict("process", "", "std::process::Command"), "");
        assert_eq!(verdict("cli", "", "std::process::ExitCode"), "");
    }

    #[test]
    fn core_is_pure() {
        for path in [
            "println!",
            "std::eprintln!",
            "std::env::var",
            "std::process::exit",
            "std::time::Instant::now",
            "jiff::Timestamp::now",
        ] {
            assert!(verdict("core", "image", path).contains("pass it in"), "{path}");
            assert_eq!(verdict("cli", "", path), "", "{path}");
        }
        assert_eq!(verdict("core", "image", "std::env::consts::ARCH"), "");
    }
}
