//! Repos that are laid out the older way, as they are: what is read, and what runs in their containers.

use std::path::Path;

use serde_json::Value;
use wharf_testkit::{EngineKind, Output, Repo, Sandbox, Signal, WharfCommand, older, require};

/// Unique in the engine, since images are.
pub(crate) fn name(what: &str) -> String {
    format!("older-{what}-{}", std::process::id())
}

pub(crate) fn wharf(sandbox: &Sandbox, dir: impl AsRef<Path>) -> WharfCommand {
    let deadline = std::time::Duration::from_secs(500);
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(dir).args(["--engine", "docker"]).deadline(deadline)
}

/// Removes, at the end of a test, all images whose name starts with the test's.
pub(crate) struct Images<'a>(pub(crate) &'a Sandbox, pub(crate) String);

impl Drop for Images<'_> {
    fn drop(&mut self) {
        let listed = self.0.command("docker").args(["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]).run();
        let ours = |name: &&str| name.rsplit('/').next().is_some_and(|name| name.starts_with(&self.1));
        let names: Vec<&str> = listed.stdout.lines().filter(ours).collect();
        if !names.is_empty() {
            let _gone = self.0.command("docker").args(["image", "rm", "--force"]).args(names).run();
        }
    }
}

fn ls(sandbox: &Sandbox, dir: impl AsRef<Path>) -> Vec<Value> {
    let output = wharf(sandbox, dir).args(["ls", "--json"]).run();
    output.assert_code(0);
    output.json().as_array().expect("an array").clone()
}

fn row<'a>(rows: &'a [Value], path: &str) -> &'a Value {
    rows.iter().find(|row| row["path"] == path).unwrap_or_else(|| panic!("{path} is not in {rows:?}"))
}

fn shown(sandbox: &Sandbox, dir: impl AsRef<Path>, args: &[&str]) -> Output {
    let output = wharf(sandbox, dir).args(["config", "show"]).args(args).run();
    output.assert_code(0);
    output
}

#[test]
fn every_dir_is_found_with_its_own_image_and_version() {
    let sandbox = Sandbox::new();
    let name = name("ls");
    let repo = older::workspace(&sandbox, &name);
    let rows = ls(&sandbox, repo.path());
    let mut paths: Vec<&str> =
        older::OWN.iter().map(|(dir, _)| *dir).chain([older::REUSES, older::PARTIAL, "helpers_root"]).collect();
    paths.sort_unstable();
    let mut found: Vec<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, paths);
    for (dir, suffix) in older::OWN {
        let row = row(&rows, dir);
        let version = older::version(dir);
        let dev = version.rsplit_once('.').map(|(start, _)| format!("{start}.0")).unwrap();
        assert_eq!(row["layout"], "helpers");
        assert_eq!(row["name"], format!("{name}{suffix}"), "{dir}");
        // Its own changelog, not the root's; and the patch number is no part of a dev image's tag.
        assert_eq!(
            (row["version"].as_str(), row["image"].as_str()),
            (Some(version), Some(format!("{name}{suffix}:dev-{dev}").as_str()))
        );
    }
    assert_eq!(row(&rows, "zeta")["image"], format!("{name}:dev-1.10.0"), "it reuses the root's image");
    assert_eq!(row(&rows, "zeta")["version"], "0.3.0");
    assert_eq!(row(&rows, "alpha")["tests"], 1);
    // One that names the image of a dir which is not above it means that one.
    repo.write("zeta/repo_config.yaml", older::repo_config(&name, &format!("{name}-beta")));
    assert_eq!(row(&ls(&sandbox, repo.path()), "zeta")["image"], format!("{name}-beta:dev-1.9.0"));
    fs_err::remove_file(repo.join("zeta/repo_config.yaml")).unwrap();
    let table = wharf(&sandbox, repo.path()).arg("ls").run();
    table.assert_code(0).stdout_contains("layout").stdout_contains("helpers");
    assert_eq!(table.stderr, "", "nothing is odd in it");
    let tree = older::worktree(&repo, &sandbox, "tree");
    assert_eq!(ls(&sandbox, tree.path()), rows, "a worktree is the same");
}

