//! `wharf test`: which tests run, and what is said where none do.

use wharf_testkit::{EngineKind, Output, Repo, Sandbox, engines, sample};

use crate::testing::{Report, wharf, wharf_test};

const SEVERAL: &str = "\
import pytest

def test_one(): pass

def test_two(): pass

@pytest.mark.net
def test_three(): pass

class TestMore:
    @pytest.mark.parametrize('n', [1, 2])
    def test_four(self, n): pass
";

fn repo(sandbox: &Sandbox) -> Repo {
    let fails = "def test_bad(): assert False\n\ndef test_good(): pass\n";
    sample::workspace(sandbox)
        .file("pytest.ini", "[pytest]\nmarkers = net: needs the network\naddopts = -p no:doctest\n")
        .dir("alpha", |dir| {
            dir.test("tests/test_a.py", SEVERAL).test("tests/unit/test_b.py", "def test_five(): pass\n").test(
                "test_c.py",
                "def test_settings(pytestconfig):\n    assert pytestconfig.getoption('plugins') and 'no:doctest' in pytestconfig.getoption('plugins')\n",
            )
        })
        .dir("alpha/nested", |dir| dir.test("test_n.py", "def test_nested(): pass\n"))
        .dir("beta", |dir| dir.test("test_a.py", fails))
        .dir("gamma", |dir| dir.file("gamma.py", ""))
        .dir(".", |dir| dir.test("test_root.py", "def test_root(): pass\n"))
        .file("loose/readme.txt", "")
        .sub_repo("libs/sub", |sub| {
            sub.file("test_not_root.py", "def test_of_sub(): pass\n")
                .dir("deep", |dir| dir.test("test_deep.py", "def test_deep(): pass\n"))
        })
        .build()
}

struct Case<'a> {
    sandbox: &'a Sandbox,
    repo: &'a Repo,
    runs: u32,
}

impl Case<'_> {
    /// Runs `wharf test` in a folder of the repo and gives the ids of the tests that ran.
    #[track_caller]
    fn ran_from(&mut self, folder: &str, code: i32, arguments: &[&str]) -> Vec<String> {
        self.runs += 1;
        let command = wharf_test(self.sandbox, self.repo, EngineKind::Docker, arguments);
        command.cwd(self.repo.join(folder)).run().assert_code(code);
        let report = Report::of_run(self.repo, self.runs);
        let mut ids = Vec::new();
        for dir in report.dirs() {
            let prefix = if dir == "." { String::new() } else { format!("{dir}/") };
            ids.extend(report.verdicts(dir).into_keys().map(|id| format!("{prefix}{id}")));
        }
        ids.sort();
        ids
    }

    #[track_caller]
    fn ran(&mut self, code: i32, arguments: &[&str]) -> Vec<String> {
        self.ran_from(".", code, arguments)
    }

    #[track_caller]
    fn refused(&self, code: i32, arguments: &[&str]) -> Output {
        let output = wharf(self.sandbox, self.repo).arg("test").args(arguments).env("PATH", "/nonexistent").run();
        output.assert_code(code);
        assert_eq!(output.stdout, "");
        output
    }
}

#[test]
fn each_test_runs_once_in_the_dir_that_it_belongs_to() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let mut case = Case { sandbox: &sandbox, repo: &repo, runs: 0 };
    let all = case.ran(1, &[]);
    let expected = [
        "alpha/nested/test_n.py::test_nested",
        "alpha/test_c.py::test_settings",
        "alpha/tests/test_a.py::TestMore::test_four[1]",
        "alpha/tests/test_a.py::TestMore::test_four[2]",
        "alpha/tests/test_a.py::test_one",
        "alpha/tests/test_a.py::test_three",
        "alpha/tests/test_a.py::test_two",
        "alpha/tests/unit/test_b.py::test_five",
        "beta/test_a.py::test_bad",
        "beta/test_a.py::test_good",
        "libs/sub/deep/test_deep.py::test_deep",
        "test_root.py::test_root",
    ];
    assert_eq!(all, expected);
    let report = Report::of_run(&repo, 1);
    assert_eq!(report.dirs(), [".", "alpha", "alpha/nested", "beta", "gamma", "libs/sub/deep"]);
    assert_eq!(report.dir("libs/sub/deep")["repo"], "libs/sub");
    assert_eq!(report.status("gamma"), "no-tests");
    assert_eq!(report.status("beta"), "failed");
    report.assert_verdicts("alpha/nested", &[("test_n.py::test_nested", "passed")]);
}

