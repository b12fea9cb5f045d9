//! `wharf test`: every verdict that a test can get, on the engines, and what the report says of it.

use wharf_testkit::sample::Workspace;
use wharf_testkit::{EngineKind, Sandbox, engines, sample};

use crate::testing::{Report, wharf_test};

const OUTCOMES: &str = r#"
import asyncio
import unittest

import pytest

@pytest.fixture
def broken():
    raise RuntimeError("no database")

@pytest.fixture
def breaks_after():
    yield
    raise RuntimeError("cannot close")

def test_passes(): print("said by a passing test")

def test_fails():
    print("said by a failing test")
    assert 1 == 2, "one is not two"

def test_error_before(broken): pass

def test_error_after(breaks_after): pass

def test_fails_and_breaks_after(breaks_after): assert False

def test_skips(): pytest.skip("not today")

@pytest.mark.skip(reason="never")
def test_marked_skip(): pass

@pytest.mark.xfail(reason="known bug")
def test_xfails(): assert False

@pytest.mark.xfail
def test_xpasses(): pass

@pytest.mark.xfail(strict=True)
def test_xpasses_strictly(): pass

@pytest.mark.parametrize("value", [1, "a b", "ü/:[]"])
def test_parametrised(value): assert value != "a b"

class TestClass:
    def test_method(self): pass

class Old(unittest.TestCase):
    def setUp(self): self.value = 1

    def test_unit(self): self.assertEqual(self.value, 1)

    def test_unit_fails(self): self.assertEqual(self.value, 2)

    def test_sub_tests(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertEqual(n, n)

    @unittest.skip("old")
    def test_unit_skips(self): pass

    @unittest.expectedFailure
    def test_unit_xfails(self): self.fail("x")

class OldAsync(unittest.IsolatedAsyncioTestCase):
    async def test_async_unit(self): await asyncio.sleep(0)
"#;

const EXPECTED: &[(&str, &str)] = &[
    ("test_all.py::test_passes", "passed"),
    ("test_all.py::test_fails", "failed"),
    ("test_all.py::test_error_before", "error"),
    ("test_all.py::test_error_after", "error"),
    ("test_all.py::test_fails_and_breaks_after", "failed"),
    ("test_all.py::test_skips", "skipped"),
    ("test_all.py::test_marked_skip", "skipped"),
    ("test_all.py::test_xfails", "xfailed"),
    ("test_all.py::test_xpasses", "xpassed"),
    ("test_all.py::test_xpasses_strictly", "failed"),
    ("test_all.py::test_parametrised[1]", "passed"),
    ("test_all.py::test_parametrised[a b]", "failed"),
    ("test_all.py::test_parametrised[\\xfc/:[]]", "passed"),
    ("test_all.py::TestClass::test_method", "passed"),
    ("test_all.py::Old::test_unit", "passed"),
    ("test_all.py::Old::test_unit_fails", "failed"),
    ("test_all.py::Old::test_sub_tests", "passed"),
    ("test_all.py::Old::test_unit_skips", "skipped"),
    ("test_all.py::Old::test_unit_xfails", "xfailed"),
    ("test_all.py::OldAsync::test_async_unit", "passed"),
];

const CRASHES: &str = r"
import os, ctypes, pytest
def test_before(): pass
def test_exits(): os._exit(0)
def test_between(): pass
def test_segfault(): ctypes.string_at(0)
def test_after(): pass
def test_killed():
    # The first process of a container is safe from its own signals.
    if os.getpid() == 1:
        pytest.skip('the first process')
    os.kill(os.getpid(), 9)
def test_last(): pass
";

const FLAKY: &str = r#"
import pathlib
MARK = pathlib.Path(__file__).with_name("mark")

def test_second_time():
    if not MARK.exists():
        MARK.write_text("")
        assert False, "the first time"

def test_never(): assert False

def test_always(): pass
"#;

/// What every engine must agree on.
fn outcomes(sandbox: &Sandbox) -> Workspace {
    sample::workspace(sandbox)
        .dir("outcomes", |dir| dir.test("test_all.py", OUTCOMES))
        .dir("broken", |dir| {
            dir.test("test_a_syntax.py", "def test(:\n")
                .test("test_b_import.py", "import no_such_module\n\ndef test(): pass\n")
                .test("test_c_skip.py", "import pytest\npytest.skip('no such thing here', allow_module_level=True)\n")
                .test("test_fine.py", "def test(): pass\n")
        })
        .dir("fine", |dir| dir.test("test_fine.py", "def test(): pass\n"))
}

#[test]
fn every_outcome_of_pytest_on_every_engine() {
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = outcomes(&sandbox).build();
        let output = wharf_test(&sandbox, &repo, engine, &[]).run();
        output.assert_code(1);
        let report = Report::of_run(&repo, 1);
        report.assert_verdicts("outcomes", EXPECTED);
        report.assert_verdicts("fine", &[("test_fine.py::test", "passed")]);
        // As pytest does: a file that cannot be collected keeps the others of its dir from being run.
        let broken = report.verdicts("broken");
        assert_eq!(broken["test_a_syntax.py"], "error");
        assert_eq!(broken["test_b_import.py"], "error");
        assert_eq!(broken["test_c_skip.py"], "skipped");
        assert!(broken.get("test_fine.py::test").is_none_or(|verdict| verdict == "not-run"), "{broken:?}");
        assert_eq!((report.status("outcomes"), report.status("fine")), ("failed", "passed"));
        assert_eq!(report.status("broken"), "failed");
        output.stdout_contains("No module named 'no_such_module'").stdout_contains("one is not two");
        output.stdout_lacks("\x1b");
        assert_eq!(report.0["engine"], engine.name());
        assert_eq!(repo.git(&["status", "--short"]), "", "{engine}: the work tree stays clean");
    }
}

