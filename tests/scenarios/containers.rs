//! `wharf ps`, `logs`, `stop` and `prune`: what Wharf started, and only that.

use serde_json::Value;
use wharf_testkit::{EngineKind, Repo, Running, Sandbox, Signal, WharfCommand, engines, sample};

const NO_PYTHON: &str = "[python]\nmanager = \"none\"\n";

fn wharf(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> WharfCommand {
    sandbox.command(env!("CARGO_BIN_EXE_wharf")).cwd(repo.path()).args(["--engine", engine.name()])
}

fn repo(sandbox: &Sandbox) -> Repo {
    let fill = |dir: sample::Dir| dir.no_requirements().toml(NO_PYTHON);
    sample::workspace(sandbox).name("started").dir("infra", fill).dir("ml", fill).build()
}

/// Something that runs until it is ended.
fn start(sandbox: &Sandbox, repo: &Repo, engine: EngineKind) -> Running {
    let script = "echo started here; while :; do sleep 0.1; done";
    let running = wharf(sandbox, repo, engine).args(["run", "infra", "--", "sh", "-c", script]).spawn();
    running.wait_stdout_contains("started here");
    running
}

fn names(listed: &Value) -> Vec<String> {
    let rows = listed.as_array().expect("an array").iter();
    rows.map(|row| row["name"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn what_runs_is_listed_shown_and_ended() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let run = |args: &[&str]| wharf(&sandbox, &repo, engine).args(args).run();
        assert_eq!(run(&["ps", "--json"]).json(), serde_json::json!([]));
        let running = start(&sandbox, &repo, engine);
        // The engine may call it created for a moment after its first output.
        let listed = std::iter::repeat_with(|| run(&["ps", "--json"]).json());
        let listed = listed.take(100).find(|listed| listed[0]["state"] == "running").expect("it runs");
        let found = names(&listed);
        assert_eq!(found.len(), 1, "{engine}: {listed}");
        let name = found[0].as_str();
        let row = &listed[0];
        assert_eq!((&row["dir"], &row["verb"], &row["state"]), (&"infra".into(), &"run".into(), &"running".into()));
        assert_eq!(row["root"], repo.path().to_string_lossy().as_ref());
        run(&["ps"]).assert_code(0).stdout_contains(name).stdout_contains("  infra  run  ");
        run(&["ps", "--all-workspaces"]).assert_code(0).stdout_contains(name);

        if engine.has_containers() {
            assert_eq!(run(&["logs", "infra"]).assert_code(0).stdout, "started here\n");
            assert_eq!(run(&["logs", name]).assert_code(0).stdout, "started here\n");
            run(&["stop", "infra", "--dry-run"])
                .assert_code(0)
                .stdout_contains(&format!("{engine} stop --time 10 {name}\n"));
        } else {
            run(&["logs", "infra"]).assert_code(4).stderr_contains("engine `host` keeps no log");
            run(&["stop", "infra", "--dry-run"]).assert_code(0).stdout_contains("kill -TERM ");
        }
        // Not what is left behind, not of that dir, not of this workspace: it goes on.
        assert_eq!(run(&["prune"]).assert_code(0).stdout, "");
        run(&["stop"]).assert_code(2).stderr_contains(&format!("\n  wharf stop {name}  (run of `infra`, running)"));
        run(&["stop", "ml"]).assert_code(0).stderr_contains("nothing of that runs");
        run(&["stop", "nothing-of-that-name"]).assert_code(2).stderr_contains("wharf ps");
        let other = Sandbox::new();
        let elsewhere = self::repo(&other);
        assert_eq!(names(&wharf(&other, &elsewhere, engine).args(["ps", "--json"]).run().json()), [""; 0]);
        wharf(&other, &elsewhere, engine).args(["stop", "--all"]).run().assert_code(0);
        assert_eq!(names(&run(&["ps", "--json"]).json()), [name]);

        let stopped = run(&["stop", "infra", "--time", "1"]);
        assert_eq!(stopped.assert_code(0).stdout, format!("{name}\n"));
        let code = running.wait().code;
        assert!(matches!(code, Some(137 | 143)), "{engine}: {code:?}");
        assert_eq!(names(&run(&["ps", "--json"]).json()), [""; 0]);
        run(&["stop", "--all"]).assert_code(0);
    }
}

#[test]
fn what_a_killed_wharf_left_is_removed_by_the_next_command() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox);
        let run = |args: &[&str]| wharf(&sandbox, &repo, engine).args(args).run();
        let running = start(&sandbox, &repo, engine);
        let name = names(&run(&["ps", "--json"]).json()).remove(0);
        running.signal(Signal::KILL);
        // Seen as left behind once the process is gone; a dry run removes nothing.
        let wait = std::time::Instant::now();
        while run(&["prune", "--dry-run"]).assert_code(0).stdout.is_empty() {
            assert!(wait.elapsed().as_secs() < 30, "{engine}: {name} is not seen as left behind");
        }
        let planned = run(&["prune", "--dry-run"]);
        planned.assert_code(0).stderr_contains("would remove 1");
        if engine.has_containers() {
            planned.stdout_contains(&format!("{engine} rm --force --volumes ")).stdout_contains(&name);
        }
        assert_eq!(run(&["prune"]).assert_code(0).stdout, format!("{name}\n"));
        run(&["prune"]).assert_code(0).stderr_contains("nothing is left behind");
        drop(running);

        let running = start(&sandbox, &repo, engine);
        let name = names(&run(&["ps", "--json"]).json()).remove(0);
        running.signal(Signal::KILL);
        let output = run(&["run", "ml", "--", "sh", "-c", "sleep 1; echo done"]);
        output.assert_code(0).stderr_contains(&format!("removed what a killed wharf left behind: {name}"));
        assert_eq!(names(&run(&["ps", "--json"]).json()), [""; 0]);
        drop(running);
    }
}

#[test]
fn what_to_stop_must_be_said() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    wharf(&sandbox, &repo, EngineKind::Host).arg("stop").run().assert_code(2);
    wharf(&sandbox, &repo, EngineKind::Host).arg("logs").run().assert_code(2);
    for command in [&["ps"][..], &["prune"], &["stop", "--all"], &["logs", "x"]] {
        let output = sandbox.command(env!("CARGO_BIN_EXE_wharf")).args(command).run();
        output.assert_code(4).stderr_contains("is not in a Git repo");
    }
}