#[test]
fn paths_and_ids_narrow_it() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let mut case = Case { sandbox: &sandbox, repo: &repo, runs: 0 };
    let file = "alpha/tests/test_a.py";
    assert_eq!(case.ran(0, &["alpha/tests/unit"]), ["alpha/tests/unit/test_b.py::test_five"]);
    assert_eq!(case.ran(0, &["//alpha/tests/unit/test_b.py"]), ["alpha/tests/unit/test_b.py::test_five"]);
    assert_eq!(case.ran(0, &[&format!("{file}::test_one")]), [format!("{file}::test_one")]);
    assert_eq!(
        case.ran(0, &[&format!("{file}::TestMore"), "beta/test_a.py::test_good"]),
        [
            format!("{file}::TestMore::test_four[1]"),
            format!("{file}::TestMore::test_four[2]"),
            "beta/test_a.py::test_good".into()
        ]
    );
    let one = format!("{file}::TestMore::test_four[2]");
    assert_eq!(case.ran(0, &[&one]), std::slice::from_ref(&one));
    // From where the user stands.
    assert_eq!(case.ran_from("alpha/tests", 0, &["unit"]), ["alpha/tests/unit/test_b.py::test_five"]);
    assert_eq!(case.ran_from("alpha/tests", 0, &["../nested"]), ["alpha/nested/test_n.py::test_nested"]);
    let libs = case.ran(0, &["libs"]);
    assert_eq!(libs, ["libs/sub/deep/test_deep.py::test_deep"]);
    assert_eq!(
        case.ran(0, &["--dir", "alpha/nested", "--dir", "//libs/sub/deep"]),
        ["alpha/nested/test_n.py::test_nested", "libs/sub/deep/test_deep.py::test_deep"]
    );
}

#[test]
fn what_is_not_there_is_refused_with_what_is() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let case = Case { sandbox: &sandbox, repo: &repo, runs: 0 };
    case.refused(2, &["--dir", "alpah"]).stderr_contains("`alpah`").stderr_contains("alpha");
    case.refused(2, &["--dir", "alpha/tests"]).stderr_contains("`alpha`");
    case.refused(2, &["nowhere.py"]).stderr_contains("`nowhere.py` is not there").stderr_contains("wharf ls");
    case.refused(2, &["alpha/tests/nowhere.py::test_x"]).stderr_contains("is not there");
    let slips = [
        ("alpha/tests/test_aa.py", "//alpha/tests/test_a.py"),
        ("gamma/test_b.py::test_five", "//alpha/tests/unit/test_b.py::test_five"),
        ("alpah", "//alpha"),
    ];
    for (typed, meant) in slips {
        case.refused(2, &[typed]).stderr_contains(&format!("did you mean `{meant}`?"));
    }
    case.refused(2, &["../outside"]);
    case.refused(2, &["--timeout", "soon"]).stderr_contains("--timeout soon");
    case.refused(2, &["--retries", "many"]);
    case.refused(2, &["--jobs", "0"]);
    case.refused(2, &["--stage", "production"]);
    case.refused(4, &["--last-failed"]).stderr_contains("no earlier run").stderr_contains("`wharf test`");
    assert!(!repo.join(".wharf").exists(), "what is refused leaves nothing");
}

#[test]
fn no_runnable_dir_is_an_environment_that_is_not_ready() {
    let sandbox = Sandbox::new();
    let empty = sample::workspace(&sandbox).file("a.py", "").build();
    let output = wharf(&sandbox, &empty).arg("test").run();
    output.assert_code(4).stderr_contains("hint:").stderr_contains("wharf init");
    let plan = wharf(&sandbox, &empty).args(["test", "--plan", "--json"]).run();
    plan.assert_code(4);
}