#[test]
fn the_report_has_all_that_is_known() {
    let sandbox = Sandbox::new();
    let repo = outcomes(&sandbox).build();
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &[]).run();
    output.assert_code(1);
    let report = Report::of_run(&repo, 1);
    let (value, summary) = (&report.0, &report.0["summary"]);
    assert_eq!(value["schema"], 1);
    assert_eq!((&value["run"], &value["workspace"]), (&1.into(), &"sample".into()));
    assert_eq!((&value["exit_code"], &value["interrupted"]), (&1.into(), &false.into()));
    assert_eq!(value["command"], "wharf --engine docker test");
    assert_eq!(report.dirs(), ["broken", "fine", "outcomes"]);
    assert_eq!((&summary["passed"], &summary["skipped"], &summary["xfailed"]), (&8.into(), &4.into(), &2.into()));
    let failed = report.test("outcomes/test_all.py::test_fails");
    assert_eq!(failed["file"], "outcomes/test_all.py");
    assert_eq!(failed["phase"], "call");
    let line = 1 + OUTCOMES.lines().position(|line| line.starts_with("def test_fails(")).unwrap();
    assert_eq!(failed["line"], line);
    assert!(failed["message"].as_str().unwrap().contains("one is not two"), "{failed}");
    assert!(failed["longrepr"].as_str().unwrap().contains("assert 1 == 2"), "{failed}");
    assert_eq!(failed["sections"][0][1], "said by a failing test\n");
    assert_eq!(report.test("outcomes/test_all.py::test_error_before")["phase"], "setup");
    assert_eq!(report.test("outcomes/test_all.py::test_error_after")["phase"], "teardown");
    assert_eq!(report.test("outcomes/test_all.py::test_skips")["message"], "not today");
    assert_eq!(report.test("outcomes/test_all.py::test_xfails")["message"], "known bug");
    assert_eq!(report.dir("outcomes")["pytest"], "8.3.4");
    assert!(report.dir("outcomes")["image"].as_str().unwrap().contains(":local-"));
    let both = report.test("outcomes/test_all.py::test_fails_and_breaks_after")["longrepr"].to_string();
    assert!(both.contains("assert False") && both.contains("cannot close"), "{both}");

    // One suite a dir, readable by a plain XML reader; one log a dir.
    let script = "import sys, xml.etree.ElementTree as e\n\
        for s in e.parse(sys.argv[1]).getroot().iter('testsuite'):\n\
        \x20   print(s.get('name'), s.get('tests'), s.get('failures'), s.get('errors'), len(list(s.iter('testcase'))))\n";
    let junit = repo.join(".wharf/runs/1/junit.xml");
    let xml = sandbox.command("python3").args(["-c", script]).arg(&junit).run();
    xml.assert_code(0);
    let suites: Vec<&str> = xml.stdout.lines().collect();
    assert_eq!(suites.len(), 3, "{suites:?}");
    assert!(suites[1].starts_with("fine 1 0 0 1") && suites[2].starts_with("outcomes 20 5 2 20"), "{suites:?}");
    let log = repo.read(".wharf/runs/1/outcomes.log");
    assert!(log.starts_with("$ docker run") && log.contains("test_all.py"), "{log}");
    assert!(!log.contains('\x1e'), "events are not in the log");
    assert!(repo.read(".wharf/runs/1/report.html").contains("test_fails"));
}

