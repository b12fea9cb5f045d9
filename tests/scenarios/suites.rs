//! `wharf test`: suites, test lists, requirements, and what only looks.

use wharf_testkit::{EngineKind, Output, Repo, Sandbox, sample};

use crate::testing::{Report, wharf_test};

const TOML: &str = r#"[test.suites.fast]
timeout = "20s"
[test.suites.brief]
markers = "brief"
budget = "1ms"
[test.lists]
smoke = ["alpha/tests/test_a.py::test_fast", "be*/**/test_*.py", "!beta/test_b.py::TestMore"]
wide = ["@smoke", "alpha/tests/test_a.py::test_slow"]
lost = ["alpha/tests/test_a.py::test_gone", "gone/**", "alpha/tests/test_a.py::test_fast"]
[test.requires]
needs_variable = "env:NO_SUCH_VARIABLE"
needs_python = "command:python3"
needs_docker = "docker"
"#;

const MARKED: &str = "\
import pytest

def test_fast(): pass

@pytest.mark.slow
def test_slow(): pass

@pytest.mark.superslow
@pytest.mark.slow
def test_superslow(): pass

@pytest.mark.brief
@pytest.mark.slow
def test_brief():
    import time
    time.sleep(0.05)
";

const NEEDS: &str = "\
import pytest

@pytest.fixture
def never():
    raise RuntimeError('a fixture was set up')

class TestMore:
    @pytest.mark.parametrize('n', [1, 2])
    def test_more(self, n): pass

@pytest.mark.needs_variable
def test_variable(never): pass

@pytest.mark.needs_python
def test_python(): pass

@pytest.mark.needs_docker
def test_docker(never): pass
";

const ALL: [&str; 9] = [
    "alpha/tests/test_a.py::test_brief",
    "alpha/tests/test_a.py::test_fast",
    "alpha/tests/test_a.py::test_slow",
    "alpha/tests/test_a.py::test_superslow",
    "beta/test_b.py::TestMore::test_more[1]",
    "beta/test_b.py::TestMore::test_more[2]",
    "beta/test_b.py::test_docker",
    "beta/test_b.py::test_python",
    "beta/test_b.py::test_variable",
];

fn repo(sandbox: &Sandbox) -> Repo {
    sample::workspace(sandbox)
        .toml(TOML)
        .file("pytest.ini", "[pytest]\nmarkers =\n  slow: long\n  superslow: longer\n  brief: short\n")
        .dir("alpha", |dir| dir.test("tests/test_a.py", MARKED))
        .dir("beta", |dir| dir.test("test_b.py", NEEDS))
        .build()
}

struct Case<'a> {
    sandbox: &'a Sandbox,
    repo: &'a Repo,
    runs: u32,
}

impl Case<'_> {
    fn run(&mut self, code: i32, arguments: &[&str]) -> (Output, Report) {
        self.runs += 1;
        let output = wharf_test(self.sandbox, self.repo, EngineKind::Docker, arguments).run();
        output.assert_code(code);
        (output, Report::of_run(self.repo, self.runs))
    }

    /// The ids of the tests that ran.
    #[track_caller]
    fn ran(&mut self, code: i32, arguments: &[&str]) -> Vec<String> {
        let (_, report) = self.run(code, arguments);
        let dirs = report.dirs().into_iter();
        let mut ids: Vec<String> =
            dirs.flat_map(|dir| report.verdicts(dir).into_keys().map(move |id| format!("{dir}/{id}"))).collect();
        ids.sort();
        ids
    }

    /// `--collect` or `--explain`, which is no run.
    #[track_caller]
    fn look(&self, code: i32, arguments: &[&str]) -> Output {
        let output = wharf_test(self.sandbox, self.repo, EngineKind::Docker, arguments).run();
        output.assert_code(code);
        output
    }
}

