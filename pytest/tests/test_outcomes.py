"""Every outcome of a test, and every kind of test."""

import re

import pytest

OUTCOMES = """
    import pytest

    @pytest.fixture
    def bad_setup():
        print("from setup")
        raise ValueError("no setup")

    @pytest.fixture
    def bad_teardown():
        yield
        raise ValueError("no teardown")

    def test_passed(): pass
    def test_failed():
        print("said before")
        assert 1 == 2, "one is not two"
    def test_error(bad_setup): pass
    def test_error_after(bad_teardown): pass
    def test_failed_and_error(bad_teardown): assert 0
    @pytest.mark.skip(reason="not today")
    def test_skip_mark(): pass
    def test_skip_call(): pytest.skip("not now")
    @pytest.mark.xfail(reason="known bug")
    def test_xfailed(): assert 0
    @pytest.mark.xfail(run=False, reason="not even run")
    def test_xfail_norun(): assert 0
    @pytest.mark.xfail(reason="was a bug")
    def test_xpassed(): pass
    @pytest.mark.xfail(strict=True, reason="was a bug")
    def test_xpass_strict(): pass
    def test_skip_and_error(bad_teardown): pytest.skip("gone")
"""


@pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])
def test_each_outcome(project, args):
    project.write("test_a.py", OUTCOMES)
    run = project.run(*args)
    assert run.outcomes() == {
        "infra/test_a.py::" + name: outcome
        for name, outcome in {
            "test_passed": "passed",
            "test_failed": "failed",
            "test_error": "error",
            "test_error_after": "error",
            "test_failed_and_error": "failed",
            "test_skip_mark": "skipped",
            "test_skip_call": "skipped",
            "test_xfailed": "xfailed",
            "test_xfail_norun": "xfailed",
            "test_xpassed": "xpassed",
            "test_xpass_strict": "failed",
            "test_skip_and_error": "error",
        }.items()
    }
    done = run.only("done")
    assert done["exitstatus"] == run.status == 1
    assert done["counts"] == {"passed": 1, "failed": 3, "error": 3, "skipped": 2, "xfailed": 2, "xpassed": 1}
    assert sorted(run.started()) == sorted(run.outcomes()) == sorted(run.listed())
    assert run.only("collected")["count"] == 12

    failed = run.finished("::test_failed")
    assert failed["phase"] == "call"
    assert failed["message"] == "AssertionError: one is not two"
    assert "assert 1 == 2" in failed["longrepr"] and "\x1b[" not in failed["longrepr"]
    assert ["Captured stdout call", "said before\n"] in failed["sections"]
    assert failed["file"] == "infra/test_a.py" and failed["line"] == 15
    assert failed["worker"] in ((None,) if not args else ("gw0", "gw1"))

    error = run.finished("::test_error")
    assert (error["phase"], error["message"]) == ("setup", "ValueError: no setup")
    assert ["Captured stdout setup", "from setup\n"] in error["sections"]
    assert run.finished("::test_error_after")["phase"] == "teardown"
    both = run.finished("::test_failed_and_error")
    assert both["phase"] == "call" and "assert 0" in both["longrepr"] and "no teardown" in both["longrepr"]
    assert run.finished("::test_skip_mark")["message"] == "not today"
    assert run.finished("::test_skip_call")["message"] == "not now"
    assert run.finished("::test_xfailed")["message"] == "known bug"
    assert run.finished("::test_xpassed")["message"] == "was a bug"
    assert "XPASS(strict)" in run.finished("::test_xpass_strict")["longrepr"]


def test_passed_event_is_complete_and_ordered(project):
    project.write("test_a.py", "import time\ndef test_a(): time.sleep(0.05)\ndef test_b(): print('x')\n")
    run = project.run("-s")
    names = [(e["event"], e.get("id")) for e in run.events]
    a, b = "infra/test_a.py::test_a", "infra/test_a.py::test_b"
    assert names == [
        ("session", None), ("collected", None), ("items", None),
        ("started", a), ("finished", a), ("started", b), ("finished", b), ("done", None),
    ]
    event = run.finished("::test_a")
    assert 0.05 <= event.pop("duration") < 5
    assert event == {
        "wharf": run.nonce, "event": "finished", "id": a, "outcome": "passed", "phase": None, "message": "",
        "longrepr": "", "sections": [], "file": "infra/test_a.py", "line": 2, "worker": None,
    }
    session = run.only("session")
    assert session["pytest"] == pytest.__version__ and session["xdist"] == 0 and session["rootdir"] == "infra"