#[test]
fn values_say_which_line_of_which_file_they_are_from() {
    let sandbox = Sandbox::new();
    let repo = older::workspace(&sandbox, &name("config"));
    let output = shown(&sandbox, repo.path(), &["--origin", "alpha"]);
    output.stdout_contains("alpha/repo_config.yaml:10").stdout_contains("older layout");
    let json = shown(&sandbox, repo.path(), &["--origin", "--json", "alpha"]).json();
    assert_eq!(json["image.name"]["origin"]["file"], "alpha/repo_config.yaml");
    assert_eq!(json["image.name"]["origin"]["layer"], "older");
    assert_eq!(json["workspace.mount"]["value"], "/app");
    assert_eq!(json["test.suites.superslow.timeout"]["value"], "3600s");

    repo.write("alpha/devops/wharf.toml", "[image]\nname = \"mine\"\n[run.variables]\nCSFY_HOST_NAME = \"me\"\n");
    let json = shown(&sandbox, repo.path(), &["--origin", "--json", "alpha"]).json();
    assert_eq!(json["image.name"]["value"], "mine");
    assert_eq!(json["image.name"]["origin"]["file"], "alpha/devops/wharf.toml");
    assert_eq!(json["run.variables.CSFY_HOST_NAME"]["value"], "me");
    assert_eq!(json["run.variables.CSFY_GIT_ROOT_PATH"]["value"], "{mount}");
    assert_eq!(row(&ls(&sandbox, repo.path()), "alpha")["name"], "mine");

    let registries = wharf(&sandbox, repo.path()).env("CSFY_ECR_BASE_PATH", "1.dkr.ecr.amazonaws.com");
    let json = registries.args(["config", "show", "--origin", "--json", "beta"]).run();
    assert_eq!(json.json()["registry.pull"]["origin"]["variable"], "CSFY_ECR_BASE_PATH");
}

#[test]
fn both_kinds_stand_in_one_super_repo() {
    let sandbox = Sandbox::new();
    let name = name("mixed");
    let repo = older::workspace(&sandbox, &name);
    repo.write("native/devops/wharf.toml", "[os]\npackages = []\n");
    let rows = ls(&sandbox, repo.path());
    assert_eq!(
        (row(&rows, "native")["layout"].as_str(), row(&rows, "alpha")["layout"].as_str()),
        (Some("native"), Some("helpers"))
    );
    let plan = wharf(&sandbox, repo.path()).args(["config", "show", "--json", "native"]).run();
    assert_eq!(plan.json()["workspace"]["mount"], "/app", "the root decides where all is mounted");
    assert_eq!(plan.json()["image"]["dev-patch"], true, "what only older dirs mean is theirs alone");
}

#[test]
fn contradictions_are_told_and_wharf_toml_wins() {
    let sandbox = Sandbox::new();
    let repo = older::workspace(&sandbox, &name("both"));
    repo.write("alpha/devops/wharf.toml", "[image]\nbase = \"debian:bookworm\"\n");
    repo.write("beta/devops/wharf.toml", "[os]\npackages = [\"graphviz\"]\n");
    repo.write("gamma/changelog.txt", "# other-image-1.0.0\n- 2024-01-01\n");
    let output = wharf(&sandbox, repo.path()).arg("ls").run();
    output.assert_code(0);
    output.stderr_contains("`alpha` has both `image.base` in its `wharf.toml` and `devops/docker_build/dev.Dockerfile`; `wharf.toml` counts");
    output.stderr_contains("`os.packages` in the `wharf.toml` of `beta` has no effect");
    output.stderr_contains("`gamma/changelog.txt` is that of `other-image`, but the image is called");
    let text = wharf(&sandbox, repo.path()).args(["image", "dockerfile", "alpha"]).run();
    text.assert_code(0).stdout_contains("FROM debian:bookworm AS base");
    // What cannot be meant: the one file names both.
    repo.write("alpha/devops/wharf.toml", "[image]\nbase = \"debian:bookworm\"\ndockerfile = \"devops/x\"\n");
    let output = wharf(&sandbox, repo.path()).arg("ls").run();
    output.assert_code(3).stderr_contains("`image.dockerfile` and `image.base` exclude each other");
}

