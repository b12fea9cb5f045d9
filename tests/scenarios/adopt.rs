//! `wharf adopt`: from the older layout to the native one, with nothing else changed.

use wharf_testkit::{EngineKind, Repo, Sandbox, WharfCommand, engines, older, sample};

use crate::older::{Images, name as older_name, wharf as older_wharf};

fn wharf(sandbox: &Sandbox, repo: &Repo) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path())
}

fn layouts(sandbox: &Sandbox, repo: &Repo) -> Vec<(String, String)> {
    let dirs = wharf(sandbox, repo).args(["ls", "--json"]).run().json();
    let text = |dir: &serde_json::Value, key: &str| dir[key].as_str().unwrap().to_owned();
    dirs.as_array().unwrap().iter().map(|dir| (text(dir, "path"), text(dir, "layout"))).collect()
}

/// What can be seen of it without running anything.
fn seen(sandbox: &Sandbox, repo: &Repo) -> Vec<String> {
    let run = |args: &[&str]| wharf(sandbox, repo).args(args).run().assert_code(0).stdout.clone();
    let mut seen: Vec<String> =
        ["fast", "slow", "superslow"].map(|suite| run(&["test", "--suite", suite, "--plan"])).to_vec();
    seen.push(run(&["image", "build", "--dry-run", "alpha"]));
    seen.push(run(&["version", "show", "--json"]));
    seen
}

#[test]
fn the_whole_repo_is_adopted_at_once() {
    let sandbox = Sandbox::new();
    let repo = older::workspace(&sandbox, "adopted");
    let before = seen(&sandbox, &repo);
    let dry = wharf(&sandbox, &repo).args(["adopt", "--dry-run"]).run();
    dry.assert_code(0)
        .stdout_contains("wharf.toml")
        .stderr_contains("repo_config.yaml")
        .stderr_contains("can go")
        .stderr_contains("`wharf env sync` does it")
        .stderr_contains("devops/docker_build/dev.Dockerfile");
    assert_eq!(repo.git(&["status", "--short"]), "");
    let output = wharf(&sandbox, &repo).arg("adopt").run();
    output.assert_code(0).stderr_contains("9 dirs adopted").stderr_contains("are as they were");
    for (path, layout) in layouts(&sandbox, &repo) {
        assert_eq!(layout, if path == "helpers_root" { "helpers" } else { "native" }, "{path}");
    }
    assert_eq!(seen(&sandbox, &repo), before);
    // Small files: what all share stands at the root.
    let alpha = repo.read("alpha/devops/wharf.toml");
    assert!(alpha.contains("name = \"adopted-alpha\"") && alpha.contains("older-files = false"), "{alpha}");
    assert!(alpha.lines().count() < 20, "{alpha}");
    assert!(repo.read("wharf.toml").contains("mount = \"/app\""));
    // Only new files, and nothing to do the second time.
    assert!(repo.git(&["status", "--short"]).lines().all(|line| line.starts_with("?? ")));
    let again = wharf(&sandbox, &repo).args(["adopt"]).run();
    again.assert_code(0).stderr_contains("there is nothing to adopt").stderr_contains("alpha: native already");
    assert_eq!(again.stdout, "");
    // Without the old file that says it all the same is there.
    for dir in ["", "alpha/", "beta/"] {
        std::fs::remove_file(repo.join(format!("{dir}repo_config.yaml"))).unwrap();
    }
    assert_eq!(seen(&sandbox, &repo), before);
}

#[test]
fn one_dir_after_the_other() {
    let mut sandbox = Sandbox::new();
    let repo = older::workspace(&sandbox, "stepwise");
    sandbox.set("CSFY_ECR_BASE_PATH", "registry.example.org/team");
    let before = seen(&sandbox, &repo);
    for dir in ["zeta", "deep/down/my-hyphened-dir"] {
        let output = wharf(&sandbox, &repo).args(["adopt", dir]).run();
        output
            .assert_code(0)
            .stderr_contains("1 dir adopted")
            .stderr_contains("`registry.pull = \"registry.example.org/team\"` is what `CSFY_ECR_BASE_PATH` says here");
        assert_eq!(output.stdout, format!("{dir}/devops/wharf.toml\n"));
        assert_eq!(seen(&sandbox, &repo), before, "after {dir}");
    }
    let native: Vec<String> =
        layouts(&sandbox, &repo).into_iter().filter(|(_, layout)| layout == "native").map(|(path, _)| path).collect();
    assert_eq!(native, ["deep/down/my-hyphened-dir", "zeta"]);
    // A dir that runs in the root's image goes on doing so.
    assert!(repo.read("zeta/devops/wharf.toml").contains("from = "), "{}", repo.read("zeta/devops/wharf.toml"));
    // Alone it says all that the root does not say for it.
    assert!(repo.read("zeta/devops/wharf.toml").contains("CSFY_GIT_ROOT_PATH"));
    let rest = wharf(&sandbox, &repo).arg("adopt").run();
    rest.assert_code(0).stderr_contains("7 dirs adopted").stderr_contains("zeta: native already");
    assert_eq!(seen(&sandbox, &repo), before);
    wharf(&sandbox, &repo).args(["adopt", "nowhere"]).run().assert_code(2);
}

