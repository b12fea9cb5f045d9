//! `cargo xtask layers`: dependencies run one way.
//!
//! Reads every Rust file below `crates/*/src` and `xtask/src` and every crate's manifest, and names each line that goes against
//! the rule. Code for tests only (`#[cfg(test)]`, `tests/`) may use what it likes. Refuses to guess: a crate or core module
//! that it does not know is a finding too.

mod paths;
mod rules;
mod tokens;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::place::Place;
use rules::Position;

/// Prints each import against the rule; fails where there is one.
pub fn run(place: &Place) -> Outcome {
    let mut findings = Vec::new();
    for (krate, dir) in crates(place)? {
        let manifest = fs_err::read_to_string(dir.join("Cargo.toml"))?;
        let shown = dir.strip_prefix(&place.root).unwrap_or(&dir).to_owned();
        findings.extend(check_manifest(&krate, &manifest).into_iter().map(|found| found.at(&shown.join("Cargo.toml"))));
        findings.extend(check_crate(&krate, &dir, &shown)?);
    }
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!("{} against the layers", findings.len())).hint("the rule is in docs/architecture.md"))
}

/// Every crate's name, which is its folder's, and folder.
fn crates(place: &Place) -> Outcome<Vec<(String, PathBuf)>> {
    let mut crates = vec![("xtask".to_owned(), place.root.join("xtask"))];
    for entry in fs_err::read_dir(place.root.join("crates"))? {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            crates.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
        }
    }
    crates.sort();
    Ok(crates)
}

/// A line against the rule, in a file that the caller knows.
struct Finding {
    line: usize,
    message: String,
}

impl Finding {
    fn at(&self, file: &Path) -> String {
        format!("{}:{}: {}", file.display(), self.line, self.message)
    }
}

fn check_crate(krate: &str, dir: &Path, shown: &Path) -> Outcome<Vec<String>> {
    let mut sources = Vec::new();
    let mut tests_only: HashSet<PathBuf> = HashSet::new();
    for file in rust_files(&dir.join("src"))? {
        let source = tokens::read(&fs_err::read_to_string(&file)?);
        let children = children_dir(&file);
        for module in &source.test_modules {
            tests_only.insert(children.join(module));
            tests_only.insert(children.join(format!("{module}.rs")));
        }
        sources.push((file, source));
    }
    let mut findings = Vec::new();
    for (file, source) in sources {
        if file.ancestors().any(|part| tests_only.contains(part)) {
            continue;
        }
        let inside = file.strip_prefix(dir.join("src")).unwrap_or(&file);
        let found = check_source(krate, &module_of(inside), &source.tokens);
        findings.extend(found.iter().map(|found| found.at(&shown.join("src").join(inside))));
    }
    Ok(findings)
}

/// Checks one file, the module `module` (words below `crate`) of `krate`.
fn check_source(krate: &str, module: &[String], tokens: &[tokens::Token]) -> Vec<Finding> {
    let top = module.first().map(String::as_str);
    let position = Position { krate, module: top };
    let unknown = top.filter(|_| krate == "core").and_then(rules::unknown_module);
    let mut findings: Vec<Finding> = unknown.map(|message| Finding { line: 1, message }).into_iter().collect();
    for path in paths::collect(tokens, module) {
        if let Some(message) = rules::judge(position, &path) {
            findings.push(Finding { line: path.line, message });
        }
    }
    findings.dedup_by(|a, b| a.line == b.line && a.message == b.message);
    findings
}

/// Checks which of Wharf's crates a manifest depends on.
fn check_manifest(krate: &str, manifest: &str) -> Vec<Finding> {
    let mut table = String::new();
    let mut findings = Vec::new();
    for (number, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut table);
        }
        let in_header = table.rsplit_once("dependencies.").map(|(_, name)| name).filter(|_| line.starts_with('['));
        let key = line.split(['.', '=', ' ']).next().filter(|_| table.ends_with("dependencies"));
        let Some(other) = in_header.or(key).and_then(|name| name.trim_matches('"').strip_prefix("wharf-")) else {
            continue;
        };
        if other == "testkit" && table.contains("dev-dependencies") && krate != "xtask" {
            continue;
        }
        if let Some(message) = rules::wrong_crate(krate, other) {
            findings.push(Finding { line: number + 1, message });
        }
    }
    findings
}