#[test]
fn bad_files_are_errors_with_their_line() {
    let sandbox = Sandbox::new();
    let repo = older::workspace(&sandbox, &name("bad"));
    let cases = [
        ("docker_info:\n\tdocker_image_name: a\n", "text is not YAML", "indent with blanks"),
        (
            "docker_info:\n  docker_image_name: a\n  docker_image_name: b\n",
            "`docker_info.docker_image_name` is there twice",
            "beta/repo_config.yaml:3:3",
        ),
        ("docker_info:\n  docker_image_name: A B\n", "bad value \"A B\" of `image.name`", "beta/repo_config.yaml:2:22"),
        (
            "runnable_dir_info:\n  use_helpers_as_nested_module: perhaps\n",
            "bad value \"perhaps\"",
            "write `true` or `false`",
        ),
    ];
    for (text, message, more) in cases {
        repo.write("beta/repo_config.yaml", text);
        wharf(&sandbox, repo.path()).arg("ls").run().assert_code(3).stderr_contains(message).stderr_contains(more);
    }
    repo.write(
        "beta/repo_config.yaml",
        "repo_info:\n  repo_name: x\nrunnable_dir_info:\n  use_helpers_as_nested_module: yes\n",
    );
    let output = wharf(&sandbox, repo.path()).arg("ls").run();
    output.assert_code(0).stderr_contains("no `repo_config.yaml` states `docker_info.docker_image_name` for `beta`");
    fs_err::remove_file(repo.join("beta/repo_config.yaml")).unwrap();
    repo.write(
        "beta/repo_config.py",
        "import os\n\ndef get_docker_base_image_name():\n    return os.environ['NAME']\n",
    );
    let output = wharf(&sandbox, repo.path()).arg("ls").run();
    output.assert_code(3).stderr_contains("what `get_docker_base_image_name` returns is computed");
    output.stderr_contains("beta/repo_config.py:4").stderr_contains("`name = \"infra\"` in `[image]`");
    repo.write("beta/repo_config.py", "def get_docker_base_image_name():\n    return 'beta-py'\n");
    // What never ends is not read.
    for name in ["repo_config.yaml", "changelog.txt"] {
        let path = repo.join("kappa").join(name);
        fs_err::create_dir_all(repo.join("kappa/devops/docker_run")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        let output = wharf(&sandbox, repo.path()).arg("ls").run();
        output.stderr_contains("it is no regular file").stderr_contains("kappa");
        fs_err::remove_file(path).unwrap();
    }
    fs_err::remove_dir_all(repo.join("kappa")).unwrap();
    assert_eq!(row(&ls(&sandbox, repo.path()), "beta")["name"], "beta-py");
}

#[test]
fn a_submodule_that_is_not_populated_is_named() {
    let sandbox = Sandbox::new();
    let name = name("bare");
    let repo = older::workspace(&sandbox, &name);
    let bare = older::unpopulated(&repo, &sandbox, "bare");
    let listed = wharf(&sandbox, bare.path()).arg("ls").run();
    listed.assert_code(0).stderr_contains("sub-repo `helpers_root` is not populated");
    listed.stdout_contains("deep/down/my-hyphened-dir");
    require(EngineKind::Docker);
    let built = wharf(&sandbox, bare.path()).args(["image", "build", "alpha"]).run();
    assert_ne!(built.code, Some(0));
    built
        .stderr_contains("alpha/devops/docker_build/dev.Dockerfile")
        .stderr_contains("sub-repo `helpers_root` is not populated");
    built.stderr_contains("git submodule update --init --recursive -- helpers_root");
    // A `devops` that is itself a link.
    std::os::unix::fs::symlink("../helpers_root/devops", bare.join("data/devops")).unwrap();
    let listed = wharf(&sandbox, bare.path()).arg("ls").run();
    listed
        .assert_code(0)
        .stderr_contains("`data/devops` is a link that leads nowhere: sub-repo `helpers_root` is not populated");
}

#[test]
fn commands_that_need_no_engine_work_too() {
    let sandbox = Sandbox::new();
    let repo = older::workspace(&sandbox, &name("tools"));
    let run = |args: &[&str]| {
        let output = wharf(&sandbox, repo.path()).args(args).run();
        output.assert_code(0);
        output
    };
    run(&["tasks"]).stdout_contains("hello");
    run(&["repo", "status"]).stdout_contains("helpers_root");
    run(&["version", "show", "alpha"]).stdout_contains("alpha    2.0.3  2024-01-02  alpha/changelog.txt:1");
    run(&["version", "bump", "beta", "--minor", "-m", "more"]);
    assert!(
        repo.read("beta/changelog.txt").to_lowercase().contains("-beta-1.10.0\n"),
        "{}",
        repo.read("beta/changelog.txt")
    );
    run(&["test", "--plan", "--suite", "slow"]).stdout_contains("alpha");
    let copy = sandbox.path().join("copy");
    run(&["clone", &repo.url(), &copy.to_string_lossy()]);
    assert_eq!(ls(&sandbox, &copy).len(), ls(&sandbox, repo.path()).len());
    assert!(copy.join("alpha/devops/docker_build/dev.Dockerfile").exists());
}

#[test]
fn commands_run_in_the_container_that_scripts_expect() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let name = name("run");
    let _images = Images(&sandbox, name.clone());
    let repo = older::workspace(&sandbox, &name);
    fs_err::create_dir_all(sandbox.home().join(".aws")).unwrap();
    fs_err::write(sandbox.home().join(".aws/credentials"), "mine\n").unwrap();
    let run = |dir: &Path, args: &[&str]| {
        let command = wharf(&sandbox, dir).env("OPENAI_API_KEY", "s3cret-1").env("GH_ACTION_ACCESS_TOKEN", "s3cret-2");
        command.env("HERE", "host").arg("run").args(args).run()
    };
    let hyphens = "deep/down/my-hyphened-dir";
    let output = run(&repo.join(hyphens), &["--", "env"]);
    output.assert_code(0).stderr_contains("AM_CONTAINER_VERSION=1.9.0");
    let root = repo.path().display().to_string();
    for line in [
        "CSFY_GIT_ROOT_PATH=/app",
        "CSFY_HELPERS_ROOT_PATH=/app/helpers_root",
        "CSFY_USE_HELPERS_AS_NESTED_MODULE=1",
        "CSFY_ENABLE_DIND=0",
        "CSFY_REPO_CONFIG_CHECK=True",
        "CSFY_REPO_CONFIG_PATH=",
        "CSFY_HOST_OS_NAME=Linux",
        "HOME=/home",
        "VIRTUAL_ENV=/venv",
        "OPENAI_API_KEY=s3cret-1",
        "GH_TOKEN=s3cret-2",
        &format!("CSFY_HOST_GIT_ROOT_PATH={root}"),
        &format!("PWD=/app/{hyphens}"),
    ] {
        assert!(output.stdout.lines().any(|found| found == line), "{line} is missing\n{}", output.stdout);
    }
    output.stdout_lacks("HERE=host");
    // The container's shell expands, not the host's; words arrive as words.
    let line = "echo \"$HERE/$CSFY_GIT_ROOT_PATH\" | tr a-z A-Z; cat /home/.aws/credentials; exit 7";
    let output = run(&repo.join(hyphens), &["--", "bash", "-c", line]);
    assert_eq!((output.code, output.stdout.as_str()), (Some(7), "//APP\nmine\n"));
    let output = run(
        repo.path(),
        &["zeta", "--", "python3", "-c", "import sys, os; print(sys.argv[1:], os.getcwd())", "a b", "$X", "it's"],
    );
    assert_eq!(output.assert_code(0).stdout, "['a b', '$X', \"it's\"] /app/zeta\n");
    output.stderr_contains("AM_CONTAINER_VERSION=1.10.0");
    let output = run(repo.path(), &[older::PARTIAL, "--", "sh", "-c", "cat /partial; pwd"]);
    assert_eq!(output.assert_code(0).stdout, format!("{name}\n/app/partial\n"));
    // Signals reach the command through the entry point.
    let script = "trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.1; done";
    let running = wharf(&sandbox, repo.path()).args(["run", "zeta", "--", "sh", "-c", script]).spawn();
    running.wait_stdout_contains("ready");
    running.signal(Signal::TERM);
    running.wait().assert_code(5).stdout_contains("asked");
    let plan = run(repo.path(), &["--dry-run", "zeta", "--", "true"]);
    plan.assert_code(0)
        .stdout_contains("--entrypoint=/app/zeta/devops/docker_run/entrypoint.sh")
        .stdout_lacks("s3cret");
    // A worktree's Git folder is outside of what is mounted, and works all the same.
    let tree = older::worktree(&repo, &sandbox, "tree");
    let output = run(
        &tree.join("alpha"),
        &["--", "bash", "-c", "ls $CSFY_HELPERS_ROOT_PATH/devops; test -e $(sed 's/gitdir: //' /app/.git)"],
    );
    output.assert_code(0).stdout_contains("docker_build");
}

