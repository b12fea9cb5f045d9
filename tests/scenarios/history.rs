//! What earlier runs of `wharf test` say: slow, flaky, limits, durations, the order of dirs.

use serde_json::Value;
use wharf_testkit::{EngineKind, Repo, Sandbox, sample};

use crate::testing::{Report, wharf, wharf_test};

/// One test depends on a file that Git does not see.
const SOMETIMES: &str = "\
import os, time

def test_good(): time.sleep(0.05)

def test_sometimes(): assert not os.path.exists('__pycache__/fail')
";

fn repo(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox).dir("alpha", |dir| dir.test("tests/test_a.py", SOMETIMES)).build()
}

/// `wharf test` where there is no engine to be had: a question to the history needs none.
fn ask(sandbox: &Sandbox, repo: &Repo, arguments: &[&str]) -> wharf_testkit::Output {
    wharf(sandbox, repo).arg("test").args(arguments).env("PATH", "/nonexistent").run()
}

#[test]
fn what_tests_did_is_remembered() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let run = |code| wharf_test(&sandbox, &repo, EngineKind::Docker, &["--no-cache"]).run().assert_code(code).clone();
    ask(&sandbox, &repo, &["flaky"]).assert_code(4).stderr_contains("no run of tests is recorded");
    run(0);
    ask(&sandbox, &repo, &["flaky"]).assert_code(0).stderr_contains("no test both passed and failed");
    repo.write("alpha/__pycache__/fail", "");
    run(1);
    run(1);

    let flaky = ask(&sandbox, &repo, &["flaky", "--json"]).assert_code(0).json();
    assert_eq!(flaky.as_array().map(Vec::len), Some(1), "{flaky:#}");
    let id = "alpha/tests/test_a.py::test_sometimes";
    assert_eq!((&flaky[0]["id"], &flaky[0]["runs"], &flaky[0]["both"]), (&id.into(), &3.into(), &1.into()));
    ask(&sandbox, &repo, &["flaky"]).assert_code(0).stdout_contains("67 %").stdout_contains(id);

    let commit = repo.git(&["rev-parse", "HEAD"]);
    let history = ask(&sandbox, &repo, &["history", id, "--json"]).assert_code(0).json();
    let told = |field: &str| -> Vec<Value> {
        history.as_array().into_iter().flatten().map(|one| one[field].clone()).collect()
    };
    assert_eq!(told("run"), [3, 2, 1]);
    assert_eq!(told("verdict"), ["failed", "failed", "passed"]);
    assert!(told("commit").iter().all(|told| told.as_str() == Some(commit.trim())), "{history:#}");
    assert!(told("image").iter().all(|image| image.as_str().is_some_and(|image| image.contains("sample"))));
    let of_file = ask(&sandbox, &repo, &["history", "./alpha/tests/test_a.py"]).assert_code(0).stdout.clone();
    assert!(of_file.contains("test_good") && of_file.contains(&commit[..9]), "{of_file}");
    ask(&sandbox, &repo, &["history", "alpha/gone.py"]).assert_code(4).stderr_contains("no run of `alpha/gone.py`");
    ask(&sandbox, &repo, &["history"]).assert_code(2).stderr_contains("wants one test");

    let slowest = ask(&sandbox, &repo, &["--slowest", "1", "--json"]).assert_code(0).json();
    assert_eq!(slowest["tests"][0]["id"], "alpha/tests/test_a.py::test_good");
    assert_eq!(slowest["tests"].as_array().map(Vec::len), Some(1));
    assert_eq!(slowest["files"][0]["runs"], 3);
    assert!(slowest["tests"][0]["median"].as_f64().is_some_and(|median| median >= 0.05), "{slowest:#}");
    ask(&sandbox, &repo, &["--slowest"]).assert_code(0).stdout_contains("test_sometimes");

    let limits = ask(&sandbox, &repo, &["--propose-timeouts"]).assert_code(0).stdout.clone();
    assert!(
        limits.contains("# alpha/devops/wharf.toml: in 3 runs") && limits.contains("[test]\ntimeout = \""),
        "{limits}"
    );
}

#[test]
fn a_damaged_history_is_noted_once_and_stops_nothing() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let run = || wharf_test(&sandbox, &repo, EngineKind::Docker, &["--no-cache"]).run().assert_code(0).clone();
    repo.write(".wharf/.gitignore", "*\n").write(".wharf/history", "no history at all");
    run().stdout_contains("the history of tests was damaged");
    assert_eq!(repo.read(".wharf/history.damaged"), "no history at all");
    run().stdout_lacks("damaged");
    repo.write(".wharf/history", "wharf-history 3\n");
    run().stdout_contains("was written by a later wharf");
    assert_eq!(repo.read(".wharf/history"), "wharf-history 3\n");
    ask(&sandbox, &repo, &["--slowest"]).assert_code(4).stderr_contains("was written by a later wharf");
}

#[test]
fn what_takes_longest_starts_first() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("alpha", |dir| dir.test("test_a.py", "def test_a(): pass\n").test("test_b.py", "def test_b(): pass\n"))
        .dir("beta", |dir| {
            dir.toml("[image]\nfrom = \"//alpha\"\n")
                .no_requirements()
                .test("test_a.py", "import time\ndef test_a(): time.sleep(0.4)\n")
        })
        .build();
    let first = |run: u32| {
        wharf_test(&sandbox, &repo, EngineKind::Docker, &["--jobs", "1"]).run().assert_code(0);
        let report = Report::of_run(&repo, run);
        let waited = |dir: &str| report.dir(dir)["waited"].as_f64().expect("a dir has waited");
        if waited("alpha") < waited("beta") { "alpha" } else { "beta" }
    };
    assert_eq!(first(1), "alpha", "it has more test files");
    assert_eq!(first(2), "beta", "its tests take longer");
}

#[test]
fn durations_are_written_for_shards() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    wharf_test(&sandbox, &repo, EngineKind::Docker, &[]).run().assert_code(0);
    let written = ask(&sandbox, &repo, &["--write-durations"]);
    written.assert_code(0).stderr_contains("durations = \"test-durations.json\"");
    let text = repo.read("test-durations.json");
    let durations: Value = serde_json::from_str(&text).unwrap();
    assert!(durations["files"]["alpha/tests/test_a.py"].as_f64().is_some_and(|seconds| seconds > 0.04), "{text}");
    ask(&sandbox, &repo, &["--write-durations"]).assert_code(0).stderr_contains("is up to date");
    assert_eq!(repo.read("test-durations.json"), text);
    ask(&sandbox, &repo, &["--write-durations", "other.json"]).assert_code(0);
    assert_eq!(repo.read("other.json"), text);
    let root = repo.read("wharf.toml");
    repo.write("wharf.toml", format!("{root}\n[test]\ndurations = \"gone.json\"\n"));
    let plan = |arguments: &[&str]| wharf(&sandbox, &repo).args(["test", "--plan"]).args(arguments).run();
    plan(&[]).assert_code(0);
    plan(&["--shard", "1/2"]).assert_code(3).stderr_contains("--write-durations");
}