#[test]
fn nothing_is_overwritten_and_what_would_differ_is_taken_back() {
    let mut sandbox = Sandbox::new();
    let repo = older::workspace(&sandbox, "kept");
    repo.write("alpha/devops/wharf.toml", "[run]\nnetwork = \"host\"\n").commit("alpha: a value of its own");
    let before = seen(&sandbox, &repo);
    // The user's own configuration, which the older layout hid, would shine through.
    let config = sandbox.home().join("mine.toml");
    std::fs::write(&config, "[test.suites.slow]\nmarkers = \"mine\"\n").unwrap();
    sandbox.set("WHARF_CONFIG", &config);
    let refused = wharf(&sandbox, &repo).arg("adopt").run();
    refused
        .assert_code(1)
        .stderr_contains("would not be the same")
        .stderr_contains("beta: `test.suites.slow.markers`: `\"slow and not superslow\"` before, `\"mine\"` after")
        .stderr_contains("nothing was changed");
    assert_eq!(repo.git(&["status", "--short"]), "");
    sandbox.unset("WHARF_CONFIG");
    let output = wharf(&sandbox, &repo).arg("adopt").run();
    output
        .assert_code(0)
        .stderr_contains("warning: `alpha/devops/wharf.toml` is there already and stays as it is; what it lacks is")
        .stderr_contains("older-files = false");
    assert_eq!(repo.read("alpha/devops/wharf.toml"), "[run]\nnetwork = \"host\"\n");
    assert_eq!(seen(&sandbox, &repo), before);
    let layout = layouts(&sandbox, &repo).into_iter().find(|(path, _)| path == "alpha");
    assert_eq!(layout.unwrap().1, "helpers", "it still needs its old files");
}

#[test]
fn only_what_git_could_bring_back_is_deleted() {
    let sandbox = Sandbox::new();
    let repo = older::workspace(&sandbox, "tidy");
    repo.write("zeta/devops/compose/old.yml", "a: 1\n").write("zeta/devops/env/default.env", "A=1\n");
    repo.commit("zeta: a compose file");
    repo.write("zeta/devops/env/default.env", "A=2\n").write("zeta/devops/env/mine.env", "B=1\n");
    let before = seen(&sandbox, &repo);
    let dry = wharf(&sandbox, &repo).args(["adopt", "zeta", "--delete", "--dry-run", "--json"]).run().json();
    assert_eq!((&dry["removed"], &dry["compared"]), (&serde_json::json!([]), &serde_json::Value::Null));
    assert_eq!(dry["files"], serde_json::json!(["zeta/devops/wharf.toml"]));
    assert!(!repo.join("zeta/devops/wharf.toml").exists());
    let output = wharf(&sandbox, &repo).args(["adopt", "zeta", "--delete"]).run();
    output
        .assert_code(0)
        .stderr_contains("removed zeta/runnable_dir")
        .stderr_contains("removed zeta/devops/compose/old.yml")
        .stderr_contains("`zeta/devops/env/default.env` is left: it is not as it was committed")
        .stderr_contains("`zeta/devops/env/mine.env` is left: it is not committed");
    assert!(!repo.join("zeta/runnable_dir").exists() && !repo.join("zeta/devops/compose/old.yml").exists());
    assert_eq!(repo.read("zeta/devops/env/default.env"), "A=2\n");
    // Once it is adopted, too; and what is left is told in JSON.
    repo.write("zeta/devops/env/mine.env", "B=2\n").git(&["add", "."]);
    repo.commit("zeta: both kept");
    repo.write("zeta/devops/env/default.env", "A=3\n");
    let hint = wharf(&sandbox, &repo).args(["adopt", "zeta"]).run();
    hint.assert_code(0).stderr_contains("`wharf adopt --delete` removes what can go");
    let later = wharf(&sandbox, &repo).args(["adopt", "zeta", "--delete", "--json"]).run().json();
    assert_eq!(later["removed"], serde_json::json!(["zeta/devops/env/mine.env"]));
    assert_eq!(later["left"][0]["path"], "zeta/devops/env/default.env");
    assert_eq!(seen(&sandbox, &repo), before);
}