#[test]
fn tests_run_with_their_suites_and_reports() {
    require(EngineKind::Docker);
    let sandbox = Sandbox::new();
    let name = name("test");
    let _images = Images(&sandbox, name.clone());
    let repo = older::workspace(&sandbox, &name);
    repo.write("alpha/tmp.junit.xml", "<testsuites><!-- of yesterday --></testsuites>")
        .write("tmp.combined_junit.xml", "old");
    let test = |args: &[&str]| wharf(&sandbox, repo.path()).args(["test", "--no-cache"]).args(args).run();
    let dirs = ["--dir", "alpha", "--dir", "zeta", "--dir", "deep/down/my-hyphened-dir"];
    let output = test(&[&["--suite", "fast"], &dirs[..]].concat());
    output.assert_code(0);
    let merged = repo.read("tmp.combined_junit.xml");
    assert_eq!(merged.matches("<testcase ").count(), 3, "{merged}");
    let alpha = repo.read("alpha/tmp.junit.xml");
    assert!(
        alpha.contains("test_where_it_runs") && !alpha.contains("test_zeta") && !alpha.contains("yesterday"),
        "{alpha}"
    );
    assert_eq!(test(&[&["--suite", "superslow"], &dirs[..]].concat()).assert_code(0).code, Some(0));
    assert!(repo.read("tmp.combined_junit.xml").contains("test_very_slowly"));

    // One that fails among several decides the code, and no earlier file speaks for it.
    repo.write("alpha/test/test_alpha.py", "import os\n\ndef test_it():\n    os._exit(3)\n");
    let output = test(&dirs);
    output.assert_code(1);
    assert!(
        repo.read("alpha/tmp.junit.xml").contains("<error") || repo.read("alpha/tmp.junit.xml").contains("<failure")
    );
    assert!(repo.read("zeta/tmp.junit.xml").contains("test_where_it_runs"));
    // No runnable dirs is no success.
    let empty = Repo::init(sandbox.path().join("empty"));
    empty.write("repo_config.yaml", older::repo_config("x", "x")).commit("first");
    let output = wharf(&sandbox, empty.path()).arg("test").run();
    output.assert_code(4).stderr_contains("there is no runnable dir");
}
