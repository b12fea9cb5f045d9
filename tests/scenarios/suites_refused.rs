//! Suites, test lists and requirements that make no sense: refused with what was probably meant, before an engine is asked.

use wharf_testkit::{Output, Repo, Sandbox, sample};

use crate::testing::wharf;

fn repo(sandbox: &Sandbox, toml: &str) -> Repo {
    sample::workspace(sandbox).toml(toml).dir("alpha", |dir| dir.test("test_a.py", "def test_a(): pass\n")).build()
}

#[track_caller]
fn refused(sandbox: &Sandbox, repo: &Repo, code: i32, arguments: &[&str]) -> Output {
    let output = wharf(sandbox, repo).arg("test").args(arguments).env("PATH", "/nonexistent").run();
    output.assert_code(code);
    assert_eq!(output.stdout, "");
    output
}

#[test]
fn names_that_are_not_known() {
    let sandbox = Sandbox::new();
    let lists = "smoke = ['alpha']\nround = ['@trip']\ntrip = ['@round']\nlost = ['@smok']\n";
    let repo = repo(&sandbox, &format!("[test.lists]\n{lists}[test.requires]\nneeds_docker = 'docker'\n"));
    let refused = |code, arguments: &[&str]| refused(&sandbox, &repo, code, arguments);
    refused(2, &["--suite", "fats"]).stderr_contains("`fats`").stderr_contains("did you mean `--suite fast`?");
    refused(2, &["--suite", "quality"]).stderr_contains("all, fast, slow, superslow");
    refused(2, &["--list", "smokey"]).stderr_contains("did you mean `--list smoke`?");
    refused(3, &["--list", "lost"]).stderr_contains("`smok`, which list `lost` refers to").stderr_contains("`@smoke`");
    refused(3, &["--list", "round"]).stderr_contains("in a circle: round, trip, round");
    refused(2, &["--list", "@nowhere.txt"]).stderr_contains("`nowhere.txt` cannot be read");
    refused(2, &["--require", "dockr"]).stderr_contains("did you mean `--require docker`?");
    refused(2, &["--explain", "alpha/test_b.py::test_x"]).stderr_contains("is not there");
    refused(2, &["--collect", "--explain", "alpha/test_a.py"]);
    repo.write("list.txt", "alpha\n../outside\n");
    refused(3, &["--list", "list.txt"]).stderr_contains("list.txt, line 2: `../outside` is no entry");
    let output = wharf(&sandbox, &repo).args(["test", "--list", "smoke", "--suite", "slow", "--plan", "--json"]).run();
    let plan = output.assert_code(0).json();
    assert_eq!(plan["dirs"][0]["suite"]["names"], serde_json::json!(["slow"]));
    assert_eq!(plan["dirs"][0]["arguments"], serde_json::json!(["--ignore=devops", "-m", "slow and not superslow"]));
}

#[test]
fn configuration_that_cannot_be_used() {
    let sandbox = Sandbox::new();
    let case = |toml: &str, expected: &str| {
        let sandbox = Sandbox::new();
        let repo = repo(&sandbox, toml);
        refused(&sandbox, &repo, 3, &[]).stderr_contains(expected);
    };
    case("[test.suites.fast]\nmarker = 'x'\n", "test.suites.fast.markers");
    case("[test.suites.fast]\ntimeout = 5\n", "test.suites.fast.timeout");
    case("[test.suites.fast]\nretries = 11\n", "0 to 10");
    case("[test.suites]\nfast = 'not slow'\n", "a table");
    case("[test.suites.\"a b\"]\nmarkers = 'x'\n", "letters, digits");
    case("[test.lists]\nsmoke = ['/etc']\n", "a test id, a file");
    case("[test.requires]\nneeds = 'dockr'\n", "`docker`, `network`, `gpu`");
    case("[test]\nsuite = 'fats'\n", "`fats`");
    let repo = repo(&sandbox, "[test.suites.fast]\ntimeout = '5s'\n");
    let shown = wharf(&sandbox, &repo).args(["config", "show", "--json"]).run().assert_code(0).json();
    let fast = serde_json::json!({ "markers": "not slow and not superslow", "timeout": "5s" });
    assert_eq!(shown["test"]["suites"]["fast"], fast, "one key changes, the rest stays");
}

#[test]
fn a_suite_of_one_dir_only_is_run_there() {
    let sandbox = Sandbox::new();
    let repo = sample::workspace(&sandbox)
        .dir("alpha", |dir| dir.test("test_a.py", "").toml("[test.suites.gpu]\nmarkers = 'gpu'\n"))
        .dir("beta", |dir| dir.test("test_b.py", ""))
        .build();
    let plan = wharf(&sandbox, &repo).args(["test", "--suite", "gpu", "--plan", "--json"]).run().assert_code(0).json();
    let paths: Vec<&str> = plan["dirs"].as_array().unwrap().iter().filter_map(|dir| dir["path"].as_str()).collect();
    assert_eq!(paths, ["alpha"]);
    let text =
        wharf(&sandbox, &repo).args(["test", "--suite", "gpu", "--dir", "beta"]).env("PATH", "/nonexistent").run();
    text.assert_code(0).stderr_contains("no runnable dir has such a suite");
}

#[test]
fn names_complete() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox, "[test.lists]\nsmoke = ['alpha']\n[test.requires]\nneeds_docker = 'docker'\n");
    let complete = |words: &[&str]| {
        let command = wharf(&sandbox, &repo).args(["--", "wharf", "test"]).args(words);
        let index = (words.len() + 1).to_string();
        command.env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", index).run().assert_code(0).stdout.clone()
    };
    assert_eq!(complete(&["--suite", "s"]).split_whitespace().collect::<Vec<_>>(), ["slow", "superslow"]);
    assert_eq!(complete(&["--list", "s"]), "smoke");
    assert_eq!(complete(&["--require", "d"]), "docker");
}