#[test]
fn what_an_image_or_a_value_needs_is_not_deleted() {
    let sandbox = Sandbox::new();
    let repo = older::workspace(&sandbox, "needed");
    let dockerfile = |name: &str| repo.join(format!("alpha/devops/docker_build/{name}.Dockerfile"));
    for (name, file) in [("dev", "compose/dev.yml"), ("prod", "compose/prod.yml")] {
        repo.write(format!("alpha/devops/{file}"), "a: 1\n");
        let text = std::fs::read_to_string(dockerfile(name)).unwrap();
        std::fs::remove_file(dockerfile(name)).unwrap();
        std::fs::write(dockerfile(name), format!("{text}\nCOPY devops/{file} /install/\n")).unwrap();
    }
    repo.write("alpha/devops/compose/idle.yml", "a: 1\n");
    // A dir whose file a person wrote goes on as it is, with all of its old files.
    repo.write("beta/devops/wharf.toml", "[run]\nnetwork = \"host\"\n").write("beta/devops/compose/b.yml", "b: 1\n");
    repo.commit("compose files that are copied");
    let output = wharf(&sandbox, &repo).args(["adopt", "alpha", "beta", "--delete"]).run();
    output.assert_code(0).stderr_contains("1 dir adopted").stderr_contains("removed alpha/devops/compose/idle.yml");
    for kept in ["alpha/devops/compose/dev.yml", "alpha/devops/compose/prod.yml", "beta/devops/compose/b.yml"] {
        assert!(repo.join(kept).exists(), "{kept}\n{}", output.told());
    }
    assert!(!repo.join("alpha/devops/compose/idle.yml").exists());
}

#[test]
fn a_native_repo_has_nothing_to_adopt() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox).dir("infra", |dir| dir.no_requirements()).build();
    let output = wharf(&sandbox, &repo).args(["adopt", "--json"]).run();
    let json = output.assert_code(0).json();
    assert_eq!((&json["files"], &json["native"]), (&serde_json::json!([]), &serde_json::json!(["infra"])));
    assert_eq!(repo.git(&["status", "--short"]), "");
}

/// On Docker: the image that was built before is the one that is asked for afterwards, and the tests say the same. What people type says
/// the same, too: their entry point reads the command.
#[test]
fn images_mounts_and_verdicts_are_the_same_before_and_after() {
    if !engines().contains(&EngineKind::Docker) {
        return;
    }
    let sandbox = Sandbox::new();
    let name = older_name("adopt");
    let repo = older::workspace(&sandbox, &name);
    let _images = Images(&sandbox, name.clone());
    let links = sandbox.path().join("links");
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).args(["self", "link"]).arg(&links).run().assert_code(0);
    let in_alpha = |program: &str, args: &[&str]| {
        let command = sandbox.command(links.join(program)).env("WHARF_ENGINE", "docker").env("ONLY_HERE", "host");
        command.cwd(repo.join("alpha")).args(args).deadline(std::time::Duration::from_secs(500)).run()
    };
    let command = r#"X="a  'b'"; echo "$X" | tr a-z A-Z; pwd; echo "[$ONLY_HERE] $CSFY_GIT_ROOT_PATH" | cat"#;
    let look = || {
        let tests = in_alpha("main_pytest.py", &["run_fast_tests", "--dir", "alpha"]);
        tests.assert_code(0).stderr_contains("+ wharf test --suite fast --dir alpha\n");
        let printed = in_alpha("i", &["docker_cmd", "--cmd", command]);
        printed.assert_code(0).stderr_contains("+ wharf run -- bash -c");
        let dry = older_wharf(&sandbox, repo.join("alpha")).args(["run", "--dry-run", "--", "true"]).run();
        let line = dry.assert_code(0).stdout.clone();
        // The name of a container has the process's number.
        let line: Vec<String> =
            line.split_whitespace().filter(|word| !word.starts_with("wharf-")).map(str::to_owned).collect();
        assert!(line.iter().any(|word| word.contains("target=/app")), "{line:?}");
        let junit = repo.read("alpha/tmp.junit.xml");
        let verdict = |case: &str| (case.split('"').nth(1).unwrap_or_default().to_owned(), case.contains("<failure"));
        let verdicts: Vec<(String, bool)> = junit.split("<testcase ").skip(1).map(verdict).collect();
        assert!(!verdicts.is_empty(), "{junit}");
        (verdicts, printed.stdout.clone(), line)
    };
    let before = look();
    assert!(before.1.contains("A  'B'\n/app/alpha\n[] /app\n"), "{}", before.1);
    older_wharf(&sandbox, repo.path()).arg("adopt").run().assert_code(0).stderr_contains("9 dirs adopted");
    let after = look();
    assert_eq!(after, before);
    // No image was built anew for it.
    let images = older_wharf(&sandbox, repo.path()).args(["image", "ls", "--json"]).run().json();
    assert_eq!(images.as_array().map(Vec::len), Some(1), "{images}");
}

#[test]
fn a_submodule_that_is_not_populated_is_named_and_nothing_is_written() {
    let sandbox = Sandbox::new();
    let repo = older::unpopulated(&older::workspace(&sandbox, "full"), &sandbox, "bare");
    let output = wharf(&sandbox, &repo).arg("adopt").run();
    assert_ne!(output.code, Some(0), "{}", output.told());
    output.stderr_contains("helpers_root").stderr_contains("git submodule update --init");
    assert_eq!(repo.git(&["status", "--short"]), "");
}