#[test]
fn plugins_and_options_of_the_project_keep_working() {
    let sandbox = Sandbox::new();
    let more = "pytest==8.3.4\npytest-asyncio==0.25.3\npytest-xdist==3.6.1\n";
    let many: String = (0..20).map(|n| format!("def test_{n}(): assert {n} != 7\n")).collect();
    let marked = "import pytest\n@pytest.mark.slow\ndef test_slow(): assert False\n\ndef test_fast(): pass\n";
    let repo = sample::workspace(&sandbox)
        .dir("several/asynchronous", |dir| {
            dir.requirements(more)
                .file("pytest.ini", "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
                .test("test_a.py", "import asyncio\nasync def test_a():\n    await asyncio.sleep(0)\n\nasync def test_b():\n    assert False\n")
        })
        .dir("several/distributed", |dir| {
            dir.requirements(more).file("pytest.ini", "[pytest]\naddopts = -n 2\n").test("test_a.py", &many)
        })
        .dir("several/crashing", |dir| {
            dir.requirements(more)
                .file("pytest.ini", "[pytest]\naddopts = -n 2\n")
                .test("test_a.py", "import os\ndef test_a(): pass\n\ndef test_b(): os._exit(3)\n\ndef test_c(): pass\n")
        })
        .dir("marked", |dir| {
            dir.file("pytest.ini", "[pytest]\naddopts = -m \"not slow\" -q\nmarkers = slow: takes long\n")
                .test("test_a.py", marked)
        })
        .dir("own", |dir| {
            dir.file(
                "conftest.py",
                "import pytest\n\n@pytest.fixture\ndef one(): return 1\n\n\
                 def pytest_itemcollected(item): item._nodeid = item.nodeid.replace('test_renamed', 'test_named')\n",
            )
            .file("pyproject.toml", "[tool.pytest.ini_options]\npython_files = [\"check_*.py\"]\n")
            .test("check_one.py", "def test_one(one): assert one == 1\n\ndef test_renamed(): pass\n")
        })
        .build();
    let output = wharf_test(&sandbox, &repo, EngineKind::Docker, &[]).run();
    output.assert_code(1);
    let report = Report::of_run(&repo, 1);
    report.assert_verdicts("several/asynchronous", &[("test_a.py::test_a", "passed"), ("test_a.py::test_b", "failed")]);
    let distributed = report.verdicts("several/distributed");
    assert_eq!(distributed.len(), 20);
    assert_eq!(distributed.values().filter(|verdict| *verdict == "passed").count(), 19);
    assert_eq!(distributed["test_a.py::test_7"], "failed");
    report.assert_verdicts(
        "several/crashing",
        &[("test_a.py::test_a", "passed"), ("test_a.py::test_b", "crashed"), ("test_a.py::test_c", "passed")],
    );
    report.assert_verdicts("marked", &[("test_a.py::test_fast", "passed")]);
    assert_eq!(report.dir("marked")["summary"]["deselected"], 1);
    assert_eq!(report.0["summary"]["deselected"], 1);
    report.assert_verdicts("own", &[("check_one.py::test_one", "passed"), ("check_one.py::test_named", "passed")]);
}

#[test]
fn a_crash_is_blamed_on_its_test_and_the_others_still_run() {
    let expected = |killed| {
        [
            ("test_a.py::test_before", "passed"),
            ("test_a.py::test_exits", "crashed"),
            ("test_a.py::test_between", "passed"),
            ("test_a.py::test_segfault", "crashed"),
            ("test_a.py::test_after", "passed"),
            ("test_a.py::test_killed", killed),
            ("test_a.py::test_last", "passed"),
        ]
    };
    let memory = "import resource\n\
        def test_out_of_memory():\n\
        \x20   resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))\n\
        \x20   bytearray(1 << 30)\n\n\
        def test_next(): pass\n";
    for engine in engines() {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox)
            .dir("crashing", |dir| dir.test("test_a.py", CRASHES))
            .dir("memory", |dir| dir.test("test_a.py", memory))
            .dir("late", |dir| {
                dir.file("conftest.py", "import os\ndef pytest_sessionfinish(): os._exit(9)\n")
                    .test("test_a.py", "def test(): pass\n")
            })
            .build();
        let output = wharf_test(&sandbox, &repo, engine, &[]).run();
        output.assert_code(1).stdout_contains("CRASHED crashing/test_a.py::test_segfault");
        let report = Report::of_run(&repo, 1);
        let is_first = engine.has_containers() && report.verdicts("crashing")["test_a.py::test_killed"] == "skipped";
        report.assert_verdicts("crashing", &expected(if is_first { "skipped" } else { "crashed" }));
        let message = |test: &str| report.test(&format!("crashing/test_a.py::{test}"))["message"].clone();
        assert_eq!(message("test_segfault"), "segmentation fault", "{engine}");
        if !is_first {
            assert_eq!(message("test_killed"), "it was killed (out of memory?)");
        }
        assert_eq!(report.status("crashing"), "crashed");
        report.assert_verdicts(
            "memory",
            &[("test_a.py::test_out_of_memory", "failed"), ("test_a.py::test_next", "passed")],
        );
        // All tests passed, and yet this is no success.
        report.assert_verdicts("late", &[("test_a.py::test", "passed")]);
        assert_eq!(report.status("late"), "crashed", "{engine}");
    }
}