#[test]
fn options_for_pytest_reach_it() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let mut case = Case { sandbox: &sandbox, repo: &repo, runs: 0 };
    let file = "alpha/tests/test_a.py";
    assert_eq!(
        case.ran(0, &["-k", "one or five"]),
        [format!("{file}::test_one"), "alpha/tests/unit/test_b.py::test_five".into()]
    );
    let report = Report::of_run(&repo, 1);
    assert_eq!(report.status("beta"), "no-tests", "{}", report.dir("beta"));
    assert_eq!(report.dir("beta")["summary"]["deselected"], 2);
    assert_eq!(case.ran(0, &["-m", "net"]), [format!("{file}::test_three")]);
    // None that matches is no failure, and is told.
    case.runs += 1;
    let none = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--dir", "alpha", "-k", "nothing_like_it"]).run();
    none.assert_code(0).stdout_contains("no tests");
    assert_eq!(Report::of_run(&repo, 3).status("alpha"), "no-tests");
    // Pytest's own.
    let stopped = case.ran(1, &["--dir", "beta", "--", "-x", "-q"]);
    assert!(stopped.contains(&"beta/test_a.py::test_bad".into()), "{stopped:?}");
    assert_eq!(
        Report::of_run(&repo, 4).verdicts("beta").get("test_a.py::test_good").map(String::as_str),
        Some("not-run")
    );
    let refused = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--dir", "beta", "--", "--no-such-option"]).run();
    assert!(matches!(refused.code, Some(1 | 4)), "{}", refused.told());
    refused.stdout_contains("--no-such-option");
    let report = Report::of_run(&repo, 5);
    assert_eq!(report.status("beta"), "not-run");
    assert!(report.cause("beta").contains("unrecognized arguments: --no-such-option"), "{}", report.cause("beta"));
}

#[test]
fn the_first_failure_stops_everything() {
    let sandbox = Sandbox::new();
    let long = "import time\ndef test_long(): time.sleep(100)\n";
    let late = "import time\ndef test_bad():\n    time.sleep(2)\n    assert False\n\ndef test_later(): pass\n";
    let repo = sample::workspace(&sandbox)
        .dir("a-long", |dir| dir.test("test_a.py", long))
        .dir("b-bad", |dir| dir.test("test_a.py", late))
        .dir("c-long", |dir| dir.test("test_a.py", long))
        .dir("d-never", |dir| {
            // Its image takes longer than the failure.
            dir.toml("[os]\nscripts = [\"slow.sh\"]\n")
                .file("devops/slow.sh", format!("#!/bin/sh\n# {}\nsleep 20\n", sandbox.path().display()))
                .test("test_a.py", "def test(): pass\n")
        })
        .build();
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &["--fail-fast", "-j", "3"]).run();
    output.assert_code(1);
    assert!(output.elapsed.as_secs() < 15, "{}", output.told());
    let report = Report::of_run(&repo, 1);
    assert_eq!(report.test("b-bad/test_a.py::test_bad")["verdict"], "failed");
    assert_eq!(report.test("b-bad/test_a.py::test_later")["verdict"], "not-run");
    assert_eq!(report.test("a-long/test_a.py::test_long")["verdict"], "not-run");
    assert_eq!((report.status("a-long"), report.status("b-bad")), ("interrupted", "failed"));
    assert_eq!(report.status("d-never"), "interrupted");
    assert_eq!(report.0["interrupted"], false);
}

#[test]
fn only_what_was_bad_runs_again() {
    let sandbox = Sandbox::new();
    let first = "import pytest\n@pytest.mark.parametrize('text', ['a b', 'c/d::e', 'ok'])\n\
        def test_text(text): assert text == 'ok'\n\ndef test_good(): pass\n";
    let repo = sample::workspace(&sandbox)
        .dir("one", |dir| dir.test("test_a.py", first).test("test_b.py", "def test(): pass\n"))
        .dir("syntax", |dir| dir.test("test_a.py", "def test(:\n").test("test_b.py", "def test(): pass\n"))
        .dir("never", |dir| {
            dir.toml("[os]\nscripts = [\"broken.sh\"]\n")
                .file("devops/broken.sh", "#!/bin/sh\nexit 1\n")
                .test("test_a.py", "def test(): pass\n")
        })
        .dir("good", |dir| dir.test("test_a.py", "def test(): pass\n"))
        .build();
    let test = |arguments: &[&str]| wharf_test(&sandbox, &repo, EngineKind::Docker, arguments).run();
    test(&[]).assert_code(1);
    assert_eq!(Report::of_run(&repo, 1).status("never"), "not-run");
    test(&["--last-failed"]).assert_code(1);
    let again = Report::of_run(&repo, 2);
    assert_eq!(again.dirs(), ["never", "one", "syntax"]);
    again
        .assert_verdicts("one", &[("test_a.py::test_text[a b]", "failed"), ("test_a.py::test_text[c/d::e]", "failed")]);
    assert_eq!(again.verdicts("syntax")["test_a.py"], "error");
    // Mended, all of it: those that had no turn for the syntax error run too.
    repo.write("one/test_a.py", first.replace("== 'ok'", "!= ''"));
    repo.write("syntax/test_a.py", "def test(): pass\n");
    repo.write("never/devops/broken.sh", "#!/bin/sh\n");
    test(&["--last-failed"]).assert_code(0);
    let mended = Report::of_run(&repo, 3);
    assert_eq!(mended.0["summary"]["passed"], 2 + 2 + 1, "{:#}", mended.0);
    let nothing = test(&["--last-failed"]);
    nothing.assert_code(0).stderr_contains("nothing was bad in the last run");
}