#[test]
fn suites_run_by_marker_and_lists_by_id() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let mut case = Case { sandbox: &sandbox, repo: &repo, runs: 0 };
    assert_eq!(case.ran(0, &["--suite", "superslow"]), ["alpha/tests/test_a.py::test_superslow"]);
    let slow = case.ran(0, &["--suite", "slow", "--suite", "superslow", "-m", "not brief", "alpha"]);
    assert_eq!(slow, ["alpha/tests/test_a.py::test_slow", "alpha/tests/test_a.py::test_superslow"]);
    // Pytest's own `-m` does not take the suite's away.
    let both = case.ran(0, &["--suite", "slow", "alpha", "--", "-m", "brief"]);
    assert_eq!(both, ["alpha/tests/test_a.py::test_brief"]);
    // A list, one in another, what is excluded, and a suite with it.
    let smoke = [
        "alpha/tests/test_a.py::test_fast",
        "beta/test_b.py::test_docker",
        "beta/test_b.py::test_python",
        "beta/test_b.py::test_variable",
    ];
    let (output, report) = case.run(0, &["--list", "smoke"]);
    output.stderr_lacks("matches no test");
    let ran = report.verdicts("alpha").len() + report.verdicts("beta").len();
    assert_eq!((ran, report.verdicts("alpha").len()), (smoke.len(), 1));
    assert_eq!(case.ran(0, &["--list", "wide", "--suite", "slow"]), ["alpha/tests/test_a.py::test_slow"]);
    // From a file.
    repo.write("few.txt", "# what matters\n\nalpha/tests/test_a.py::test_fast\n@lost\n");
    let (output, report) = case.run(0, &["--list", "few.txt"]);
    assert_eq!(report.dirs(), ["alpha"]);
    report.assert_verdicts("alpha", &[("tests/test_a.py::test_fast", "passed")]);
    output.stdout_contains("list `lost`: `alpha/tests/test_a.py::test_gone` matches no test");
    output.stdout_contains("list `lost`: `gone/**` matches no test").stdout_lacks("test_fast` matches");
    // An entry without a file is refused before anything runs; one without a test, when that is known.
    case.look(5, &["--list", "@few.txt", "--strict"]).stderr_contains("`gone/**`").stderr_lacks("test_gone");
    repo.write("few.txt", "alpha/tests/test_a.py::test_fast\nalpha/tests/test_a.py::test_gone\n");
    let (_, report) = case.run(5, &["--list", "few.txt", "--strict"]);
    assert_eq!(report.status("alpha"), "passed");
    assert_eq!(report.0["problems"][0], "list `few.txt`, line 2: `alpha/tests/test_a.py::test_gone` matches no test");
    // A file that is named as it is counts, whatever it is called.
    repo.write("alpha/checks.py", "def test_odd(): pass\n").write("few.txt", "//alpha/checks.py\n");
    assert_eq!(case.ran(0, &["--list", "few.txt", "--strict"]), ["alpha/checks.py::test_odd"]);
    // More time than the budget has.
    let (output, report) = case.run(0, &["--suite", "brief"]);
    report.assert_verdicts("alpha", &[("tests/test_a.py::test_brief", "passed")]);
    output.stdout_contains("more than the 1ms that suite `brief` may take");
    case.run(5, &["--suite", "brief", "--strict"]);
    // All, and the suite that the configuration names.
    assert_eq!(case.ran(0, &["--suite", "all"]), ALL);
    repo.write("wharf.toml", repo.read("wharf.toml") + "[test]\nsuite = \"fast\"\n");
    assert_eq!(case.ran(0, &["alpha"]), ["alpha/tests/test_a.py::test_fast"]);
    // What is named closely is not left out by a suite that nobody asked for.
    assert_eq!(case.ran(0, &["alpha/tests/test_a.py::test_slow"]), ["alpha/tests/test_a.py::test_slow"]);
    assert_eq!(case.ran(0, &["alpha", "--suite", "brief"]), ["alpha/tests/test_a.py::test_brief"]);
}

#[test]
fn what_is_lacking_skips_or_fails() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let mut case = Case { sandbox: &sandbox, repo: &repo, runs: 0 };
    let (_, report) = case.run(0, &["beta"]);
    assert_eq!(report.dir("beta")["summary"]["skipped"], 2);
    let told = &report.test("beta/test_b.py::test_variable")["message"];
    assert_eq!(told, "requires env:NO_SUCH_VARIABLE, which is not here: the variable is not set");
    let docker = report.test("beta/test_b.py::test_docker")["message"].as_str().unwrap();
    assert!(docker.starts_with("requires docker, which is not here: "), "{docker}");
    assert_eq!(report.test("beta/test_b.py::test_python")["verdict"], "passed");
    let (output, report) = case.run(1, &["beta", "--require", "env:NO_SUCH_VARIABLE"]);
    assert_eq!(report.test("beta/test_b.py::test_variable")["verdict"], "error");
    assert_eq!(report.test("beta/test_b.py::test_docker")["verdict"], "skipped");
    output.stdout_contains("requires env:NO_SUCH_VARIABLE, which is not here");
    let (_, report) = case.run(1, &["beta", "--require=needs_docker"]);
    assert_eq!(report.test("beta/test_b.py::test_docker")["verdict"], "error");
}

