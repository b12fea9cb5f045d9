//! Finding the workspace and what is in it: `wharf ls` and `wharf` alone.

use std::path::Path;

use serde_json::{Value, json};
use wharf_core::test_suite::report::json as report_json;
use wharf_core::test_suite::{Report, Summary};
use wharf_testkit::{Repo, Sandbox, WharfCommand, sample};

fn wharf(sandbox: &Sandbox, dir: impl AsRef<Path>) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(dir)
}

fn paths(listed: &Value) -> Vec<&str> {
    listed.as_array().expect("an array").iter().map(|row| row["path"].as_str().expect("a path")).collect()
}

#[test]
fn lists_runnable_dirs_with_all_that_matters() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("infra", |dir| dir.version("1.10.0").test("tests/test_a.py", "").test("b_test.py", ""))
        .dir("infra/deep", |dir| dir.test("test_c.py", ""))
        .dir("ml", |dir| dir.no_requirements().toml("[image]\nfrom = \"//infra\"\n"))
        .sub_repo("libs/helpers", |sub| sub.dir("tool", |dir| dir))
        .build();
    let output = wharf(&sandbox, repo.path()).arg("ls").run();
    output.assert_code(0);
    assert_eq!(
        output.stdout,
        "path               name               version  image                        repo          test files\n\
         infra              sample-infra        1.10.0  sample-infra:dev-1.10.0      .                      2\n\
         infra/deep         sample-infra-deep    0.1.0  sample-infra-deep:dev-0.1.0  .                      1\n\
         libs/helpers/tool  libs-helpers-tool    0.1.0  libs-helpers-tool:dev-0.1.0  libs/helpers           0\n\
         ml                 sample-ml            0.1.0  sample-infra:dev-1.10.0      .                      0\n"
    );
    assert_eq!(output.stderr, "");
    let listed = wharf(&sandbox, repo.path()).args(["ls", "--json", "ml"]).run().json();
    assert_eq!(
        listed,
        json!([{
            "path": "ml", "name": "sample-ml", "version": "0.1.0", "image": "sample-infra:dev-1.10.0",
            "repo": ".", "layout": "native", "tests": 0
        }])
    );
}

#[test]
fn the_outermost_repo_counts_wherever_one_stands() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("infra", |dir| dir)
        .sub_repo("libs/helpers", |sub| sub.dir("tool", |dir| dir.file("src/a.py", "")))
        .build();
    for dir in ["", "infra/devops", "libs/helpers", "libs/helpers/tool/src"] {
        let listed = wharf(&sandbox, repo.join(dir)).args(["ls", "--json"]).run().json();
        assert_eq!(paths(&listed), ["infra", "libs/helpers/tool"], "from `{dir}`");
    }
    let listed = wharf(&sandbox, sandbox.path()).arg("-C").arg(repo.path()).args(["ls", "--json"]).run().json();
    assert_eq!(paths(&listed), ["infra", "libs/helpers/tool"]);
    let below = wharf(&sandbox, repo.join("libs")).args(["ls", "--json", "."]).run().json();
    assert_eq!(paths(&below), ["libs/helpers/tool"]);
}

#[test]
fn a_worktree_is_a_workspace_of_its_own() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir).build();
    let other = sandbox.path().join("other");
    repo.git(&["worktree", "add", "--quiet", "-b", "other", &other.to_string_lossy()]);
    repo.write("ml/devops/wharf.toml", "");
    assert_eq!(paths(&wharf(&sandbox, &other).args(["ls", "--json"]).run().json()), ["infra"]);
    assert_eq!(paths(&wharf(&sandbox, repo.path()).args(["ls", "--json"]).run().json()), ["infra", "ml"]);
}

#[test]
fn without_a_repo_there_is_nothing_to_work_on() {
    let sandbox = Sandbox::new();
    let output = wharf(&sandbox, sandbox.path()).arg("ls").run();
    output.assert_code(4).stderr_contains("is not in a Git repo").stderr_contains("git init");
    assert_eq!(output.stdout, "");
    let bare = Repo::bare_remote(sandbox.path().join("bare.git"));
    let output = wharf(&sandbox, bare.path()).run();
    output.assert_code(4).stderr_contains("is a bare Git repo").stderr_contains("hint: clone it: `git clone ");
}

