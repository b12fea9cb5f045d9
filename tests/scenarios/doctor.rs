//! `wharf doctor`.

use std::path::PathBuf;

use serde_json::Value;
use wharf_testkit::{EngineKind, Sandbox, Signal, WharfCommand, base_image, require, sample};

fn doctor(sandbox: &Sandbox) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).arg("doctor")
}

/// A search path on which only these programs are.
fn only(sandbox: &Sandbox, programs: &[&str]) -> PathBuf {
    let bin = sandbox.home().join("bin");
    fs_err::create_dir(&bin).expect("a fresh home is writable");
    for program in programs {
        let ask = match *program {
            "python3" => sandbox.command("python3").args(["-c", "import sys; print(sys.executable)"]).run(),
            other => sandbox.command("sh").args(["-c", &format!("command -v {other}")]).run(),
        };
        std::os::unix::fs::symlink(ask.stdout.trim(), bin.join(program)).expect("a fresh folder is writable");
    }
    bin
}

#[track_caller]
fn find<'a>(checks: &'a Value, name: &str) -> &'a Value {
    let found = checks.as_array().and_then(|checks| checks.iter().find(|one| one["check"] == name));
    found.unwrap_or_else(|| panic!("no check `{name}` in {checks:#}"))
}

#[test]
fn all_is_well_in_a_workspace() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir).sub_repo("libs", |sub| sub.file("a.py", "")).build();
    let output = doctor(&sandbox).cwd(repo.path()).run();
    output.assert_code(0).stdout_contains("1 runnable dir, configuration valid").stdout_contains("1, all populated");
    output.stdout_contains(&format!("`{}` is here", base_image())).stdout_contains("BuildKit through");
    output.stdout_contains("leftovers").stdout_contains("GiB free").stdout_lacks("bad ");
    assert_eq!(output.stderr, "");
    assert_eq!(repo.git(&["status", "--short", "--ignored"]), "", "looking changes nothing");
}

#[test]
fn json_has_an_object_for_each_check() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir).build();
    let output = doctor(&sandbox).arg("--json").cwd(repo.path()).run();
    output.assert_code(0);
    let checks = output.json();
    for one in checks.as_array().unwrap() {
        let keys: Vec<&String> = one.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["check", "detail", "fix", "status"]);
        assert!(["ok", "warn", "bad"].contains(&one["status"].as_str().unwrap()), "{one}");
        assert!(one["status"] != "ok" || one["fix"].is_null(), "{one}");
    }
    for name in ["git", "workspace", "docker", "podman", "host", "python", "uv", "cache", "disk: cache", "leftovers"] {
        find(&checks, name);
    }
}

#[test]
fn without_container_engines_the_host_is_enough() {
    let sandbox = Sandbox::new();
    let bin = only(&sandbox, &["git", "python3"]);
    let output = doctor(&sandbox).arg("--json").env("PATH", bin).run();
    output.assert_code(0);
    let checks = output.json();
    assert_eq!(find(&checks, "docker")["detail"], "not installed, and not needed");
    assert_eq!(find(&checks, "host")["detail"], "works, without isolation, the one that is used");
    assert_eq!(find(&checks, "uv")["status"], "ok");
}

#[test]
fn where_nothing_can_run_tests_it_says_what_to_install() {
    let sandbox = Sandbox::new();
    let bin = only(&sandbox, &["git"]);
    let output = doctor(&sandbox).env("PATH", bin).run();
    output.assert_code(4).stderr_contains("error: no tests can run here: see docker, podman, host");
    output.stdout_contains("fix: ").stdout_contains("install").stdout_contains("python3");
}

#[test]
fn an_engine_that_was_chosen_must_work() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir).build();
    let output = doctor(&sandbox)
        .cwd(repo.path())
        .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
        .env("WHARF_ENGINE", "docker")
        .run();
    output.assert_code(4).stdout_contains("does not answer").stdout_contains("fix: unset DOCKER_HOST");
    output.stderr_contains("no tests can run here: see docker");
}

#[test]
fn outside_of_a_repo_that_is_one_finding() {
    let sandbox = Sandbox::new();
    let output = doctor(&sandbox).run();
    output.assert_code(0).stdout_contains("is not in a Git repo").stdout_contains("fix: wharf demo");
}

#[test]
fn a_broken_configuration_is_shown_with_its_line() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).toml("[tset]\ntimeout = \"3s\"\n").build();
    let output = doctor(&sandbox).arg("--json").cwd(repo.path()).run();
    output.assert_code(4).stderr_contains("see workspace");
    let checks = output.json();
    let workspace = find(&checks, "workspace");
    assert_eq!(workspace["status"], "bad");
    let detail = workspace["detail"].as_str().unwrap();
    assert!(detail.contains("wharf.toml:7") && detail.contains("tset"), "{detail}");
    assert!(workspace["fix"].as_str().unwrap().contains("test"), "{workspace}");
    assert_eq!(find(&checks, "git")["status"], "ok", "the rest is looked at all the same");
}

#[test]
fn a_sub_repo_that_is_not_populated_gets_its_command() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir).sub_repo("libs", |sub| sub.file("a.py", "")).build();
    repo.git(&["submodule", "--quiet", "deinit", "--force", "libs"]);
    let output = doctor(&sandbox).cwd(repo.path()).run();
    output.assert_code(0).stdout_contains("not populated: libs");
    output.stdout_contains("fix: git submodule update --init --recursive");
}

#[test]
fn a_cache_that_cannot_be_written_stops_tests() {
    let sandbox = Sandbox::new();
    let file = sandbox.home().join("file");
    fs_err::write(&file, "").unwrap();
    let output = doctor(&sandbox).env("WHARF_CACHE_DIR", file.join("cache")).run();
    output.assert_code(4).stdout_contains("cannot be written").stdout_contains("fix: export WHARF_CACHE_DIR=");
}

#[test]
fn what_a_killed_wharf_left_is_counted() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let sleeper = "import time\n\ndef test_sleep():\n    time.sleep(300)\n";
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.test("test_a.py", sleeper)).build();
    let wharf = sandbox.command(env!("CARGO_BIN_EXE_wharf")).args(["--engine", "docker", "test"]).cwd(repo.path());
    let running = wharf.spawn();
    running.wait_stderr_contains("1 test collected");
    running.signal(Signal::KILL);
    running.wait().assert_signal(Signal::KILL);
    let root = format!("label=dev.wharf.root={}", repo.path().display());
    let docker = |args: &[&str]| sandbox.command("docker").args(args).run().stdout;

    let left = docker(&["ps", "--all", "--quiet", "--filter", &root]);
    let output = doctor(&sandbox).cwd(repo.path()).run();
    for id in left.split_whitespace() {
        docker(&["rm", "--force", id]);
    }
    assert_eq!(left.split_whitespace().count(), 1, "{left}");
    output.assert_code(0).stdout_contains("of a Wharf that was killed: 1 in docker");
    output.stdout_contains("fix: wharf prune");
}