#[test]
fn tests_are_collected_without_a_run() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let case = Case { sandbox: &sandbox, repo: &repo, runs: 0 };
    let text = case.look(0, &["--collect"]);
    let mut ids: Vec<&str> = text.stdout.lines().collect();
    ids.sort_unstable();
    assert_eq!(ids, ALL);
    text.stderr_contains("alpha: 4 tests").stderr_contains("beta: 5 tests");
    let json = case.look(0, &["--collect", "--json", "--suite", "fast", "alpha"]).json();
    assert_eq!(json["dirs"][0]["path"], "alpha");
    assert_eq!(json["dirs"][0]["tests"], serde_json::json!(["alpha/tests/test_a.py::test_fast"]));
    assert_eq!(json["dirs"][0]["deselected"], 3);
    assert!(!repo.join(".wharf/runs").exists() && !repo.join(".wharf/last-failed.json").exists(), "nothing ran");
    // What it prints is a list.
    repo.write("list.txt", &*text.stdout);
    let again = case.look(0, &["--collect", "--list", "list.txt"]);
    assert_eq!(again.stdout, text.stdout);
    repo.write("beta/test_c.py", "import no_such_module\n");
    let broken = case.look(1, &["--collect", "beta"]);
    broken.stderr_contains("`beta/test_c.py` cannot be collected").stderr_contains("no_such_module");
}

#[test]
fn a_test_is_explained() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let case = Case { sandbox: &sandbox, repo: &repo, runs: 0 };
    let id = "alpha/tests/test_a.py::test_slow";
    let told = case.look(0, &["--explain", id, "--suite", "fast", "--list", "smoke", "-k", "slow"]);
    told.stdout_contains(&format!("{id} is not selected\n  + runnable dir `alpha` has it\n"));
    told.stdout_contains("- suite `fast`, which is `not slow and not superslow`, leaves it out: it is marked slow");
    told.stdout_contains("+ `-k 'slow'` takes it").stdout_contains("- no entry of the test lists names it");
    let json = case.look(0, &["--explain", "beta/test_b.py::TestMore", "--list=smoke", "--json"]).json();
    assert_eq!(json["tests"].as_array().unwrap().len(), 2);
    assert_eq!(json["tests"][0]["selected"], false);
    assert_eq!(json["tests"][0]["lines"][1]["text"], "entry `!beta/test_b.py::TestMore` of list `smoke` leaves it out");
    let needs = case.look(0, &["--explain", "beta/test_b.py::test_variable", "--require", "all"]);
    needs.stdout_contains("is selected").stdout_contains(
        "· marker `needs_variable` requires env:NO_SUCH_VARIABLE, which is not here and demanded by `--require`, so it fails",
    );
    case.look(0, &["--explain", "./beta/test_b.py::test_python", "alpha"])
        .stdout_contains("no path and no `--dir` names it");
    case.look(2, &["--explain", "alpha/tests/test_a.py::test_gone"])
        .stderr_contains("names no test")
        .stderr_contains("--collect");
    case.look(0, &["--explain", id]).stdout_contains("· no earlier run of it is remembered");
    repo.commit("as it is");
    case.look(0, &["alpha"]);
    let told = case.look(0, &["--explain", id, "--affected", "--base", "HEAD"]);
    told.stdout_contains("· it last ran in run ").stdout_contains(": passed after ");
    told.stdout_contains("has changed since, so its verdict is known where image and command are the same");
    told.stdout_contains("- not affected: nothing that reaches it changed since HEAD")
        .stdout_contains("is not selected");
    repo.write("alpha/tests/test_a.py", format!("{MARKED}# more\n"));
    case.look(0, &["--explain", id])
        .stdout_contains("· changed since, and read by its file: `alpha/tests/test_a.py`, so it runs");
    repo.write("alpha/tests/test_a.py", "def (\n");
    case.look(4, &["--explain", id]).stderr_contains("cannot be collected");
}
