//! `wharf adopt`: from the older layout to the native one, with nothing else changed.

use wharf_testkit::{EngineKind, Repo, Sandbox, WharfCommand, engines, older, sample};

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
    let mut seen: Vec<String> = ["fast", "slow", "superslow"].map(|suite| run(&["test", "--suite", suite, "--plan"])).to_vec();
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
        .stderr_contains("devops/docker_build/dev.Dockerfile");
    assert_eq!(repo.git(&["status", "--short"]), "");
    let output = wharf(&sandbox, &repo).arg("adopt").run();
    output.assert_code(0).stderr_contains("9 dirs adopted").stderr_contains("are as they were");
    println!("{}", output.told());
    for (path, layout) in layouts(&sandbox, &repo) {
        assert_eq!(layout, if path == "helpers_root" { "helpers" } else { "native" }, "{path}");
    }
    assert_eq!(seen(&sandbox, &repo), before);
    // Small files: what all share stands at the root.
    let alpha = repo.read("alpha/devops/wharf.toml");
    assert!(alpha.contains("name = \"adopted-alpha\"") && alpha.contains("older-files = false"), "{alpha}");
    assert!(alpha.lines().count() < 20, "{alpha}");
    println!("{alpha}\n----\n{}", repo.read("wharf.toml"));
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