#[test]
fn no_runnable_dir_is_an_empty_list_and_a_hint() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).build();
    let output = wharf(&sandbox, repo.path()).args(["ls", "--json"]).run();
    output.assert_code(0).stderr_contains("wharf init");
    assert_eq!(output.json(), json!([]));
    let output = wharf(&sandbox, repo.path()).run();
    output.assert_code(0).stdout_contains("next: wharf init");
}

#[test]
fn a_path_that_holds_none_names_the_nearest() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir).file("docs/a.md", "").build();
    let output = wharf(&sandbox, repo.path()).args(["ls", "infa"]).run();
    output.assert_code(2).stderr_contains("`infa` is not there").stderr_contains("`infra`");
    let output = wharf(&sandbox, repo.path()).args(["ls", "docs"]).run();
    output.assert_code(2).stderr_contains("`docs` is not a runnable dir: it has no `devops` folder");
    wharf(&sandbox, repo.path()).args(["ls", "../.."]).run().assert_code(2).stderr_contains("outside");
}

#[test]
fn names_may_be_odd() {
    let sandbox = Sandbox::new();
    let odd = ["-dash", "UPPER", "with space", "Ünïcode 漢字"];
    let repo = odd.iter().fold(sample::workspace(&sandbox), |workspace, name| workspace.dir(name, |dir| dir)).build();
    let listed = wharf(&sandbox, repo.path()).args(["ls", "--json"]).run().json();
    assert_eq!(paths(&listed), odd);
    let names: Vec<_> = listed.as_array().expect("an array").iter().map(|row| row["name"].clone()).collect();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    assert!(names.iter().all(|name| name.as_str().is_some_and(|name| name.chars().all(is_plain))), "{names:?}");
    let mut unique = names.clone();
    unique.dedup();
    assert_eq!(unique, names);
    for path in ["./-dash", "//-dash", "//UPPER/", "with space"] {
        wharf(&sandbox, repo.path()).args(["ls", path]).run().assert_code(0);
    }
}

#[test]
fn sub_repos_that_are_not_there_are_reported() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("infra", |dir| dir)
        .sub_repo("libs/helpers", |sub| sub.dir("tool", |dir| dir))
        .build();
    let clone = sandbox.path().join("clone");
    repo.git(&["clone", "--quiet", &repo.url(), &clone.to_string_lossy()]);
    let output = wharf(&sandbox, &clone).args(["ls", "--json"]).run();
    output.assert_code(0).stderr_contains("warning: sub-repo `libs/helpers` is not populated");
    output.stderr_contains("git submodule update --init --recursive -- libs/helpers");
    assert_eq!(paths(&output.json()), ["infra"]);
    let output = wharf(&sandbox, &clone).run();
    output.assert_code(0).stdout_contains("2, 1 not populated");
    output.stdout_contains("next: git submodule update --init --recursive\n");
}

#[test]
fn what_this_user_may_not_read_is_reported() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("infra", |dir| dir)
        .file("closed/a.txt", "")
        .sub_repo("libs/secret", |sub| sub.dir("tool", |dir| dir))
        .build();
    let wharf = for_nobody(&sandbox);
    for path in ["closed", "libs/secret"] {
        assert!(sandbox.command("chmod").arg("000").arg(repo.join(path)).run().code == Some(0));
    }
    let output = as_nobody(&sandbox, 65534, &wharf).args(["ls", "--json"]).cwd(repo.path()).run();
    for path in ["closed", "libs/secret"] {
        assert!(sandbox.command("chmod").arg("755").arg(repo.join(path)).run().code == Some(0));
    }
    output.assert_code(0).stderr_contains("sub-repo `libs/secret` cannot be used: ");
    output.stderr_contains("`closed` was not searched: ");
    assert_eq!(paths(&output.json()), ["infra"]);
}

/// Gives the sandbox to the user `nobody`, with a copy of the binary that it can reach.
pub(crate) fn for_nobody(sandbox: &Sandbox) -> std::path::PathBuf {
    let path = sandbox.path().join("wharf-binary");
    fs_err::copy(env!("CARGO_BIN_EXE_wharf"), &path).expect("the binary can be copied");
    let root = sandbox.path().parent().expect("it has a root").to_owned();
    sandbox.command("chown").args(["-R", "65534:65534"]).arg(root).run().assert_code(0);
    path
}

/// A command run by `nobody` in this group.
pub(crate) fn as_nobody(sandbox: &Sandbox, group: u32, program: &Path) -> WharfCommand {
    let group = format!("--regid={group}");
    sandbox.command("setpriv").args(["--reuid=65534", &group, "--clear-groups", "--"]).arg(program)
}