#[test]
fn a_test_that_takes_too_long_is_ended_and_the_others_still_run() {
    let soft = "import time\n\
        def test_before(): pass\n\n\
        def test_hangs():\n\
        \x20   while True: time.sleep(1)\n\n\
        def test_after(): pass\n";
    let hard = "import signal, ctypes, time\n\
        def test_before(): pass\n\n\
        def test_hangs():\n\
        \x20   signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\n\
        \x20   ctypes.PyDLL(None).sleep(600)\n\n\
        def test_after(): pass\n";
    for engine in engines() {
        let sandbox = Sandbox::new();
        let mut repo = sample::workspace(&sandbox).dir("soft", |dir| dir.test("test_a.py", soft));
        // The longest of these tests; where the signal comes from makes no difference.
        let is_hard = engine != EngineKind::Podman;
        if is_hard {
            repo = repo.dir("hard", |dir| dir.test("test_a.py", hard));
        }
        let repo = repo.build();
        let output = wharf_test(&sandbox, &repo, engine, &["--timeout", "2s"]).run();
        output.assert_code(1).stdout_contains("TIMED OUT soft/test_a.py::test_hangs");
        let report = Report::of_run(&repo, 1);
        let expected = [
            ("test_a.py::test_before", "passed"),
            ("test_a.py::test_hangs", "timed-out"),
            ("test_a.py::test_after", "passed"),
        ];
        report.assert_verdicts("soft", &expected);
        if is_hard {
            report.assert_verdicts("hard", &expected);
        }
        let trace = report.test("soft/test_a.py::test_hangs")["longrepr"].to_string();
        assert!(trace.contains("time.sleep(1)"), "{trace}");
        assert_eq!(report.status("soft"), "failed");
    }
}

#[test]
fn a_retry_makes_flaky_of_what_then_passes() {
    for engine in [EngineKind::Docker, EngineKind::Host] {
        let sandbox = Sandbox::new();
        let repo = sample::workspace(&sandbox)
            .dir("flaky", |dir| dir.test("test_a.py", FLAKY))
            .dir("crashing", |dir| dir.test("test_a.py", &FLAKY.replace("assert False, ", "import os; os._exit(1); ")))
            .build();
        let output = wharf_test(&sandbox, &repo, engine, &["--retries", "1"]).run();
        output.assert_code(1);
        let report = Report::of_run(&repo, 1);
        let expected = [
            ("test_a.py::test_second_time", "flaky"),
            ("test_a.py::test_never", "failed"),
            ("test_a.py::test_always", "passed"),
        ];
        report.assert_verdicts("flaky", &expected);
        report.assert_verdicts("crashing", &expected);
        let second = report.test("flaky/test_a.py::test_second_time");
        assert_eq!(second["attempts"], 2);
        assert!(second["longrepr"].as_str().unwrap().contains("the first time"), "{second}");
        assert_eq!(report.test("flaky/test_a.py::test_never")["attempts"], 2);
        // A flaky test alone is no failure.
        fs_err::remove_file(repo.join("flaky/mark")).unwrap();
        let id = "flaky/test_a.py::test_second_time";
        wharf_test(&sandbox, &repo, engine, &["--retries", "1", id]).run().assert_code(0);
        Report::of_run(&repo, 2).assert_verdicts("flaky", &[("test_a.py::test_second_time", "flaky")]);
    }
}