def test_classes_parameters_and_unittest(project):
    project.write("sub/test_k.py", """
        import unittest, pytest
        class TestOne:
            @pytest.mark.parametrize("v", ["a::b", "x/y", "\\u00e9\\n", 3])
            def test_p(self, v): pass
            class TestInner:
                def test_i(self): assert 0
        class Case(unittest.TestCase):
            def setUp(self): self.x = 1
            def test_u(self): self.assertEqual(self.x, 1)
            def test_f(self): self.assertEqual(self.x, 2)
            @unittest.skip("later")
            def test_s(self): pass
            @unittest.expectedFailure
            def test_x(self): self.fail()
            @unittest.expectedFailure
            def test_y(self): pass
        class Broken(unittest.TestCase):
            @classmethod
            def setUpClass(cls): raise RuntimeError("no class")
            def test_b(self): pass
    """)
    run = project.run()
    found = run.outcomes()
    base = "infra/sub/test_k.py::"
    assert found[base + "TestOne::test_p[a::b]"] == found[base + "TestOne::test_p[x/y]"] == "passed"
    assert found[base + "TestOne::TestInner::test_i"] == "failed"
    assert {k[len(base):]: v for k, v in found.items() if "Case" in k or "Broken" in k} == {
        "Case::test_u": "passed", "Case::test_f": "failed", "Case::test_s": "skipped",
        "Case::test_x": "xfailed", "Case::test_y": "failed", "Broken::test_b": "error",
    }
    assert run.finished("Case::test_s")["message"] == "later"
    assert len(run.listed()) == len(found) == 11


def test_doctests(project):
    project.write("mod.py", '''
        """
        >>> 1 + 1
        3
        """
        def f():
            """
            >>> f()
            4
            """
            return 4
    ''')
    run = project.run("--doctest-modules")
    assert run.outcomes() == {"infra/mod.py::mod": "failed", "infra/mod.py::mod.f": "passed"}
    failed = run.finished("::mod")
    assert "Expected:" in failed["longrepr"] and failed["message"]


@pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])
def test_async(project, args):
    project.write("pytest.ini", "[pytest]\nasyncio_mode = strict\n" if pytest.__version__ > "7" else "[pytest]\n")
    project.write("test_a.py", """
        import asyncio, pytest
        @pytest.mark.asyncio
        async def test_a(): await asyncio.sleep(0)
        @pytest.mark.asyncio
        async def test_b():
            await asyncio.sleep(0)
            assert 0
        @pytest.mark.anyio
        @pytest.mark.parametrize("anyio_backend", ["asyncio"])
        async def test_c(anyio_backend): await asyncio.sleep(0)
        @pytest.mark.asyncio
        async def test_d(): await asyncio.sleep(60)
    """)
    run = project.run(*args, settings={"timeout": 1, "grace": 5}, env={"PYTEST_DISABLE_PLUGIN_AUTOLOAD": None})
    assert run.outcomes() == {
        "infra/test_a.py::test_a": "passed", "infra/test_a.py::test_b": "failed",
        "infra/test_a.py::test_c[asyncio]": "passed", "infra/test_a.py::test_d": "timed_out",
    }


@pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])
def test_subtests(project, args):
    project.write("test_s.py", """
        import unittest, pytest
        def test_fails(subtests):
            for i in range(4):
                with subtests.test("check", i=i):
                    print("in", i)
                    assert i % 2 == 0
        def test_fails_also_itself(subtests):
            with subtests.test("inner"):
                assert "in subtest" == 0
            assert "in test" == 0
        def test_fine(subtests):
            with subtests.test(i=1): pass
        def test_skips(subtests):
            with subtests.test(i=1): pytest.skip("part")
        class T(unittest.TestCase):
            def test_u(self):
                for i in range(3):
                    with self.subTest(i=i): self.assertEqual(i, 1)
    """)
    run = project.run(*args, plugins=[] if int(pytest.__version__.split(".")[0]) >= 9 else ["subtests"])
    base = "infra/test_s.py::"
    assert run.outcomes() == {
        base + "test_fails": "failed", base + "test_fails_also_itself": "failed", base + "test_fine": "passed",
        base + "test_skips": "passed", base + "T::test_u": "failed",
    }
    event = run.finished("::test_fails")
    assert event["longrepr"].count("subtest [check]") == 2 and re.search("i=.?1.?\\).*i=.?3.?\\)", event["longrepr"], re.S)
    assert "assert (1 % 2) == 0" in event["longrepr"]
    assert any("in 3" in text for _, text in event["sections"])
    both = run.finished("::test_fails_also_itself")
    assert "in subtest" in both["longrepr"] and "in test" in both["longrepr"]


@pytest.mark.parametrize("args", [[], ["-n", "2"]], ids=["plain", "xdist"])
def test_reruns(project, args):
    project.write("test_r.py", """
        import os
        def once(name):
            first = not os.path.exists(name)
            open(name, "w").close()
            return first
        def test_flaky(): assert not once("flaky-ran")
        def test_never(): assert 0
        def test_always(): pass
    """)
    run = project.run("--reruns", "2", *args)
    base = "infra/test_r.py::"
    assert run.outcomes() == {base + "test_flaky": "passed", base + "test_never": "failed", base + "test_always": "passed"}
    flaky, never, always = (run.finished("::test_" + name) for name in ("flaky", "never", "always"))
    assert (flaky["reruns"], flaky["flaky"]) == (1, True)
    assert never["reruns"] == 2 and "flaky" not in never
    assert "reruns" not in always


def test_interrupted_session_still_finishes_its_test(project):
    project.write("test_a.py", "import pytest\ndef test_a(): pytest.exit('enough')\ndef test_b(): pass\n")
    run = project.run()
    event = run.finished("::test_a")
    assert event["outcome"] == "error" and "enough" in event["message"] and event["phase"] is None
    assert run.only("done")["exitstatus"] == run.status == 2
    assert run.started() == ["infra/test_a.py::test_a"] and len(run.listed()) == 2