#[test]
fn loops_and_ignored_dirs_are_not_entered() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("infra", |dir| dir)
        .dir("build/out", |dir| dir)
        .file("build/.gitignore", "*\n")
        .build();
    std::os::unix::fs::symlink("..", repo.join("infra/loop")).expect("a link can be made");
    std::os::unix::fs::symlink(".", repo.join("self")).expect("a link can be made");
    repo.write("node_modules/x/devops/wharf.toml", "");
    repo.write(".gitignore", "node_modules/\n");
    repo.write(".git/y/devops/wharf.toml", "");
    assert_eq!(paths(&wharf(&sandbox, repo.path()).args(["ls", "--json"]).run().json()), ["infra"]);
}

#[test]
fn a_repo_that_is_no_sub_repo_is_reported() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir).build();
    Repo::init(repo.join("clone")).write("tool/devops/wharf.toml", "");
    let output = wharf(&sandbox, repo.path()).args(["ls", "--json"]).run();
    output.assert_code(0).stderr_contains("`clone` is a Git repo but not a sub-repo");
    assert_eq!(paths(&output.json()), ["infra"]);
}

#[test]
fn image_names_and_sources_must_make_sense() {
    let sandbox = Sandbox::new();
    let name = "[image]\nname = \"same\"\n";
    let repo = sample::workspace(&sandbox).dir("a", |dir| dir.toml(name)).dir("b", |dir| dir.toml(name)).build();
    let output = wharf(&sandbox, repo.path()).arg("ls").run();
    output.assert_code(3).stderr_contains("runnable dirs `a` and `b` both claim the image name `same`");
    output.stderr_contains("hint: give one of them another `[image] name`");

    let from = |address: &str| format!("[image]\nfrom = \"{address}\"\n");
    repo.write("a/devops/wharf.toml", from("//c")).write("b/devops/wharf.toml", "");
    let output = wharf(&sandbox, repo.path()).arg("ls").run();
    output.assert_code(3).stderr_contains("`a` takes its image from `//c`, which is not a runnable dir");

    repo.write("a/devops/wharf.toml", from("//b")).write("b/devops/wharf.toml", from("//a"));
    let output = wharf(&sandbox, repo.path()).arg("ls").run();
    output.assert_code(3).stderr_contains("goes round in a circle: `a` → `b` → `a`");
}

#[test]
fn the_state_and_the_next_command() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.test("test_a.py", "")).dir("ml", |dir| dir).build();
    let status = || wharf(&sandbox, repo.path()).args(["--engine", "host"]).run();
    let output = status();
    output.assert_code(0).stdout_contains("runnable dirs  2, 1 with tests").stdout_contains("host, as --engine says");
    output.stdout_contains("next: wharf test\n").stdout_lacks("last test run");
    assert!(!repo.join(".wharf").exists(), "looking changes nothing");

    let mut report = Report {
        schema: 1,
        wharf: "0.1.0".into(),
        run: 9,
        workspace: "sample".into(),
        command: "wharf test".into(),
        started: "2024-01-01T12:00:00Z".into(),
        duration: 1.0,
        engine: "host".into(),
        exit_code: 1,
        interrupted: false,
        coverage: None,
        summary: Summary { passed: 5, failed: 2, ..Summary::default() },
        problems: Vec::new(),
        dirs: Vec::new(),
    };
    let write = |report: &Report| {
        let folder = repo.join(format!(".wharf/runs/{}", report.run));
        fs_err::create_dir_all(&folder).expect("a repo is writable");
        report_json::write(report, fs_err::File::create(folder.join("report.json")).expect("writable"))
            .expect("written");
    };
    write(&report);
    status().assert_code(0).stdout_contains("failed, 2 of 7 tests").stdout_contains("next: wharf test --last-failed\n");
    (report.run, report.exit_code, report.summary.failed) = (10, 0, 0);
    write(&report);
    status().assert_code(0).stdout_contains("passed, 5 tests").stdout_contains("next: wharf test\n");
}

#[test]
fn an_engine_that_is_not_ready_is_part_of_the_state() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir).build();
    let dead = format!("unix://{}", sandbox.path().join("dead.sock").display());
    let output = wharf(&sandbox, repo.path()).args(["--engine", "docker"]).env("DOCKER_HOST", dead).run();
    output.assert_code(0).stdout_contains("not ready: engine `docker` is installed but does not answer");
    output.stdout_contains("next: wharf doctor\n");
}