#[test]
fn the_plan_needs_no_engine() {
    let sandbox = Sandbox::new();
    let repo = repo(&sandbox);
    let plan = |arguments: &[&str]| {
        let output = wharf(&sandbox, &repo).arg("test").args(arguments).env("PATH", "/nonexistent").run();
        output.assert_code(0);
        output
    };
    let text = plan(&["--plan", "-k", "one"]);
    text.stdout_contains("alpha/nested").stdout_contains("--ignore=nested").stdout_contains("-k one");
    text.stdout_contains("nothing to run");
    let json = plan(&["--plan", "--json"]).json();
    let dirs: Vec<&str> = json["dirs"].as_array().unwrap().iter().map(|dir| dir["path"].as_str().unwrap()).collect();
    assert_eq!(dirs, [".", "alpha", "alpha/nested", "beta", "gamma", "libs/sub/deep"]);
    assert_eq!(json["dirs"][1]["test_files"], 3);
    assert_eq!(json["dirs"][4]["runs"], false);
    assert_eq!(plan(&["--plan", "--json", "beta"]).json()["dirs"].as_array().unwrap().len(), 1);
    assert!(!repo.join(".wharf").exists(), "a plan leaves nothing");
}

#[test]
fn odd_names_are_tested_as_any_other() {
    let odd = ["with space", "Ünï/çödé", "-dash", "UPPER", "quote's \"$(x)`", "comma,colon"];
    let test = "import pytest\n\ndef test_good(): pass\n\n\
        @pytest.mark.parametrize('text', ['a b', '-x', 'ß\\n', '::'])\ndef test_bad(text): assert False\n";
    for engine in engines() {
        let sandbox = Sandbox::new();
        let mut workspace = sample::workspace(&sandbox).name("Work_1.x").dir(".", |dir| dir.test("test_r.py", test));
        for path in odd {
            workspace = workspace.dir(path, |dir| dir.test("te st/test_ö ä.py", test));
        }
        let repo = workspace.build();
        let test = |arguments: &[&str]| wharf_test(&sandbox, &repo, engine, arguments).run();
        test(&[]).assert_code(1);
        let report = Report::of_run(&repo, 1);
        assert_eq!(report.dirs().len(), 7);
        for dir in odd {
            let verdicts = report.verdicts(dir);
            assert_eq!(verdicts.len(), 5, "{engine} {dir}: {:#}", report.dir(dir));
            assert_eq!(verdicts["te st/test_ö ä.py::test_good"], "passed");
            let log = report.dir(dir)["log"].as_str().expect("it has a log");
            assert!(repo.read(format!(".wharf/runs/1/{log}")).contains("test_bad"), "{engine} {dir}");
        }
        assert_eq!(report.verdicts(".").len(), 5, "those of nested dirs are not its own");
        if engine == EngineKind::Podman {
            // The selections below reach pytest as those of Docker do.
            continue;
        }
        test(&["--last-failed", "with space", "--", "-q"]).assert_code(1);
        let again = Report::of_run(&repo, 2);
        assert_eq!(again.dirs(), ["with space"]);
        assert_eq!(again.dir("with space")["summary"]["failed"], 4, "{:#}", again.dir("with space"));
        assert_eq!(again.dir("with space")["summary"]["passed"], 0);
        test(&["--dir=-dash", "./-dash/te st/test_ö ä.py::test_good"]).assert_code(1);
        test(&["./-dash/te st/test_ö ä.py::test_good"]).assert_code(0);
        assert_eq!(Report::of_run(&repo, 4).verdicts("-dash").len(), 1);
    }
}