/// The module that a file is, from its path below `src`; empty for the crate's root and for binaries.
fn module_of(inside: &Path) -> Vec<String> {
    let mut words: Vec<String> =
        inside.with_extension("").components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if words.last().is_some_and(|word| word == "mod") {
        words.pop();
    }
    if matches!(words.first().map(String::as_str), Some("lib" | "main" | "bin")) {
        words.clear();
    }
    words
}

/// Where the files of a file's own modules are.
fn children_dir(file: &Path) -> PathBuf {
    let is_root = matches!(file.file_stem().and_then(|stem| stem.to_str()), Some("lib" | "main" | "mod"));
    if is_root { file.parent().unwrap_or(file).to_owned() } else { file.with_extension("") }
}

fn rust_files(dir: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs_err::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(krate: &str, file: &str, text: &str) -> Vec<String> {
        let found = check_source(krate, &module_of(Path::new(file)), &tokens::read(text).tokens);
        found.iter().map(|found| found.at(Path::new(file))).collect()
    }

    #[test]
    fn an_import_upwards_is_found_with_its_line() {
        let found =
            check("core", "image/plan.rs", "use crate::version::Version;\nuse super::super::test_suite::Suite;\n");
        assert_eq!(found, ["image/plan.rs:2: core module `image` may not use `test_suite`, which is not below it"]);
    }

    #[test]
    fn an_unknown_module_is_found_even_when_empty() {
        assert_eq!(check("core", "drawer.rs", "").len(), 1);
        assert!(check("core", "lib.rs", "pub mod event;\npub use crate::task::Task;").is_empty());
    }

    #[test]
    fn names_that_were_imported_are_seen_through() {
        let text =
            "use std::process;\nuse std::time::Instant;\nfn f() {\n    process::exit(1);\n    Instant::now();\n}";
        let found = check("core", "event.rs", text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("event.rs:4:") && found[1].starts_with("event.rs:5:"));
    }

    #[test]
    fn tests_in_a_file_may_do_as_they_like() {
        assert!(
            check("core", "event.rs", "#[cfg(test)]\nmod tests { use wharf_testkit::Sandbox; fn f() { println!() } }")
                .is_empty()
        );
    }

    #[test]
    fn manifests_are_read() {
        let manifest = "[dependencies]\nwharf-process.workspace = true\nwharf-core = { path = \"x\" }\n[dev-dependencies]\nwharf-testkit.workspace = true\n[dependencies.wharf-testkit]\npath = \"y\"\n";
        let lines: Vec<usize> = check_manifest("git", manifest).iter().map(|found| found.line).collect();
        assert_eq!(lines, [3, 6]);
        assert_eq!(check_manifest("xtask", manifest).len(), 4);
    }

    #[test]
    fn a_crate_is_read_from_disk_without_its_test_modules() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let src = dir.path().join("src");
        fs_err::create_dir_all(src.join("image/checks"))?;
        fs_err::write(src.join("lib.rs"), "pub mod image;")?;
        fs_err::write(src.join("image/mod.rs"), "mod plan;\n#[cfg(test)]\nmod checks;")?;
        fs_err::write(src.join("image/plan.rs"), "use crate::task::Task;")?;
        fs_err::write(src.join("image/checks/mod.rs"), "use crate::task::Task;")?;
        let found =
            check_crate("core", dir.path(), Path::new("crates/core")).map_err(|failure| failure.message).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("crates/core/src/image/plan.rs:1:"), "{found:?}");
        Ok(())
    }
}
